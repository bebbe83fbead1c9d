"""Alignment of two networks: pairs of the parts that are each other's counterparts.

Parts that hold the same are found first, then those of the same name, then those that are alike.
Each time the pairs that keep the order are kept, and what lies between two of them is looked at
next: a patience diff (Cohen) with weaker and weaker keys, in time n log n. What has no counterpart
then is looked for inside of large scopes.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import NamedTuple

from archdsl.analysis.diff.parts import NetworkPart


class Pair(NamedTuple):
    """A part before and after; one of them is ``None`` where the other has no counterpart."""

    before: NetworkPart | None
    after: NetworkPart | None


_Key = Callable[[NetworkPart], Hashable]


def _name_and_content(part: NetworkPart) -> Hashable:
    return part.name, part.digest


def _content(part: NetworkPart) -> Hashable:
    return part.digest


def _name_and_text(part: NetworkPart) -> Hashable:
    return part.name, part.written


def _name_and_skeleton(part: NetworkPart) -> Hashable:
    return part.name, part.skeleton


def _name_and_kind(part: NetworkPart) -> Hashable:
    return part.name, part.kind


def _skeleton(part: NetworkPart) -> Hashable:
    return part.skeleton, part.instance is None


def _kind(part: NetworkPart) -> Hashable:
    # Scopes of no template, such as branches, are known by their names alone.
    return part.instance is None, part.kind or part.name


def _name(part: NetworkPart) -> Hashable:
    return part.instance is None, part.name if part.instance is None else part.path


def _category(part: NetworkPart) -> Hashable:
    return part.category or part.path


_Keys = tuple[_Key, ...]

_BY_NAME = (_name_and_content, _name_and_text, _content, _name_and_skeleton, _name_and_kind)
_BY_CONTENT = (_name_and_content, _content, _name_and_text, _name_and_skeleton, _name_and_kind)
_NAMED: tuple[_Keys, ...] = (_BY_CONTENT, _BY_NAME)
_NAMELESS: tuple[_Keys, ...] = ((_content,),)
"""Keys that a pair of parts must share, the strongest first; of several orders the one that leaves
the least to say is taken. Where a part was put in between, the names of those behind it may have
moved on; where something is of another size, names say more than contents. Names mean nothing
across scopes."""
_WEAK: tuple[_Keys, ...] = ((_kind, _skeleton, _name),)
"""Weaker keys, for parts in whose insides no pair is left to be found."""

_NEAR = 8
"""Largest distance of two parts that are paired because they are alike."""
_ALIKE = 0.9
"""Least likeness, from 0 to 1, at which two scopes count as one."""
_DEEPER = 5
"""Largest ratio of the numbers of layers of two scopes that count as one."""


class _Gap(NamedTuple):
    """Parts that may hold counterparts of each other."""

    before: Sequence[NetworkPart]
    after: Sequence[NetworkPart]
    orders: Sequence[_Keys]


def aligned(before: Sequence[NetworkPart], after: Sequence[NetworkPart]) -> list[Pair]:
    """The parts of two sequences side by side, both in their order.

    Where one network has in one scope what the other has beside each other, such as stages, the
    parts inside of the scope are given in its place.
    """
    found: list[Pair] = []
    waiting: list[Pair | _Gap] = [_Gap(before, after, _NAMED)]
    while waiting:
        item = waiting.pop()
        if isinstance(item, Pair):
            found.append(item)
        else:
            waiting += reversed(_split(item))
    return found


def _split(gap: _Gap) -> list[Pair | _Gap]:
    """The pairs in a gap, and what lies between them, some of it to be looked at once more."""
    before, after, orders = gap
    pairs = min((_matched(before, after, keys) for keys in orders), key=partial(_left, gap))
    found: list[Pair | _Gap] = []
    for (i, j), (next_i, next_j) in pairwise([(-1, -1), *pairs, (len(before), len(after))]):
        found += _rest(_Gap(before[i + 1 : next_i], after[j + 1 : next_j], orders))
        if next_i < len(before):
            found.append(Pair(before[next_i], after[next_j]))
    return found


def _matched(
    before: Sequence[NetworkPart], after: Sequence[NetworkPart], keys: _Keys
) -> list[tuple[int, int]]:
    """The positions of the pairs, in order."""
    pairs: list[tuple[int, int]] = []
    for key in keys:
        pairs = _between(pairs, before, after, partial(_by_key, key))
    return pairs


def _left(gap: _Gap, pairs: Sequence[tuple[int, int]]) -> int:
    """Number of layers that a choice of pairs leaves to report: unpaired or written otherwise."""
    left = sum(part.skeleton.length for side in (gap.before, gap.after) for part in side)
    for i, j in pairs:
        before, after = gap.before[i], gap.after[j]
        same = before.written == after.written
        left -= (2 if same else 1) * min(before.skeleton.length, after.skeleton.length)
    return left


def _rest(gap: _Gap) -> list[Pair | _Gap]:
    """The pairs, and the gaps still to be aligned, of a gap that holds no pair with its keys."""
    before, after, orders = gap
    if not before or not after:
        return [*(Pair(part, None) for part in before), *(Pair(None, part) for part in after)]
    opened = [_open(before, after), _open(after, before)]
    if opened != [list(before), list(after)]:
        return [_Gap(opened[0], opened[1], _NAMELESS)]
    return [*_resembling(before, after)] if orders is _WEAK else [_Gap(before, after, _WEAK)]


def _open(parts: Sequence[NetworkPart], opposite: Sequence[NetworkPart]) -> list[NetworkPart]:
    """The parts; scopes whose contents are spread over the opposite side are replaced by those."""
    largest = max((part.skeleton.length for part in opposite), default=0)
    there = Counter(map(_kind, opposite))
    found: list[NetworkPart] = []
    for part in parts:
        large = part.instance is None and part.skeleton.length > largest
        here = Counter(map(_kind, part.children))
        spread = large and 2 * (here & there).total() >= here.total()
        found += part.children if spread else (part,)
    return found


def _resembling(before: Sequence[NetworkPart], after: Sequence[NetworkPart]) -> Iterator[Pair]:
    """Scopes that are much the same, and layers that have become others of their category."""
    pairs = _between([], before, after, _by_likeness)
    pairs = _between(pairs, before, after, partial(_by_key, _category))
    for (i, j), (next_i, next_j) in pairwise([(-1, -1), *pairs, (len(before), len(after))]):
        yield from (Pair(part, None) for part in before[i + 1 : next_i])
        yield from (Pair(None, part) for part in after[j + 1 : next_j])
        if next_i < len(before):
            yield Pair(before[next_i], after[next_j])


def _between(
    pairs: list[tuple[int, int]],
    before: Sequence[NetworkPart],
    after: Sequence[NetworkPart],
    search: Callable[[Sequence[NetworkPart], Sequence[NetworkPart]], list[tuple[int, int]]],
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


def _by_key(
    key: _Key, before: Sequence[NetworkPart], after: Sequence[NetworkPart]
) -> list[tuple[int, int]]:
    """Pairs of equal keys in the same order; the n-th of equal ones goes with the n-th."""
    places = {numbered: j for j, numbered in enumerate(_numbered(after, key))}
    candidates = [
        (i, places[numbered])
        for i, numbered in enumerate(_numbered(before, key))
        if numbered in places
    ]
    return _rising(candidates)


def _numbered(parts: Sequence[NetworkPart], key: _Key) -> Iterator[tuple[Hashable, int]]:
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


def _by_likeness(
    before: Sequence[NetworkPart], after: Sequence[NetworkPart]
) -> list[tuple[int, int]]:
    """Scopes that hold much the same layers, by whatever template."""
    found = []
    start = 0
    for i, part in enumerate(before):
        for j in range(start, min(start + _NEAR, len(after))):
            scopes = part.instance is None and after[j].instance is None
            if scopes and _likeness(part, after[j]) >= _ALIKE:
                found.append((i, j))
                start = j + 1
                break
    return found


def _likeness(one: NetworkPart, other: NetworkPart) -> float:
    """From 0, no kind of layer in common, to 1, all kinds in the same proportion (the cosine)."""
    sizes = one.skeleton.length, other.skeleton.length
    if max(sizes) > _DEEPER * min(sizes):
        return 0.0
    product = sum(number * other.kinds.get(kind, 0) for kind, number in one.kinds.items())
    return product / (_length(one.kinds) * _length(other.kinds))


def _length(kinds: Mapping[str, int]) -> float:
    return math.sqrt(sum(number * number for number in kinds.values()))
