"""Symbolic tensors and sizes, on which a traced graph is interpreted."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import torch


@dataclass(frozen=True)
class Value:
    """A tensor: the node that computes it, and whether ``flatten(1)`` is still to be applied."""

    node: int
    pending: bool = False


@dataclass(eq=False)
class Cell:
    """A tensor in memory; operations in place change what it holds for everyone who has it."""

    value: Value


@dataclass(frozen=True)
class Stored:
    """A parameter, buffer or constant which has not entered the graph as a value yet."""

    name: str
    tensor: torch.Tensor

    def grouped(self, sizes: tuple[int, ...]) -> Stored:
        """The same values in other sizes."""
        return Stored(self.name, self.tensor.reshape(sizes))


@dataclass(frozen=True)
class Size:
    """A number, or tuple of numbers, computed from the sizes of tensors.

    ``known`` is its value where the trace knows all sizes; it is not compared.
    """

    operation: str
    operands: tuple[object, ...] = ()
    known: int | None = field(default=None, compare=False)


BATCH = Size("batch")
"""The size of dimension 0 of the network's input."""


@dataclass
class TracedCall:
    """One operation about to be added: what is called, by whom, and with which state.

    ``sizes`` are those of its first argument, ``result`` those of what it gives, where the trace
    knows them.
    """

    where: str
    args: tuple[object, ...]
    kwargs: dict[str, object]
    module: str | None = None
    state: dict[str, Stored] = field(default_factory=dict)
    sizes: tuple[int, ...] | None = None
    result: tuple[int, ...] | None = None
    spelled: str = ""
    """Name of the operation's entry, once it has been found."""


SIZE_ATTRIBUTES = {
    "size": "shape",
    "shape": "shape",
    "dim": "dim",
    "ndim": "dim",
    "ndimension": "dim",
    "numel": "numel",
    "nelement": "numel",
}
"""Canonical names of the attributes and methods that ask for a tensor's size."""

ARITHMETIC: frozenset[Callable[..., object]] = frozenset(
    {operator.add, operator.sub, operator.mul, operator.floordiv, operator.truediv, operator.mod}
    | {operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge}
)
"""Operators which are computed at once when all of their operands are known numbers."""


def leaves(value: object) -> list[object]:
    """The parts of nested containers which are no containers themselves."""
    found: list[object] = []
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, (tuple, list)):
            waiting.extend(part)
        elif isinstance(part, dict):
            waiting.extend(part.values())
        elif isinstance(part, slice):
            waiting.extend((part.start, part.stop, part.step))
        else:
            found.append(part)
    return found


def has_tensor(value: object) -> bool:
    """True if a value contains a tensor, traced or stored, at any depth."""
    return any(isinstance(leaf, (Cell, Stored)) for leaf in leaves(value))


def about_sizes(call: TracedCall) -> bool:
    """True if a call computes with sizes alone, none of its arguments being a tensor."""
    arguments = (call.args, call.kwargs)
    return not has_tensor(arguments) and any(isinstance(x, Size) for x in leaves(arguments))


def known_size(tensor: torch.Tensor, operation: str, rest: tuple[object, ...]) -> object:
    """The size of a parameter or buffer, which is known while the graph is interpreted."""
    if operation == "shape":
        shape = tuple(tensor.shape)
        return shape[rest[0]] if rest and isinstance(rest[0], int) else shape
    numbers = {"dim": tensor.dim(), "numel": tensor.numel()}
    return numbers.get(operation, Size(operation))


def shape_of(value: object) -> tuple[object, ...]:
    """A shape given as one number or several."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def without_leading_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape as it is broadcast."""
    start = next((place for place, size in enumerate(shape) if size != 1), len(shape))
    return shape[start:]


def dimensions_of(value: object) -> object:
    """Dimensions to reduce, whose order is without meaning."""
    return tuple(sorted(value)) if isinstance(value, (tuple, list)) else value


def size_of_map(value: object) -> object:
    """Height and width of another tensor in one form, whichever way they are asked for."""
    if isinstance(value, (tuple, list)) and len(value) == 2:
        operands = [part.operands for part in value if isinstance(part, Size)]
        if [part[1:] for part in operands] == [(2,), (3,)] and operands[0][0] == operands[1][0]:
            return Size("size", (operands[0][0], "map"))
    if isinstance(value, Size) and value.operation == "getitem":
        shape, places = value.operands
        if isinstance(shape, Size) and places in (slice(2, None), slice(-2, None), slice(2, 4)):
            return Size("size", (shape.operands[0], "map"))
    return value


def numbers_of(value: object) -> int | list[int] | None:
    """One number or several, sizes by their values; None where one is not known."""
    parts = value if isinstance(value, (tuple, list)) else [value]
    known = [part.known if isinstance(part, Size) else part for part in parts]
    if not all(isinstance(part, int) for part in known):
        return None
    numbers = cast("list[int]", known)
    return numbers if isinstance(value, (tuple, list)) else numbers[0]
