"""From a diagram to coordinates: clusters are laid out from the inside outwards.

Every cluster is arranged by itself, the clusters in it as parts with the size that they turned out
to have; an edge that crosses frames is a link in each of them. This keeps what belongs together
together, and the time in proportion to the drawing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from archdsl.viz.draw import box_sizes as sizing
from archdsl.viz.draw.box_sizes import HEADER, Sized, Words
from archdsl.viz.draw.cluster_layout import Arrangement, Point, arrange
from archdsl.viz.draw.diagram import Box, Cluster, Diagram, Edge, End
from archdsl.viz.draw.font_metrics import CAPITALS
from archdsl.viz.draw.ladder import Ladder, with_ladder
from archdsl.viz.draw.ladder_layout import LadderLayout
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
from archdsl.viz.draw.ranks import LayoutPart, Link

_PAD = 9.0
_PORT = 6.0

Item = tuple[str, str]
"""Identity of a part of a cluster: kind and name of a box, an end, a cluster or a port."""


@dataclass(slots=True)
class _Inside:
    """A cluster under construction: its ports and parts, and the links between them."""

    cluster: Cluster
    outer: _Inside | None
    depth: int
    items: list[Item] = field(default_factory=list)
    ins: list[Item] = field(default_factory=list)
    outs: list[Item] = field(default_factory=list)
    links: dict[tuple[Item, Item], str] = field(default_factory=dict)
    numbers: dict[tuple[Item, Item], int] = field(default_factory=dict)
    arrangement: Arrangement | None = None
    whole: tuple[Arrangement, LayoutPart] | None = None
    """The arrangement in one piece, and the part that the cluster is with it."""
    offset: Point = (0.0, 0.0)
    """Position of the arrangement inside the cluster."""
    origin: Point = (0.0, 0.0)
    """Position of the arrangement on the page."""
    corner: Point = (0.0, 0.0)

    def link(self, source: Item, target: Item, key: str) -> None:
        for item, ports, way in ((source, self.ins, "in"), (target, self.outs, "out")):
            if item[0] == way and item not in ports:
                ports.append(item)
        self.links.setdefault((source, target), key)


class Layout:
    """The layout of one diagram; ``across`` the page, from left to right, or down.

    The first lines of boxes are as large as ``title`` says, in points.
    """

    def __init__(
        self, diagram: Diagram, *, across: bool = False, title: float = sizing.TITLE
    ) -> None:
        self._title = title
        self._ladder: Ladder | None = None
        if not across:
            diagram, self._ladder = with_ladder(diagram)
        self.pyramid = self._ladder is not None
        """True for a backbone and its pyramid side by side."""
        self._diagram = diagram
        self._lr = across
        self._column_frame: Rectangle | None = None
        """The frame of a pyramid inside its arrangement with a backbone."""
        self._sizes: dict[str, Sized] = {}
        self._inside: dict[str, _Inside] = {}
        self._home: dict[str, _Inside] = {}
        self._main = diagram.root.children[-1]
        self._told = {edge.source: sizing.label(edge) for edge in diagram.edges if edge.label}
        self._collect()
        ends = (Edge(end.source, end.id, mark=end.mark) for end in diagram.ends)
        self._edges = [*diagram.edges, *ends]
        self._pieces = [self._split(edge) for edge in self._edges]

    def placed(self, longest: float | None = None) -> Placed:
        """The diagram with coordinates, what is longer than ``longest`` broken into columns."""
        parts, width, height = self._arranged(longest)
        self._set_down()
        boxes, ends = self._parts()
        return Placed(
            width,
            height,
            tuple(self._frames(parts)),
            tuple(self._lines()),
            boxes,
            ends,
        )

    def sketch(self, longest: float | None = None) -> Sketch:
        """The size of the diagram; what is in it is put down when it is asked for."""
        _, width, height = self._arranged(longest)
        return Sketch(width, height, lambda: self.placed(longest))

    def _arranged(self, longest: float | None) -> tuple[dict[str, LayoutPart], float, float]:
        """The parts of all clusters; width and height of the whole."""
        parts: dict[str, LayoutPart] = {}
        for inside in reversed(self._inside.values()):
            self._arrange(inside, parts, longest)
        root = self._inside[self._diagram.root.id]
        assert root.arrangement is not None
        return parts, *self._point(root.arrangement.across, root.arrangement.along)

    # ---- what is inside what ----

    def _collect(self) -> None:
        waiting = [_Inside(self._diagram.root, None, 0)]
        while waiting:
            inside = waiting.pop()
            cluster = inside.cluster
            self._inside[cluster.id] = inside
            leaves = [part for part in cluster.children if not isinstance(part, Cluster)]
            self._sizes |= sizing.alike((p, sizing.sized(p, self._title)) for p in leaves)
            for part in cluster.children:
                inside.items.append(("part", part.id))
                if isinstance(part, Cluster):
                    waiting.append(_Inside(part, inside, inside.depth + part.framed))
                else:
                    self._home[part.id] = inside

    def _split(self, edge: Edge) -> list[tuple[_Inside, tuple[Item, Item]]]:
        """The pieces of an edge: a link in every cluster that it passes."""
        up, down = self._line(edge.source), self._line(edge.target)
        while len(up) > 1 and len(down) > 1 and up[-2] is down[-2]:
            up.pop()
            down.pop()
        key = edge.source
        pieces = []
        source: Item = ("part", edge.source)
        for inside in up[:-1]:
            pieces.append((inside, (source, ("out", key))))
            source = ("part", inside.cluster.id)
        targets: list[Item] = [("part", edge.target), *(("part", i.cluster.id) for i in down[:-1])]
        pieces.append((up[-1], (source, targets[-1])))
        for inside, target in zip(reversed(down[:-1]), reversed(targets[:-1]), strict=True):
            pieces.append((inside, (("in", key), target)))
        for inside, (start, end) in pieces:
            inside.link(start, end, key)
        return pieces

    def _line(self, name: str) -> list[_Inside]:
        line, inside = [], self._home.get(name)
        while inside is not None:
            line.append(inside)
            inside = inside.outer
        return line

    # ---- from the inside outwards ----

    def _arrange(self, inside: _Inside, made: dict[str, LayoutPart], longest: float | None) -> None:
        cluster = inside.cluster
        if inside.whole is not None and longest is not None:
            arrangement, part = inside.whole
            inner = (self._inside[c.id] for c in cluster.children if isinstance(c, Cluster))
            same = all(i.whole is not None and i.arrangement is i.whole[0] for i in inner)
            if arrangement.along <= longest and same:
                inside.arrangement, made[cluster.id] = arrangement, part
                return
        items = [*inside.ins, *inside.items, *inside.outs]
        number = {item: i for i, item in enumerate(items)}
        parts = [self._part(item, made, cluster) for item in items]
        links = [Link(number[s], number[t], key) for (s, t), key in inside.links.items()]
        links = [link for link in links if link.source < link.target]
        inside.numbers = {(items[k.source], items[k.target]): i for i, k in enumerate(links)}
        if self._ladder is not None and cluster.id == self._ladder.id:
            names = [None if item[0] == "out" else item[1] for item in items]
            columns = LadderLayout(self._ladder, names, parts)
            arrangement, self._column_frame = columns.arrangement(links), columns.frame
        else:
            arrangement = arrange(parts, links, tight=not cluster.framed, longest=longest)
        inside.arrangement = arrangement
        part = self._around(inside, arrangement)
        shift = inside.offset[0] + _PORT / 2
        for item, (left, _) in zip(items, arrangement.at, strict=True):
            if item[0] == "in":
                part.ins[item[1]] = left + shift
            elif item[0] == "out":
                part.outs[item[1]] = left + shift
        made[cluster.id] = part
        if longest is None:
            inside.whole = arrangement, part

    def _part(self, item: Item, made: dict[str, LayoutPart], cluster: Cluster) -> LayoutPart:
        kind, name = item
        if kind != "part":
            return LayoutPart(_PORT, 0.0, _PORT / 2, first=kind == "in", last=kind == "out")
        if name in made:
            return made[name]
        size = self._sizes[name]
        words = self._told.get(name)
        box = next(part for part in cluster.children if part.id == name)
        is_joint, led = (box.joint, box.led) if isinstance(box, Box) else (False, True)
        breadth, length = (size.height, size.width) if self._lr else (size.width, size.height)
        before = after = breadth / 2
        foot = 0.0
        if words is not None:
            if self._lr:
                before, foot = max(before, sizing.LABEL), words.width + 2 * sizing.BESIDE_LABEL
            else:
                after, foot = max(after, words.width + 2 * sizing.BESIDE_LABEL), sizing.LABEL
        aside = isinstance(box, End) and box is not self._main
        joint = breadth / 2 if is_joint else None
        return LayoutPart(
            before + after, length + foot, before, foot, led=led, joint=joint, aside=aside
        )

    def _around(self, inside: _Inside, arrangement: Arrangement) -> LayoutPart:
        """The part that a cluster is for the one around it."""
        across, along = arrangement.across, arrangement.along
        if not inside.cluster.framed or inside.outer is None:
            inside.offset = (0.0, 0.0)
            return LayoutPart(across, along, across / 2)
        words = sizing.header(inside.cluster).width + 2 * _PAD
        if self._lr:
            length = max(along, words)
            inside.offset = (HEADER + _PAD / 2, (length - along) / 2)
            return LayoutPart(across + HEADER + 1.5 * _PAD, length, across / 2 + HEADER)
        breadth = max(across + 2 * _PAD, words)
        inside.offset = ((breadth - across) / 2, HEADER)
        return LayoutPart(breadth, along + HEADER, breadth / 2)

    # ---- from the outside inwards ----

    def _set_down(self) -> None:
        """Turn places inside clusters into places on the page."""
        for inside in self._inside.values():
            outer = inside.outer
            if outer is not None:
                assert outer.arrangement is not None
                place = len(outer.ins) + outer.items.index(("part", inside.cluster.id))
                over, forth = outer.arrangement.at[place]
                inside.corner = outer.origin[0] + over, outer.origin[1] + forth
            inside.origin = (
                inside.corner[0] + inside.offset[0],
                inside.corner[1] + inside.offset[1],
            )

    def _point(self, across: float, along: float) -> tuple[float, float]:
        return (along, across) if self._lr else (across, along)

    def _frames(self, parts: dict[str, LayoutPart]) -> Iterable[PlacedFrame]:
        for name, inside in self._inside.items():
            if self._ladder is not None and name == self._ladder.id and self._ladder.frame:
                assert self._column_frame is not None
                (x, y), of = inside.origin, self._column_frame
                at = Rectangle(of.x + x, of.y + y, of.width, of.height)
                yield _frame(self._ladder.frame, at, inside.depth)
            if not inside.cluster.framed or inside.outer is None:
                continue
            part = parts[name]
            x, y = self._point(*inside.corner)
            width, height = self._point(part.across, part.along)
            yield _frame(inside.cluster, Rectangle(x, y, width, height), inside.depth - 1)

    def _parts(self) -> tuple[tuple[PlacedBox, ...], tuple[PlacedEnd, ...]]:
        boxes, ends = [], []
        for inside in self._inside.values():
            assert inside.arrangement is not None
            places = inside.arrangement.at[len(inside.ins) :]
            for part, (over, forth) in zip(inside.cluster.children, places, strict=False):
                if isinstance(part, Cluster):
                    continue
                size = self._sizes[part.id]
                if self._lr and part.id in self._told:
                    over += max(0.0, sizing.LABEL - size.height / 2)
                x, y = self._point(inside.origin[0] + over, inside.origin[1] + forth)
                if isinstance(part, End):
                    ends.append(PlacedEnd(part, stacked(size, x, y)))
                else:
                    at = Rectangle(x, y, size.width, size.height)
                    arranged = spread if part.joint else stacked
                    boxes.append(PlacedBox(part, at, arranged(size, x, y)))
        return tuple(boxes), tuple(ends)

    def _lines(self) -> Iterable[PlacedEdge]:
        for edge, pieces in zip(self._edges, self._pieces, strict=True):
            points: list[tuple[float, float]] = []
            for inside, link in pieces:
                assert inside.arrangement is not None
                if link not in inside.numbers:
                    continue
                for over, forth in inside.arrangement.ways[inside.numbers[link]]:
                    points.append(self._point(inside.origin[0] + over, inside.origin[1] + forth))
            words = self._told.get(edge.source) if edge.label else None
            label = None
            if words is not None and points:
                x, y = points[0]
                level = len(points) > 1 and abs(points[1][1] - y) < 0.5
                if self._lr or level or (len(points) > 1 and points[1][1] < y):
                    x, y = x + sizing.BESIDE_LABEL + words.width / 2, y - sizing.LABEL / 2
                else:
                    x, y = x + sizing.BESIDE_LABEL + words.width / 2, y + sizing.LABEL / 2
                label = line_at(words, x, y)
            yield PlacedEdge(edge, tuple(points), label)


def _frame(cluster: Cluster, at: Rectangle, depth: int) -> PlacedFrame:
    strip = Rectangle(at.x, at.y, at.width, HEADER)
    line = line_at(sizing.header(cluster), at.x + at.width / 2, at.y + HEADER / 2)
    return PlacedFrame(cluster, at, strip, (line,), depth)


def line_at(words: Words, x: float, y: float) -> Line:
    """A line with its middle at a point."""
    down = words.size * CAPITALS / 2
    return Line(words.text, x, y + down, words.width, words.size, words.bold, words.quiet)


def stacked(size: Sized, x: float, y: float) -> tuple[Line, ...]:
    """Lines below each other in the middle of a rectangle."""
    y += (size.height - sum(words.height for words in size.lines)) / 2
    lines = []
    for words in size.lines:
        lines.append(line_at(words, x + size.width / 2, y + words.height / 2))
        y += words.height
    return tuple(lines)


def spread(size: Sized, x: float, y: float) -> tuple[Line, ...]:
    """Words beside each other in the middle of a rectangle."""
    space = sizing.SPACE
    x += (size.width - sum(w.width for w in size.lines) - space * (len(size.lines) - 1)) / 2
    lines = []
    for words in size.lines:
        lines.append(line_at(words, x + words.width / 2, y + size.height / 2))
        x += words.width + space
    return tuple(lines)
