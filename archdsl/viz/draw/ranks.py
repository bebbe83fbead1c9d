"""Layers of a small graph: a rank for every part, and the order of parts within a rank.

After Sugiyama, Tagawa and Toda 1981, "Methods for Visual Understanding of Hierarchical System
Structures": long links run through lanes, one in every rank between their ends.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass, field

_SWEEPS = 6


@dataclass(slots=True)
class LayoutPart:
    """A box or cluster to be placed: its size across and along the direction of flow.

    ``ins`` and ``outs`` are where links come in and go out, from the part's left edge, by the name
    of what flows; elsewhere it is ``port``. ``foot`` is room behind it through which links run on.
    """

    across: float
    along: float
    port: float
    foot: float = 0
    ins: dict[str, float] = field(default_factory=dict)
    outs: dict[str, float] = field(default_factory=dict)
    first: bool = False
    """True for an input of the network, which is placed before everything else."""
    last: bool = False
    """True for an output of the network, which is placed behind everything else."""
    led: bool = True
    """True if its first link goes straight and the others come from the side."""
    joint: float | None = None
    """Distance from the port, on either hand, at which links enter from the side."""
    aside: bool = False
    """True if it ends a branch off the main path, which stays beside that."""

    def enters(self, key: str) -> float:
        return self.ins.get(key, self.port)

    def leaves(self, key: str) -> float:
        return self.outs.get(key, self.port)


@dataclass(frozen=True, slots=True)
class Link:
    """A link between two parts, given by their numbers; ``key`` names the value that flows."""

    source: int
    target: int
    key: str


@dataclass(slots=True)
class LinkSegment:
    """The part of a link, or of several in one lane, between two neighbouring ranks."""

    above: int
    below: int
    leaves: float
    enters: float
    weight: float


@dataclass(slots=True)
class Ranked:
    """Ranks of parts and lanes, as nodes; the numbers below the number of parts are parts."""

    rank: list[int]
    """Rank of every node."""
    rows: list[list[int]]
    """The nodes of every rank, from left to right."""
    lanes: dict[tuple[int, str, int], int]
    """The node of a lane by source, key and rank."""
    aside: set[int]
    """The parts from which nothing leads back to the main path."""
    segments: list[list[LinkSegment]]
    """Link segments that leave each rank."""


def ranked(parts: Sequence[LayoutPart], links: Sequence[Link]) -> Ranked:
    """The ranks of parts, which stand in an order in which links go forward, and their lanes."""
    rank = _longest_paths(parts, links)
    aside = _aside(parts, links)
    rows: list[list[int]] = [[] for _ in range(max(rank, default=0) + 1)]
    for node in sorted(range(len(parts)), key=lambda node: node in aside):
        rows[rank[node]].append(node)
    furthest: dict[tuple[int, str], int] = {}
    for link in links:
        trunk = (link.source, link.key)
        furthest[trunk] = max(furthest.get(trunk, 0), rank[link.target])
    lanes: dict[tuple[int, str, int], int] = {}
    for (source, key), end in furthest.items():
        for row in range(rank[source] + 1, end):
            lanes[source, key, row] = len(rank)
            rows[row].append(len(rank))
            rank.append(row)
    made = Ranked(rank, rows, lanes, aside, [[] for _ in rows])
    _fill_steps(made, parts, links, furthest)
    _order(made)
    return made


def _aside(parts: Sequence[LayoutPart], links: Sequence[Link]) -> set[int]:
    aside = {node for node, part in enumerate(parts) if part.aside}
    if not aside:
        return aside
    targets: dict[int, list[int]] = {}
    for link in links:
        targets.setdefault(link.source, []).append(link.target)
    for source in range(len(parts) - 1, -1, -1):  # links go forward
        if source in targets and all(target in aside for target in targets[source]):
            aside.add(source)
    return aside


def _longest_paths(parts: Sequence[LayoutPart], links: Sequence[Link]) -> list[int]:
    rank = [0 if part.first else 1 for part in parts]
    for link in sorted(links, key=lambda link: link.source):
        rank[link.target] = max(rank[link.target], rank[link.source] + 1)
    # What takes nothing stands right before what takes it.
    fed = {link.target for link in links}
    needed: dict[int, int] = {}
    for link in links:
        needed[link.source] = min(needed.get(link.source, rank[link.target]), rank[link.target])
    for node, part in enumerate(parts):
        if node not in fed and node in needed and not part.first:
            rank[node] = max(1, needed[node] - 1)
    end = max((r for r, part in zip(rank, parts, strict=True) if not part.last), default=0) + 1
    return [end if part.last else r for r, part in zip(rank, parts, strict=True)]


# A link that is to be straight; one between parts that have no other; any; one to the side; a
# piece of a lane, which yields to parts but not to its own bends.
_SPINE, _CHAIN, _PLAIN, _SIDE, _LANE = 1000.0, 100.0, 10.0, 0.05, 2.0


def _fill_steps(
    made: Ranked,
    parts: Sequence[LayoutPart],
    links: Sequence[Link],
    furthest: dict[tuple[int, str], int],
) -> None:
    weights = _weights(parts, links, made)
    for index, link in enumerate(links):
        row = made.rank[link.target] - 1
        if row <= made.rank[link.source]:
            above, leaves = link.source, parts[link.source].leaves(link.key)
        else:
            above, leaves = made.lanes[link.source, link.key, row], 0.0
        enters = parts[link.target].enters(link.key)
        made.segments[row].append(LinkSegment(above, link.target, leaves, enters, weights[index]))
    for (source, key), end in furthest.items():
        above, leaves, weight = source, parts[source].leaves(key), _SIDE
        for row in range(made.rank[source] + 1, end):
            lane = made.lanes[source, key, row]
            made.segments[row - 1].append(LinkSegment(above, lane, leaves, 0.0, weight))
            above, leaves, weight = lane, 0.0, _LANE


def _weights(parts: Sequence[LayoutPart], links: Sequence[Link], made: Ranked) -> list[float]:
    """Weight of each link: the more, the straighter it is drawn."""
    into: list[list[int]] = [[] for _ in parts]
    out: list[int] = [0] * len(parts)
    for index, link in enumerate(links):
        into[link.target].append(index)
        out[link.source] += link.target not in made.aside
    weights = []
    for link in links:
        only = len(into[link.target]) == 1 and out[link.source] == 1
        long = made.rank[link.target] - made.rank[link.source] > 1
        leaves = link.target in made.aside and link.source not in made.aside
        weights.append(_SIDE if long or leaves else _CHAIN if only else _PLAIN)
    for target, part in enumerate(parts):
        short = [i for i in into[target] if weights[i] != _SIDE]
        if len(into[target]) < 2 or not short or (not part.led and len(short) > 1):
            continue
        for index in into[target]:
            weight = _SPINE if index == short[0] else _SIDE
            while True:  # up to where the ways part
                weights[index] = weight
                source = links[index].source
                if out[source] > 1 or len(into[source]) != 1:
                    break
                index = into[source][0]
    return weights


def _order(made: Ranked) -> None:
    """Put the nodes of every rank in an order with fewer crossings, where there is one."""
    if max(map(len, made.rows)) < 2:
        return
    best, rows = _crossings(made, made.rows), made.rows
    for sweep in range(_SWEEPS):
        if best == 0:
            break
        rows = _swept(made, rows, down=sweep % 2 == 0)
        crossings = _crossings(made, rows)
        if crossings < best:
            best, made.rows = crossings, rows


def _swept(made: Ranked, rows: list[list[int]], *, down: bool) -> list[list[int]]:
    """Every rank sorted by the mean place of its neighbours in the rank before (or behind)."""
    rows = [list(row) for row in rows]
    place = {node: i for row in rows for i, node in enumerate(row)}
    ways = range(1, len(rows)) if down else range(len(rows) - 2, -1, -1)
    for row in ways:
        near: dict[int, list[int]] = {}
        for segment in made.segments[row - 1 if down else row]:
            node, other = (segment.below, segment.above) if down else (segment.above, segment.below)
            near.setdefault(node, []).append(place[other])
        means = {node: sum(at) / len(at) for node, at in near.items()}
        rows[row].sort(key=lambda node: means.get(node, place[node]))
        place.update({node: i for i, node in enumerate(rows[row])})
    return rows


def _crossings(made: Ranked, rows: list[list[int]]) -> int:
    place = {node: i for row in rows for i, node in enumerate(row)}
    total = 0
    for segments in made.segments:
        ends: list[int] = []
        for _, below in sorted(
            (place[segment.above], place[segment.below]) for segment in segments
        ):
            total += len(ends) - bisect_right(ends, below)
            insort(ends, below)
    return total
