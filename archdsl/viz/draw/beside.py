"""A figure with its details beside or below it, each in a frame of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from archdsl.viz.draw import box_sizes as sizing
from archdsl.viz.draw.diagram import Cluster, Detail, Diagram
from archdsl.viz.draw.layout import Layout, line_at
from archdsl.viz.draw.placed import (
    Line,
    Placed,
    PlacedBox,
    PlacedEdge,
    PlacedEnd,
    PlacedFrame,
    Rectangle,
    Sketch,
)

_PAD = 7.0
_APART = 10.0
_GAP = 22.0
"""Between the figure and its details."""
_MOST_LINES = 4
"""Columns or rows of details."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A figure and its details with the places of their corners, put together when asked for."""

    figure: Sketch
    details: tuple[tuple[Placed, float, float], ...]

    @property
    def left(self) -> float:
        """The left edge of its leftmost part."""
        return min([0.0, *(x for _, x, _ in self.details)])

    @property
    def width(self) -> float:
        return max([self.figure.width, *(x + d.width for d, x, _ in self.details)]) - self.left

    @property
    def height(self) -> float:
        return max([self.figure.height, *(y + d.height for d, _, y in self.details)])

    def placed(self) -> Placed:
        """Everything as one figure whose corner is at the origin."""
        figure = self.figure.placed()
        if not self.details:
            return figure
        parts = [_moved(figure, -self.left, 0.0)]
        parts += [_moved(each, x - self.left, y) for each, x, y in self.details]
        return Placed(
            self.width,
            self.height,
            tuple(frame for part in parts for frame in part.frames),
            tuple(edge for part in parts for edge in part.edges),
            tuple(box for part in parts for box in part.boxes),
            tuple(end for part in parts for end in part.ends),
        )


class Surroundings:
    """The details of one diagram, laid out once, to be put around its figure."""

    def __init__(self, diagram: Diagram) -> None:
        self._framed = [framed(detail) for detail in diagram.details]

    def sizes(self) -> Iterable[tuple[float, float]]:
        """Width and height of every detail with its frame."""
        return ((each.width, each.height) for each in self._framed)

    def around(self, figure: Sketch, *, corner: bool = False) -> Iterable[Whole]:
        """The figure with its details: to its right, below it, and in its lower left corner."""
        if not self._framed:
            yield Whole(figure, ())
            return
        for columns in _shared([each.height for each in self._framed]):
            yield Whole(figure, tuple(self._columns(columns, figure.width + _GAP)))
        for rows in _shared([each.width for each in self._framed]):
            yield Whole(figure, tuple(self._rows(rows, figure)))

        if corner:
            placed = figure.placed()
            known = Sketch(placed.width, placed.height, lambda: placed)
            for rows in _shared([each.width for each in self._framed]):
                block = list(self._rows(rows, Sketch(0.0, -_GAP, figure.placed)))
                right = max(x + each.width for each, x, _ in block)
                for x, y in _corners(placed):
                    yield Whole(
                        known, tuple((each, x - _GAP - right + a, y + b) for each, a, b in block)
                    )

    def _columns(
        self, columns: Sequence[Sequence[int]], x: float
    ) -> Iterable[tuple[Placed, float, float]]:
        for column in columns:
            y = 0.0
            room = max(self._framed[n].width for n in column)
            for n in column:
                yield self._framed[n], x + (room - self._framed[n].width) / 2, y
                y += self._framed[n].height + _APART
            x += room + _APART

    def _rows(
        self, rows: Sequence[Sequence[int]], figure: Sketch
    ) -> Iterable[tuple[Placed, float, float]]:
        y = figure.height + _GAP
        for row in rows:
            across = sum(self._framed[n].width for n in row) + _APART * (len(row) - 1)
            x = (figure.width - across) / 2
            for n in row:
                yield self._framed[n], x, y
                x += self._framed[n].width + _APART
            y += max(self._framed[n].height for n in row) + _APART


def _corners(figure: Placed) -> Iterable[tuple[float, float]]:
    """Points of a figure with nothing to their left below them, from left to right."""
    boxes = [box.at for box in figure.boxes] + [frame.at for frame in figure.frames]
    parts = [(at.x, at.y + at.height) for at in boxes]
    parts += [(x, y) for edge in figure.edges for x, y in edge.points]
    lines = [line for end in figure.ends for line in end.lines]
    lines += [edge.label for edge in figure.edges if edge.label is not None]
    parts += [(line.x - line.width / 2, line.y + line.size) for line in lines]
    lowest = 0.0
    parts.sort()
    for place, (_, bottom) in enumerate(parts[:-1]):
        lowest = max(lowest, bottom)
        if lowest < figure.height and lowest < parts[place + 1][1]:
            yield parts[place + 1][0], lowest + _GAP


def _shared(lengths: Sequence[float]) -> Iterable[list[list[int]]]:
    """Numbers of things in order in one line, in two lines of about one length, and so on."""
    rooms = sorted(
        sum(lengths[a:b]) + _APART * (b - a)
        for a in range(len(lengths))
        for b in range(a + 1, len(lengths) + 1)
    )
    best: dict[int, list[list[int]]] = {}
    for room in reversed(rooms):  # the smallest room that does for so many lines comes last
        filled = _filled(lengths, room)
        best[len(filled)] = filled
    return [best[count] for count in sorted(best) if count <= _MOST_LINES]


def _filled(lengths: Sequence[float], room: float) -> list[list[int]]:
    """Numbers of things in order, as many in a line as it has room for."""
    lines: list[list[int]] = []
    used = 0.0
    for n, length in enumerate(lengths):
        if not lines or used + length > room:
            lines.append([])
            used = 0.0
        lines[-1].append(n)
        used += length + _APART
    return lines


def framed(detail: Detail) -> Placed:
    """A detail with its frame; its corner is at the origin."""
    diagram = Diagram(detail.title, "", detail.root, detail.edges, ())
    inner = Layout(diagram, title=sizing.SMALL).placed()
    frame = Cluster(detail.letter, detail.title, (), framed=True)
    words = sizing.header(frame)
    width = max(inner.width + 2 * _PAD, words.width + 2 * _PAD)
    height = sizing.HEADER + inner.height + 2 * _PAD
    strip = Rectangle(0.0, 0.0, width, sizing.HEADER)
    line = replace(line_at(words, width / 2, sizing.HEADER / 2), bold=True, quiet=False)
    around = PlacedFrame(frame, Rectangle(0.0, 0.0, width, height), strip, (line,), 0)
    moved = _moved(inner, (width - inner.width) / 2, sizing.HEADER + _PAD)
    deeper = tuple(replace(each, depth=each.depth + 1) for each in moved.frames)
    return replace(moved, width=width, height=height, frames=(around, *deeper))


def _moved(placed: Placed, x: float, y: float) -> Placed:
    def rectangle(at: Rectangle) -> Rectangle:
        return replace(at, x=at.x + x, y=at.y + y)

    def lines(found: Iterable[Line]) -> tuple[Line, ...]:
        return tuple(replace(line, x=line.x + x, y=line.y + y) for line in found)

    def frame(each: PlacedFrame) -> PlacedFrame:
        at, header = rectangle(each.at), rectangle(each.header)
        return replace(each, at=at, header=header, lines=lines(each.lines))

    def edge(each: PlacedEdge) -> PlacedEdge:
        label = None if each.label is None else lines([each.label])[0]
        return replace(each, points=tuple((a + x, b + y) for a, b in each.points), label=label)

    return replace(
        placed,
        frames=tuple(map(frame, placed.frames)),
        edges=tuple(map(edge, placed.edges)),
        boxes=tuple(PlacedBox(b.box, rectangle(b.at), lines(b.lines)) for b in placed.boxes),
        ends=tuple(PlacedEnd(end.end, lines(end.lines)) for end in placed.ends),
    )
