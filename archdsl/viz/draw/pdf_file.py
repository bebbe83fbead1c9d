"""``.pdf``: the drawing on a page of its size."""

from __future__ import annotations

from archdsl.ir.network import Network
from archdsl.viz.draw.files import svg
from archdsl.viz.draw.options import DrawOptions
from archdsl.viz.draw.raster import pdf


def encode(network: Network, options: DrawOptions) -> bytes:
    """The content of a PDF file."""
    return pdf(svg(network, options))
