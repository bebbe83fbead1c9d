"""``.svg``: the drawing itself."""

from __future__ import annotations

from archdsl.graph.model import Network
from archdsl.targets.draw.files import svg
from archdsl.targets.draw.options import Options


def encode(network: Network, options: Options) -> bytes:
    """The content of an SVG file."""
    return svg(network, options).encode()
