"""The tree of the diagram after a change, with removed parts inserted where they were."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from archdsl.viz.draw.diagram import Box, ChangeMark, Cluster, End

_Part = Box | End | Cluster


class Tree:
    """The tree of the diagram after; :meth:`restore` inserts removed parts."""

    def __init__(self, root: Cluster, marks: Mapping[str, ChangeMark]) -> None:
        self._root = root
        self._marks = marks
        self._outer: dict[str, Cluster] = {}
        self._names = {root.id}
        for cluster in _clusters(root):
            for part in cluster.children:
                self._outer[part.id] = cluster
                self._names.add(part.id)
        self._ahead: defaultdict[str, list[_Part]] = defaultdict(list)
        self._behind: defaultdict[str, list[_Part]] = defaultdict(list)

    def restore(
        self, before: Cluster, kept: Mapping[str, str], ends: Sequence[End]
    ) -> dict[str, str]:
        """Put in the parts of the other tree of which no box is kept.

        They stand behind what stood before them there, or before what stood behind them. Returns
        the names of their boxes here, by those there: the same name may mean another box.
        """
        gone = _Gone(before, kept)
        names: dict[str, str] = {}
        for cluster in _clusters(before):
            if cluster.id in gone:
                continue
            place: list[_Part] | None = None
            waiting: list[_Part] = []
            for part in cluster.children:
                if isinstance(part, End):
                    continue
                if part.id in gone:
                    waiting.append(self._renamed(part, names))
                    continue
                first, last = gone.kept_ends(part)
                if place is None:
                    self._ahead[self._at(*first)] += waiting
                else:
                    place += waiting
                waiting = []
                place = self._behind[self._at(*last)]
            if waiting:
                (self._ahead[self._root.children[0].id] if place is None else place).extend(waiting)
        for end in ends:
            source = kept.get(end.source) or names[end.source]
            restored = End(self._unused(end.id), source, end.title, ChangeMark.REMOVED)
            self._behind[source].insert(0, restored)
        return names

    def root(self, boxes: Mapping[str, Box]) -> Cluster:
        """The tree with everything that was put in."""
        made: dict[str, Cluster] = {}
        for cluster in reversed([*_clusters(self._root)]):
            children: list[_Part] = []
            for part in cluster.children:
                children += self._whole(self._ahead[part.id])
                if isinstance(part, Cluster):
                    children.append(made[part.id])
                else:
                    children.append(boxes[part.id] if isinstance(part, Box) else part)
                children += self._whole(self._behind[part.id])
            made[cluster.id] = replace(cluster, children=tuple(children), mark=self._mark(cluster))
        return made[self._root.id]

    def _whole(self, parts: Sequence[_Part]) -> list[_Part]:
        """Parts that were put in, each with the outputs behind it."""
        found: list[_Part] = []
        for part in parts:
            found.append(part)
            if isinstance(part, Box):
                found += self._behind[part.id]
        return found

    def _mark(self, cluster: Cluster) -> ChangeMark | None:
        """The mark that all boxes of a cluster share; ``None`` where they differ."""
        marks = {self._marks.get(box.id) for box in cluster.boxes()}
        return ChangeMark.ADDED if marks == {ChangeMark.ADDED} else None

    def _at(self, box: str, levels: int) -> str:
        """The part that is so many levels around a box; the levels of the two trees may differ."""
        at = box
        for _ in range(levels):
            outer = self._outer[at]
            if outer is self._root:
                break
            at = outer.id
        return at

    def _renamed(self, part: Box | Cluster, names: dict[str, str]) -> Box | Cluster:
        """A part that is gone, with names that nothing else has."""
        if isinstance(part, Box):
            names[part.id] = self._unused(part.id)
            return replace(part, id=names[part.id], mark=ChangeMark.REMOVED)
        made: dict[str, Cluster] = {}
        for cluster in reversed([*_clusters(part)]):
            children: list[_Part] = []
            for child in cluster.children:
                if isinstance(child, Cluster):
                    children.append(made[child.id])
                elif isinstance(child, Box):
                    names[child.id] = self._unused(child.id)
                    children.append(replace(child, id=names[child.id], mark=ChangeMark.REMOVED))
            made[cluster.id] = replace(
                cluster,
                id=self._unused(cluster.id),
                children=tuple(children),
                mark=ChangeMark.REMOVED,
            )
        return made[part.id]

    def _unused(self, name: str) -> str:
        name = f"{name} (removed)"
        while name in self._names:
            name += "'"
        self._names.add(name)
        return name


class _Gone:
    """Parts of a tree without a box that is kept, and the places of kept boxes in the others."""

    def __init__(self, root: Cluster, kept: Mapping[str, str]) -> None:
        self._kept: dict[str, tuple[tuple[str, int], tuple[str, int]] | None] = {}
        for cluster in reversed([*_clusters(root)]):
            found = []
            for part in cluster.children:
                if isinstance(part, Box):
                    here = (kept[part.id], 0) if part.id in kept else None
                    self._kept[part.id] = (here, here) if here is not None else None
                if not isinstance(part, End) and (inside := self._kept[part.id]) is not None:
                    found.append(inside)
            self._kept[cluster.id] = (_out(found[0][0]), _out(found[-1][1])) if found else None

    def __contains__(self, name: object) -> bool:
        return self._kept.get(str(name)) is None

    def kept_ends(self, part: Box | Cluster) -> tuple[tuple[str, int], tuple[str, int]]:
        """The first and the last kept box of a part, each with how many levels it is inside."""
        found = self._kept[part.id]
        assert found is not None
        return found


def _out(place: tuple[str, int]) -> tuple[str, int]:
    return place[0], place[1] + 1


def _clusters(root: Cluster) -> list[Cluster]:
    return [root, *(part for part in root.walk() if isinstance(part, Cluster))]
