"""Encoders and decoders as a U: down on the left, up on the right, skips level from side to side.

Ronneberger et al. 2015, figure 1. A network is one if it is a chain of boxes with at least two
skips, each into a join, that lie within each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from archdsl.viz.draw import box_sizes as sizing
from archdsl.viz.draw.box_sizes import Sized
from archdsl.viz.draw.diagram import Box, Diagram, Edge, End
from archdsl.viz.draw.layout import line_at, spread, stacked
from archdsl.viz.draw.placed import Line, Placed, PlacedBox, PlacedEdge, PlacedEnd, Rectangle

_FEWEST_SKIPS = 2
_GAP, _LABELLED = 16.0, 30.0
"""Between boxes above each other; where a size is told beside the arrow."""
_BETWEEN = 120.0
"""Between the two sides, at least."""


@dataclass(frozen=True)
class _Chain:
    """The boxes of a network in their order, and the skips by place, the outermost first."""

    boxes: list[Box | End]
    skips: list[tuple[int, int]]
    edges: dict[tuple[int, int], Edge]


def u_shape(diagram: Diagram) -> Placed | None:
    """The diagram as a U; ``None`` if it is none."""
    chain = _chain(diagram)
    return None if chain is None else _Drawing(chain).placed()


def _chain(diagram: Diagram) -> _Chain | None:
    """The chain and its skips, if there is nothing else."""
    boxes: list[Box | End] = [*diagram.root.boxes(), *diagram.ends]
    if len(diagram.ends) != 1 or any(isinstance(b, Box) and b.times > 1 for b in boxes):
        return None
    if any(frame.times > 1 for frame in diagram.root.frames()):
        return None
    place = {box.id: at for at, box in enumerate(boxes)}
    (end,) = diagram.ends
    edges = {(place[edge.source], place[edge.target]): edge for edge in diagram.edges}
    edges[place[end.source], place[end.id]] = Edge(end.source, end.id)
    steps = set(pairwise(range(len(boxes))))
    skips = sorted(edges.keys() - steps)
    within = all(a < c and d < b for (a, b), (c, d) in pairwise(skips))
    joins = all(isinstance(box := boxes[b], Box) and box.joint for _, b in skips)
    if len(skips) < _FEWEST_SKIPS or not (steps <= edges.keys() and within and joins):
        return None
    return _Chain(boxes, skips, edges)


class _Drawing:
    """The places of everything; y grows downwards."""

    def __init__(self, chain: _Chain) -> None:
        self._chain = chain
        sizes = sizing.alike((box, sizing.sized(box)) for box in chain.boxes)
        self._sizes: list[Sized] = [sizes[box.id] for box in chain.boxes]
        self._words = {a: sizing.label(edge) for (a, b), edge in chain.edges.items() if edge.label}
        self._x = [0.0] * len(chain.boxes)
        self._y = [0.0] * len(chain.boxes)
        """Of every box its middle."""

    def placed(self) -> Placed:
        skips, count = self._chain.skips, len(self._chain.boxes)
        (innermost, back) = skips[-1]
        down, up = list(range(innermost + 1)), list(range(back, count))
        bottom = list(range(innermost + 1, back))
        reach = self._levels(down, up)
        widest = max(self._sizes[n].width for n in [*down, *up])
        left, right = self._bottom(bottom, reach, widest)
        for n in down:
            self._x[n] = left
        for n in up:
            self._x[n] = right
        return self._drawn()

    def _levels(self, down: Sequence[int], up: Sequence[int]) -> float:
        """Put both sides' boxes at their heights: ends of a skip on one; the foot of the sides."""
        starts = [source for source, _ in self._chain.skips]
        ends = [target for _, target in self._chain.skips]
        # What stands above the first skip's end on the right has to have its room.
        above = sum(self._step(a) for a in range(ends[0], len(self._chain.boxes) - 1))
        first = sum(self._step(a) for a in range(starts[0]))
        y = max(above, first)
        level = {starts[0]: y}
        for (a, b), (c, d) in pairwise(zip(starts, ends, strict=True)):
            need = max(
                sum(self._step(n) for n in range(a, c)), sum(self._step(n) for n in range(d, b))
            )
            y += need
            level[c] = y
        for source, target in self._chain.skips:
            self._y[source] = self._y[target] = level[source]
        for n in reversed(down):
            if n not in level:
                self._y[n] = self._y[n + 1] - self._step(n)
        for n in up:
            if n not in ends:
                self._y[n] = self._y[n - 1] - self._step(n - 1)
        return y

    def _step(self, n: int) -> float:
        """The distance of the middles of a box and the next one in a side."""
        gap = _LABELLED if self._words.get(n) is not None else _GAP
        return (self._sizes[n].height + self._sizes[n + 1].height) / 2 + gap

    def _bottom(self, bottom: Sequence[int], reach: float, widest: float) -> tuple[float, float]:
        """Put the boxes between the sides; the middles of both sides."""
        last = bottom[0] - 1
        left = widest / 2
        if len(bottom) < 3:
            between = list(bottom)
            down, up = [], []
        else:
            down, between, up = [bottom[0]], list(bottom[1:-1]), [bottom[-1]]
        across = sum(self._sizes[n].width for n in between) + _LABELLED * (len(between) + 1)
        right = left + max(widest + _BETWEEN, across + (widest if down else 0.0))
        y = reach
        for n in down:
            y += self._step(last)
            self._x[n], self._y[n] = left, y
        for n in up:
            self._x[n], self._y[n] = right, reach + self._step(n)
            y = max(y, self._y[n])
        row = y + max(self._sizes[n].height for n in between) / 2 + _LABELLED
        x = (left + right) / 2 - across / 2 + _LABELLED
        for n in between:
            self._x[n], self._y[n] = x + self._sizes[n].width / 2, row
            x += self._sizes[n].width + _LABELLED
        return left, right

    # ---- shapes ----

    def _drawn(self) -> Placed:
        boxes, ends = [], []
        for n, box in enumerate(self._chain.boxes):
            size = self._sizes[n]
            x, y = self._x[n] - size.width / 2, self._y[n] - size.height / 2
            if isinstance(box, End):
                ends.append(PlacedEnd(box, stacked(size, x, y)))
            else:
                words = (spread if box.joint else stacked)(size, x, y)
                boxes.append(PlacedBox(box, Rectangle(x, y, size.width, size.height), words))
        edges = tuple(self._edge(a, b, edge) for (a, b), edge in self._chain.edges.items())
        width = max(x + size.width / 2 for x, size in zip(self._x, self._sizes, strict=True))
        told = [e.label.x + e.label.width / 2 for e in edges if e.label is not None]
        height = max(y + size.height / 2 for y, size in zip(self._y, self._sizes, strict=True))
        return Placed(max([width, *told]), height, (), edges, tuple(boxes), tuple(ends))

    def _edge(self, a: int, b: int, edge: Edge) -> PlacedEdge:
        (ax, ay), (bx, by) = (self._x[a], self._y[a]), (self._x[b], self._y[b])
        one, two = self._sizes[a], self._sizes[b]
        if abs(ax - bx) < 0.5:
            way = 1.0 if by > ay else -1.0
            points = [(ax, ay + way * one.height / 2), (bx, by - way * two.height / 2)]
        elif abs(ay - by) < 0.5:
            points = [(ax + one.width / 2, ay), (bx - two.width / 2, by)]
        elif by > ay:  # from the left side into the bottom
            points = [(ax, ay + one.height / 2), (ax, by), (bx - two.width / 2, by)]
        else:
            points = [(ax + one.width / 2, ay), (bx, ay), (bx, by + two.height / 2)]
        return PlacedEdge(edge, tuple(points), self._label(edge, points))

    def _label(self, edge: Edge, points: Sequence[tuple[float, float]]) -> Line | None:
        words = sizing.label(edge) if edge.label else None
        if words is None:
            return None
        (x, y), (to, foot) = points[0], points[1]
        if abs(x - to) < 0.5:
            middle = (y + foot) / 2 if len(points) == 2 else y + _LABELLED / 2
            return line_at(words, x + sizing.BESIDE_LABEL + words.width / 2, middle)
        return line_at(words, x + sizing.BESIDE_LABEL + words.width / 2, y - sizing.LABEL / 2)
