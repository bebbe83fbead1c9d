"""Loops in place of repeated steps, each iteration reading the result of the one before."""

from __future__ import annotations

import math
import operator
import re
from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from archdsl.analysis.anti_unification import same
from archdsl.backends.plan import Operation
from archdsl.backends.plan.variation import of_each
from archdsl.backends.source.steps import IN_PLACE, Slot, Step

_LONGEST = 8
_NUMBERED = re.compile(r"(.*?)([1-9][0-9]*)")


@dataclass(frozen=True, eq=False)
class Loop:
    """Steps that are done ``count`` times; their names are stems, numbered from ``numbers`` on.

    ``body`` are those of the second iteration, which reads ``carried``, the result of the first.
    That reads ``start`` there. The slots are the count, and two for each slot of the body: its
    value in the first iteration, then that of the others, or the step from each to the next where
    it ``grows``.
    """

    body: tuple[Step, ...]
    numbers: tuple[int | None, ...]
    grows: tuple[bool, ...]
    slots: tuple[Slot, ...]
    start: Operation
    carried: Operation
    gives: tuple[Operation, ...]

    def reads(self) -> list[Operation]:
        """The values that it takes from outside."""
        inside = {self.carried, *(value for step in self.body for value in step.gives)}
        return [self.start, *(v for s in self.body for v in s.reads() if v not in inside)]


Action = Step | Loop


def steps_of(action: Action) -> tuple[Step, ...]:
    """The steps of a loop's body, or the one that it is."""
    return action.body if isinstance(action, Loop) else (action,)


def folded(steps: Sequence[Step], outputs: Sequence[Operation], least: int) -> tuple[Action, ...]:
    """Steps with loops of ``least`` iterations or more in place of what repeats, in linear time."""
    search = _Search(steps, outputs)
    found: list[Action] = []
    at = 0
    while at < len(steps):
        best, period = 1, 0
        for length in range(1, _LONGEST + 1):
            count = search.repetitions(at, length)
            if count >= least and count * length > best * max(period, 1):
                best, period = count, length
        found.append(search.loop(at, period, best) if period else steps[at])
        at += best * max(period, 1)
    return tuple(found)


class _Search:
    def __init__(self, steps: Sequence[Step], outputs: Sequence[Operation]) -> None:
        self._steps = steps
        shapes: dict[Hashable, int] = {}
        keys = (replace(s, name="" if s.name else None).key(lambda _: 0) for s in steps)
        self._shapes = [shapes.setdefault(key, len(shapes)) for key in keys]
        self._names = [_split(step.name) for step in steps]
        self._readers: defaultdict[Operation, list[float]] = defaultdict(list)
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
        window = [(self._steps[i], self._names[i][1]) for i in range(at, second)]
        plain = all(len(step.gives) == 1 and step.first for step, _ in window)
        numbers = [number for step, number in window if step.name is not None]
        if not plain or not numbers or None in numbers:
            return 1
        count = 1
        while self._repeats(at, period, count):
            count += 1
        if count == 2 and period > 1:
            return 1  # two of a kind may be chance, and are as short without a loop
        return count if count == 1 or self._closed(at, period, count - 1, last=True) else 1

    def _repeats(self, at: int, period: int, count: int) -> bool:
        """True if the steps behind ``count`` iterations are another iteration."""
        begin = at + count * period
        if begin + period > len(self._steps):
            return False
        for first in range(at, at + period):
            other = first + count * period
            (stem, number), (stem2, number2) = self._names[first], self._names[other]
            if self._shapes[first] != self._shapes[other] or stem != stem2:
                return False
            if number is not None and number2 != number + count:
                return False
        start, wanted = self._start(at, period), self._reads(at, period, 1)
        return (
            start is not None
            and self._reads(at, period, count) == wanted
            and self._reads(at, period, 0) == [start if v is None else v for v in wanted]
            and self._closed(at, period, count - 1, last=False)
            and self._similar(at, period, count)
        )

    def _start(self, at: int, period: int) -> Operation | None:
        """Value read by the first iteration where later ones read the previous result."""
        pairs = zip(self._reads(at, period, 0), self._reads(at, period, 1), strict=True)
        starts = {one for one, two in pairs if two is None}
        return starts.pop() if len(starts) == 1 else None

    def _reads(self, at: int, period: int, iteration: int) -> list[Operation | None]:
        """Values that an iteration reads, named as in the first; ``None`` for the last result."""
        steps = self._steps[at + iteration * period :][:period]
        own: dict[Operation, Operation | None] = {
            step.gives[0]: first.gives[0]
            for step, first in zip(steps, self._steps[at:][:period], strict=True)
        }
        if iteration:
            own[self._steps[at + iteration * period - 1].gives[0]] = None
        return [own.get(value, value) for step in steps for value in step.reads()]

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
        for step, first, second, before, other in self._columns(at, period, count):
            if count == 1:
                if not same(first, other):
                    different.add((first, other) if step.name is not None else None)
            elif not same(second, other) and not _grows(first, second, before, other, count):
                return False
        return len(different) <= 1 and None not in different

    def _columns(self, at: int, period: int, count: int) -> Iterator[tuple[Any, ...]]:
        """Each slot's step, and its values in the first, second, last and another iteration."""
        for i in range(at, at + period):
            rows = [self._steps[i + k * period].slots for k in (0, 1, count - 1, count)]
            for slots in zip(*rows, strict=True):
                yield self._steps[i], *(slot.value for slot in slots)

    def loop(self, at: int, period: int, count: int) -> Loop:
        start = self._start(at, period)
        assert start is not None
        slots = [Slot("count", count)]
        grows: list[bool] = []
        body: list[Step] = []
        for i in range(at, at + period):
            one, two, last = (self._steps[i + k * period] for k in (0, 1, count - 1))
            for a, b, z in zip(one.slots, two.slots, last.slots, strict=True):
                growing = not same(b.value, z.value)
                grows.append(growing)
                if a.name == IN_PLACE and not same(a.value, b.value):
                    a = b = a._replace(value=False)
                rest = of_each(operator.sub, b.value, a.value) if growing else b.value
                slots += [a, Slot(a.name, rest)]
            body.append(replace(two, name=self._names[i][0]))
        numbers = tuple(self._names[i][1] for i in range(at, at + period))
        carried, gives = (self._steps[at + k * period - 1].gives for k in (1, count))
        return Loop(tuple(body), numbers, tuple(grows), tuple(slots), start, carried[0], gives)


def _grows(*values: Any) -> bool:
    """True for whole numbers that grow by the same step in every iteration."""
    return of_each(_grows_alone, *values) is True


def _grows_alone(first: Any, second: Any, before: Any, other: Any, count: int) -> bool:
    if not all(type(value) is int for value in (first, second, before, other)):
        return False
    step = second - first
    return bool(other == first + count * step and before == first + (count - 1) * step)


def _split(name: str | None) -> tuple[str | None, int | None]:
    found = _NUMBERED.fullmatch(name) if name is not None else None
    return (found[1], int(found[2])) if found else (name, None)
