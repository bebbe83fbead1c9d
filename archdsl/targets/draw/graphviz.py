"""``.dot``: what is drawn, as text for Graphviz, which lays it out as it likes."""

from __future__ import annotations

from archdsl.graph.model import Network
from archdsl.targets.draw.dot import dot_source
from archdsl.targets.draw.fitting import Fitter
from archdsl.targets.draw.options import Options
from archdsl.targets.draw.reading import Reader
from archdsl.targets.draw.themes import THEMES


def encode(network: Network, options: Options) -> bytes:
    """The content of a DOT file; a style that is no figure gets the colours of paper."""
    theme = THEMES.get(options.style, THEMES["paper"])
    reader = Reader(network, fold=options.fold, fuse=options.fuse)
    figure = Fitter(reader, options, theme).figure()
    direction = "LR" if options.direction == "LR" else "TB"
    return dot_source(figure.diagram, figure.colouring, theme, direction).encode()
