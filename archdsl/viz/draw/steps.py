"""A figure in steps, for a talk: each picture has one part more, at the same place and page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from archdsl.diagnostics import fail
from archdsl.ir.network import Network
from archdsl.viz.draw.diagram import Cluster
from archdsl.viz.draw.figure import fitted
from archdsl.viz.draw.options import DrawOptions
from archdsl.viz.draw.page_fit import FittedFigure
from archdsl.viz.draw.raster import pdf, png
from archdsl.viz.draw.svg import svg_text
from archdsl.viz.draw.themes import THEMES

SUFFIXES = (".svg", ".png", ".pdf")


def drawn_in_steps(network: Network, suffix: str, options: DrawOptions) -> list[bytes]:
    """The pictures of a checked network, each with one more of its parts, as files' contents.

    Raises ArchError for a suffix that is none of :data:`SUFFIXES`, and for styles and layouts that
    are no figure of parts.
    """
    if suffix not in SUFFIXES:
        raise fail(f"--steps draws no '{suffix}'", None, f"expected one of {', '.join(SUFFIXES)}")
    if options.style not in THEMES or options.engine is not None:
        raise fail("only figures of boxes are drawn in steps", help="leave out --style or --engine")
    figure, theme = fitted(network, options)
    texts = (svg_text(step, theme, options.font) for step in steps(figure))
    if suffix == ".pdf":
        return [pdf(text) for text in texts]
    if suffix == ".png":
        dpi = () if options.dpi is None else (options.dpi,)
        return [png(text, *dpi) for text in texts]
    return [text.encode() for text in texts]


def steps(figure: FittedFigure) -> Iterable[FittedFigure]:
    """The figure with the first of its parts, with the first two, and so on; the last is whole.

    A detail comes with the first block that it shows.
    """
    shown: set[str] = set()
    children = figure.diagram.root.children
    for number, child in enumerate(children):
        shown.add(child.id)
        if isinstance(child, Cluster):
            shown.update(part.id for part in child.walk())
        if number + 1 < len(children) - len(figure.diagram.ends) or child is children[-1]:
            yield _part(figure, shown)


def _part(figure: FittedFigure, shown: set[str]) -> FittedFigure:
    """The figure with some of its parts alone."""
    names = set(shown)
    waiting = [box for box in figure.diagram.root.boxes() if box.id in shown]
    missing = list(figure.diagram.details)
    while waiting:
        box = waiting.pop()
        for detail in [each for each in missing if each.shows(box)]:
            missing.remove(detail)
            names |= {detail.letter, *(part.id for part in detail.root.walk())}
            waiting += detail.root.boxes()
    placed = figure.page.placed
    part = replace(
        placed,
        frames=tuple(frame for frame in placed.frames if frame.cluster.id in names),
        edges=tuple(e for e in placed.edges if {e.edge.source, e.edge.target} <= names),
        boxes=tuple(box for box in placed.boxes if box.box.id in names),
        ends=tuple(end for end in placed.ends if end.end.id in names),
    )
    return replace(figure, page=replace(figure.page, placed=part))
