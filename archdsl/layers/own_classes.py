"""Classes of a C++ program itself that stand where dlib's own do: losses and inputs.

A loss passes the output on, and an input gives a tensor, whatever its class computes: the network
is usable without it. Other layers of a program are not known and have no place here.
"""

from __future__ import annotations

from dataclasses import dataclass

from archdsl.ir.layer import Category, Layer, RuleError, Shape, arg
from archdsl.ir.lowering import Emitter, Value
from archdsl.layers.inputs import InputTensor


@dataclass(frozen=True)
class OwnLoss(Layer):
    """A loss class of a C++ program: the network's output passes, without its training.

    Source: dlib/dnn/loss_abstract.h, EXAMPLE_LOSS_LAYER_.
    """

    kind = "loss"
    stem = "loss"
    category = Category.LOSS
    warning_code = "W011"

    name: str = arg("the name of the class")

    def label(self) -> str:
        return self.name

    def warning(self, inputs: tuple[Shape, ...]) -> str | None:
        return f"'{self.name}' is a loss class of its own: the network's output passes it unchanged"

    def lower(self, emit: Emitter, operands: tuple[Value, ...], inputs: tuple[Shape, ...]) -> Value:
        return operands[0]


@dataclass(frozen=True)
class OwnInput(InputTensor):
    """An input class of a C++ program: a tensor of the size that ``--input`` gives.

    Source: dlib/dnn/input_abstract.h, EXAMPLE_INPUT_LAYER.
    """

    kind = "input"
    stem = "input"
    category = Category.INPUT

    name: str = arg("the name of the class", "")

    def undeclared(self) -> None:
        raise RuleError(
            f"'{self.name}' is an input class of its own, and what it gives is not known",
            "expected one of dlib's inputs, such as input<matrix<unsigned char>>",
            help="say what it gives with --input CxHxW, or write input<C,H,W> in its place",
            code="E127",
        )


def own_loss(name: str) -> bool:
    """True for a name that a loss class has, as all of dlib's do."""
    return name.startswith("loss_")


def own_input(name: str) -> bool:
    """True for a name that an input class has, as all of dlib's do."""
    return "input" in name.lower().split("_")
