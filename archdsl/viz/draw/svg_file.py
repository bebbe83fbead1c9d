"""``.svg``: the drawing itself."""

from __future__ import annotations

from archdsl.ir.network import Network
from archdsl.viz.draw.files import svg
from archdsl.viz.draw.options import DrawOptions


def encode(network: Network, options: DrawOptions) -> bytes:
    """The content of an SVG file."""
    return svg(network, options).encode()
