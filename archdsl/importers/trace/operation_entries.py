"""Rows of the table of operations: the arguments of a call, and which of them are compared."""

from __future__ import annotations

import enum
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

from torch import nn

Fields = dict[str, Hashable]


Shapes = Mapping[str, tuple[int, ...]]


class Role(enum.Enum):
    """The role of an operation's argument."""

    INPUT = "a tensor, or a list of tensors, from the graph"
    STATE = "a parameter or a buffer"
    FIELD = "a hyperparameter"
    MODULE_FIELD = "a hyperparameter only the module spelling has"
    MODE = "the flag which says that the network is being trained"
    IGNORED = "has no influence on what is computed"


class Required:
    """The type of the default of an argument that has none."""


REQUIRED = Required()


def same(value: object) -> object:
    return value


@dataclass(frozen=True)
class OperationArgument:
    """One argument: its name (also the module's attribute), and how its values are normalised."""

    name: str
    role: Role
    default: object = REQUIRED
    normal: Callable[[object], object] = same


def shapes_as_fields(fields: Fields, shapes: Shapes) -> Fields:
    return {**fields, **shapes}


@dataclass(frozen=True)
class OperationEntry:
    """One operation in all its spellings.

    ``derive`` completes the fields from the shapes of the parameters. An ``elementwise`` operation
    commutes with flattening. ``keeps_batch`` promises that the size of dimension 0 of the result is
    that of the first input. ``variadic`` names the argument which collects trailing positional
    numbers, as in ``x.permute(0, 2, 3, 1)``.
    """

    name: str
    arguments: tuple[OperationArgument, ...]
    modules: tuple[type[nn.Module], ...] = ()
    functions: tuple[Callable[..., object], ...] = ()
    methods: tuple[str, ...] = ()
    derive: Callable[[Fields, Shapes], Fields] = shapes_as_fields
    commutes: bool = False
    elementwise: bool = False
    keeps_batch: bool = True
    variadic: str | None = None

    def bind(
        self, args: Sequence[object], kwargs: Mapping[str, object]
    ) -> dict[str, object] | None:
        """A call's arguments by name, defaults filled in; None when the call does not fit."""
        formal = [a for a in self.arguments if a.role is not Role.MODULE_FIELD]
        names = [argument.name for argument in formal]
        if self.variadic is not None:
            place = names.index(self.variadic)
            if len(args) > place and not isinstance(args[place], (tuple, list)):
                args = (*args[:place], tuple(args[place:]))
        if len(args) > len(names) or not kwargs.keys() <= set(names[len(args) :]):
            return None
        bound = {**dict(zip(names, args, strict=False)), **kwargs}
        for argument in self.arguments:
            if argument.default is REQUIRED and argument.name not in bound:
                return None
            bound.setdefault(argument.name, argument.default)
        return bound


def input_(name: str = "input") -> OperationArgument:
    return OperationArgument(name, Role.INPUT)


def state(name: str, default: object = None) -> OperationArgument:
    return OperationArgument(name, Role.STATE, default)


def setting(
    name: str, default: object = REQUIRED, normal: Callable[[object], object] = same
) -> OperationArgument:
    return OperationArgument(name, Role.FIELD, default, normal)


def mode(name: str, default: bool) -> OperationArgument:
    return OperationArgument(name, Role.MODE, default)


def ignored(name: str, default: object = None) -> OperationArgument:
    return OperationArgument(name, Role.IGNORED, default)


INPLACE = ignored("inplace", False)


def per_dimension(dimensions: int) -> Callable[[object], object]:
    """Normalises ``3`` and ``[3]`` to ``(3, 3)``; leaves None and names such as "same" alone."""

    def normal(value: object) -> object:
        if value is None or isinstance(value, str):
            return value
        values = tuple(value) if isinstance(value, (tuple, list)) else (value,)
        return values * dimensions if len(values) == 1 else values

    return normal


def as_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def square(value: object) -> object:
    """One size for height and width as two."""
    return (value, value) if isinstance(value, int) else value
