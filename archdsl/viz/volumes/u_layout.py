"""Encoders and decoders as a U: levels below each other, the way down on the left.

Ronneberger et al. 2015, figure 1. A figure is one if at least two paths pass by some of it, each
within the one before.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from archdsl.viz.volumes.figure import Form, VolumeFigure
from archdsl.viz.volumes.layout import (
    BETWEEN_ROWS,
    FOOT,
    HEAD,
    LANE,
    LARGEST,
    MARGIN,
    SHAPE,
    SMALLEST,
    STEP,
    WIDTH,
    PlacedVolume,
    Point,
    VolumePage,
    VolumeRoom,
    Wire,
    placed_volume,
    slot_of,
    under,
)
from archdsl.viz.volumes.scales import scale_of

_FEWEST_SKIPS = 2
_BETWEEN_SIDES = 40.0


@dataclass(frozen=True)
class _Level:
    """Numbers of the volumes on both sides of a level; the lowest one has no right side."""

    left: range
    right: range


def u_page(figure: VolumeFigure, scale_name: str | None = None) -> VolumePage | None:
    """The page of a figure as a U, as large as fits; ``None`` if it is none."""
    levels = _levels(figure)
    if levels is None:
        return None
    largest = LARGEST
    while largest > SMALLEST:
        scale = scale_of(figure, largest, scale_name)
        slots = [slot_of(volume, scale) for volume in figure.volumes]
        page = _Page(figure, levels, slots)
        if page.width <= WIDTH and page.height <= page.width * SHAPE:
            break
        largest *= STEP
    return VolumePage(
        figure, scale, page.width, page.height, tuple(page.placed), tuple(page.wires()), False
    )


def _levels(figure: VolumeFigure) -> list[_Level] | None:
    """The levels from the top down."""
    jumps = sorted((jump.source, jump.target) for jump in figure.jumps)
    within = all(a < c and d < b for (a, b), (c, d) in pairwise(jumps))
    if len(jumps) < _FEWEST_SKIPS or not within:
        return None
    volumes = figure.volumes
    levels: list[_Level] = []
    first, end = 0, len(volumes)
    for number, (source, target) in enumerate(jumps):
        least = jumps[number + 1][1] + 1 if number + 1 < len(jumps) else source + 1
        # A map that was enlarged stands on the level whose size it has.
        begin = next(
            (n for n in range(least, target) if volumes[n].face == volumes[target].face), target
        )
        if any(volumes[n].form is Form.BAR for n in range(first, end)):
            return None
        levels.append(_Level(range(first, source + 1), range(begin, end)))
        first, end = source + 1, begin
    return [*levels, _Level(range(first, end), range(end, end))] if first < end else None


class _Page:
    """The places of everything; y grows downwards."""

    def __init__(self, figure: VolumeFigure, levels: list[_Level], slots: list[VolumeRoom]) -> None:
        self._figure, self._levels, self._slots = figure, levels, slots
        left = max(self._across(level.left) for level in levels[:-1])
        right = max(self._across(level.right) for level in levels)
        lowest = self._across(levels[-1].left)
        self._right = MARGIN + max(left + _BETWEEN_SIDES, lowest - right)
        self.width = max(self._right + right, lowest + MARGIN, 560.0 - MARGIN) + MARGIN
        self.placed: list[PlacedVolume] = []
        self._tops: list[float] = []
        self.height = self._put_down()
        self.placed.sort(key=lambda one: figure.volumes.index(one.volume))

    def _across(self, numbers: range) -> float:
        return sum(self._slots[n].width for n in numbers)

    def _put_down(self) -> float:
        """Put down all levels; the height of the page."""
        y = HEAD
        for number, level in enumerate(self._levels):
            every = [self._slots[n] for n in (*level.left, *level.right)]
            y += (BETWEEN_ROWS if number else 0.0) + 2 * LANE
            self._tops.append(y)
            axis = y + max(slot.above for slot in every)
            lowest = number + 1 == len(self._levels)
            middle = (MARGIN + self.width - MARGIN - self._across(level.left)) / 2
            self._row(level.left, middle if lowest else MARGIN, axis, number)
            self._row(level.right, self._right, axis, number)
            y = axis + max(slot.below for slot in every)
        return y + FOOT

    def _row(self, numbers: range, x: float, axis: float, row: int) -> None:
        for n in numbers:
            slot = self._slots[n]
            self.placed.append(placed_volume(slot, x + (slot.width - slot.body) / 2, axis, row))
            x += slot.width

    def wires(self) -> list[Wire]:
        """Shortcuts above the levels, and the ways from level to level."""
        wires = []
        for jump in self._figure.jumps:
            source, target = self.placed[jump.source], self.placed[jump.target]
            y = self._tops[source.row] - LANE
            a, b = source.middle, target.middle
            start = Point(a, source.solids[0].highest - 1)
            end = Point(b, target.solids[0].highest - 2)
            wires.append(Wire((start, Point(a, y), Point(b, y), end), jump.skip))
        for before, after in pairwise(self.placed):
            if before.row < after.row:
                y = self._tops[after.row] - 2.5 * LANE
                a, b = before.middle, after.middle
                start, end = Point(a, under(before)), Point(b, after.solids[0].highest - 2)
            elif before.row > after.row:
                y = self._tops[before.row] - 2.5 * LANE
                a, b = before.middle, after.middle
                start, end = Point(a, before.solids[0].highest - 1), Point(b, under(after))
            else:
                continue
            wires.append(Wire((start, Point(a, y), Point(b, y), end), None))
        return wires
