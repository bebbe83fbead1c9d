"""The calls of a unit as steps, whose constants are slots.

Units that differ in the values of their slots alone share a class.
"""

from __future__ import annotations

import dataclasses
import inspect
import operator
from collections.abc import Callable, Hashable, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, NamedTuple

from torch import nn

from archdsl.analysis.anti_unification import Value
from archdsl.backends.plan import InnerUnit, Kind, Leaf, Operation, Plan, Unit, UnitPiece, Varying
from archdsl.backends.plan.operations import leaves, shape
from archdsl.backends.torch.realise import named
from archdsl.ir.lowering import Construct

IN_PLACE = "inplace"
"""The argument by which a module of torch writes its result over what it reads."""

_PLACING = ("device", "dtype")
_PER_AXIS = frozenset(
    {"kernel_size", "stride", "padding", "dilation", "output_padding", "output_size", "size"}
)
"""Arguments of torch's modules in which one number stands for equal ones: the 3 of a 3×3 kernel."""
_PLAIN: Mapping[Any, Any] = {
    operator.iadd: operator.add,
    operator.imul: operator.mul,
    operator.isub: operator.sub,
}
"""The plain operator of each in-place one: they compute the same and differ in memory only."""


class Slot(NamedTuple):
    """A constant that may differ between units: its name, and its value in one of them."""

    name: str
    value: Value


class Parameter(NamedTuple):
    """A parameter of a constructor; ``default`` is ``inspect.Parameter.empty`` without one."""

    name: str
    default: Any
    variadic: bool


class Built(NamedTuple):
    """A constructor with its arguments, each a slot or a module made for this one."""

    made: Callable[..., Any]
    arguments: tuple[tuple[Parameter, Built | None], ...]

    def all(self) -> Iterator[Built]:
        """This one, and those that are made for it."""
        yield self
        for _, inner in self.arguments:
            if inner is not None:
                yield from inner.all()


@cache
def opened(call: Construct) -> tuple[Built, tuple[Slot, ...]]:
    """A constructor call with a slot for every parameter, so that equal calls are equal.

    A module that is an argument is opened as well: two modules that are made alike are not one.
    """
    made = named(call.target)
    signature = inspect.signature(made)
    given = signature.bind(*call.arguments, **dict(call.options)).arguments
    arguments: list[tuple[Parameter, Built | None]] = []
    slots: list[Slot] = []
    for parameter in _parameters(made):
        value = _hashable(given.get(parameter.name, parameter.default))
        if call.target.startswith("torch.nn.") and parameter.name in _PER_AXIS:
            value = value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value
        for each in value if parameter.variadic else (value,):
            inner = None
            if isinstance(each, Construct) and issubclass(named(each.target), nn.Module):
                inner, more = opened(each)
                slots += more
            else:
                slots.append(Slot(parameter.name, each))
            arguments.append((parameter, inner))
    return Built(made, tuple(arguments)), tuple(slots)


@cache
def _parameters(made: Callable[..., Any]) -> tuple[Parameter, ...]:
    """The parameters of a constructor, without those for device and dtype."""
    found = []
    for name, each in inspect.signature(made).parameters.items():
        variadic = each.kind is each.VAR_POSITIONAL
        if name not in _PLACING and each.kind is not each.VAR_KEYWORD:
            found.append(Parameter(name, () if variadic else _hashable(each.default), variadic))
    return tuple(found)


def _hashable(value: Any) -> Any:
    return tuple(map(_hashable, value)) if isinstance(value, (list, tuple)) else value


def is_number(value: Any) -> bool:
    """True for what may differ between two calls of a function."""
    return isinstance(value, (int, float, Varying)) and not isinstance(value, bool)


@dataclass(frozen=True, eq=False)
class Step:
    """A call. ``name`` is the attribute that is called, if it is one; ``gives`` are its results.

    ``head`` is what is called or what makes it: Built, a Pattern, a function, a method's name.
    ``slots`` are those of the constructor, then the numbers in the call.
    """

    name: str | None
    head: Any
    slots: tuple[Slot, ...]
    arguments: tuple[Any, ...] = ()
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    gives: tuple[Operation, ...] = ()
    first: bool = True
    """True for the first call of the attribute: the constructor makes it there."""

    @property
    def made(self) -> int:
        """Number of its slots that are the constructor's."""
        return len(self.slots) - sum(map(is_number, leaves((self.arguments, self.options))))

    def reads(self) -> list[Operation]:
        """The values that it takes, in order; one as often as it is written."""
        every = leaves((self.arguments, self.options))
        return [each for each in every if isinstance(each, Operation)]

    def key(self, number: Callable[[Operation], Hashable]) -> Hashable:
        """Hashable that is equal for steps which differ in their slots' values alone."""
        head = self.head if isinstance(self.head, (Built, str)) else id(self.head)

        def leaf(value: Any) -> Hashable:
            if isinstance(value, Operation):
                return number(value)
            return "number" if is_number(value) else ("constant", value)

        call = shape((self.arguments, self.options), leaf)
        names = tuple(slot.name for slot in self.slots)
        return self.name, head, names, call, tuple(map(number, self.gives)), self.first


def steps(unit: Unit, plan: Plan, patterns: Mapping[Unit, Any]) -> list[Step]:
    """The steps of a unit whose inner units have patterns.

    The network's last are its loss and its decision, which it does not call.
    """
    joined = _joined(unit, _overwritten(unit, plan))
    found: list[Step] = []
    seen: set[str] = set()
    for piece in unit.pieces:
        step = _step(piece, plan, patterns, joined)
        if step.name is not None and step.name in seen:
            step = replace(step, first=False)
        seen |= {step.name} if step.name is not None else set()
        found.append(step)
    if unit.parent is None:
        kept = {"criterion": plan.criterion, "decision": plan.decision}
        found += [Step(name, *opened(made)) for name, made in kept.items() if made is not None]
    return found


def _step(
    piece: UnitPiece,
    plan: Plan,
    patterns: Mapping[Unit, Any],
    joined: Mapping[Operation, tuple[Any, ...]],
) -> Step:
    if isinstance(piece, InnerUnit):
        pattern, taken = patterns[piece.unit], tuple(piece.unit.inputs)
        slots = pattern.slots_of(piece.unit)
        return Step(piece.name, pattern, slots, taken, {}, tuple(piece.unit.outputs))
    called = piece.operation
    arguments = joined.get(called, called.arguments)
    numbers = filter(is_number, leaves((arguments, called.options)))
    holes = tuple(Slot("size", number) for number in numbers)
    head: Any = called.target
    made: tuple[Slot, ...] = ()
    name = piece.name if isinstance(piece, Leaf) else None
    if isinstance(piece, Leaf):
        head, made = opened(plan.modules[called.target].construct)
    elif called.kind is not Kind.METHOD:
        head = named(called.target)
        head = _PLAIN.get(head, head)
    return Step(name, head, (*made, *holes), arguments, called.options, (called,))


def _overwritten(unit: Unit, plan: Plan) -> set[Operation]:
    """The values that a unit works on in place, so that they cannot be read again."""
    found: set[Operation] = set()
    for piece in unit.pieces:
        if isinstance(piece, InnerUnit):
            continue
        called = piece.operation
        if called.target == "operator.iadd" or (
            isinstance(piece, Leaf)
            and (IN_PLACE, True) in plan.modules[called.target].construct.options
        ):
            found.update(called.reads())
    return found


def _joined(unit: Unit, overwritten: Set[Operation]) -> dict[Operation, tuple[Any, ...]]:
    """The arguments of concatenations, shorter where one goes on from another that stays as it is.

    Where all that came before is joined at every step, as in a dense block, each step adds one to
    what the last one joined. Only then are the steps alike.
    """
    found: dict[Operation, tuple[Any, ...]] = {}
    known: dict[Any, Operation] = {}
    for piece in unit.pieces:
        if isinstance(piece, InnerUnit) or piece.operation.target != "torch.cat":
            continue
        parts, *axis = piece.operation.arguments
        before = known.get((tuple(parts[:-1]), *axis))
        if before is not None:
            found[piece.operation] = ([before, parts[-1]], *axis)
        if piece.operation not in overwritten:
            known[tuple(parts), *axis] = piece.operation
    return found
