"""Which part of one network is which part of another.

Parts that hold the same are found first, then those of the same name, then those that are alike.
Each time the pairs that keep the order are kept, and what lies between two of them is looked at
next: a patience diff (Cohen) with weaker and weaker keys, in time n log n.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import NamedTuple

from archdsl.differing.parts import Part


class Pair(NamedTuple):
    """A part before and after; one of them is ``None`` where the other has no counterpart."""

    before: Part | None
    after: Part | None


_Key = Callable[[Part], Hashable]


def _name_and_content(part: Part) -> Hashable:
    return part.name, part.digest


def _content(part: Part) -> Hashable:
    return part.digest


def _name_and_skeleton(part: Part) -> Hashable:
    return part.name, part.skeleton


def _name_and_kind(part: Part) -> Hashable:
    return part.name, part.kind


def _skeleton(part: Part) -> Hashable:
    return part.skeleton, part.instance is None


def _kind(part: Part) -> Hashable:
    # Scopes of no template, such as branches, are known by their names alone.
    return part.instance is None, part.kind or part.name


def _category(part: Part) -> Hashable:
    return part.category or part.path


_KEYS = (_name_and_content, _content, _name_and_skeleton, _name_and_kind, _skeleton, _kind)
"""What parts have to share to be a pair, the strongest first."""

_NEAR = 8
"""How far apart parts may stand that are paired because they are alike."""
_ALIKE = 0.5
"""The share of layers of equal kinds from which on two scopes are thought to be one."""


def aligned(before: Sequence[Part], after: Sequence[Part]) -> list[Pair]:
    """The parts of two sequences side by side, both in their order."""
    pairs = [(-1, -1), *_matched(before, after), (len(before), len(after))]
    found: list[Pair] = []
    for (i, j), (next_i, next_j) in pairwise(pairs):
        found += (Pair(part, None) for part in before[i + 1 : next_i])
        found += (Pair(None, part) for part in after[j + 1 : next_j])
        if next_i < len(before):
            found.append(Pair(before[next_i], after[next_j]))
    return found


def _matched(before: Sequence[Part], after: Sequence[Part]) -> list[tuple[int, int]]:
    """The positions of the pairs, in order."""
    pairs: list[tuple[int, int]] = []
    for key in _KEYS:
        pairs = _between(pairs, before, after, partial(_by_key, key))
    pairs = _between(pairs, before, after, _by_likeness)
    # Last, a layer may have become another one of its category: an activation, a pooling.
    return _between(pairs, before, after, partial(_by_key, _category))


def _between(
    pairs: list[tuple[int, int]],
    before: Sequence[Part],
    after: Sequence[Part],
    search: Callable[[Sequence[Part], Sequence[Part]], list[tuple[int, int]]],
) -> list[tuple[int, int]]:
    """The pairs, and those that a search finds in the gaps between them."""
    found: list[tuple[int, int]] = []
    start_i, start_j = 0, 0
    for i, j in [*pairs, (len(before), len(after))]:
        if start_i < i and start_j < j:
            inside = search(before[start_i:i], after[start_j:j])
            found += ((start_i + a, start_j + b) for a, b in inside)
        found.append((i, j))
        start_i, start_j = i + 1, j + 1
    return found[:-1]


def _by_key(key: _Key, before: Sequence[Part], after: Sequence[Part]) -> list[tuple[int, int]]:
    """Pairs of equal keys in the same order; the n-th of equal ones goes with the n-th."""
    places = {numbered: j for j, numbered in enumerate(_numbered(after, key))}
    candidates = [
        (i, places[numbered])
        for i, numbered in enumerate(_numbered(before, key))
        if numbered in places
    ]
    return _rising(candidates)


def _numbered(parts: Sequence[Part], key: _Key) -> Iterator[tuple[Hashable, int]]:
    seen: Counter[Hashable] = Counter()
    for part in parts:
        value = key(part)
        yield value, seen[value]
        seen[value] += 1


def _rising(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest part of pairs, sorted by their first place, that is sorted by the second too."""
    ends: list[int] = []
    """The smallest second place at which a rising row of each length ends."""
    last: list[int] = []
    previous: list[int | None] = []
    for number, (_, j) in enumerate(pairs):
        length = bisect_left(ends, j)
        previous.append(last[length - 1] if length else None)
        ends[length : length + 1] = [j]
        last[length : length + 1] = [number]
    row = []
    at = last[-1] if last else None
    while at is not None:
        row.append(pairs[at])
        at = previous[at]
    return row[::-1]


def _by_likeness(before: Sequence[Part], after: Sequence[Part]) -> list[tuple[int, int]]:
    """Scopes that hold much the same layers, by whatever template."""
    found = []
    start = 0
    for i, part in enumerate(before):
        for j in range(start, min(start + _NEAR, len(after))):
            scopes = part.instance is None and after[j].instance is None
            if scopes and _likeness(part.kinds, after[j].kinds) >= _ALIKE:
                found.append((i, j))
                start = j + 1
                break
    return found


def _likeness(one: Mapping[str, int], other: Mapping[str, int]) -> float:
    """From 0, nothing in common, to 1: the same number of layers of each kind."""
    both = sum(min(number, other.get(kind, 0)) for kind, number in one.items())
    return 2 * both / (sum(one.values()) + sum(other.values()))
