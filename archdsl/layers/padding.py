"""Padding that is not the same on all sides, as a layer of its own."""

from __future__ import annotations

from dataclasses import dataclass

from archdsl.ir.layer import Category, MapLayer, Shape, Window, arg, define, image
from archdsl.ir.lowering import Construct, made
from archdsl.ir.storage import KEEPS_NOTHING
from archdsl.ir.window import sliding


@define(
    "pad",
    category=Category.RESHAPE,
    source="torch.nn.ConstantPad2d; Keras's ZeroPadding2D, and its padding='same' at stride 2",
)
@dataclass(frozen=True)
class Pad(MapLayer):
    """Rows and columns of zeros around a feature map, each side by itself.

    For what the padding of ``con`` cannot say, which is equal on opposite sides.
    """

    storage = KEEPS_NOTHING

    top: int = arg("rows above", minimum=0)
    bottom: int = arg("rows below", minimum=0)
    left: int = arg("columns on the left", minimum=0)
    right: int = arg("columns on the right", minimum=0)
    value: float = arg("what stands in them", 0.0, positional=False)

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        channels, height, width = image(inputs[0], self.kind)
        rows = None if height is None else height + self.top + self.bottom
        columns = None if width is None else width + self.left + self.right
        return channels, rows, columns

    def window(self, inputs: tuple[Shape, ...]) -> Window | None:
        return Window(sliding(1, 1, self.top), sliding(1, 1, self.left), (-self.top, -self.left))

    def label(self) -> str:
        sides = self.top, self.bottom, self.left, self.right
        if len(set(sides)) == 1:
            return f"pad {self.top}"
        return "pad " + " ".join(map(str, sides))

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made(
            "torch.nn.ConstantPad2d", (self.left, self.right, self.top, self.bottom), self.value
        )
