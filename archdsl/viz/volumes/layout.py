"""Layout of a figure: volumes in rows on a page, in pixels."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from archdsl.viz.volumes.figure import Volume, VolumeFigure
from archdsl.viz.volumes.lettering import LINE, labels_of, width_of
from archdsl.viz.volumes.scales import Cuboid, VolumeScale, scale_of

WIDTH = 900.0
"""The page's; a text of 11 pixels is 7.2 points on A4 then."""
_NARROWEST = 560.0
MARGIN = 22.0
HEAD = 44.0
"""Above the figure, for its title."""
FOOT = 70.0
"""Below it, for caption and legend."""
SHAPE = 1.58
"""No page is longer than this in one direction than in the other."""
_GAP = 16.0
_BETWEEN_SLICES = 1.5
_LEFT_OUT = 18.0
"""Room for the dots that stand for left-out slices, in pixels."""
_LABEL_GAP = 6.0
LANE = 9.0
BETWEEN_ROWS = 26.0
_SHORTCUT = 14.0
"""Above a volume, for arcs around its slices."""
LARGEST, SMALLEST, STEP = 300.0, 24.0, 0.94
_ROW_WORTH = 0.72
"""A row more has to make everything larger by as much, or is not worth it."""
_MOST_SLICES = 5


class Point(NamedTuple):
    x: float
    y: float


@dataclass(frozen=True)
class Solid:
    """One drawn slice: the lower left corner of its front, and its edges' lengths."""

    left: float
    bottom: float
    size: Cuboid

    @property
    def right(self) -> float:
        return self.left + self.size.depth

    @property
    def top(self) -> float:
        return self.bottom - self.size.height

    @property
    def back(self) -> float:
        """Right end."""
        return self.right + self.size.dx

    @property
    def highest(self) -> float:
        return self.top - self.size.dy

    def on_side(self, into: float, up: float) -> Point:
        """A point of the right side: fractions of width and height, from its lower front."""
        size = self.size
        return Point(self.right + into * size.dx, self.bottom - into * size.dy - up * size.height)


@dataclass(frozen=True)
class PlacedVolume:
    """A volume with its position on the page."""

    volume: Volume
    solids: tuple[Solid, ...]
    """Of many slices the first and the last ones."""
    dots: Point | None
    """Position of the dots that stand for the slices left out."""
    labels: tuple[str, ...]
    label: Point
    """The middle of the labels' first base line."""
    row: int

    @property
    def axis(self) -> float:
        return (self.solids[0].bottom + self.solids[0].highest) / 2

    @property
    def left(self) -> float:
        return self.solids[0].left

    @property
    def right(self) -> float:
        return self.solids[-1].back

    @property
    def middle(self) -> float:
        return (self.left + self.right) / 2


@dataclass(frozen=True)
class Wire:
    """A line of straight segments; ``skip`` is ``None`` for the chain's way to the next row."""

    points: tuple[Point, ...]
    skip: str | None


@dataclass(frozen=True)
class VolumePage:
    """All volumes and wires of a figure with their positions."""

    figure: VolumeFigure
    scale: VolumeScale
    width: float
    height: float
    placed: tuple[PlacedVolume, ...]
    wires: tuple[Wire, ...]
    turning: bool
    """True if every second row runs from right to left."""


class VolumeRoom(NamedTuple):
    """A volume with its room on the page."""

    volume: Volume
    size: Cuboid
    labels: tuple[str, ...]
    body: float
    """Width of all its slices together."""
    width: float

    @property
    def below(self) -> float:
        return self.size.whole_height / 2 + _LABEL_GAP + LINE * len(self.labels)

    @property
    def above(self) -> float:
        return self.size.whole_height / 2 + (_SHORTCUT if any(self.volume.skips) else 0)


_Rows = list[list[VolumeRoom]]
_Lanes = list[dict[int, int]]
"""For each row which jumps run in the channel above it, with their lanes in it."""


def placed(figure: VolumeFigure, scale_name: str | None = None) -> VolumePage:
    """The page of a figure: as large as fits, in as few rows as look well."""
    best: tuple[float, float, VolumeScale, _Rows] | None = None
    largest = LARGEST
    while largest >= SMALLEST:
        scale = scale_of(figure, largest, scale_name)
        rows = _rows([slot_of(volume, scale) for volume in figure.volumes])
        height = _height(figure, rows)
        worth = largest * _ROW_WORTH ** (len(rows) - 1)
        landscape = height <= WIDTH / 1.2
        if not landscape:  # a tall page is a way out, not a choice
            worth *= 0.3 if height <= WIDTH * SHAPE else 0.01
        if best is None or worth > best[0]:
            best = (worth, height, scale, rows)
        largest *= STEP
    assert best is not None
    return _page(figure, best[2], best[3], best[1])


def slot_of(volume: Volume, scale: VolumeScale) -> VolumeRoom:
    """A volume with its lengths and words, and the room that it takes."""
    size = scale.cuboid(volume.form, volume.face, volume.channels)
    labels = labels_of(volume)
    shown = _shown(volume)
    body = size.depth * shown + _BETWEEN_SLICES * (shown - 1) + size.dx
    if shown < volume.slices:
        body += _LEFT_OUT
    texts = max(width_of(line, bold=number == 0) for number, line in enumerate(labels))
    return VolumeRoom(volume, size, labels, body, max(body, texts) + _GAP)


def _shown(volume: Volume) -> int:
    return volume.slices if volume.slices <= _MOST_SLICES else _MOST_SLICES - 1


def _rows(slots: list[VolumeRoom]) -> _Rows:
    """As few rows as hold the slots, about equally wide."""
    room = WIDTH - 2 * MARGIN
    fewest = len(_filled(slots, room))
    low = max(slot.width for slot in slots)
    for part in range(20):
        limit = low + (room - low) * part / 20
        if len(rows := _filled(slots, limit)) == fewest:
            return rows
    return _filled(slots, room)


def _filled(slots: list[VolumeRoom], room: float) -> _Rows:
    rows: _Rows = [[]]
    taken = 0.0
    for slot in slots:
        if rows[-1] and taken + slot.width > room:
            rows.append([])
            taken = 0.0
        rows[-1].append(slot)
        taken += slot.width
    return rows


# ---- heights ----


def _places(rows: _Rows) -> list[int]:
    """The row of every volume."""
    return [number for number, row in enumerate(rows) for _ in row]


def _lanes(figure: VolumeFigure, rows: _Rows) -> _Lanes:
    row_of = _places(rows)
    lanes: _Lanes = [{} for _ in rows]
    for number, jump in enumerate(figure.jumps):
        source, target = row_of[jump.source], row_of[jump.target]
        channels = {target} if target == source else {source + 1, target}
        for channel in channels:
            lanes[channel][number] = len(lanes[channel]) + 1
    return lanes


def _channel(row: int, lanes: _Lanes) -> float:
    """The height of the channel above a row."""
    return (BETWEEN_ROWS if row else 0.0) + LANE * (len(lanes[row]) + bool(lanes[row]))


def _height(figure: VolumeFigure, rows: _Rows) -> float:
    lanes = _lanes(figure, rows)
    inner = sum(
        _channel(number, lanes) + max(s.above for s in row) + max(s.below for s in row)
        for number, row in enumerate(rows)
    )
    return HEAD + inner + FOOT


# ---- places ----


def _page(figure: VolumeFigure, scale: VolumeScale, rows: _Rows, height: float) -> VolumePage:
    widest = max(sum(slot.width for slot in row) for row in rows)
    width = max(widest + 2 * MARGIN, min(height / SHAPE, WIDTH), _NARROWEST)
    whole = max(height, width / SHAPE)
    turning = bool(figure.jumps) and len(rows) > 1
    lanes = _lanes(figure, rows)
    y = HEAD + (whole - height) / 2
    tops = []
    every: list[PlacedVolume] = []
    for number, row in enumerate(rows):
        y += _channel(number, lanes)
        tops.append(y)
        axis = y + max(slot.above for slot in row)
        every += _row(row, number, axis, width, backwards=turning and number % 2 == 1)
        y = axis + max(slot.below for slot in row)
    wires = _jumps(figure, every, lanes, tops)
    wires += _turns(every, tops, lanes, width, turning)
    return VolumePage(figure, scale, width, whole, tuple(every), tuple(wires), turning)


def _row(
    row: list[VolumeRoom], number: int, axis: float, width: float, *, backwards: bool
) -> list[PlacedVolume]:
    taken = sum(slot.width for slot in row)
    x = (width + taken) / 2 if backwards else (width - taken) / 2
    found = []
    for slot in row:
        if backwards:
            x -= slot.width
        found.append(placed_volume(slot, x + (slot.width - slot.body) / 2, axis, number))
        if not backwards:
            x += slot.width
    return found


def placed_volume(slot: VolumeRoom, left: float, axis: float, row: int) -> PlacedVolume:
    """A volume with its left end and its middle's height."""
    bottom = axis + slot.size.whole_height / 2
    shown = _shown(slot.volume)
    solids = []
    dots = None
    x = left
    for number in range(shown):
        if number == shown - 1 and shown < slot.volume.slices:
            # Beside the side of the slice before, which reaches to the right and upwards.
            dots = Point(x + _LEFT_OUT / 2, bottom - slot.size.height / 2)
            x += _LEFT_OUT
        solids.append(Solid(x, bottom, slot.size))
        x += slot.size.depth + _BETWEEN_SLICES
    label = Point(left + slot.body / 2, bottom + _LABEL_GAP + LINE * 0.8)
    return PlacedVolume(slot.volume, tuple(solids), dots, slot.labels, label, row)


# ---- wires ----


def _jumps(
    figure: VolumeFigure, every: list[PlacedVolume], lanes: _Lanes, tops: list[float]
) -> list[Wire]:
    wires = []
    for number, jump in enumerate(figure.jumps):
        source, target = every[jump.source], every[jump.target]

        def lane(row: int, number: int = number) -> float:
            return tops[row] - LANE * lanes[row][number]

        into = target.middle + 4
        end = Point(into, target.solids[0].highest - 2)
        if source.row == target.row:
            start = Point(source.middle - 4, source.solids[0].highest - 1)
            way = [start, Point(start.x, lane(target.row))]
        else:
            start = Point(source.middle - 4, under(source))
            way = [start, Point(start.x, lane(source.row + 1))]
            if target.row > source.row + 1:
                beside = MARGIN / 2 + 2 * (number % 4)
                way += [Point(beside, way[-1].y), Point(beside, lane(target.row))]
        way += [Point(into, way[-1].y), end]
        wires.append(Wire(tuple(way), jump.skip))
    return wires


def under(one: PlacedVolume) -> float:
    """Below the labels of a volume."""
    return one.label.y + LINE * (len(one.labels) - 1) + 4


def _turns(
    every: list[PlacedVolume],
    tops: list[float],
    lanes: _Lanes,
    width: float,
    turning: bool,
) -> list[Wire]:
    """The ways from the end of a row to the beginning of the next one."""
    wires = []
    for before, after in pairwise(every):
        if before.row == after.row:
            continue
        backwards = turning and before.row % 2 == 1
        start = Point(before.left - 3 if backwards else _out(before), before.axis)
        if turning:
            edge = 9.0 if backwards else width - 9.0
            end = Point(after.left - 3 if backwards else after.right + 3, after.axis)
            way = [start, Point(edge, start.y), Point(edge, end.y), end]
        else:
            end = Point(after.left - 3, after.axis)
            middle = tops[after.row] - LANE * (len(lanes[after.row]) + 1) - 4
            way = [start, Point(width - 9, start.y), Point(width - 9, middle)]
            way += [Point(9.0, middle), Point(9.0, end.y), end]
        wires.append(Wire(tuple(way), None))
    return wires


def _out(one: PlacedVolume) -> float:
    """Right end of a volume, where a wire of the chain leaves it."""
    return one.right + 3
