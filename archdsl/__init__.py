"""archdsl: a compiler for neural-network architectures.

>>> import archdsl
>>> network = archdsl.load("vgg19")
>>> module = archdsl.compile("vgg19")

The package is a room for each stage, in the order data flows: ``frontend`` (text to expanded
network), ``ir`` (the network), ``layers`` (the catalogue), ``analysis`` (shapes, costs, advice,
equivalence), ``backends`` and ``viz`` (modules, files, pictures), ``dlib`` and ``importers``
(networks from elsewhere), ``inference``, ``training``, ``editor`` and ``cli``.
"""

from archdsl.api import Network, compile, load, split_points
from archdsl.diagnostics import ArchError, Diagnostic

__version__ = "0.1.0"

__all__ = ["ArchError", "Diagnostic", "Network", "__version__", "compile", "load", "split_points"]
