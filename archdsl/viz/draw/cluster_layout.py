"""Layout of one cluster: positions of its parts, paths of its links; long ones in columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from archdsl.viz.draw.cross_axis import places
from archdsl.viz.draw.ranks import LayoutPart, Link, Ranked, ranked

Point = tuple[float, float]
"""Across and along the direction of flow."""

_STRAIGHT = 2.0
"""A bend smaller than this is none."""
_LAST_GAP = 8.0
_GAP, _BEFORE_BENDS, _TRACK, _BEHIND_BENDS = 15.0, 6.0, 6.0, 12.0
_BESIDE_COLUMN, _TURN, _MOST_TURNS = 36.0, 11.0, 2
_INTO_SIDE = 7.0


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Result of :func:`arrange`: the left front corner of every part, the bends of every link."""

    across: float
    along: float
    at: tuple[Point, ...]
    ways: tuple[tuple[Point, ...], ...]


def arrange(
    parts: Sequence[LayoutPart],
    links: Sequence[Link],
    *,
    tight: bool,
    longest: float | None = None,
) -> Arrangement:
    """Lay out parts, which stand in an order in which links go forward.

    A ``tight`` one leaves no room before the first and behind the last part where links come
    straight. Where it is longer than ``longest`` it is broken into columns.
    """
    made = ranked(parts, links)
    rows = _Rows(made, parts, links, places(made, parts), tight)
    columns = _Columns(rows, longest)
    at = []
    for node, part in enumerate(parts):
        row = made.rank[node]
        over, forth = columns.shift[row]
        at.append((rows.x[node] + over, rows.middle(row) - part.along / 2 + forth))
    ways = tuple(columns.way(link) for link in links)
    return Arrangement(columns.across, columns.along, tuple(at), ways)


class _Rows:
    """The parts before they are broken into columns: every rank's place along the flow."""

    def __init__(
        self,
        made: Ranked,
        parts: Sequence[LayoutPart],
        links: Sequence[Link],
        x: list[float],
        tight: bool,
    ) -> None:
        self.made, self.parts, self.links, self.x = made, parts, links, x
        self.heights = [
            max((parts[n].along for n in row if n < len(parts)), default=0.0) for row in made.rows
        ]
        self._side = self._side_entries()
        self._bundle: dict[tuple[int, int], tuple[bool, int]] = {}
        self.tracks: list[dict[tuple[bool, int], int]] = []
        self.gaps: list[float] = []
        last = len(made.rows) - 2
        for row in range(len(made.rows) - 1):
            tracks = self._tracks(row)
            self.tracks.append(tracks)
            count = max(tracks.values(), default=-1) + 1
            gap = _GAP if not count else _BEFORE_BENDS + (count - 1) * _TRACK + _BEHIND_BENDS
            edge = not self.heights[0 if row == 0 else row + 1] and row in (0, last)
            if edge and not count and (tight or row):
                gap = 0.0 if tight else _LAST_GAP
            self.gaps.append(gap)
        self.start = [0.0]
        for height, gap in zip(self.heights, self.gaps, strict=False):
            self.start.append(self.start[-1] + height + gap)

    def middle(self, row: int) -> float:
        return self.start[row] + self.heights[row] / 2

    def width(self, node: int) -> float:
        return self.parts[node].across if node < len(self.parts) else 0.0

    def _side_entries(self) -> set[tuple[int, int]]:
        """The pairs of a lane and a joint into whose side it leads."""
        found = set()
        for row, segments in enumerate(self.made.segments[:-1]):
            place = {node: i for i, node in enumerate(self.made.rows[row + 1])}
            for segment in segments:
                if segment.above < len(self.parts) or segment.below >= len(self.parts):
                    continue
                part, x = self.parts[segment.below], self.x[segment.above]
                left, i = self.x[segment.below], place[segment.below]
                beside = self.made.rows[row + 1]
                if part.joint is None:
                    continue
                if x > left + part.across + _INTO_SIDE:
                    free = i + 1 == len(beside) or x < self.x[beside[i + 1]] - _INTO_SIDE
                elif x < left - _INTO_SIDE:
                    before = beside[i - 1]
                    free = i == 0 or x > self.x[before] + self.width(before) + _INTO_SIDE
                else:
                    free = False
                if free:
                    found.add((segment.above, segment.below))
        return found

    def _tracks(self, row: int) -> dict[tuple[bool, int], int]:
        """The track of every bundle of bends between two ranks; bundles that meet are apart."""
        into: dict[int, int] = {}
        out: dict[int, int] = {}
        bends = []
        for segment in self.made.segments[row]:
            from_, to = (
                self.x[segment.above] + segment.leaves,
                self.x[segment.below] + segment.enters,
            )
            if abs(from_ - to) < _STRAIGHT or (segment.above, segment.below) in self._side:
                continue
            bends.append((segment.above, segment.below, min(from_, to), max(from_, to)))
            into[segment.below] = into.get(segment.below, 0) + 1
            out[segment.above] = out.get(segment.above, 0) + 1
        spans: dict[tuple[bool, int], tuple[float, float]] = {}
        for above, below, left, right in bends:
            key = (True, below) if into[below] > out[above] else (False, above)
            self._bundle[above, below] = key
            known = spans.get(key, (left, right))
            spans[key] = min(known[0], left), max(known[1], right)
        tracks: dict[tuple[bool, int], int] = {}
        ends: list[float] = []
        for key, (left, right) in sorted(spans.items(), key=lambda item: (item[1], item[0])):
            free = next((i for i, end in enumerate(ends) if end < left - _TRACK), len(ends))
            ends[free:] = [right, *ends[free + 1 :]]
            tracks[key] = free
        return tracks

    def bend(self, row: int, above: int, below: int) -> float | None:
        """Position along the flow at which a segment bends; ``None`` if it is straight."""
        track = self.tracks[row].get(self._bundle.get((above, below), (False, -1)))
        if track is None:
            return None
        return self.start[row] + self.heights[row] + _BEFORE_BENDS + track * _TRACK

    def into_side(self, above: int, below: int) -> bool:
        return (above, below) in self._side


class _Columns:
    """Positions of ranks in a long arrangement that is broken into columns."""

    def __init__(self, rows: _Rows, longest: float | None) -> None:
        self._rows = rows
        count = len(rows.heights)
        total = rows.start[-1] + rows.heights[-1] if count else 0.0
        self._cuts = [0]
        if longest is not None and total > longest:
            self._cuts = self._broken(longest)
        self._column = [0] * count
        self.shift: list[Point] = [(0.0, 0.0)] * count
        self._sides: list[Point] = []
        self._feet: list[float] = []
        reach, turn = 0.0, 0.0
        if len(self._cuts) > 1:
            cut = [{s.above for s in rows.made.segments[row - 1]} for row in self._cuts[1:]]
            turn = _TURN + (max(map(len, cut)) - 1) * _TRACK
        self._head = turn - _TURN
        """Place at which the innermost line enters a column, from above."""
        for column, start in enumerate(self._cuts):
            end = [*self._cuts, count][column + 1]
            nodes = [n for row in range(start, end) for n in rows.made.rows[row]]
            left = min((rows.x[n] for n in nodes), default=0.0)
            right = max((rows.x[n] + rows.width(n) for n in nodes), default=0.0)
            for row in range(start, end):
                self._column[row] = column
                self.shift[row] = reach - left, turn - rows.start[start]
            self._sides.append((reach, reach + right - left))
            self._feet.append(
                turn + rows.start[end - 1] + rows.heights[end - 1] - rows.start[start]
            )
            reach += right - left + _BESIDE_COLUMN
        self.across = reach - _BESIDE_COLUMN
        self.along = max(self._feet, default=0.0) + (2 * turn if turn else 0.0)

    def _broken(self, longest: float) -> list[int]:
        """The ranks with which columns begin: of the fewest columns the most equal ones."""
        least, most = longest / 2, longest
        cuts = self._filled(most)
        for _ in range(12):
            middle = (least + most) / 2
            tried = self._filled(middle)
            if len(tried) <= len(cuts) and self._tallest(tried) <= longest:
                cuts, most = tried, middle
            else:
                least = middle
        return cuts

    def _tallest(self, cuts: list[int]) -> float:
        rows = self._rows
        ends = [*cuts[1:], len(rows.heights)]
        return max(
            rows.start[end - 1] + rows.heights[end - 1] - rows.start[start]
            for start, end in zip(cuts, ends, strict=True)
        )

    def _filled(self, longest: float) -> list[int]:
        """Columns filled one after the other; broken only where few links have to turn."""
        rows, cuts, allowed = self._rows, [0], None
        last = len(rows.heights) - 1
        for row in range(1, len(rows.heights)):
            if rows.start[row] + rows.heights[row] - rows.start[cuts[-1]] > longest and allowed:
                cuts.append(allowed)
                allowed = None
            # In the gap behind this rank; what comes last stays with what it follows.
            if row + 1 < last and row + 1 > cuts[-1] + 1:
                over = {segment.above for segment in rows.made.segments[row]}
                below = {segment.below for segment in rows.made.segments[row]}
                if len(over) <= _MOST_TURNS and not below & rows.made.aside:
                    allowed = row + 1
        return cuts

    def way(self, link: Link) -> tuple[Point, ...]:
        """The points of a link, from the part that it leaves to the one that it enters."""
        rows, made, parts = self._rows, self._rows.made, self._rows.parts
        source, target = parts[link.source], parts[link.target]
        row, end = made.rank[link.source], made.rank[link.target]
        x = rows.x[link.source] + source.leaves(link.key)
        y = rows.middle(row) + source.along / 2 - source.foot
        points = [self._moved(row, x, y)]
        node = link.source
        while row < end:
            if row + 1 == end:
                below, to = link.target, rows.x[link.target] + target.enters(link.key)
                foot = rows.middle(end) - target.along / 2
            else:
                below = made.lanes[link.source, link.key, row + 1]
                to, foot = rows.x[below], rows.start[row + 1]
            if abs(to - x) < _STRAIGHT:
                to = x  # so little beside the middle of a part is not seen, a leaning line is
            if self._column[row] != self._column[row + 1]:
                points += self._turn(row, x, to, node)
            elif rows.into_side(node, below):
                port, reach = rows.x[below] + target.port, target.joint or 0.0
                side = port + (reach if x > port else -reach)
                beside = rows.middle(end) - target.foot / 2
                points += [self._moved(end, x, beside), self._moved(end, side, beside)]
                break
            else:
                bend = rows.bend(row, node, below)
                if bend is not None:
                    points += [self._moved(row, x, bend), self._moved(row, to, bend)]
            row, node, x = row + 1, below, to
            if row == end:
                points.append(self._moved(row, to, foot))
        return tuple(points)

    def _turn(self, row: int, x: float, to: float, node: int) -> list[Point]:
        """From the foot of a column around to the head of the next."""
        over = sorted({segment.above for segment in self._rows.made.segments[row]})
        more = over.index(node) * _TRACK
        column = self._column[row]
        foot = self._feet[column] + _TURN + more
        beside = self._sides[column][1] + _BESIDE_COLUMN / 2 + more
        x, to = x + self.shift[row][0], to + self.shift[row + 1][0]
        head = self._head - more
        return [(x, foot), (beside, foot), (beside, head), (to, head)]

    def _moved(self, row: int, x: float, y: float) -> Point:
        over, forth = self.shift[row]
        return x + over, y + forth
