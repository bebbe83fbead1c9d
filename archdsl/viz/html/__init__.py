"""The interactive page: checked network → JSON document → one HTML file that works offline.

What the page does is written in ``page/``, scripts and styles that are put into every page as they
stand; a network comes in as data only.
"""

from __future__ import annotations

from archdsl.ir.network import Network
from archdsl.viz.draw.figure import detail_pictures
from archdsl.viz.draw.options import DrawOptions
from archdsl.viz.html.document import document
from archdsl.viz.html.page import page

__all__ = ["encode"]


def encode(network: Network, options: DrawOptions) -> bytes:
    """The page of a checked network; the same bytes for equal networks.

    It opens with equal blocks in a row shown once, unless ``fold`` is off, and with the blocks
    around ``depth`` levels open, else with as many as fit a window. Beside them are the details of
    the figure. The fragment of its address says what is open, chosen and seen.
    """
    details = detail_pictures(network, DrawOptions(fold=options.fold, depth=options.depth))
    return page(document(network, fold=options.fold, depth=options.depth, details=details))
