"""archdsl: a compiler for neural-network architectures.

>>> import archdsl
>>> network = archdsl.load("vgg19")
>>> module = archdsl.compile("vgg19")
"""

from archdsl.api import Network, compile, load
from archdsl.diagnostics import ArchError, Diagnostic

__version__ = "0.1.0"

__all__ = ["ArchError", "Diagnostic", "Network", "__version__", "compile", "load"]
