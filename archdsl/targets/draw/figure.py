"""The styles that draw boxes and lines."""

from __future__ import annotations

from archdsl.graph.model import Network
from archdsl.targets.draw.fitting import Fitter
from archdsl.targets.draw.options import Options
from archdsl.targets.draw.reading import Reader
from archdsl.targets.draw.svg import svg_text
from archdsl.targets.draw.themes import THEMES


def svg(network: Network, options: Options) -> str:
    """The figure of a checked network as an SVG document."""
    theme = THEMES[options.style]
    reader = Reader(network, fold=options.fold, fuse=options.fuse)
    return svg_text(Fitter(reader, options, theme).figure(), theme, options.font)
