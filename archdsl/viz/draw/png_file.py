"""``.png``: the drawing in pixels."""

from __future__ import annotations

from archdsl.ir.network import Network
from archdsl.viz.draw.files import svg
from archdsl.viz.draw.options import DrawOptions
from archdsl.viz.draw.raster import png


def encode(network: Network, options: DrawOptions) -> bytes:
    """The content of a PNG file."""
    text = svg(network, options)
    return png(text) if options.dpi is None else png(text, options.dpi)
