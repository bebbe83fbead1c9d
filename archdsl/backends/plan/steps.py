"""The calls of a unit as steps, expressions whose constants are slots.

Units that differ in the values of their slots alone share a class.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Self

from archdsl.backends.plan.operations import Call, Kind, Operation, leaves, mapped
from archdsl.backends.plan.units import Unit
from archdsl.backends.plan.variation import Varying

IN_PLACE = "inplace"
"""The argument by which a module of torch writes its result over what it reads."""

_PLAIN = {"operator.iadd": "operator.add"}
"""The plain operator of one in place: they compute the same and differ in memory only."""


class Slot(NamedTuple):
    """A constant that may differ between units; in their class its value is a term."""

    name: str
    value: Any
    default: Any = ...
    """The value that goes without saying; ``...`` where none does."""


@dataclass(frozen=True, eq=False)
class Step:
    """A call. ``name`` is the attribute that is called, if it is one; ``gives`` are its results."""

    name: str | None
    maker: Call | None
    """The call that makes the attribute, at its first use."""
    function: str = ""
    """The dotted name of the function that is called, or a method's with a dot before it."""
    arguments: tuple[Any, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    gives: tuple[Operation, ...] = ()

    def reads(self) -> list[Operation]:
        """The values that it takes, in order; one as often as it is written."""
        every = leaves((self.arguments, self.options))
        return [each for each in every if isinstance(each, Operation)]

    @property
    def content(self) -> tuple[Any, ...]:
        """Its expressions."""
        return self.maker, self.arguments, self.options

    def owned(self) -> list[tuple[str, Slot]]:
        """Its slots in order, each with the name of the part that it is of."""
        found = (each for each in leaves(self.content) if isinstance(each, Slot))
        return [(self.name or "", each) for each in found]

    def filled(self, by: Iterator[Any]) -> Self:
        """The step with other things, one after the other, in place of its slots."""

        def leaf(value: Any) -> Any:
            return next(by) if isinstance(value, Slot) else value

        maker, arguments, options = mapped(self.content, leaf)
        return replace(self, maker=maker, arguments=arguments, options=options)


def steps(unit: Unit, maker: Callable[[Operation | Unit], Call]) -> list[Step]:
    """The steps of a unit; ``maker`` makes the modules that its pieces call."""
    found: list[Step] = []
    seen: set[str | None] = {None}
    for name, called in unit.pieces:
        function = ""
        if name is None:
            assert isinstance(called, Operation)
            method = "." if called.kind is Kind.METHOD else ""
            function = method + _PLAIN.get(called.target, called.target)
        arguments, options = mapped((called.arguments, called.options), _slot)
        made = None if name in seen else maker(called)
        found.append(Step(name, made, function, arguments, options, called.gives))
        seen.add(name)
    return found


def _slot(value: Any) -> Any:
    """A slot for what may differ between two calls of a function: a number."""
    number = isinstance(value, (int, float, Varying)) and not isinstance(value, bool)
    return Slot("size", value) if number else value
