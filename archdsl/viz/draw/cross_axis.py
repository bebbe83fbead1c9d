"""Positions across the direction of flow: links as straight as possible, no overlaps."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.viz.draw.ranks import LayoutPart, Ranked

BETWEEN_PARTS = 16.0
BESIDE_LANE = 11.0
_ROUNDS = 5
_STAYS = 1e-4
_NEARLY = 6.0
"""Bends smaller than this look like mistakes: what is below goes right under what is above."""


def places(made: Ranked, parts: Sequence[LayoutPart]) -> list[float]:
    """The left edge of every node; the leftmost is at 0.

    Rank by rank, down and up again, parts go where the weighted squares of their links' bends are
    smallest, as far as their order and distances allow.
    """
    width = [part.across for part in parts] + [0.0] * (len(made.rank) - len(parts))
    apart = [_distances(row, width, len(parts)) for row in made.rows]
    at = _packed(made, apart, width)
    above: list[list[tuple[int, float, float]]] = [[] for _ in width]
    below: list[list[tuple[int, float, float]]] = [[] for _ in width]
    for segments in made.segments:
        for segment in segments:
            shift = segment.leaves - segment.enters
            above[segment.below].append((segment.above, shift, segment.weight))
            below[segment.above].append((segment.below, -shift, segment.weight))
    both = [up + down for up, down in zip(above, below, strict=True)]
    down, up = list(range(len(made.rows))), list(range(len(made.rows) - 1, -1, -1))
    for number in range(_ROUNDS):
        _sweep(made, at, apart, both if number == _ROUNDS - 2 else above, down)
        _sweep(made, at, apart, below, up)
    straightening = _Straightening(made, at, apart, len(parts))
    for near, ways in ((above, down), (below, up), (above, down)):
        straightening.of_parts(near, ways)
    for _ in range(2):  # the second time for those whose neighbours had to go first
        straightening.of_lanes(below, up)
        straightening.of_lanes(above, down)
    least = min(at, default=0.0)
    return [x - least for x in at]


def _distances(row: Sequence[int], width: Sequence[float], parts: int) -> list[float]:
    """Of every node of a rank, how far it is from the rank's first one at least."""
    distances, reach = [], 0.0
    for place, node in enumerate(row):
        if place:
            lane = node >= parts or row[place - 1] >= parts
            reach += BESIDE_LANE if lane else BETWEEN_PARTS
        distances.append(reach)
        reach += width[node]
    return distances


def _packed(made: Ranked, apart: Sequence[Sequence[float]], width: Sequence[float]) -> list[float]:
    at = [0.0] * len(width)
    for row, distances in zip(made.rows, apart, strict=True):
        extent = distances[-1] + width[row[-1]] if row else 0.0
        for node, distance in zip(row, distances, strict=True):
            at[node] = distance - extent / 2
    return at


def _sweep(
    made: Ranked,
    at: list[float],
    apart: Sequence[Sequence[float]],
    near: Sequence[Sequence[tuple[int, float, float]]],
    ways: Sequence[int],
) -> None:
    for row in ways:
        nodes = made.rows[row]
        wishes, weights = [], []
        for node in nodes:
            total, weight = at[node] * _STAYS, _STAYS
            for other, shift, share in near[node]:
                total += (at[other] + shift) * share
                weight += share
            wishes.append(total / weight)
            weights.append(weight)
        if len(nodes) == 1:
            at[nodes[0]] = wishes[0]
            continue
        distances = apart[row]
        fitted = _isotonic([w - d for w, d in zip(wishes, distances, strict=True)], weights)
        for node, place, distance in zip(nodes, fitted, distances, strict=True):
            at[node] = place + distance


class _Straightening:
    """Moves what is nearly under the part that it follows to where the link is straight."""

    def __init__(
        self, made: Ranked, at: list[float], apart: Sequence[Sequence[float]], parts: int
    ) -> None:
        self._made, self._at, self._apart, self._parts = made, at, apart, parts

    def of_parts(
        self, near: Sequence[Sequence[tuple[int, float, float]]], ways: Sequence[int]
    ) -> None:
        """Move parts; lanes of links beside them give way, other parts do not."""
        for row in ways:
            for place, node in enumerate(self._made.rows[row]):
                wish = self._wish(node, near[node]) if node < self._parts else None
                if wish is not None:
                    self._move(row, place, wish)

    def of_lanes(
        self, near: Sequence[Sequence[tuple[int, float, float]]], ways: Sequence[int]
    ) -> None:
        """Move the lanes of links to what is before them on the way."""
        for row in ways:
            nodes, distances = self._made.rows[row], self._apart[row]
            for place, node in enumerate(nodes):
                wish = self._wish(node, near[node]) if node >= self._parts else None
                if wish is None:
                    continue
                if place:
                    least = self._at[nodes[place - 1]] + distances[place] - distances[place - 1]
                    wish = max(wish, least)
                if place + 1 < len(nodes):
                    most = self._at[nodes[place + 1]] - distances[place + 1] + distances[place]
                    wish = min(wish, most)
                self._at[node] = wish

    def _wish(self, node: int, near: Sequence[tuple[int, float, float]]) -> float | None:
        """The place with which the heaviest link of a node is straight, if that is near."""
        if not near:
            return None
        other, shift, _ = max(near, key=lambda link: link[2])
        wish = self._at[other] + shift
        return wish if 0.0 < abs(wish - self._at[node]) < _NEARLY else None

    def _move(self, row: int, place: int, wish: float) -> None:
        nodes, distances, at = self._made.rows[row], self._apart[row], self._at
        for step in (-1, 1):
            for other in range(place + step, len(nodes) if step > 0 else -1, step):
                if nodes[other] < self._parts:
                    limit = at[nodes[other]] + distances[place] - distances[other]
                    wish = max(wish, limit) if step < 0 else min(wish, limit)
                    break
        at[nodes[place]] = wish
        for step in (-1, 1):
            for other in range(place + step, len(nodes) if step > 0 else -1, step):
                limit = at[nodes[place]] + distances[other] - distances[place]
                node = nodes[other]
                at[node] = min(at[node], limit) if step < 0 else max(at[node], limit)


def _isotonic(wishes: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The rising sequence nearest to the wishes: pool adjacent violators, in linear time."""
    pools: list[tuple[float, float, int]] = []
    for wish, weight in zip(wishes, weights, strict=True):
        count = 1
        while pools and pools[-1][0] > wish:
            other, heavy, more = pools.pop()
            wish = (wish * weight + other * heavy) / (weight + heavy)
            weight += heavy
            count += more
        pools.append((wish, weight, count))
    return [wish for wish, _, count in pools for _ in range(count)]
