"""A backbone and the pyramid on it as two columns, as Lin et al. 2017 draw them (figure 3).

The backbone goes up on the left, the pyramid comes down on the right; between them lateral arrows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise

from archdsl.viz.draw.diagram import Box, Cluster, Diagram, End

_FEWEST_LEVELS = 2
_LATERAL = 4
"""Boxes of a lateral way that may look as if they went on with the backbone."""


@dataclass(frozen=True)
class Level:
    """A level of a pyramid, by the names of its boxes."""

    tap: str
    """The box of the backbone that it takes."""
    lateral: tuple[str, ...]
    """The boxes between the two, from left to right."""
    down: tuple[str, ...]
    """The boxes on the way from the level above; none at the top."""
    sum: str | None
    """The join of both; none at the top."""
    smooth: tuple[str, ...]
    """The boxes between the level and the join of all levels."""

    @property
    def end(self) -> str:
        """The box that the next level and what is behind take."""
        return self.sum or self.lateral[-1]


@dataclass(frozen=True)
class Ladder:
    """A backbone with its pyramid: two columns of boxes."""

    id: str
    """Of the cluster that holds them."""
    chain: tuple[str, ...]
    """The backbone, from the input on."""
    levels: tuple[Level, ...]
    """From the coarsest, at the top, to the finest."""
    join: str
    """The box that collects all levels."""
    rest: str | None
    """The cluster behind that, if there is one."""
    frame: Cluster | None
    """The template instance that the pyramid is, which has a frame."""


def with_ladder(diagram: Diagram) -> tuple[Diagram, Ladder | None]:
    """The diagram with a backbone and its pyramid in a cluster of their own, if it has them."""
    children = diagram.root.children
    boxes = next((n for n, part in enumerate(children) if not isinstance(part, Box)), 0)
    tries: list[tuple[int, Cluster, tuple[Box | End | Cluster, ...]]] = []
    child = children[boxes] if boxes < len(children) else None
    if isinstance(child, Cluster) and child.times == 1:
        tries.append((boxes, child, children[boxes + 1 :]))
    # A pyramid without a template of its own begins right behind the backbone.
    for place in range(_chain(diagram), 0, -1)[:_LATERAL]:
        bare = Cluster(diagram.root.id, "", children[place:], framed=False)
        tries.append((place, bare, ()))
    for place, pyramid, after in tries:
        found = _Finder(diagram, children[:place], pyramid).found()
        if found is not None:
            cluster, ladder, rest = found
            root = replace(diagram.root, children=(cluster, *rest, *after))
            return replace(diagram, root=root), ladder
    return diagram, None


def _chain(diagram: Diagram) -> int:
    """The number of boxes at the beginning of which each takes the one before."""
    sources: dict[str, list[str]] = {}
    for edge in diagram.edges:
        sources.setdefault(edge.target, []).append(edge.source)
    before: list[str] = []
    for number, part in enumerate(diagram.root.children):
        if not isinstance(part, Box) or sources.get(part.id, []) != before:
            return number
        before = [part.id]
    return 0


_Found = tuple[Cluster, Ladder, tuple[Box | End | Cluster, ...]]


class _Finder:
    """Looks for a pyramid in a cluster, and for its backbone in what is before it."""

    def __init__(
        self, diagram: Diagram, before: Iterable[Box | End | Cluster], pyramid: Cluster
    ) -> None:
        while pyramid.children and isinstance(inner := pyramid.children[0], Cluster):
            # What is behind a pyramid, such as coarser maps, may be around it in the text.
            if inner.times > 1:
                break
            pyramid = replace(pyramid, children=(*inner.children, *pyramid.children[1:]))
        self._pyramid = pyramid
        self._before = list(before)
        self._parts = {part.id: part for part in pyramid.children}
        self._owner = {part.id: top.id for top in pyramid.children for part in _leaves(top)}
        self._sources: dict[str, list[str]] = {}
        self._targets: dict[str, list[str]] = {}
        for edge in diagram.edges:
            source = self._owner.get(edge.source, edge.source)
            target = self._owner.get(edge.target, edge.target)
            if source != target:
                self._sources.setdefault(target, []).append(source)
                self._targets.setdefault(source, []).append(target)
        self._ended = {self._owner.get(end.source, end.source) for end in diagram.ends}

    def found(self) -> _Found | None:
        """The cluster of both, the parts that the boxes in it play, and what stays outside."""
        chain = [part.id for part in self._before]
        links = pairwise(chain)
        if not chain or any(not isinstance(part, Box) for part in self._before):
            return None
        if any(self._sources.get(b, []) != [a] for a, b in links) or chain[0] in self._sources:
            return None
        levels = self._levels(set(chain))
        if levels is None:
            return None
        sums = {level.sum for level in levels}
        behind = [self._behind(level.end, sums) for level in levels]
        joins = {name for _, name in behind}
        if len(joins) != 1 or None in joins:
            return None
        join = next(name for name in joins if name is not None)
        levels = [replace(x, smooth=way) for x, (way, _) in zip(levels, behind, strict=True)]
        core = {
            name
            for level in levels
            for name in (*level.lateral, *level.down, *level.smooth, level.sum or join)
        } | {join}
        rest = [part for name, part in self._parts.items() if name not in core]
        inside = {*chain, *(self._parts if self._pyramid.framed else core)}
        leaving = {
            name
            for name in inside
            if name in self._ended or any(t not in inside for t in self._targets.get(name, ()))
        }
        last = {part.id for part in rest if self._pyramid.framed} or {join}
        if not leaving <= last or any(not isinstance(self._parts[name], Box) for name in core):
            return None
        known = {join, *(part.id for part in rest)}
        if any(s not in known for part in rest for s in self._sources.get(part.id, ())):
            return None
        return self._made(chain, levels, join, rest)

    def _made(
        self, chain: list[str], levels: list[Level], join: str, rest: list[Box | End | Cluster]
    ) -> _Found:
        pyramid = self._pyramid
        outside = () if pyramid.framed else tuple(rest)
        rest = rest if pyramid.framed else []
        taken = {part.id for part in (*rest, *outside)}
        behind = Cluster(f"{pyramid.id}/behind", "", tuple(rest), framed=False)
        children = [part for part in pyramid.children if part.id not in taken]
        cluster = Cluster(
            f"{pyramid.id}/ladder",
            "",
            (*self._before, *children, *((behind,) if rest else ())),
            framed=False,
        )
        frame = replace(pyramid, children=()) if pyramid.framed else None
        name = behind.id if rest else None
        ladder = Ladder(cluster.id, tuple(chain), tuple(levels), join, name, frame)
        return cluster, ladder, outside

    def _levels(self, chain: set[str]) -> list[Level] | None:
        """The levels from the top on; each takes one box of the backbone, and the level before."""
        levels: list[Level] = []
        for name in self._parts:
            if not self._is_join(name) or len(self._sources.get(name, ())) != 2:
                continue
            ways = [self._way(source, chain) for source in self._sources[name]]
            across = [way for way in ways if way[0] in chain]
            down = [way for way in ways if way[0] not in chain]
            if not levels and len(across) == 2:  # the top is a mere lateral way
                top = next((w for w in across if self._forks(w[1])), None)
                if top is None:
                    return None
                upper, lower = self._cut(top[1])
                levels.append(Level(top[0], upper, (), None, ()))
                across = [way for way in across if way is not top]
                down = [(levels[0].end, lower)]
            if len(across) != 1 or len(down) != 1 or not levels or down[0][0] != levels[-1].end:
                continue
            if self._forks(across[0][1]):  # that is a join of levels
                continue
            levels.append(Level(across[0][0], across[0][1], down[0][1], name, ()))
        taps = [level.tap for level in levels]
        if len(levels) < _FEWEST_LEVELS or len(set(taps)) < len(taps):
            return None
        order = {part.id: at for at, part in enumerate(self._before)}
        return levels if all(order[a] > order[b] for a, b in pairwise(taps)) else None

    def _way(self, name: str, chain: set[str]) -> tuple[str, tuple[str, ...]]:
        """The start of a way of single boxes that leads to a box, and the boxes on it."""
        way: list[str] = []
        while name not in chain and not self._is_join(name):
            way.append(name)
            sources = self._sources.get(name, ())
            if len(sources) != 1:
                break
            (name,) = sources
        return name, tuple(reversed(way))

    def _forks(self, way: tuple[str, ...]) -> bool:
        return any(len(self._targets.get(name, ())) > 1 for name in way)

    def _cut(self, way: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """A way up to where it forks, and what is behind."""
        at = next(n for n, name in enumerate(way) if len(self._targets[name]) > 1)
        return way[: at + 1], way[at + 1 :]

    def _behind(self, end: str, sums: set[str | None]) -> tuple[tuple[str, ...], str | None]:
        """The boxes from a level to the join of all levels, and that join."""
        for name in self._targets.get(end, ()):
            way: list[str] = []
            while name in self._parts and not self._is_join(name):
                way.append(name)
                targets = self._targets.get(name, ())
                if len(targets) != 1:
                    break
                (name,) = targets
            if name not in sums and self._is_join(name):
                return tuple(way), name
        return (), None

    def _is_join(self, name: str) -> bool:
        part = self._parts.get(name)
        return isinstance(part, Box) and part.joint


def _leaves(part: Box | End | Cluster) -> Iterable[Box | End | Cluster]:
    yield part
    if isinstance(part, Cluster):
        yield from part.walk()
