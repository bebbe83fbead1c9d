"""The draft of a unit: its steps, with constants moved into slots.

Two units with equal keys differ in the values of their slots alone. Steps that repeat are folded
into a loop first, so that stages of different length are one pattern.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

from archdsl.analysis.anti_unification import Value
from archdsl.backends.plan import (
    Function,
    InnerUnit,
    Kind,
    Leaf,
    Operation,
    Plan,
    Unit,
    UnitPiece,
)
from archdsl.backends.source.constructors import Construction, ConstructorParameter, construction
from archdsl.backends.torch.realise import named

IN_PLACE = "inplace"
"""The argument by which a module of torch writes its result over what it reads."""


class Read(NamedTuple):
    """A value that a step takes, by its number in the unit."""

    value: int


class UnitSlot(NamedTuple):
    """A constant that may differ between instances: its name, and its value in one of them."""

    name: str
    value: Value


class SlotReference(NamedTuple):
    """The place of a step's slot in the structure of its arguments."""

    slot: int


class Built(NamedTuple):
    """A constructor with its arguments, each a slot or a module made for this one."""

    made: Callable[..., Any]
    arguments: tuple[tuple[ConstructorParameter, Built | None], ...]

    def all(self) -> Iterator[Built]:
        """This one, and those that are made for it."""
        yield self
        for _, inner in self.arguments:
            if inner is not None:
                yield from inner.all()


Head = Any
"""The callee of a step: Built, a Pattern, a function, or the name of a method."""


@dataclass(frozen=True)
class UnitStep:
    """A call. ``name`` is the attribute that is called, if it is one; ``gives`` are its results."""

    name: str | None
    head: Head
    slots: tuple[UnitSlot, ...]
    arguments: tuple[Any, ...]
    options: tuple[tuple[str, Any], ...]
    gives: tuple[int, ...]
    first: bool = True
    """True for the first call of the attribute: the constructor makes it there."""

    def reads(self) -> list[int]:
        """The numbers of the values that it takes."""
        found: list[int] = []
        _collect((self.arguments, tuple(v for _, v in self.options)), found)
        return found

    def renumbered(self, number: Callable[[int], Any]) -> UnitStep:
        """The same with other numbers for values."""
        return replace(
            self,
            arguments=_mapped(self.arguments, number),
            options=tuple((k, _mapped(v, number)) for k, v in self.options),
            gives=tuple(number(value) for value in self.gives),
        )

    def key(self) -> Hashable:
        """Hashable that is equal for steps which differ in their slots' values alone."""
        head = self.head if isinstance(self.head, (Built, str)) else id(self.head)
        names = tuple(slot.name for slot in self.slots)
        return self.name, head, names, self.arguments, self.options, self.gives, self.first


@dataclass(frozen=True)
class UnitDraft:
    """A unit as a list of steps, with the numbers of the values it takes and gives."""

    unit: Unit
    steps: tuple[UnitStep, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


_PLAIN: Mapping[Any, Any] = {
    operator.iadd: operator.add,
    operator.imul: operator.mul,
    operator.isub: operator.sub,
}
"""The plain operator of each in-place one: they compute the same and differ in memory only."""


class Outlined(Protocol):
    """A pattern as the units around it see it."""

    def slots_of(self, unit: Unit) -> tuple[UnitSlot, ...]:
        """The slots that the unit around has to fill."""


class UnitDrafter:
    """Makes drafts of units whose inner units have patterns."""

    def __init__(self, plan: Plan, patterns: Mapping[Unit, Outlined]) -> None:
        self._modules = plan.modules
        self._patterns = patterns
        self._overwritten = {
            value
            for each in plan.operations
            if each.kind is Kind.MODULE
            and (IN_PLACE, True) in plan.modules[each.target].construct.options
            for value in each.reads()
        }
        """Values that a module works on in place, so that they cannot be read again."""

    def draft(self, unit: Unit) -> UnitDraft:
        numbers: dict[Operation, int] = {}

        def number(node: Operation) -> int:
            return numbers.setdefault(node, len(numbers))

        joined = _joined(unit, self._overwritten)
        for node in unit.inputs:
            number(node)
        inputs = tuple(range(len(numbers)))
        steps: list[UnitStep] = []
        seen: set[str] = set()
        for piece in unit.pieces:
            step = self._step(piece, number, joined)
            if step.name is not None and step.name in seen:
                step = replace(step, first=False)
            elif step.name is not None:
                seen.add(step.name)
            steps.append(step)
        outputs = tuple(number(node) for node in unit.outputs)
        return UnitDraft(unit, tuple(steps), inputs, outputs)

    def _step(
        self,
        piece: UnitPiece,
        number: Callable[[Operation], int],
        joined: Mapping[Operation, tuple[Any, ...]],
    ) -> UnitStep:
        if isinstance(piece, InnerUnit):
            return self._part(piece, number)
        holes: list[UnitSlot] = []
        called = piece.operation
        arguments = tuple(
            _structure(a, number, holes) for a in joined.get(called, called.arguments)
        )
        options = tuple((k, _structure(v, number, holes)) for k, v in called.options.items())
        gives = (number(called),)
        if isinstance(piece, Function):
            head = called.target if called.kind is Kind.METHOD else named(called.target)
            head = _PLAIN.get(head, head)
            return UnitStep(None, head, tuple(holes), arguments, options, gives)
        assert isinstance(piece, Leaf)
        head, made = opened(construction(self._modules[called.target].construct))
        shift = len(made)
        return UnitStep(
            piece.name,
            head,
            (*made, *holes),
            _shifted(arguments, shift),
            tuple((k, _shifted(v, shift)) for k, v in options),
            gives,
        )

    def _part(self, piece: InnerUnit, number: Callable[[Operation], int]) -> UnitStep:
        pattern = self._patterns[piece.unit]
        arguments = tuple(Read(number(node)) for node in piece.unit.inputs)
        gives = tuple(number(node) for node in piece.unit.outputs)
        return UnitStep(piece.name, pattern, pattern.slots_of(piece.unit), arguments, (), gives)


def opened(construction: Construction) -> tuple[Built, list[UnitSlot]]:
    """A construction as a head and its slots.

    A module that is an argument is opened as well: two modules that are made alike are not one.
    """
    arguments: list[tuple[ConstructorParameter, Built | None]] = []
    slots: list[UnitSlot] = []
    for parameter, given in zip(construction.parameters, construction.values, strict=True):
        for value in given if parameter.variadic else (given,):
            inner = None
            if isinstance(value, Construction) and value.is_module:
                inner, more = opened(value)
                slots += more
            else:
                slots.append(UnitSlot(parameter.name, value))
            arguments.append((parameter, inner))
    return Built(construction.made, tuple(arguments)), slots


def _joined(unit: Unit, overwritten: Set[Operation]) -> dict[Operation, tuple[Any, ...]]:
    """The arguments of concatenations, shorter where one goes on from another that stays as it is.

    Where all that came before is joined at every step, as in a dense block, each step adds one to
    what the last one joined. Only then are the steps alike.
    """
    found: dict[Operation, tuple[Any, ...]] = {}
    known: dict[Any, Operation] = {}
    for piece in unit.pieces:
        if not isinstance(piece, Function) or piece.operation.target != "torch.cat":
            continue
        parts, *axis = piece.operation.arguments
        assert isinstance(parts, (list, tuple))
        before = known.get((tuple(parts[:-1]), *axis))
        found[piece.operation] = (
            piece.operation.arguments if before is None else ([before, parts[-1]], *axis)
        )
        if piece.operation not in overwritten:
            known[tuple(parts), *axis] = piece.operation
    return found


def _structure(value: Any, number: Callable[[Operation], int], holes: list[UnitSlot]) -> Any:
    """An argument of a call with numbers for values and holes for constants."""
    if isinstance(value, Operation):
        return Read(number(value))
    if isinstance(value, dict):
        items = tuple((key, _structure(v, number, holes)) for key, v in value.items())
        return ("dict", items)
    if isinstance(value, slice):
        bounds = (value.start, value.stop, value.step)
        return ("slice", tuple(_structure(each, number, holes) for each in bounds))
    if isinstance(value, (list, tuple)):
        kind = "list" if isinstance(value, list) else "tuple"
        return (kind, tuple(_structure(each, number, holes) for each in value))
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        holes.append(UnitSlot("size", value))
        return SlotReference(len(holes) - 1)
    return ("constant", value)


def _shifted(value: Any, by: int) -> Any:
    if isinstance(value, SlotReference):
        return SlotReference(value.slot + by)
    if type(value) is tuple:
        return tuple(_shifted(each, by) for each in value)
    return value


def _mapped(value: Any, number: Callable[[int], Any]) -> Any:
    if isinstance(value, Read):
        return Read(number(value.value))
    if type(value) is tuple:
        return tuple(_mapped(each, number) for each in value)
    return value


def _collect(value: Any, found: list[int]) -> None:
    if isinstance(value, Read):
        found.append(value.value)
    elif type(value) is tuple:
        for each in value:
            _collect(each, found)
