"""``.pdf``: the drawing on a page of its size."""

from __future__ import annotations

from archdsl.graph.model import Network
from archdsl.targets.draw.files import svg
from archdsl.targets.draw.options import Options
from archdsl.targets.draw.raster import pdf


def encode(network: Network, options: Options) -> bytes:
    """The content of a PDF file."""
    return pdf(svg(network, options))
