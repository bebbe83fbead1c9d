"""Choice of levels and of the direction of flow so that a figure fits a page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from archdsl.viz.draw.beside import Surroundings, Whole
from archdsl.viz.draw.box_sizes import SMALL, sized
from archdsl.viz.draw.collapse import Levels
from archdsl.viz.draw.colours import Colouring
from archdsl.viz.draw.cross_axis import BETWEEN_PARTS
from archdsl.viz.draw.diagram import ALONE, Beside, Diagram
from archdsl.viz.draw.layout import Layout
from archdsl.viz.draw.options import DrawOptions, page_size
from archdsl.viz.draw.page import NARROWEST, Page, page_of
from archdsl.viz.draw.placed import Placed, Sketch
from archdsl.viz.draw.themes import Theme
from archdsl.viz.draw.u_shape import u_shape

_COLUMNS = 9
_SNAKE, _ACROSS = 0.9, 0.85
"""Gain in text size that a direction needs to be taken instead of top to bottom."""
_GOOD = 0.98
_NEAR = 0.75


_WITH = (Beside(), Beside(costs=False))
_NAMES = Beside(any=False, costs=False, sizes=False)
_FEW = (3, 2, 1)
_SOME = tuple((Beside(costs=False, most=number),) for number in (4, *_FEW))
_WITHOUT = (ALONE, Beside(any=False, costs=False), _NAMES)
_INSTEAD = (*_WITHOUT[:2], *(Beside(costs=False, sizes=False, most=n) for n in _FEW), _NAMES)
"""Selections without sizes; there may be room for details in their stead."""
_BESIDE = {
    "none": (_WITHOUT,),
    "auto": (_WITH, (Beside(costs=False, repeated=True),), *_SOME, _INSTEAD),
    "staged": (_WITH, *_SOME, _INSTEAD),
    "all": (_WITH,),
}
"""Selections that are tried one after the other, by the option; ``staged`` is detectors' auto."""


@dataclass(frozen=True)
class FittedFigure:
    """A page, the diagram on it, and the meaning of its colours."""

    page: Page
    diagram: Diagram
    colouring: Colouring


@dataclass(frozen=True)
class _Try:
    whole: Whole
    page: Page
    """Of the size that it needs, without what is in it."""
    scale: float
    """Of the figure on the page that it is to fit, at most 1."""
    score: float


_Key = tuple[bool, bool, tuple[tuple[str, str, bool], ...]]
"""Costs and sizes that blocks tell, and the boxes of a figure with those of its details."""


def _key(diagram: Diagram, details: Beside) -> _Key:
    """Equal for selections that come to the same figure, as levels without inner blocks do."""
    boxes = tuple((box.id, box.scope, box.block) for box in diagram.boxes())
    closed = any(block for *_, block in boxes)
    return closed and details.costs, closed and details.sizes, boxes


class DiagramSource(Protocol):
    """A maker of diagrams for every choice of levels."""

    def levels(self) -> int:
        """Number of levels of template instances; at this depth none is closed."""
        ...

    def staged(self) -> bool:
        """True if there are blocks whose inside is what a detector is known for."""
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
        fixed = options.page is not None or len(theme.pages) == 1
        self._pages = theme.pages
        if options.page is not None:
            size = page_size(options.page)
            self._pages = (size, size[::-1]) if options.page == "A4" else (size,)
            fixed = options.page != "A4"
        self._shape = self._pages[0][0] / self._pages[0][1] if fixed else None
        self._source = source
        wanted = options.details
        if wanted == "auto" and theme.enlarged > 1:
            # A slide has few boxes: nothing is beside its figure unless that is asked for.
            wanted = "none"
        elif wanted == "auto" and source.staged():
            wanted = "staged"
        self._beside = _BESIDE[wanted]
        if options.depth is not None:  # for levels that are asked for no words are given up
            self._beside = tuple((each[0],) if each[0] is ALONE else each for each in self._beside)
        self._last = _WITHOUT[0] if options.details != "all" else _WITH[0]
        self._sizes: dict[tuple[Levels, Beside], float] = {}
        self._found: dict[_Key, _Try] = {}
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
        key = _key(diagram, details)
        if key not in self._found:
            self._found[key] = self._best(diagram, Surroundings(diagram))
        colouring = Colouring(diagram, self._theme, options.colour)
        best = self._found[key]
        page = replace(best.page, placed=best.whole.placed())
        return FittedFigure(page, diagram, colouring)

    def _chosen(self) -> tuple[Levels, Beside]:
        """The finest levels that fit, with details if that can be; else the coarsest ones."""
        wanted = self._theme.smallest
        for choices in self._choices():
            for chosen in self._beside:
                for levels in choices:
                    for details in chosen:
                        if details.any and self._smallest_text(levels, _NAMES) < wanted:
                            continue  # with details it is hardly ever larger
                        if details.most is not None and details.most > 1:
                            one = details._replace(most=1)
                            if self._smallest_text(levels, one) < wanted:
                                continue  # nor with more of them
                        size = self._smallest_text(levels, details)
                        if size >= wanted:
                            return levels, details
                        if size < wanted * _NEAR:  # fewer words in the boxes are of no use
                            break
        return levels, self._last

    def _smallest_text(self, levels: Levels, details: Beside) -> float:
        """Points of the smallest text on the page, 0 where trying is of no use."""
        if (levels, details) not in self._sizes:
            self._sizes[levels, details] = self._measured(levels, details)
        return self._sizes[levels, details]

    def _measured(self, levels: Levels, details: Beside) -> float:
        diagram = self._source.diagram(levels, usual=self._usual, details=details)
        if details.any and not diagram.details and any(box.block for box in diagram.boxes()):
            return 0.0  # of fewer kinds there may be details
        key = _key(diagram, details)
        if key not in self._found:
            surroundings = Surroundings(diagram)
            if self._outgrows(diagram, surroundings):
                return 0.0
            self._found[key] = self._best(diagram, surroundings)
        return self._found[key].scale * SMALL

    def _choices(self) -> Iterable[list[Levels]]:
        """Levels from the finest to the coarsest, unless some are asked for.

        What a detector does from stage to stage comes before what is inside of a backbone.
        """
        if self._options.depth is not None:
            yield [Levels(self._options.depth)]
            return
        count = self._source.levels()
        if self._source.staged():
            depths = range(count - 1, 0, -1)
            yield [Levels(depth, stages="all") for depth in depths]
            yield [Levels(depth, stages="maps") for depth in depths]
        yield [Levels(), *map(Levels, range(count - 1, 0, -1)), Levels(1, nested=False)]

    def _outgrows(self, diagram: Diagram, surroundings: Surroundings) -> bool:
        """True if the boxes alone need more than a page, so that placing them is of no use."""
        room = max(w * h for w, h in self._pages) * (SMALL / self._theme.smallest) ** 2
        for width, height in surroundings.sizes():
            room -= width * height
        for box in diagram.root.boxes():
            size = sized(box)
            room -= (size.width + BETWEEN_PARTS) * (size.height + BETWEEN_PARTS)
            if room < 0:
                return True
        return False

    def _best(self, diagram: Diagram, surroundings: Surroundings) -> _Try:
        """The figure in the direction that suits it."""
        colouring = Colouring(diagram, self._theme, self._options.colour)
        best: _Try | None = None
        largest: _Try | None = None
        for figure, preference, corner in self._directions(diagram):
            for whole in surroundings.around(figure, corner=corner):
                tried = self._tried(whole, preference, diagram, colouring)
                if best is None or tried.score > best.score:
                    best = tried
                if largest is None or tried.scale > largest.scale:
                    largest = tried
            if best is not None and best.score >= _GOOD:
                break
        assert best is not None and largest is not None
        if best.scale * SMALL < self._theme.smallest:
            best = largest  # before one is liked it has to be read
        return best

    def _directions(self, diagram: Diagram) -> Iterable[tuple[Sketch, float, bool]]:
        """The diagram in every direction that may be taken, and how much that one is liked.

        Also if there may be room for details in its corner, as below the backbone of a pyramid.
        """
        wanted = self._options.direction
        curve = u_shape(diagram) if wanted is None else None
        if curve is not None:
            yield Sketch(curve.width, curve.height, lambda: curve), 1.0, False
            return
        if wanted in (None, "TB", "snake"):
            layout = Layout(diagram)
            down = layout.sketch()
            if wanted != "snake":
                yield down, 1.0, layout.pyramid
            if wanted != "TB":
                for columns in range(2, _COLUMNS):
                    placed = layout.sketch(down.height / columns * 1.08 + 30)
                    yield placed, _SNAKE, False
                    if placed.width > placed.height * NARROWEST:
                        break
        if wanted in (None, "LR"):
            layout = Layout(diagram, across=True)
            whole = layout.sketch()
            yield whole, _ACROSS, False
            for rows in range(2, _COLUMNS if wanted == "LR" or self._shape else 0):
                placed = layout.sketch(whole.width / rows * 1.08 + 30)
                yield placed, _ACROSS * _SNAKE, False
                if placed.height > placed.width:
                    break

    def _tried(
        self, whole: Whole, preference: float, diagram: Diagram, colouring: Colouring
    ) -> _Try:
        options = self._options
        title = diagram.title if options.title is None else options.title
        swatches = [] if options.legend is False else colouring.legend()
        width, height = whole.width, whole.height
        page = page_of(
            Placed(width, height, (), (), (), ()),  # what is in it makes no difference here
            title,
            diagram.totals,
            swatches,
            padded=options.direction is None,
            shape=self._shape,
        )
        most = self._theme.enlarged
        scale = max(min(most, w / page.width, h / page.height) for w, h in self._pages)
        # A figure much narrower than the page leaves most of it empty.
        filled = max(width / height, height / width) / NARROWEST
        return _Try(
            whole, page, scale, scale * preference * min(1.0, (1.6 / max(filled, 0.01)) ** 0.5)
        )
