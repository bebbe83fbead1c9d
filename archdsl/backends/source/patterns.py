"""Units that differ in constants alone, as one pattern: a class with arguments."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass, field, replace

from torch import nn

from archdsl.analysis.anti_unification import Abstraction, Constant, Formula, Value, abstract
from archdsl.backends.plan import Plan, Unit, units
from archdsl.backends.source.identifiers import UniqueNames, argument
from archdsl.backends.source.loops import CARRIED, Action, Loop, folded
from archdsl.backends.source.unit_drafts import (
    IN_PLACE,
    Read,
    UnitDraft,
    UnitDrafter,
    UnitSlot,
    UnitStep,
)
from archdsl.ir.network import Network

_SHORT = 4
"""A chain of so many modules, in a branch, is written where it is used."""


@dataclass(eq=False)
class Pattern:
    """Equal units. ``actions`` are those of the first one; their slots are ``slots``, in order.

    ``inline`` is a pattern that gets no class; its slots are those of what uses it.
    """

    units: list[Unit]
    actions: tuple[Action, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    slots: tuple[UnitSlot, ...]
    rows: list[tuple[Value, ...]]
    abstraction: Abstraction
    arguments: tuple[str, ...]
    chain: bool
    inline: bool
    name: str = ""
    _index: dict[Unit, int] = field(init=False)

    def __post_init__(self) -> None:
        self._index = {unit: i for i, unit in enumerate(self.units)}

    def slots_of(self, unit: Unit) -> tuple[UnitSlot, ...]:
        """Slots of one unit, with its values, as arguments for the constructor around it."""
        row = self._index[unit]
        if self.inline:
            pairs = zip(self.slots, self.rows[row], strict=True)
            return tuple(UnitSlot(slot.name, value) for slot, value in pairs)
        found = zip(self.arguments, self.abstraction.arguments, strict=True)
        return tuple(UnitSlot(name, each.values[row]) for name, each in found)

    def default(self, index: int) -> Constant | None:
        """The default of an argument."""
        return self.abstraction.arguments[index].default


def patterns(network: Network, plan: Plan) -> list[Pattern]:
    """The patterns of a plan, those that others use first, the network's own last."""
    levels: defaultdict[int, list[Unit]] = defaultdict(list)
    for unit in units(network, plan):
        levels[unit.height].append(unit)
    found: list[Pattern] = []
    known: dict[Unit, Pattern] = {}
    drafting = UnitDrafter(plan, known)
    for height in sorted(levels):
        groups: dict[Hashable, list[_Member]] = {}
        for unit in levels[height]:
            member = _member(drafting.draft(unit))
            groups.setdefault(member.key(), []).append(member)
        for members in groups.values():
            pattern = _pattern(_unfolded(members))
            found.append(pattern)
            known.update(dict.fromkeys(pattern.units, pattern))
    return found


def _unfolded(members: list[_Member]) -> list[_Member]:
    """Members without loops that have two iterations in all of them, which are no shorter."""
    counts = [
        {each.actions[index].slots[0].value for each in members}
        for index, action in enumerate(members[0].actions)
        if isinstance(action, Loop)
    ]
    if {2} not in counts:
        return members
    return [_member(each.draft, least=3) for each in members]


def _kind(unit: Unit) -> Hashable:
    """Grouping key of units that may share a class: equal template and parameter names."""
    scope = unit.scope
    if scope.template is None:
        return None, scope.title, unit.parent is not None and unit.parent.scope.template
    return scope.template, tuple(name for name, _ in scope.numbers)


@dataclass(frozen=True)
class _Member:
    """A unit's draft, folded. Values are numbered anew, whatever was folded away."""

    draft: UnitDraft
    actions: tuple[Action, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def key(self) -> Hashable:
        return (
            _kind(self.draft.unit),
            self.inputs,
            self.outputs,
            *(action.key() for action in self.actions),
        )


def _member(draft: UnitDraft, least: int = 2) -> _Member:
    numbers: dict[int, int] = {CARRIED: CARRIED}
    made: list[Action] = []

    def number(value: int) -> int:
        return numbers.setdefault(value, len(numbers) - 1)

    inputs = tuple(number(value) for value in draft.inputs)
    for action in folded(draft, least):
        if isinstance(action, UnitStep):
            made.append(action.renumbered(number))
            continue
        start = number(action.start)
        body = tuple(step.renumbered(number) for step in action.body)
        gives = tuple(number(value) for value in action.gives)
        made.append(replace(action, body=body, start=start, gives=gives))
    outputs = tuple(number(value) for value in draft.outputs)
    return _Member(draft, tuple(made), inputs, outputs)


def _pattern(members: list[_Member]) -> Pattern:
    first = members[0]
    actions = first.actions
    alike = [each.draft.unit for each in members]
    slots = _slots(actions)
    rows = [tuple(slot.value for slot in _slots(each.actions)) for each in members]
    rows = _without_haste(slots, rows)
    named = [dict(unit.scope.numbers) for unit in alike]
    parameters = {name: [each[name] for each in named] for name in named[0]}
    abstraction = abstract(rows, parameters)
    chain = _chain(first)
    single = len(members) == 1 and len(actions) == 1
    inline = (
        chain
        and alike[0].parent is not None
        and len(actions) <= _SHORT
        and (alike[0].scope.template is None or single)
        and not any(_nested(action) for action in actions)
    )
    return Pattern(
        alike,
        actions,
        first.inputs,
        first.outputs,
        slots,
        rows,
        abstraction,
        _names(abstraction, slots, actions),
        chain,
        inline,
    )


def _slots(actions: tuple[Action, ...]) -> tuple[UnitSlot, ...]:
    return tuple(itertools.chain.from_iterable(action.slots for action in actions))


def _nested(action: Action) -> bool:
    """True if an action is a loop, or an inlined chain."""
    return isinstance(action, Loop) or (isinstance(action.head, Pattern) and action.head.inline)


def _without_haste(
    slots: tuple[UnitSlot, ...], rows: list[tuple[Value, ...]]
) -> list[tuple[Value, ...]]:
    """Rows that agree on working in place: where one of them must not, none does."""
    for index, slot in enumerate(slots):
        if slot.name == IN_PLACE and len({row[index] for row in rows}) > 1:
            rows = [(*row[:index], False, *row[index + 1 :]) for row in rows]
    return rows


def _names(
    abstraction: Abstraction, slots: tuple[UnitSlot, ...], actions: tuple[Action, ...]
) -> tuple[str, ...]:
    """A name for each argument; where two slots share theirs, that of the step goes before."""
    names = UniqueNames()
    owners = [
        (step.name or "")
        for action in actions
        for step, number in _owned(action)
        for _ in range(number)
    ]
    found = []
    plain: list[list[str]] = [[] for _ in abstraction.arguments]
    for slot, term in zip(slots, abstraction.terms, strict=True):
        if isinstance(term, Formula) and term.plain:
            plain[term.argument].append(slot.name)
    for index, each in enumerate(abstraction.arguments):
        others = {name for other in (*plain[:index], *plain[index + 1 :]) for name in other}
        name = argument(each.parameter, plain[index], others)
        owner = owners[each.slot] if each.slot is not None else ""
        found.append(names.new(name, f"{owner}_{name}" if owner else name))
    return tuple(found)


def _owned(action: Action) -> list[tuple[UnitStep, int]]:
    """The steps of an action, and how many of its slots are theirs."""
    if isinstance(action, UnitStep):
        return [(action, len(action.slots))]
    return [(action.body[0], 1), *((step, 2 * len(step.slots)) for step in action.body)]


def _chain(member: _Member) -> bool:
    """True if the actions are modules in a row, each fed by the one before."""
    if len(member.inputs) != 1 or len(member.outputs) != 1 or not member.actions:
        return False
    value = member.inputs[0]
    for action in member.actions:
        body = action.body if isinstance(action, Loop) else (action,)
        if isinstance(action, Loop):
            if action.start != value:
                return False
            value = CARRIED
        for step in body:
            name = step.name
            modular = name is not None and step.first and not step.options
            if not modular or step.arguments != (Read(value),) or len(step.gives) != 1:
                return False
            if hasattr(nn.Sequential, str(name)):
                return False
            value = step.gives[0]
        value = action.gives[0]
    return value == member.outputs[0]
