"""The figure of boxes and lines: fitted to its page, and as SVG."""

from __future__ import annotations

from typing import NamedTuple

from archdsl.ir.network import Network
from archdsl.viz.draw.beside import framed
from archdsl.viz.draw.diagram import Diagram
from archdsl.viz.draw.from_network import DiagramBuilder
from archdsl.viz.draw.options import DrawOptions
from archdsl.viz.draw.page import Page
from archdsl.viz.draw.page_fit import FittedFigure, Fitter
from archdsl.viz.draw.svg import svg_text
from archdsl.viz.draw.themes import THEMES, Theme


def fitted(network: Network, options: DrawOptions) -> tuple[FittedFigure, Theme]:
    """The figure of a checked network with its theme; that of paper for styles of other figures."""
    theme = THEMES.get(options.style, THEMES["paper"])
    reader = DiagramBuilder(network, fold=options.fold, fuse=options.fuse)
    return Fitter(reader, options, theme).figure(), theme


class DetailPicture(NamedTuple):
    """The inside of closed blocks as a picture of its own."""

    title: str
    svg: str


def detail_pictures(network: Network, options: DrawOptions) -> list[DetailPicture]:
    """The details of the figure of a checked network, one by one."""
    figure, theme = fitted(network, options)
    pictures = []
    for detail in figure.diagram.details:
        placed = framed(detail)
        page = Page(placed.width + 2.0, placed.height + 2.0, (), placed, (1.0, 1.0), ())
        alone = Diagram(detail.title, "", detail.root, detail.edges, ())
        svg = svg_text(FittedFigure(page, alone, figure.colouring), theme)
        pictures.append(DetailPicture(detail.title, svg))
    return pictures


def svg(network: Network, options: DrawOptions) -> str:
    """The figure of a checked network as an SVG document."""
    return svg_text(*fitted(network, options), options.font)
