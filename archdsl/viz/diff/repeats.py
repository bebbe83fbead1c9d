"""Equal parts in a row of a merged diagram, drawn once and marked with their number."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from archdsl.ir.network import Turn
from archdsl.viz.draw.diagram import Box, Cluster, Edge, End

_SHORTEST_RUN_OF_SINGLES = 4
"""As of other diagrams: fewer equal single boxes show the depth better than a number."""

_Part = Box | End | Cluster


def repeated(
    root: Cluster, edges: Sequence[Edge], turns: Mapping[str, Turn]
) -> tuple[Cluster, list[Edge]]:
    """The diagram with equal parts in a row put into one, outer ones first.

    Parts are equal that look the same, are marked the same, and are connected the same inside,
    where each takes what the one before gives, and nobody else does. ``turns`` are those of
    repeated blocks that have no scope, by box: the boxes of one are a part too.
    """
    root = _turned(root, turns)
    rows = _Rows(root, edges)
    stands_for: dict[str, str] = {}
    children: dict[str, list[_Part]] = {}
    times: dict[str, int] = {}
    waiting = [root]
    opened = []
    while waiting:
        cluster = waiting.pop()
        opened.append(cluster)
        children[cluster.id] = []
        for run in rows.runs(cluster.children):
            first = run[0]
            children[cluster.id].append(first)
            times[first.id] = len(run)
            for other in run[1:]:
                stands_for.update(zip(rows.boxes[other.id], rows.boxes[first.id], strict=True))
            if isinstance(first, Cluster):
                waiting.append(first)
    made: dict[str, _Part] = {}
    for cluster in reversed(opened):
        inner: list[_Part] = []
        for child in children[cluster.id]:
            part = _with(made.get(child.id, child), times[child.id])
            if isinstance(part, _TurnCluster) and part.times == 1:
                inner += part.children
            else:
                inner.append(part)
        made[cluster.id] = replace(cluster, children=tuple(inner))
    whole = made[root.id]
    assert isinstance(whole, Cluster)
    return whole, _edges(whole, edges, stands_for)


class _TurnCluster(Cluster):
    """The parts of a turn of a repeated block; it is there if it stands for others as well."""


def _turned(root: Cluster, turns: Mapping[str, Turn]) -> Cluster:
    """The diagram with the parts of each turn in a cluster of their own."""
    of: dict[str, Turn | None] = {}
    made: dict[str, _Part] = {}
    for part in reversed([root, *root.walk()]):
        if not isinstance(part, Cluster):
            of[part.id] = turns.get(part.id)
            continue
        inside = {of[child.id] for child in part.children}
        of[part.id] = inside.pop() if len(inside) == 1 else None
        children: list[_Part] = []
        for turn, run in groupby(part.children, lambda child: of[child.id]):
            parts = [made.get(child.id, child) for child in run]
            if turn is None or turn == of[part.id] or len(parts) == 1:
                children += parts
            else:
                children.append(_turn_cluster(turn, parts))
        made[part.id] = replace(part, children=tuple(children))
    whole = made[root.id]
    assert isinstance(whole, Cluster)
    return whole


def _turn_cluster(turn: Turn, parts: Sequence[_Part]) -> _TurnCluster:
    made = _TurnCluster(f"the turn of {parts[0].id}", turn.title, tuple(parts), framed=False)
    marks = {box.mark for box in made.boxes()}
    return replace(made, mark=marks.pop() if len(marks) == 1 else None)


def _with(part: _Part, times: int) -> _Part:
    if times == 1 or isinstance(part, End):
        return part
    if isinstance(part, Cluster):
        return replace(part, times=times, framed=True)
    return replace(part, times=times)


def _edges(root: Cluster, edges: Iterable[Edge], stands_for: dict[str, str]) -> list[Edge]:
    order = {box.id: place for place, box in enumerate(root.boxes())}
    found: dict[tuple[str, str], Edge] = {}
    for edge in edges:
        source, target = (_shown(name, stands_for) for name in (edge.source, edge.target))
        if order[source] < order[target]:
            found.setdefault((source, target), replace(edge, source=source, target=target))
    return list(found.values())


def _shown(name: str, stands_for: dict[str, str]) -> str:
    while name in stands_for:
        name = stands_for[name]
    return name


class _Rows:
    """Runs of equal parts that follow each other."""

    def __init__(self, root: Cluster, edges: Iterable[Edge]) -> None:
        self.boxes: dict[str, list[str]] = {}
        """The boxes inside of a part, in order."""
        self._looks: dict[str, int] = {}
        self._known: dict[Hashable, int] = {}
        self._into: defaultdict[str, list[str]] = defaultdict(list)
        self._from: defaultdict[str, list[str]] = defaultdict(list)
        for edge in edges:
            self._into[edge.target].append(edge.source)
            self._from[edge.source].append(edge.target)
        for part in reversed([root, *root.walk()]):
            self._read(part)

    def _read(self, part: _Part) -> None:
        looks: Hashable
        if isinstance(part, Cluster):
            self.boxes[part.id] = [name for c in part.children for name in self.boxes[c.id]]
            looks = part.title, part.mark, tuple(self._looks[c.id] for c in part.children)
        elif isinstance(part, Box):
            self.boxes[part.id] = [part.id]
            costs = part.facts.parameters, part.facts.macs
            looks = replace(part, id="", scope="", facts=replace(part.facts, receptive_field=0))
            looks = looks, costs
        else:
            self.boxes[part.id] = []
            looks = part.id  # an output is like no other
        self._looks[part.id] = self._known.setdefault(looks, len(self._known))

    def runs(self, parts: Sequence[_Part]) -> list[list[_Part]]:
        """The parts in order, those that repeat each other together."""
        found: list[list[_Part]] = []
        for part in parts:
            if found and self._continues(found[-1][-1], part):
                found[-1].append(part)
            else:
                found.append([part])
        short = (run for run in found if len(run) < _SHORTEST_RUN_OF_SINGLES)
        single = {run[0].id for run in short if isinstance(run[0], Box) and not run[0].block}
        return [
            piece
            for run in found
            for piece in ([[part] for part in run] if run[0].id in single else [run])
        ]

    def _continues(self, first: _Part, second: _Part) -> bool:
        """True if ``second`` equals ``first`` and reads what comes out of it."""
        if self._looks[first.id] != self._looks[second.id] or isinstance(second, End):
            return False
        one, two = (_Inside(self.boxes[part.id]) for part in (first, second))
        entry = {s for name in two.names for s in self._into[name] if s not in two.places}
        leaves = {t for name in one.names for t in self._from[name] if t not in one.places}
        return (
            len(entry) == 1
            and entry <= one.places.keys()
            and leaves <= two.places.keys()
            and self._wires(one) == self._wires(two)
        )

    def _wires(self, inside: _Inside) -> list[list[int]]:
        """For each box inside, the numbers of the boxes it reads; -1 for one outside."""
        return [
            sorted({inside.places.get(source, -1) for source in self._into[name]})
            for name in inside.names
        ]


class _Inside:
    """The boxes of a part, numbered."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self.places = {name: place for place, name in enumerate(names)}
