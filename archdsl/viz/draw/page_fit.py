"""Choice of levels and of the direction of flow so that a figure fits a page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import product
from typing import Protocol

from archdsl.viz.draw.beside import Surroundings
from archdsl.viz.draw.box_sizes import SMALL, sized
from archdsl.viz.draw.collapse import Levels
from archdsl.viz.draw.colours import Colouring
from archdsl.viz.draw.cross_axis import BETWEEN_PARTS
from archdsl.viz.draw.diagram import ALONE, Beside, Diagram
from archdsl.viz.draw.layout import Layout
from archdsl.viz.draw.options import DrawOptions
from archdsl.viz.draw.page import NARROWEST, Page, page_of
from archdsl.viz.draw.placed import Placed
from archdsl.viz.draw.themes import Theme
from archdsl.viz.draw.u_shape import u_shape

SMALLEST = 7.0
"""Points that the smallest text has at least on a page that a figure fits."""

_COLUMNS = 9
_SNAKE, _ACROSS = 0.9, 0.85
"""Gain in text size that a direction needs to be taken instead of top to bottom."""
_GOOD = 0.98


_WITH = (Beside(), Beside(costs=False))
_BESIDE = {
    "none": ((ALONE,),),
    "auto": (_WITH, (Beside(costs=False, repeated=True),), (ALONE,)),
    "all": (_WITH,),
}
"""What is tried one after the other, by the option."""


@dataclass(frozen=True)
class FittedFigure:
    """A page, the diagram on it, and the meaning of its colours."""

    page: Page
    diagram: Diagram
    colouring: Colouring


@dataclass(frozen=True)
class _Try:
    page: Page
    scale: float
    """Of the figure on the page that it is to fit, at most 1."""
    score: float


class DiagramSource(Protocol):
    """A maker of diagrams for every choice of levels."""

    def levels(self) -> int:
        """Number of levels of template instances; at this depth none is closed."""
        ...

    def diagram(self, levels: Levels, *, usual: bool = True, details: Beside = ALONE) -> Diagram:
        """The diagram with these levels; with ``usual``, its legend says what most boxes hold.

        With ``details`` it has the inside of what is closed, where it can be had.
        """
        ...


class Fitter:
    """Finds the finest levels and the direction with which a diagram fits a page."""

    def __init__(self, source: DiagramSource, options: DrawOptions, theme: Theme) -> None:
        self._options, self._theme = options, theme
        self._source = source
        self._usual = options.legend is not False and options.colour == "category"

    def figure(self) -> FittedFigure:
        """The figure with the levels asked for, else with the finest that fit.

        Details of closed blocks are part of it where they fit as well, or are asked for. What is
        expanded or collapsed beside that changes neither.
        """
        options = self._options
        levels, details = self._chosen()
        levels = replace(levels, expand=options.expand, collapse=options.collapse)
        diagram = self._source.diagram(levels, usual=self._usual, details=details)
        return self._figure(diagram)[0]

    def _chosen(self) -> tuple[Levels, Beside]:
        """The finest levels that fit, with details if that can be; the last that was tried."""
        for chosen in _BESIDE[self._options.details]:
            for levels, details in product(self._choices(), chosen):
                diagram = self._source.diagram(levels, usual=self._usual, details=details)
                if self._outgrows(diagram):
                    continue
                if self._figure(diagram)[1] * SMALL >= SMALLEST:
                    return levels, details
        return levels, details

    def _choices(self) -> Iterable[Levels]:
        """Levels from the finest to the coarsest, unless some are asked for."""
        if self._options.depth is not None:
            return [Levels(self._options.depth)]
        count = self._source.levels()
        return [Levels(), *map(Levels, range(count, 0, -1)), Levels(1, nested=False)]

    def _outgrows(self, diagram: Diagram) -> bool:
        """True if the boxes alone need more than a page, so that placing them is of no use."""
        room = max(w * h for w, h in self._theme.pages) * (SMALL / SMALLEST) ** 2
        for box in diagram.boxes():
            size = sized(box)
            room -= (size.width + BETWEEN_PARTS) * (size.height + BETWEEN_PARTS)
            if room < 0:
                return True
        return False

    def _figure(self, diagram: Diagram) -> tuple[FittedFigure, float]:
        """The figure in the direction that suits it, and its scale on the page."""
        colouring = Colouring(diagram, self._theme, self._options.colour)
        best: _Try | None = None
        surroundings = Surroundings(diagram)
        for figure, preference in self._directions(diagram):
            for placed in surroundings.around(figure):
                tried = self._tried(placed, preference, diagram, colouring)
                if best is None or tried.score > best.score:
                    best = tried
            if best is not None and best.score >= _GOOD:
                break
        assert best is not None
        return FittedFigure(best.page, diagram, colouring), best.scale

    def _directions(self, diagram: Diagram) -> Iterable[tuple[Placed, float]]:
        """The diagram in every direction that may be taken, and how much that one is liked."""
        wanted = self._options.direction
        whole = u_shape(diagram) if wanted is None else None
        if whole is not None:
            yield whole, 1.0
            return
        if wanted in (None, "TB", "snake"):
            layout = Layout(diagram)
            down = layout.placed()
            if wanted != "snake":
                yield down, 1.0
            if wanted != "TB":
                for columns in range(2, _COLUMNS):
                    placed = layout.placed(down.height / columns * 1.08 + 30)
                    yield placed, _SNAKE
                    if placed.width > placed.height * NARROWEST:
                        break
        if wanted in (None, "LR"):
            yield Layout(diagram, across=True).placed(), _ACROSS

    def _tried(
        self, placed: Placed, preference: float, diagram: Diagram, colouring: Colouring
    ) -> _Try:
        options = self._options
        title = diagram.title if options.title is None else options.title
        swatches = [] if options.legend is False else colouring.legend()
        page = page_of(placed, title, diagram.totals, swatches, padded=options.direction is None)
        scale = max(min(1.0, w / page.width, h / page.height) for w, h in self._theme.pages)
        # A figure much narrower than the page leaves most of it empty.
        filled = max(placed.width / placed.height, placed.height / placed.width) / NARROWEST
        return _Try(page, scale, scale * preference * min(1.0, (1.6 / max(filled, 0.01)) ** 0.5))
