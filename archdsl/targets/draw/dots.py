"""``.png``: the drawing in pixels."""

from __future__ import annotations

from archdsl.graph.model import Network
from archdsl.targets.draw.files import svg
from archdsl.targets.draw.options import Options
from archdsl.targets.draw.raster import png


def encode(network: Network, options: Options) -> bytes:
    """The content of a PNG file."""
    text = svg(network, options)
    return png(text) if options.dpi is None else png(text, options.dpi)
