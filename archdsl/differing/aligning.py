"""Which part of one network is which part of another.

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


def _name(part: Part) -> Hashable:
    return part.instance is None, part.name if part.instance is None else part.path


def _category(part: Part) -> Hashable:
    return part.category or part.path


_NAMELESS = (_content, _kind, _skeleton)
_KEYS = (
    _name_and_content,
    _content,
    _name_and_skeleton,
    _name_and_kind,
    _kind,
    _skeleton,
    _name,
)
"""What parts have to share to be a pair, the strongest first; names mean nothing across scopes."""

_NEAR = 8
"""How far apart parts may stand that are paired because they are alike."""
_ALIKE = 0.9
"""The likeness from which on two scopes are thought to be one."""
_SPREAD = 0.5
"""The share of a scope's layers that have to be opposite for it to be opened."""


class _Gap(NamedTuple):
    """Parts that may hold counterparts of each other."""

    before: Sequence[Part]
    after: Sequence[Part]
    keys: Sequence[_Key]


def aligned(before: Sequence[Part], after: Sequence[Part]) -> list[Pair]:
    """The parts of two sequences side by side, both in their order.

    Where one network has in one scope what the other has beside each other, such as stages, the
    parts inside of the scope are given in its place.
    """
    found: list[Pair] = []
    waiting: list[Pair | _Gap] = [_Gap(before, after, _KEYS)]
    while waiting:
        item = waiting.pop()
        if isinstance(item, Pair):
            found.append(item)
        else:
            waiting += reversed(_split(item))
    return found


def _split(gap: _Gap) -> list[Pair | _Gap]:
    """The pairs in a gap, and what lies between them, some of it to be looked at once more."""
    before, after = gap.before, gap.after
    ends = [(-1, -1), *_matched(gap), (len(before), len(after))]
    found: list[Pair | _Gap] = []
    for (i, j), (next_i, next_j) in pairwise(ends):
        found += _rest(before[i + 1 : next_i], after[j + 1 : next_j])
        if next_i < len(before):
            found.append(Pair(before[next_i], after[next_j]))
    return found


def _matched(gap: _Gap) -> list[tuple[int, int]]:
    """The positions of the pairs, in order."""
    pairs: list[tuple[int, int]] = []
    for key in gap.keys:
        pairs = _between(pairs, gap.before, gap.after, partial(_by_key, key))
    return pairs


def _rest(before: Sequence[Part], after: Sequence[Part]) -> list[Pair | _Gap]:
    """Parts without counterparts; large scopes are opened that hold much of what is opposite."""
    opened = [_open(before, after), _open(after, before)]
    if opened == [list(before), list(after)]:
        return [*_resembling(before, after)]
    return [_Gap(opened[0], opened[1], _NAMELESS)]


def _open(parts: Sequence[Part], opposite: Sequence[Part]) -> list[Part]:
    """The parts, with those inside of scopes that may be spread over what is opposite."""
    largest = max((part.skeleton.length for part in opposite), default=0)
    there: Counter[str] = Counter()
    for part in opposite:
        there.update(part.kinds)
    found: list[Part] = []
    for part in parts:
        found += part.children if _spread(part, largest, there) else (part,)
    return found


def _spread(part: Part, largest: int, there: Mapping[str, int]) -> bool:
    size = part.skeleton.length
    return part.instance is None and size > largest and _common(part.kinds, there) >= _SPREAD * size


def _resembling(before: Sequence[Part], after: Sequence[Part]) -> Iterator[Pair]:
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
            if scopes and _likeness(part, after[j]) >= _ALIKE:
                found.append((i, j))
                start = j + 1
                break
    return found


def _likeness(one: Part, other: Part) -> float:
    """From 0, no kind of layer in common, to 1, all kinds in the same proportion (the cosine)."""
    product = sum(number * other.kinds.get(kind, 0) for kind, number in one.kinds.items())
    return product / (_length(one.kinds) * _length(other.kinds))


def _length(kinds: Mapping[str, int]) -> float:
    return math.sqrt(sum(number * number for number in kinds.values()))


def _common(one: Mapping[str, int], other: Mapping[str, int]) -> int:
    """How many layers of equal kinds there are in both."""
    return sum(min(number, other.get(kind, 0)) for kind, number in one.items())
