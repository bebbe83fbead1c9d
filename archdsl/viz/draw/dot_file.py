"""``.dot``: what is drawn, as text for Graphviz, which lays it out as it likes."""

from __future__ import annotations

from archdsl.ir.network import Network
from archdsl.viz.draw.dot import dot_source
from archdsl.viz.draw.figure import fitted
from archdsl.viz.draw.options import DrawOptions


def encode(network: Network, options: DrawOptions) -> bytes:
    """The content of a DOT file; a style that is no figure gets the colours of paper."""
    figure, theme = fitted(network, options)
    return dot_source(figure.diagram, figure.colouring, theme, options.flow).encode()
