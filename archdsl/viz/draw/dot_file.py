"""``.dot``: what is drawn, as text for Graphviz, which lays it out as it likes."""

from __future__ import annotations

from archdsl.ir.network import Network
from archdsl.viz.draw.dot import dot_source
from archdsl.viz.draw.from_network import DiagramBuilder
from archdsl.viz.draw.options import DrawOptions
from archdsl.viz.draw.page_fit import Fitter
from archdsl.viz.draw.themes import THEMES


def encode(network: Network, options: DrawOptions) -> bytes:
    """The content of a DOT file; a style that is no figure gets the colours of paper."""
    theme = THEMES.get(options.style, THEMES["paper"])
    reader = DiagramBuilder(network, fold=options.fold, fuse=options.fuse)
    figure = Fitter(reader, options, theme).figure()
    direction = "LR" if options.direction == "LR" else "TB"
    return dot_source(figure.diagram, figure.colouring, theme, direction).encode()
