"""The lowering of layers as data: constructor calls and function calls by dotted names.

A layer says which modules and functions compute it; a backend makes them. ``torch.nn.Conv2d``,
``torch.cat`` and ``operator.add`` mean what they mean in Python. Names that start with none of the
packages in :data:`PACKAGES` belong to the library of modules that a backend brings along
(``modules.Normalize``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

if TYPE_CHECKING:
    from archdsl.ir.edges import EdgeType, Shape
    from archdsl.ir.initial import Initial
    from archdsl.ir.window import Cells

PACKAGES = ("torch", "torchvision", "operator", "math")
"""First parts of dotted names that are those of Python packages."""


@dataclass(frozen=True, slots=True)
class Construct:
    """A constructor call: the dotted name of a class, and its arguments.

    Arguments are numbers, strings, ``None``, tuples of these, and other constructs.
    """

    target: str
    arguments: tuple[Any, ...] = ()
    options: tuple[tuple[str, Any], ...] = ()

    @property
    def name(self) -> str:
        """The name of the class without the module it is in."""
        return self.target.rpartition(".")[2]

    def inner(self) -> Iterator[Construct]:
        """The constructs among the arguments."""
        for value in (*self.arguments, *(value for _, value in self.options)):
            if isinstance(value, Construct):
                yield value


def made(target: str, *arguments: Any, **options: Any) -> Construct:
    """``made("torch.nn.Linear", 512, 10, bias=False)`` is the call as data."""
    return Construct(target, arguments, tuple(options.items()))


Value = Any
"""A value of the computation under construction; only the emitter that gave it looks inside."""


class ImageValues(NamedTuple):
    """Images in a computation: the batch with all that is known of it, and its tensor."""

    batch: Value
    tensor: Value


Operand = Value | Mapping[str, Value] | ImageValues
"""Counterpart of an edge: a value, values of feature maps by name, or images."""


class TensorLayer(Protocol):
    """The rules by which a layer is applied to tensors."""

    kind: ClassVar[str]

    def seen(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """Input shapes as the layer takes them."""

    def lower(self, emit: Emitter, operands: tuple[Value, ...], inputs: tuple[Shape, ...]) -> Value:
        """Add the layer to a computation and return the value of its output."""


class Emitter(Protocol):
    """The operations with which a layer adds its computation to a network's."""

    def entry(self, name: str, *default: Any) -> Value:
        """An argument of the network; ``default`` makes it optional."""

    def lowered(
        self, layer: TensorLayer, operands: tuple[Operand, ...], inputs: tuple[EdgeType, ...]
    ) -> Operand:
        """A tensor layer applied to each of several tensors with the same weights."""

    def may_overwrite_input(self) -> bool:
        """True if nothing else reads the layer's input, so that it may work in place."""

    def module(
        self, module: Construct, *operands: Any, initial: Initial | None = None, **options: Any
    ) -> Value:
        """Call the layer's module; a layer that is applied to several tensors is one module.

        ``initial`` says how its weights and biases start, by default as torch starts them;
        ``options`` are constants that its ``forward`` takes by name.
        """

    def call(self, function: str, *arguments: Any) -> Value:
        """Call a function, by its dotted name, on values and constants."""

    def once(self, function: str, *arguments: Any) -> Value:
        """Call a function, unless it was called so before with the same arguments: its value then.

        For functions that give several values, each of which is a layer's output.
        """

    def method(self, name: str, *arguments: Any) -> Value:
        """Call a tensor method; the first argument is the tensor."""

    def criterion(self, module: Construct) -> None:
        """Set the loss that the network is trained with."""

    def decision(self, module: Construct) -> None:
        """Set what makes labels of the network's output."""

    def cells(self, index: int = 0) -> Cells:
        """Positions, in the network's input, of the cells of an input of the current layer."""
