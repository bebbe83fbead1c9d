"""Loops in place of repeated steps, each iteration reading the result of the one before."""

from __future__ import annotations

import math
import operator
import re
from collections import defaultdict
from collections.abc import Hashable, Sequence
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
        period, count = search.repetitions(at)
        if count < least:
            period = count = 1
        found.append(search.loop(at, period, count) if count > 1 else steps[at])
        at += period * count
    return tuple(found)


class _Search:
    def __init__(self, steps: Sequence[Step], outputs: Sequence[Operation]) -> None:
        self._steps = steps
        self._names = [_split(step.name) for step in steps]
        self._places = {name: place for place, name in enumerate(self._names) if name[1]}
        shapes: dict[Hashable, int] = {}
        keys = (replace(s, name="" if s.name else None).key(lambda _: 0) for s in steps)
        self._shapes = [
            (shapes.setdefault(key, len(shapes)), stem)
            for key, (stem, _) in zip(keys, self._names, strict=True)
        ]
        self._readers: defaultdict[Operation, list[float]] = defaultdict(list)
        for index, step in enumerate(steps):
            for value in step.reads():
                self._readers[value].append(index)
        for value in outputs:
            self._readers[value].append(math.inf)

    def repetitions(self, at: int) -> tuple[int, int]:
        """Number of steps from ``at`` on that are repeated without a gap, and how many times."""
        period = self._period(at)
        window = self._steps[at : at + period]
        if not period or not all(len(step.gives) == 1 and step.first for step in window):
            return 1, 1
        count = 1
        while self._repeats(at, period, count):
            count += 1
        if count == 2 and period > 1:
            return 1, 1  # two of a kind may be chance, and are as short without a loop
        return (period, count) if self._closed(at, period, count - 1, last=True) else (1, 1)

    def _period(self, at: int) -> int:
        """Number of steps to those that have the next numbers; 0 where there are none."""
        for place in range(at, min(at + _LONGEST, len(self._steps))):
            stem, number = self._names[place]
            if stem is not None:
                period = self._places.get((stem, (number or 0) + 1), place) - place
                return period if number and place < at + period <= at + _LONGEST else 0
        return 0

    def _repeats(self, at: int, period: int, count: int) -> bool:
        """True if the steps behind ``count`` iterations are another iteration."""
        begin = at + count * period
        if self._shapes[begin : begin + period] != self._shapes[at : at + period]:
            return False
        numbers = [number for _, number in self._names[at : at + period]]
        others = [number for _, number in self._names[begin : begin + period]]
        start, wanted = self._start(at, period), self._reads(at, period, 1)
        return (
            start is not None
            and others == [None if number is None else number + count for number in numbers]
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
        begin = at + iteration * period
        own: dict[Operation, Operation | None] = {
            self._steps[begin + i].gives[0]: self._steps[at + i].gives[0] for i in range(period)
        }
        if iteration:
            own[self._steps[begin - 1].gives[0]] = None
        every = (step.reads() for step in self._steps[begin : begin + period])
        return [own.get(value, value) for reads in every for value in reads]

    def _closed(self, at: int, period: int, iteration: int, *, last: bool) -> bool:
        """True if only the next iteration reads the results of an iteration."""
        begin = at + iteration * period
        final = begin + period - 1
        limits = dict.fromkeys(range(begin, final), final + 1)
        if not last:
            limits[final] = final + 1 + period
        return all(
            begin <= reader < limit
            for index, limit in limits.items()
            for reader in self._readers[self._steps[index].gives[0]]
        )

    def _similar(self, at: int, period: int, count: int) -> bool:
        """True if the slots of an iteration equal those before it or grow with the index."""
        different: set[Any] = set()
        for i in range(at, at + period):
            rows = [self._steps[i + k * period].slots for k in (0, 1, count - 1, count)]
            for slots in zip(*rows, strict=True):
                first, second, before, other = (slot.value for slot in slots)
                if count > 1:
                    if not same(second, other) and not _grows(first, second, before, other, count):
                        return False
                elif not same(first, other):
                    different.add((first, other) if self._steps[i].name is not None else None)
        return len(different) <= 1 and None not in different

    def loop(self, at: int, period: int, count: int) -> Loop:
        """The loop of so many iterations."""
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
