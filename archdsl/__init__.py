"""archdsl: a compiler for neural-network architectures.

>>> import archdsl
>>> network = archdsl.load("vgg19")
>>> module = archdsl.compile("vgg19")

The package is a room for each stage, in the order data flows: ``frontend`` (text to expanded
network), ``ir`` (the network), ``layers`` (the catalogue), ``analysis`` (shapes, costs, advice,
equivalence), ``backends`` and ``viz`` (modules, files, pictures), ``dlib`` and ``importers``
(networks from elsewhere), ``inference``, ``training``, ``editor``, ``playground`` and ``cli``.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archdsl.api import Network, compile, load, split_points
    from archdsl.diagnostics import ArchError, Diagnostic

__version__ = "0.1.0"

__all__ = ["ArchError", "Diagnostic", "Network", "__version__", "compile", "load", "split_points"]


def __getattr__(name: str) -> Any:
    """A name of the API, imported when it is first used: the command starts faster without."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "diagnostics" if name in ("ArchError", "Diagnostic") else "api"
    found = globals()[name] = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    return found


def load_ipython_extension(shell: Any) -> None:
    """Add the cell magic ``%%arch`` to a notebook; ``%load_ext archdsl`` asks for it."""
    importlib.import_module(f"{__name__}.editor.magic").add_to(shell)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
