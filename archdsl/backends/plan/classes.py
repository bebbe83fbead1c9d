"""Units that differ in constants alone as one class, whose constructor takes these constants."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from archdsl.analysis.anti_unification import Abstraction, Formula, Value, abstract
from archdsl.backends.plan.identifiers import UniqueNames, argument, safe
from archdsl.backends.plan.loops import Action, Loop, folded, steps_of
from archdsl.backends.plan.operations import Call, Operation, Plan, numbered
from archdsl.backends.plan.steps import IN_PLACE, Slot, Step, steps
from archdsl.backends.plan.units import Unit, unit_name, units
from archdsl.backends.plan.variation import Variation, at, together, varies
from archdsl.ir.lowering import Construct
from archdsl.ir.names import class_name
from archdsl.ir.network import Network

_SHORT = 4
"""A chain of so many modules, in a branch, is written where it is used."""


class Language(NamedTuple):
    """The parts of a target language that decide which units may share a class."""

    opened: Callable[[Construct], Call]
    """A constructor call with a slot for every argument, so that equal calls are equal."""
    spelled: Callable[[Sequence[Sequence[Value]], Mapping[str, Sequence[Value]]], Abstraction]
    """The network's own class, of a row of constants for each setting of the spec's parameters."""
    chained: Callable[[Unit], bool]
    """True for a unit that can be a container which calls its parts one after the other."""


@dataclass(eq=False, repr=False)
class UnitClass:
    """The class of equal units. The slots of its actions have terms as values."""

    units: list[Unit]
    actions: tuple[Action, ...]
    abstraction: Abstraction
    arguments: tuple[str, ...]
    """Names of the constructor's arguments, in the order of the abstraction's."""
    chain: bool
    """True for a container that calls its parts one after the other."""
    name: str = ""
    makers: dict[Unit, Call] = field(default_factory=dict)
    """The call that makes each of the units."""
    inline: bool = False
    """True if its units are made as containers where they are used, and it has no text."""

    @property
    def steps(self) -> Iterator[Step]:
        """The steps, those of loops once."""
        return (step for action in self.actions for step in steps_of(action))

    @property
    def inner(self) -> Iterator[UnitClass]:
        """The classes of the units that it calls."""
        return (
            step.maker.target
            for step in self.steps
            if step.maker is not None and isinstance(step.maker.target, UnitClass)
        )


def classes(network: Network, varied: Variation, language: Language) -> list[UnitClass]:
    """The classes of a plan, those that others use first, the network's own last.

    Passes on what ``language.spelled`` raises.
    """
    levels: defaultdict[int, list[Unit]] = defaultdict(list)
    for unit in units(network, varied.plan):
        levels[unit.height].append(unit)
    found: list[UnitClass] = []
    makers: dict[Unit, Call] = {}

    def maker(called: Operation | Unit) -> Call:
        if isinstance(called, Unit):
            return makers[called]
        return language.opened(varied.plan.modules[called.target].construct)

    for height in sorted(levels):
        drafts = {unit: steps(unit, maker) for unit in levels[height]}
        for unit, draft in drafts.items():
            draft += _last(varied.plan, language) if unit.parent is None else ()
        folds = {unit: folded(draft, list(unit.outputs), 2) for unit, draft in drafts.items()}
        for group in _groups(folds):
            if _twice(group):
                for unit in group:
                    folds[unit] = folded(drafts[unit], list(unit.outputs), 3)
        # Anew: two parts that could be a loop in one unit may differ in more in its like.
        for group in _groups(folds):
            found.append(_class(group, varied, language))
            makers.update(found[-1].makers)
    return found


def _groups(folds: Mapping[Unit, tuple[Action, ...]]) -> Iterable[dict[Unit, tuple[Action, ...]]]:
    """The units with their actions, those together that may share a class."""
    groups: defaultdict[str, dict[Unit, tuple[Action, ...]]] = defaultdict(dict)
    for unit, actions in folds.items():
        groups[_key(unit, actions)][unit] = actions
    return groups.values()


def _last(plan: Plan, language: Language) -> list[Step]:
    """The network's loss and decision, which it has and does not call."""
    kept = {"criterion": plan.criterion, "decision": plan.decision}
    return [Step(name, language.opened(made)) for name, made in kept.items() if made is not None]


def _twice(group: Mapping[Unit, Iterable[Action]]) -> bool:
    """True if a loop has two iterations in all units: it is no shorter than without."""
    counts: defaultdict[int, set[Value]] = defaultdict(set)
    for actions in group.values():
        for place, action in enumerate(actions):
            if isinstance(action, Loop):
                counts[place].add(action.count.value)
    return {2} in counts.values()


def _key(unit: Unit, actions: Iterable[Action]) -> str:
    """Equal for units that may share a class: those of a template with the same calls."""
    scope = unit.scope
    kind: Any = (scope.template, tuple(name for name, _ in scope.numbers))
    if scope.template is None:
        kind = None, scope.title, unit.parent is not None and unit.parent.scope.template
    parts = [
        (
            (action.numbers, action.start, action.carried) if isinstance(action, Loop) else (),
            [(each.name, each.function, each.content, each.gives) for each in steps_of(action)],
        )
        for action in actions
    ]
    whole = (kind, unit.arguments, parts, unit.gives)
    return numbered(whole, lambda each: each.name if isinstance(each, Slot) else each)


def _class(
    group: Mapping[Unit, tuple[Action, ...]], varied: Variation, language: Language
) -> UnitClass:
    alike = list(group)
    unit, actions = next(iter(group.items()))
    owned = [each for action in actions for each in action.owned()]
    rows = [
        tuple(slot.value for action in each for _, slot in action.owned())
        for each in group.values()
    ]
    rows = _without_haste([slot for _, slot in owned], rows)
    named = [varied.numbers[each.scope.path] for each in alike]
    parameters = {name: [each[name] for each in named] for name in named[0]}
    dependent = varies((*rows, *map(tuple, parameters.values())))
    settings = varied.settings if dependent or unit.parent is None else 1
    every = range(settings)
    wide = [at(row, setting) for row in rows for setting in every]
    if unit.parent is None:
        abstraction = language.spelled(wide, varied.parameters)
        arguments = tuple(map(safe, varied.parameters))
    else:
        columns = {k: [at(v, s) for v in each for s in every] for k, each in parameters.items()}
        if settings > 1:
            columns = {k: [*v] * len(rows) for k, v in varied.parameters.items()} | columns
        abstraction = abstract(wide, columns)
        arguments = _names(abstraction, owned)
    made = _filled(actions, abstraction.terms)
    chain = language.chained(unit) and all(action.gives for action in actions)
    found = UnitClass(alike, made, abstraction, arguments, chain)
    single = len(alike) == 1 and len(actions) == 1
    found.inline = (
        chain
        and unit.parent is not None
        and len(actions) <= _SHORT
        and (unit.scope.template is None or single)
        and not any(isinstance(action, Loop) for action in actions)
        and not any(inner.inline for inner in found.inner)
    )
    for index, (each, row) in enumerate(zip(alike, rows, strict=True)):
        part = slice(index * settings, (index + 1) * settings)
        values = (together(argument.values[part]) for argument in abstraction.arguments)
        found.makers[each] = _contained(found, row) if found.inline else _made(found, values)
    return found


def _filled(actions: tuple[Action, ...], values: Iterable[Any]) -> tuple[Action, ...]:
    """Actions whose slots have other values."""
    slots = (slot for action in actions for _, slot in action.owned())
    new = (slot._replace(value=value) for slot, value in zip(slots, values, strict=True))
    return tuple(each.filled(new) for each in actions)


def _contained(made: UnitClass, row: Iterable[Value]) -> Call:
    """The parts of a unit, by name, with the values of its slots."""
    steps = (step for action in _filled(made.actions, row) for step in steps_of(action))
    return Call(made, (), tuple((str(step.name), step.maker) for step in steps))


def _made(made: UnitClass, values: Iterable[Value]) -> Call:
    """The call of a class that has these values for its arguments."""
    taken = zip(made.arguments, made.abstraction.arguments, values, strict=True)
    every = [
        Slot(name, value) if each.default is None else Slot(name, value, each.default.value)
        for name, each, value in taken
    ]
    return Call(
        made,
        tuple(slot for slot in every if slot.default is ...),
        tuple((slot.name, slot) for slot in every if slot.default is not ...),
    )


def _without_haste(slots: list[Slot], rows: list[tuple[Value, ...]]) -> list[tuple[Value, ...]]:
    """Rows that agree on working in place: where one of them must not, none does."""
    for index, slot in enumerate(slots):
        if slot.name == IN_PLACE and len({row[index] for row in rows}) > 1:
            rows = [(*row[:index], False, *row[index + 1 :]) for row in rows]
    return rows


def _names(abstraction: Abstraction, owned: Sequence[tuple[str, Slot]]) -> tuple[str, ...]:
    """A name for each argument; where two slots share theirs, that of the step goes before."""
    names = UniqueNames()
    plain: list[list[str]] = [[] for _ in abstraction.arguments]
    for (_, slot), term in zip(owned, abstraction.terms, strict=True):
        if isinstance(term, Formula) and term.plain:
            plain[term.argument].append(slot.name)
    found = []
    for index, each in enumerate(abstraction.arguments):
        others = {name for other in (*plain[:index], *plain[index + 1 :]) for name in other}
        name = argument(each.parameter, plain[index], others)
        owner = owned[each.slot][0] if each.slot is not None else ""
        found.append(names.new(name, f"{owner}_{name}" if owner else name))
    return tuple(found)


def name_classes(found: Sequence[UnitClass], network: str, taken: Iterable[str]) -> None:
    """Give the classes their names: those of templates, and of variants what sets them apart.

    None is among those that are ``taken``, nor are the arguments of the network's own.
    """
    names = UniqueNames(taken)
    root = found[-1]
    root.arguments = tuple(names.new(name, f"{name}_") for name in root.arguments)
    root.name = names.new(class_name(network, "Block"))
    plain: dict[str, UnitClass] = {}
    written = [made for made in found[:-1] if not made.inline]
    for made in sorted(written, key=lambda made: len(_words(made))):
        plain.setdefault(unit_name(made.units[0]), made)
    for base, made in plain.items():
        made.name = names.new(base)
    for made in written:
        base = unit_name(made.units[0])
        if made is not plain[base]:
            apart = sorted(_words(made) - _words(plain[base]))[:2]
            ends = [class_name(word, "Block") for word in apart]
            wishes = [base + "".join(ends[:end]) for end in range(min(1, len(ends)), len(ends) + 1)]
            made.name = names.new(*wishes)


def _words(made: UnitClass) -> set[str]:
    """Words for the name of a class: its attributes, and what sets its parts apart."""
    found = {step.name.rstrip("0123456789_") for step in made.steps if step.name is not None}
    for inner in made.inner:
        base = unit_name(inner.units[0])
        if inner.units[0].scope.template is not None and inner.name not in ("", base):
            found.add(inner.name.removeprefix(base))
    return found
