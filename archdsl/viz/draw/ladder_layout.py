"""Positions in the two columns of a backbone and its pyramid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from archdsl.viz.draw.box_sizes import HEADER
from archdsl.viz.draw.cluster_layout import Arrangement, Point
from archdsl.viz.draw.ladder import Ladder, Level
from archdsl.viz.draw.placed import Rectangle
from archdsl.viz.draw.ranks import LayoutPart, Link

_GAP, _PAD = 16.0, 10.0
_LABEL = 8.0
"""Beside the words on a level arrow, together."""
_BESIDE = 30.0
"""Between backbone and pyramid, where the lateral arrows are."""


class LadderLayout:
    """The places of a ladder's parts, which are known by their names; ``None`` is the way out."""

    def __init__(
        self, ladder: Ladder, names: Sequence[str | None], parts: Sequence[LayoutPart]
    ) -> None:
        self._ladder = ladder
        self._names = names
        self._part: Mapping[str, LayoutPart] = {
            name: part for name, part in zip(names, parts, strict=True) if name is not None
        }
        self._middle: dict[str, Point] = {}
        """Of every box, without the room for its words."""
        self.frame: Rectangle | None = None
        """That of the pyramid, in coordinates of the arrangement."""
        self._rows()
        self._columns()

    def arrangement(self, links: Sequence[Link]) -> Arrangement:
        """The corners of all parts and the ways of all links."""
        at: list[Point] = []
        for name in self._names:
            if name is None:
                at.append((self._exit() - 3.0, self._foot))
                continue
            part, (x, y) = self._part[name], self._middle[name]
            at.append((x - part.port, y - self._height(name) / 2))
        ways = tuple(self._way(link) for link in links)
        return Arrangement(self._right, self._foot, tuple(at), ways)

    # ---- along the flow ----

    def _rows(self) -> None:
        """The height of every level and box of the backbone; the first row is the coarsest."""
        chain = self._ladder.chain[::-1]
        levels = {level.tap: level for level in self._ladder.levels}
        tallest = self._ladder.levels[0]
        top = (HEADER + _PAD if self._ladder.frame is not None else 0.0) + max(
            self._height(name) / 2 for name in (*tallest.lateral, *tallest.smooth)
        )
        first = next(n for n, name in enumerate(chain) if name in levels)
        above = sum(self._step(a, b) for a, b in pairwise(chain[: first + 1]))
        y = max(top - above, self._height(chain[0]) / 2)
        self._y: dict[str, float] = {}
        before: tuple[Level, float] | None = None
        for number, name in enumerate(chain):
            if number:
                y += self._step(chain[number - 1], name)
            level = levels.get(name)
            if level is not None:
                if before is not None:
                    y = max(y, before[1] + self._between(before[0], level))
                before = level, y
            self._y[name] = y

    def _step(self, upper: str, lower: str) -> float:
        """The distance of the middles of two boxes of the backbone above each other."""
        words = self._part[lower].foot  # beside the arrow that leaves upwards
        return (self._height(upper) + self._height(lower)) / 2 + _GAP + words

    def _between(self, upper: Level, lower: Level) -> float:
        """The distance of two levels at least."""
        down = [upper.end, *lower.down, lower.end]
        along = sum(
            (self._height(a) + self._height(b)) / 2 + _GAP + self._part[a].foot
            for a, b in pairwise(down)
        )
        beside = max(
            (self._height(a) + self._height(b)) / 2 + _GAP
            for a in (*upper.lateral, *upper.smooth)
            for b in (*lower.lateral, *lower.smooth)
        )
        return max(along, beside)

    def _height(self, name: str) -> float:
        return self._part[name].along - self._part[name].foot

    def _width(self, name: str) -> float:
        """The width of a box; its words stand on the right."""
        return 2 * self._part[name].port

    # ---- across the flow ----

    def _columns(self) -> None:
        ladder, levels = self._ladder, self._ladder.levels
        chain = max(map(self._width, ladder.chain))
        room = max(self._part[name].across - self._part[name].port for name in ladder.chain)
        for name in ladder.chain:
            self._middle[name] = (chain / 2, self._y[name])
        x = max(chain, chain / 2 + room) + _BESIDE
        left = x
        rows = [self._y[level.tap] for level in levels]
        for column in range(max(len(level.lateral) for level in levels)):
            x = self._across([x.lateral[column : column + 1] for x in levels], rows, x)
        nodes = [name for level in levels[1:] for name in (level.end, *level.down)]
        x += max(map(self._width, nodes)) / 2
        self._nodes = x
        for before, level, upper in zip(levels, levels[1:], rows, strict=False):
            y = upper
            for a, b in pairwise((before.end, *level.down)):
                y += (self._height(a) + self._height(b)) / 2 + _GAP + self._part[a].foot
                self._middle[b] = (x, y)
            self._middle[level.end] = (x, self._y[level.tap])
        words = max((self._part[n].across - self._part[n].port for n in nodes), default=0.0)
        x += max(words, max(map(self._width, nodes)) / 2) + _GAP + _LABEL
        for column in range(max(len(level.smooth) for level in levels)):
            x = self._across([x.smooth[column : column + 1] for x in levels], rows, x)
        self._end(left, x, rows[-1])

    def _across(self, boxes: Sequence[Sequence[str]], rows: Sequence[float], x: float) -> float:
        """Put boxes below each other, one in a row at most; where the next column begins."""
        widest = max(self._width(name) for found in boxes for name in found)
        for found, y in zip(boxes, rows, strict=True):
            for name in found:
                self._middle[name] = (x + widest / 2, y)
        return x + widest + _GAP + _LABEL

    def _end(self, left: float, x: float, y: float) -> None:
        """Put down what collects the levels, what is behind that, and the pyramid's frame."""
        ladder = self._ladder
        finest = ladder.levels[-1]
        middle = self._middle[finest.smooth[-1]][0] if finest.smooth else x
        tall = max(self._height(name) for name in (finest.end, *finest.smooth))
        y += tall / 2 + _GAP + self._height(ladder.join) / 2
        self._middle[ladder.join] = (middle, y)
        self._bus = max(x - _LABEL, middle + self._width(ladder.join) / 2 + _GAP)
        right = self._bus
        foot = y + self._height(ladder.join) / 2 + self._part[ladder.join].foot
        right = max(right, middle + self._part[ladder.join].across - self._part[ladder.join].port)
        if ladder.rest is not None:
            part = self._part[ladder.rest]
            into = part.ins.get(ladder.join, part.port)
            shift = max(0.0, left - (middle - into))
            self._middle[ladder.rest] = (
                middle + shift + part.port - into,
                foot + _GAP + part.along / 2,
            )
            foot += _GAP + part.along
            right = max(right, middle + shift - into + part.across)
        chain = max(self._y[name] + self._height(name) / 2 for name in ladder.chain)
        self._right, self._foot = right, max(foot, chain)
        if ladder.frame is not None:
            self._right = right + _PAD
            self._foot = max(foot + _PAD, chain)
            self.frame = Rectangle(left - _PAD, 0.0, right + 2 * _PAD - left, foot + _PAD)

    def _exit(self) -> float:
        """Place at which the one way out leads down."""
        rest = self._ladder.rest
        if rest is None:
            return self._middle[self._ladder.join][0]
        part = self._part[rest]
        return self._middle[rest][0] - part.port + next(iter(part.outs.values()), part.port)

    # ---- links ----

    def _way(self, link: Link) -> tuple[Point, ...]:
        source, target = self._names[link.source], self._names[link.target]
        assert source is not None
        (ax, ay) = self._middle[source]
        right, foot = ax + self._width(source) / 2, ay + self._height(source) / 2
        if target is None:
            return (self._exit(), foot), (self._exit(), self._foot)
        (bx, by) = self._middle[target]
        top, left = by - self._height(target) / 2, bx - self._width(target) / 2
        if source in self._ladder.chain and target in self._ladder.chain:
            return (ax, ay - self._height(source) / 2), (bx, by + self._height(target) / 2)
        if target == self._ladder.rest:
            part = self._part[target]
            into = bx - part.port + part.enters(link.key)
            return (ax, foot), (into, top)
        if target == self._ladder.join and source != self._ladder.rest:
            if abs(ax - bx) < 0.5 and source in self._ladder.levels[-1].smooth:
                return (ax, foot), (bx, top)
            side = bx + self._width(target) / 2
            return (right, ay), (self._bus, ay), (self._bus, by), (side, by)
        if abs(ay - by) < 0.5:
            return (right, ay), (left, by)
        if abs(ax - bx) < 0.5:
            return (ax, foot), (bx, top)
        return (right, ay), (bx, ay), (bx, top)
