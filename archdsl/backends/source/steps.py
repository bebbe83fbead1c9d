"""The calls of a unit as steps, whose constants are slots.

Units that differ in the values of their slots alone share a class.
"""

from __future__ import annotations

import dataclasses
import inspect
import operator
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from torch import nn

from archdsl.analysis.anti_unification import Value
from archdsl.backends.plan import Kind, Operation, Plan, Unit, Varying
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
    joined = _joined(unit, plan)
    found: list[Step] = []
    seen: set[str | None] = {None}
    for name, called in unit.pieces:
        arguments = joined.get(called, called.arguments)
        numbers = filter(is_number, leaves((arguments, called.options)))
        head, made = _head(name, called, plan, patterns)
        slots = (*made, *(Slot("size", number) for number in numbers))
        first = name is None or name not in seen
        found.append(Step(name, head, slots, arguments, called.options, called.gives, first))
        seen.add(name)
    if unit.parent is None:
        kept = {"criterion": plan.criterion, "decision": plan.decision}
        found += [Step(name, *opened(made)) for name, made in kept.items() if made is not None]
    return found


def _head(
    name: str | None, called: Operation | Unit, plan: Plan, patterns: Mapping[Unit, Any]
) -> tuple[Any, tuple[Slot, ...]]:
    """The target of a step's call, or its maker, and the slots of its constructor."""
    if isinstance(called, Unit):
        return patterns[called], patterns[called].slots_of(called)
    if name is not None:
        return opened(plan.modules[called.target].construct)
    if called.kind is Kind.METHOD:
        return called.target, ()
    head = named(called.target)
    return _PLAIN.get(head, head), ()


def _joined(unit: Unit, plan: Plan) -> dict[Any, tuple[Any, ...]]:
    """The arguments of concatenations, shorter where one goes on from another that stays as it is.

    Where all that came before is joined at every step, as in a dense block, each step adds one to
    what the last one joined. Only then are the steps alike.
    """
    calls = [(name, each) for name, each in unit.pieces if isinstance(each, Operation)]
    overwritten: set[Operation] = set()
    for name, call in calls:
        options = plan.modules[call.target].construct.options if name is not None else ()
        if call.target == "operator.iadd" or (IN_PLACE, True) in options:
            overwritten.update(call.reads())
    found: dict[Any, tuple[Any, ...]] = {}
    known: dict[Any, Operation] = {}
    for _, call in calls:
        if call.target == "torch.cat":
            parts, *axis = call.arguments
            before = known.get((tuple(parts[:-1]), *axis))
            if before is not None:
                found[call] = ([before, parts[-1]], *axis)
            if call not in overwritten:
                known[tuple(parts), *axis] = call
    return found
