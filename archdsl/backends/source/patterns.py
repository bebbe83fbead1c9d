"""Units that differ in constants alone, as one pattern: a class with arguments."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from archdsl.analysis.anti_unification import Abstraction, Formula, Term, Value, abstract
from archdsl.backends.plan import Operation, Unit, Variation, units
from archdsl.backends.plan.variation import at, together, varies
from archdsl.backends.source.identifiers import UniqueNames, argument, safe
from archdsl.backends.source.loops import Action, Loop, folded, steps_of
from archdsl.backends.source.spelling import spelled
from archdsl.backends.source.steps import IN_PLACE, Slot, Step, steps
from archdsl.backends.torch.blocks import is_chain
from archdsl.ir.network import Network

_SHORT = 4
"""A chain of so many modules, in a branch, is written where it is used."""


@dataclass(eq=False)
class Pattern:
    """Equal units. ``actions`` are those of the first one, and have the slots in order."""

    units: list[Unit]
    actions: tuple[Action, ...]
    rows: list[tuple[Value, ...]]
    """The values of the slots in each unit."""
    abstraction: Abstraction
    settings: int
    """Number of settings of the spec's parameters that the abstraction is of."""
    arguments: tuple[str, ...]
    chain: bool
    inline: bool
    """True for a pattern that gets no class; its slots are those of what uses it."""
    name: str = ""
    _index: dict[Unit, int] = field(init=False)

    def __post_init__(self) -> None:
        self._index = {unit: i for i, unit in enumerate(self.units)}

    @property
    def steps(self) -> Iterator[Step]:
        """The steps, those of loops once."""
        return (step for action in self.actions for step in steps_of(action))

    def parts(self) -> Iterator[tuple[Action, list[Term]]]:
        """The actions, each with the terms of its slots."""
        terms = iter(self.abstraction.terms)
        return ((action, list(islice(terms, len(action.slots)))) for action in self.actions)

    def slots_of(self, unit: Unit) -> tuple[Slot, ...]:
        """Slots of one unit, with its values, as arguments for the constructor around it."""
        row = self._index[unit]
        if self.inline:
            pairs = zip(_slots(self.actions), self.rows[row], strict=True)
            return tuple(Slot(slot.name, value) for slot, value in pairs)
        found = zip(self.arguments, self.abstraction.arguments, strict=True)
        part = slice(row * self.settings, (row + 1) * self.settings)
        return tuple(Slot(name, together(each.values[part])) for name, each in found)


def patterns(network: Network, varied: Variation) -> list[Pattern]:
    """The patterns of a plan, those that others use first, the network's own last.

    Raises UnspelledError where the network's own numbers follow from its parameters in no known
    way.
    """
    levels: defaultdict[int, list[Unit]] = defaultdict(list)
    for unit in units(network, varied.plan):
        levels[unit.height].append(unit)
    found: list[Pattern] = []
    known: dict[Unit, Pattern] = {}
    for height in sorted(levels):
        drafts = {unit: steps(unit, varied.plan, known) for unit in levels[height]}
        groups: dict[Hashable, dict[Unit, tuple[Action, ...]]] = {}
        for unit, draft in drafts.items():
            actions = folded(draft, list(unit.outputs), 2)
            groups.setdefault(_key(unit, actions), {})[unit] = actions
        for group in groups.values():
            alike = group
            if _twice(group):
                alike = {unit: folded(drafts[unit], list(unit.outputs), 3) for unit in group}
            pattern = _pattern(alike, varied)
            found.append(pattern)
            known.update(dict.fromkeys(alike, pattern))
    return found


def _twice(group: dict[Unit, tuple[Action, ...]]) -> bool:
    """True if a loop has two iterations in all units: it is no shorter than without."""
    counts: defaultdict[int, set[Value]] = defaultdict(set)
    for actions in group.values():
        for place, action in enumerate(actions):
            if isinstance(action, Loop):
                counts[place].add(action.slots[0].value)
    return {2} in counts.values()


def _key(unit: Unit, actions: Iterable[Action]) -> Hashable:
    """Equal for units that may share a class: those of a template with the same calls."""
    scope = unit.scope
    kind: Hashable = (scope.template, tuple(name for name, _ in scope.numbers))
    if scope.template is None:
        kind = None, scope.title, unit.parent is not None and unit.parent.scope.template
    numbers: dict[Operation, int] = {}

    def number(value: Operation) -> int:
        return numbers.setdefault(value, len(numbers))

    parts: list[Hashable] = [kind, *map(number, unit.inputs)]
    for action in actions:
        if isinstance(action, Loop):
            parts += ["loop", action.numbers, action.grows, number(action.start)]
            numbers[action.carried] = -1
        parts += [step.key(number) for step in steps_of(action)]
        if isinstance(action, Loop):  # the body is the last iteration only where there are two
            for step in action.body:
                del numbers[step.gives[0]]
        parts += map(number, action.gives)
    return (*parts, *map(number, unit.outputs))


def _pattern(group: dict[Unit, tuple[Action, ...]], varied: Variation) -> Pattern:
    alike = list(group)
    unit, actions = next(iter(group.items()))
    slots = _slots(actions)
    rows = [tuple(slot.value for slot in _slots(each)) for each in group.values()]
    rows = _without_haste(slots, rows)
    named = [varied.numbers[each.scope.path] for each in alike]
    parameters = {name: [each[name] for each in named] for name in named[0]}
    dependent = varies((*rows, *map(tuple, parameters.values())))
    settings = varied.settings if dependent or unit.parent is None else 1
    every = range(settings)
    wide = [at(row, setting) for row in rows for setting in every]
    if unit.parent is None:
        abstraction = spelled(wide, varied.parameters)
        arguments = tuple(map(safe, varied.parameters))
    else:
        columns = {k: [at(v, s) for v in each for s in every] for k, each in parameters.items()}
        if settings > 1:
            columns = {k: [*v] * len(rows) for k, v in varied.parameters.items()} | columns
        abstraction = abstract(wide, columns)
        arguments = _names(abstraction, actions)
    chain = is_chain(unit) and all(action.gives for action in actions)
    single = len(alike) == 1 and len(actions) == 1
    inline = (
        chain
        and unit.parent is not None
        and len(actions) <= _SHORT
        and (unit.scope.template is None or single)
        and not any(_nested(action) for action in actions)
    )
    return Pattern(alike, actions, rows, abstraction, settings, arguments, chain, inline)


def _slots(actions: Iterable[Action]) -> list[Slot]:
    return [slot for action in actions for slot in action.slots]


def _nested(action: Action) -> bool:
    """True if an action is a loop, or an inlined chain."""
    return isinstance(action, Loop) or (isinstance(action.head, Pattern) and action.head.inline)


def _without_haste(slots: list[Slot], rows: list[tuple[Value, ...]]) -> list[tuple[Value, ...]]:
    """Rows that agree on working in place: where one of them must not, none does."""
    for index, slot in enumerate(slots):
        if slot.name == IN_PLACE and len({row[index] for row in rows}) > 1:
            rows = [(*row[:index], False, *row[index + 1 :]) for row in rows]
    return rows


def _names(abstraction: Abstraction, actions: tuple[Action, ...]) -> tuple[str, ...]:
    """A name for each argument; where two slots share theirs, that of the step goes before."""
    names = UniqueNames()
    owners: list[str] = []
    for action in actions:
        looped = isinstance(action, Loop)
        owners += [action.body[0].name or ""] if isinstance(action, Loop) else []
        for step in steps_of(action):
            owners += [step.name or ""] * (len(step.slots) * (1 + looped))
    plain: list[list[str]] = [[] for _ in abstraction.arguments]
    for slot, term in zip(_slots(actions), abstraction.terms, strict=True):
        if isinstance(term, Formula) and term.plain:
            plain[term.argument].append(slot.name)
    found = []
    for index, each in enumerate(abstraction.arguments):
        others = {name for other in (*plain[:index], *plain[index + 1 :]) for name in other}
        name = argument(each.parameter, plain[index], others)
        owner = owners[each.slot] if each.slot is not None else ""
        found.append(names.new(name, f"{owner}_{name}" if owner else name))
    return tuple(found)
