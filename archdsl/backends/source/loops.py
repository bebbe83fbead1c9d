"""Loops in place of repeated steps, each iteration reading the result of the one before."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from archdsl.analysis.anti_unification import same
from archdsl.backends.source.unit_drafts import IN_PLACE, UnitDraft, UnitSlot, UnitStep

CARRIED = -1
"""Number of the loop's value: the result of the iteration before, or the start value."""

_LONGEST = 8
_NUMBERED = re.compile(r"(.*?)([1-9][0-9]*)")


@dataclass(frozen=True)
class Loop:
    """Steps that are done ``count`` times; their names are stems, numbered from ``numbers`` on.

    The slots are the count, and two for each slot of the body: its value in the first iteration,
    then that of the others, or the step from each to the next where it ``grows``.
    """

    body: tuple[UnitStep, ...]
    numbers: tuple[int | None, ...]
    grows: tuple[bool, ...]
    slots: tuple[UnitSlot, ...]
    start: int
    gives: tuple[int, ...]

    def reads(self) -> list[int]:
        """The numbers of the values that it takes from outside."""
        inside = {CARRIED, *(value for step in self.body for value in step.gives)}
        found = [self.start]
        found += [v for step in self.body for v in step.reads() if v not in inside]
        return found

    def key(self) -> Hashable:
        """Hashable that is equal for loops which differ in their slots' values alone."""
        names = tuple(slot.name for slot in self.slots)
        bodies = tuple(step.key() for step in self.body)
        return "loop", bodies, self.numbers, self.grows, names, self.start, self.gives


Action = UnitStep | Loop


def folded(draft: UnitDraft, least: int = 2) -> tuple[Action, ...]:
    """The steps of a draft with loops in place of what repeats, in linear time.

    Loops are of ``least`` iterations or more.
    """
    steps = draft.steps
    search = _Search(steps, draft.outputs)
    found: list[Action] = []
    at = 0
    while at < len(steps):
        best, period = 1, 0
        for length in range(1, _LONGEST + 1):
            count = search.repetitions(at, length)
            if count >= least and count * length > best * max(period, 1):
                best, period = count, length
        if period:
            found.append(search.loop(at, period, best))
            at += best * period
        else:
            found.append(steps[at])
            at += 1
    return tuple(found)


class _Search:
    def __init__(self, steps: Sequence[UnitStep], outputs: Sequence[int]) -> None:
        self._steps = steps
        shapes: dict[Hashable, int] = {}
        self._shapes = [shapes.setdefault(_shape(step), len(shapes)) for step in steps]
        self._names = [_split(step.name) for step in steps]
        self._readers: defaultdict[int, list[float]] = defaultdict(list)
        for index, step in enumerate(steps):
            for value in step.reads():
                self._readers[value].append(index)
        for value in outputs:
            self._readers[value].append(math.inf)

    def repetitions(self, at: int, period: int) -> int:
        """Number of times that the ``period`` steps from ``at`` on are repeated without a gap."""
        second = at + period
        # The shape of a first step tells most of what does not repeat.
        if second + period > len(self._steps) or self._shapes[at] != self._shapes[second]:
            return 1
        if not self._countable(at, period):
            return 1
        count = 1
        while self._repeats(at, period, count):
            count += 1
        if count == 2 and period > 1:
            return 1  # two of a kind may be chance, and are as short without a loop
        return count if count == 1 or self._closed(at, period, count - 1, last=True) else 1

    def _countable(self, at: int, period: int) -> bool:
        window = range(at, at + period)
        named = [i for i in window if self._steps[i].name is not None]
        plain = all(len(self._steps[i].gives) == 1 and self._steps[i].first for i in window)
        return plain and bool(named) and all(self._names[i][1] is not None for i in named)

    def _repeats(self, at: int, period: int, count: int) -> bool:
        """True if the steps behind ``count`` iterations are another iteration."""
        begin = at + count * period
        if begin + period > len(self._steps):
            return False
        for offset in range(period):
            first, other = at + offset, begin + offset
            if self._shapes[first] != self._shapes[other]:
                return False
            (stem, number), (stem2, number2) = self._names[first], self._names[other]
            if stem != stem2 or (number is not None and number2 != number + count):
                return False
        return (
            self._flows(at, period, count)
            and self._closed(at, period, count - 1, last=False)
            and self._similar(at, period, count)
        )

    def _flows(self, at: int, period: int, count: int) -> bool:
        """True if the iteration, and the first, read the values that the second reads."""
        start = self._start(at, period)
        if start is None:
            return False
        wanted = self._reads(at, period, 1)
        if self._reads(at, period, count) != wanted:
            return False
        first = [start if v == CARRIED else v for v in wanted]
        return self._reads(at, period, 0) == first

    def _start(self, at: int, period: int) -> int | None:
        """Value read by the first iteration where later ones read the previous result."""
        pairs = zip(self._reads(at, period, 0), self._reads(at, period, 1), strict=True)
        starts = {one for one, two in pairs if two == CARRIED}
        return starts.pop() if len(starts) == 1 else None

    def _reads(self, at: int, period: int, iteration: int) -> list[int]:
        """Values that an iteration reads, numbered as in the first; CARRIED for the loop's."""
        shift = iteration * period
        steps = range(at, at + period)
        own = {self._steps[i + shift].gives[0]: self._steps[i].gives[0] for i in steps}
        if iteration:
            own[self._steps[at + shift - 1].gives[0]] = CARRIED
        return [own.get(v, v) for i in steps for v in self._steps[i + shift].reads()]

    def _closed(self, at: int, period: int, iteration: int, *, last: bool) -> bool:
        """True if only the next iteration reads the results of an iteration."""
        begin = at + iteration * period
        end = begin + period
        for index in range(begin, end):
            final = index == end - 1
            if final and last:
                continue
            limit = end + period if final else end
            if any(not begin <= r < limit for r in self._readers[self._steps[index].gives[0]]):
                return False
        return True

    def _similar(self, at: int, period: int, count: int) -> bool:
        """True if the slots of an iteration equal those before it or grow with the index."""
        different: set[Any] = set()
        for made, first, second, before, other in self._columns(at, period, count):
            if count == 1:
                if not same(first, other):
                    different.add((first, other) if made else None)
            elif not same(second, other) and not _grows(first, second, before, other, count):
                return False
        return len(different) <= 1 and None not in different

    def _columns(self, at: int, period: int, count: int) -> Iterator[tuple[Any, ...]]:
        """The values of slots in four iterations, after whether a constructor takes them."""
        for i in range(at, at + period):
            rows = [self._steps[i + k * period].slots for k in (0, 1, count - 1, count)]
            for slots in zip(*rows, strict=True):
                first, second, before, other = (slot.value for slot in slots)
                yield self._steps[i].name is not None, first, second, before, other

    def loop(self, at: int, period: int, count: int) -> Loop:
        start = self._start(at, period)
        assert start is not None
        reads = self._reads(at, period, 1)
        body: list[UnitStep] = []
        slots = [UnitSlot("count", count)]
        grows: list[bool] = []
        for i in range(at, at + period):
            one, two = self._steps[i], self._steps[i + period]
            last = self._steps[i + (count - 1) * period]
            for a, b, z in zip(one.slots, two.slots, last.slots, strict=True):
                growing = not same(b.value, z.value)
                grows.append(growing)
                if a.name == IN_PLACE and not same(a.value, b.value):
                    a = b = a._replace(value=False)
                rest = b.value - a.value if growing else b.value  # type: ignore[operator]
                slots += [a, UnitSlot(a.name, rest)]
            taken, reads = reads[: len(one.reads())], reads[len(one.reads()) :]
            body.append(_reading(one, taken, self._names[i][0]))
        end = self._steps[at + count * period - 1].gives
        numbers = tuple(self._names[i][1] for i in range(at, at + period))
        return Loop(tuple(body), numbers, tuple(grows), tuple(slots), start, end)


def _reading(step: UnitStep, values: Sequence[int], name: str | None) -> UnitStep:
    """The step with other values to read, in order, and another name."""
    following = iter(values)
    moved = step.renumbered(lambda _: next(following, 0))
    return replace(moved, name=name, gives=step.gives)


def _grows(first: Any, second: Any, before: Any, other: Any, count: int) -> bool:
    """True for whole numbers that grow by the same step in every iteration."""
    if not all(type(value) is int for value in (first, second, before, other)):
        return False
    step = second - first
    return bool(other == first + count * step and before == first + (count - 1) * step)


def _shape(step: UnitStep) -> Hashable:
    """Hashable that is equal for steps which differ in names, values and slots only."""
    blank = replace(step, name=None if step.name is None else "")
    return blank.renumbered(lambda _: 0).key()


def _split(name: str | None) -> tuple[str | None, int | None]:
    found = _NUMBERED.fullmatch(name) if name is not None else None
    return (found[1], int(found[2])) if found else (name, None)
