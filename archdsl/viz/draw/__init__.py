"""Drawings: checked network → diagram → placed → SVG, and from that all other pictures.

The diagram says what is drawn (boxes, clusters, edges), the placed diagram where; both are values
that do not change. The layout is our own: networks are nearly series-parallel, and one layout gives
the same bytes on every machine.
"""

from __future__ import annotations

from typing import Any

from archdsl.ir.network import Network
from archdsl.viz.draw.diagram import Box, Cluster, Diagram
from archdsl.viz.draw.files import PICTURES, STYLES, encoded
from archdsl.viz.draw.from_network import diagram_of
from archdsl.viz.draw.options import COLOURS, DETAILS, DIRECTIONS, ENGINES, SCALES, DrawOptions
from archdsl.viz.draw.steps import drawn_in_steps

__all__ = [
    "COLOURS",
    "DETAILS",
    "DIRECTIONS",
    "ENGINES",
    "PICTURES",
    "SCALES",
    "STYLES",
    "Box",
    "Cluster",
    "Diagram",
    "DrawOptions",
    "diagram_of",
    "draw",
    "draw_steps",
]


def draw_steps(network: Network, suffix: str = ".svg", **options: Any) -> list[bytes]:
    """The drawing of a checked network in pictures for a talk, each with one part more.

    Raises ArchError as :func:`draw` does, and for what has no parts to be drawn one by one.
    """
    return drawn_in_steps(network, suffix, DrawOptions(**options))


def draw(network: Network, suffix: str = ".svg", **options: Any) -> bytes:
    """The drawing of a checked network as the content of a file.

    ``suffix`` is one of :data:`PICTURES`, ``options`` are the fields of :class:`DrawOptions`.
    Raises ArchError for another suffix, an unknown style, and for patterns that fit no block.
    """
    return encoded(network, suffix, DrawOptions(**options))
