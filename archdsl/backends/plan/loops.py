"""Loops in place of repeated steps, each iteration reading the result of the one before."""

from __future__ import annotations

import math
import operator
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from archdsl.analysis.anti_unification import same
from archdsl.backends.plan.operations import Call, Operation, mapped
from archdsl.backends.plan.steps import IN_PLACE, Slot, Step
from archdsl.backends.plan.variation import of_each

_LONGEST = 8
_NUMBERED = re.compile(r"(.*?)([1-9][0-9]*)")


class Turn(Call):
    """A value in a loop: its slots are that of the first iteration, and that of the others.

    Where it grows, which its target says, the second is the step from each to the next.
    """


@dataclass(frozen=True, eq=False)
class Loop:
    """Steps that are done ``count`` times; their names are stems, numbered from ``numbers`` on.

    ``body`` are those of the last iteration, which reads ``carried``, the result of the one before;
    the first reads ``start`` there. In place of slots there are turns.
    """

    count: Slot
    body: tuple[Step, ...]
    numbers: tuple[int | None, ...]
    start: Operation
    carried: Operation

    @property
    def gives(self) -> tuple[Operation, ...]:
        """Its result, that of the last iteration."""
        return self.body[-1].gives

    def reads(self) -> list[Operation]:
        """The values that it takes from outside."""
        inside = {self.carried, *(value for step in self.body for value in step.gives)}
        return [self.start, *(v for s in self.body for v in s.reads() if v not in inside)]

    def owned(self) -> list[tuple[str, Slot]]:
        """Its slots in order, each with the name of the part that it is of."""
        inside = (each for step in self.body for each in step.owned())
        return [(self.body[0].name or "", self.count), *inside]

    def filled(self, by: Iterator[Any]) -> Loop:
        """The loop with other things, one after the other, in place of its slots."""
        return replace(self, count=next(by), body=tuple(each.filled(by) for each in self.body))


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
        period = search.period(at)
        start, count = search.iterations(at, period) if period else (None, 1)
        if start is not None and count >= least:
            found.append(search.loop(at, period, count, start))
        else:
            found.append(steps[at])
            period = count = 1
        at += period * count
    return tuple(found)


class _Search:
    def __init__(self, steps: Sequence[Step], outputs: Sequence[Operation]) -> None:
        self._steps = steps
        self._names = [_split(step.name) for step in steps]
        self._places = {name: place for place, name in enumerate(self._names) if name[1]}
        self._slots = [[slot for _, slot in step.owned()] for step in steps]
        self._readers: defaultdict[Operation, list[float]] = defaultdict(list)
        for index, step in enumerate(steps):
            for value in step.reads():
                self._readers[value].append(index)
        for value in outputs:
            self._readers[value].append(math.inf)

    def period(self, at: int) -> int:
        """Number of steps to those that have the next numbers; 0 where there are none."""
        for place in range(at, min(at + _LONGEST, len(self._steps))):
            stem, number = self._names[place]
            if stem is not None:
                period = self._places.get((stem, (number or 0) + 1), place) - place
                return period if number and place < at + period <= at + _LONGEST else 0
        return 0

    def iterations(self, at: int, period: int) -> tuple[Operation | None, int]:
        """Value that the first of the iterations from ``at`` on reads, and how many there are."""
        window = self._steps[at : at + period]
        plain = all(len(each.gives) == 1 and (each.maker or not each.name) for each in window)
        if not plain or not self._readers[window[-1].gives[0]]:
            return None, 1
        first = self._form(at, period, 0, None)
        reads = dict.fromkeys(value for each in window for value in each.reads())
        start = next((each for each in reads if self._form(at, period, 1, each) == first), None)
        count = 1
        while (
            start is not None
            and self._form(at, period, count, start) == first
            and self._closed(at, period, count - 1, last=False)
            and self._similar(at, period, count)
        ):
            count += 1
        chance = count == 2 and period > 1  # two of a kind may be, and are as short without a loop
        closed = self._closed(at, period, count - 1, last=True)
        return (start, count) if closed and not chance else (None, 1)

    def _form(self, at: int, period: int, turn: int, start: Operation | None) -> list[Any]:
        """An iteration without its constants; the same for another one of the loop.

        Its own values go by their places, and the last result by what the first iteration reads.
        """
        begin = at + turn * period
        window = slice(begin, begin + period)
        own: dict[Any, Any] = {self._steps[begin - 1].gives: start} if turn else {}
        own |= {step.gives: f"%{place}" for place, step in enumerate(self._steps[window])}

        def leaf(value: Any) -> Any:
            if isinstance(value, Operation):
                return own.get(value.gives, value)
            return value.name if isinstance(value, Slot) else value

        return [
            (stem, number and number - turn, step.function, mapped(step.content, leaf))
            for step, (stem, number) in zip(self._steps[window], self._names[window], strict=True)
        ]

    def _closed(self, at: int, period: int, turn: int, *, last: bool) -> bool:
        """True if only the next iteration reads the results of an iteration."""
        begin = at + turn * period
        final = begin + period - 1
        return all(
            begin <= reader < (final + 1 if index < final else final + 1 + period)
            for index in range(begin, final + (not last))
            for reader in self._readers[self._steps[index].gives[0]]
        )

    def _similar(self, at: int, period: int, count: int) -> bool:
        """True if the slots of an iteration equal those before it or grow with the index."""
        different: set[Any] = set()
        for i in range(at, at + period):
            rows = [self._slots[i + k * period] for k in (0, 1, count - 1, count)]
            for each in zip(*rows, strict=True):
                first, second, before, other = (slot.value for slot in each)
                if count > 1:
                    if not same(second, other) and not _grows(first, second, before, other, count):
                        return False
                elif not same(first, other):
                    different.add((first, other) if self._steps[i].name is not None else None)
        return len(different) <= 1 and None not in different

    def loop(self, at: int, period: int, count: int, start: Operation) -> Loop:
        """The loop of so many iterations."""
        body: list[Step] = []
        for i in range(at, at + period):
            one, two, last = (self._slots[i + k * period] for k in (0, 1, count - 1))
            turns = map(_turn, one, two, last)
            step = self._steps[i + (count - 1) * period].filled(turns)
            body.append(replace(step, name=self._names[i][0]))
        numbers = tuple(self._names[i][1] for i in range(at, at + period))
        (carried,) = self._steps[at + (count - 1) * period - 1].gives
        return Loop(Slot("count", count), tuple(body), numbers, start, carried)


def _turn(one: Slot, two: Slot, last: Slot) -> Turn:
    """The values of a slot in the first, the second and the last iteration as a turn."""
    if one.name == IN_PLACE and not same(one.value, two.value):
        one = two = last = one._replace(value=False)
    grows = not same(two.value, last.value)
    rest = of_each(operator.sub, two.value, one.value) if grows else two.value
    return Turn(grows, (one, two._replace(value=rest)))


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
