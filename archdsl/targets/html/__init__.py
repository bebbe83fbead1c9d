"""The interactive page: checked network → JSON document → one HTML file that works offline.

What the page does is written in ``page/``, scripts and styles that are put into every page as they
stand; a network comes in as data only.
"""

from __future__ import annotations

from archdsl.graph.model import Network
from archdsl.targets.html.document import document
from archdsl.targets.html.page import page

__all__ = ["html"]


def html(network: Network, *, fold: bool = True, depth: int | None = None) -> bytes:
    """The page of a checked network; the same bytes for equal networks.

    It opens with equal blocks in a row shown once, unless ``fold`` is false, and with the blocks
    around ``depth`` levels open, else with as many as fit a window.
    """
    return page(document(network, fold=fold, depth=depth))
