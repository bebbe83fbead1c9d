"""The figure of boxes and lines as SVG."""

from __future__ import annotations

from archdsl.ir.network import Network
from archdsl.viz.draw.from_network import DiagramBuilder
from archdsl.viz.draw.options import DrawOptions
from archdsl.viz.draw.page_fit import Fitter
from archdsl.viz.draw.svg import svg_text
from archdsl.viz.draw.themes import THEMES


def svg(network: Network, options: DrawOptions) -> str:
    """The figure of a checked network as an SVG document."""
    theme = THEMES[options.style]
    reader = DiagramBuilder(network, fold=options.fold, fuse=options.fuse)
    return svg_text(Fitter(reader, options, theme).figure(), theme, options.font)
