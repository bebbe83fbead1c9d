"""The plan of a network: the calls of modules and functions that compute it, one after the other.

A plan is data and free of any framework. Backends carry it out: as live modules, as source text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple

from archdsl.ir.initial import Initial
from archdsl.ir.lowering import Construct


class Kind(Enum):
    """The kind of an operation: what its target names."""

    ENTRY = "argument"
    """An argument of the network, by its name; a default is its only argument."""
    MODULE = "module"
    """A call of a layer's module, by its path in the network."""
    CALL = "function"
    """A call of a function, by its dotted name."""
    METHOD = "method"
    """A call of a method of the first argument, by its name."""


@dataclass(eq=False, slots=True)
class Operation:
    """One call. Arguments are operations, whose results they stand for, and constants.

    Both may be nested in tuples, lists, dicts and slices. ``path`` is that of the layer that the
    operation is part of.
    """

    kind: Kind
    target: str
    arguments: tuple[Any, ...]
    options: Mapping[str, Any]
    path: str
    shared: bool = False
    """True if the result is that of several layers, each of which takes a part of it."""

    def reads(self) -> list[Operation]:
        """The operations whose results it takes, in order and each once."""
        return operations_in((self.arguments, self.options))

    @property
    def gives(self) -> tuple[Operation, ...]:
        """The values that it gives: its result."""
        return (self,)

    def __repr__(self) -> str:
        return f"<{self.kind.value} {self.target}>"


@dataclass(frozen=True, slots=True)
class Call:
    """A call in an expression: of a class, of a function, or of a class of units."""

    target: Any
    arguments: tuple[Any, ...] = ()
    options: tuple[tuple[str, Any], ...] = ()
    """Arguments by name."""


class LeafModule(NamedTuple):
    """The module of a layer: how it is made, how its weights start, whether they learn."""

    construct: Construct
    initial: Initial
    frozen: bool


@dataclass(frozen=True)
class Plan:
    """The computation of a network: operations in an order in which each follows what it reads.

    ``modules`` are those that the operations call, by path, in the order of their first calls.
    ``result`` is what the network returns: an operation, or several in dicts and lists.
    """

    operations: tuple[Operation, ...]
    modules: Mapping[str, LeafModule]
    result: Any
    criterion: Construct | None = None
    decision: Construct | None = None
    results: tuple[Operation, ...] = field(init=False)
    """The operations in ``result``, in order and each once."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "results", tuple(operations_in(self.result)))

    def entries(self) -> Iterator[Operation]:
        """The arguments of the network."""
        return (each for each in self.operations if each.kind is Kind.ENTRY)


def leaves(value: Any) -> list[Any]:
    """The operations and constants in a value, in order."""
    found: list[Any] = []
    mapped(value, found.append)
    return found


def operations_in(value: Any) -> list[Operation]:
    """The operations in a value, in order and each once."""
    return list(dict.fromkeys(each for each in leaves(value) if isinstance(each, Operation)))


def numbered(value: Any, leaf: Callable[[Any], Any] = lambda constant: constant) -> str:
    """A key that is equal for values which are equal but for the operations in them.

    These are told apart by the order in which they come first; ``leaf`` stands for constants.
    """
    numbers: dict[Operation, str] = {}

    def other(each: Any) -> Any:
        if isinstance(each, Operation):
            return numbers.setdefault(each, f"%{len(numbers)}")
        return leaf(each)

    return repr(mapped(value, other))


def mapped(value: Any, leaf: Callable[[Any], Any]) -> Any:
    """A value with other things in place of the operations and constants in it, in their order."""
    if type(value) in (tuple, list):
        return type(value)([mapped(each, leaf) for each in value])
    if isinstance(value, (Construct, Call)):
        return type(value)(value.target, *mapped((value.arguments, value.options), leaf))
    if isinstance(value, dict):
        return {key: mapped(each, leaf) for key, each in value.items()}
    if isinstance(value, slice):
        return slice(*mapped((value.start, value.stop, value.step), leaf))
    return leaf(value)


def replaced(value: Any, by: Callable[[Operation], Any]) -> Any:
    """A value with other things in place of the operations in it."""
    return mapped(value, lambda each: by(each) if isinstance(each, Operation) else each)
