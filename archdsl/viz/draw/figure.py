"""The figure of boxes and lines: fitted to its page, and as SVG."""

from __future__ import annotations

from archdsl.ir.network import Network
from archdsl.viz.draw.from_network import DiagramBuilder
from archdsl.viz.draw.options import DrawOptions
from archdsl.viz.draw.page_fit import FittedFigure, Fitter
from archdsl.viz.draw.svg import svg_text
from archdsl.viz.draw.themes import THEMES, Theme


def fitted(network: Network, options: DrawOptions) -> tuple[FittedFigure, Theme]:
    """The figure of a checked network with its theme; that of paper for styles of other figures."""
    theme = THEMES.get(options.style, THEMES["paper"])
    reader = DiagramBuilder(network, fold=options.fold, fuse=options.fuse)
    return Fitter(reader, options, theme).figure(), theme


def svg(network: Network, options: DrawOptions) -> str:
    """The figure of a checked network as an SVG document."""
    return svg_text(*fitted(network, options), options.font)
