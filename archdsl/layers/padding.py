"""Padding that is not the same on all sides, as a layer of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from archdsl.ir.layer import (
    Category,
    MapLayer,
    RuleError,
    Shape,
    Window,
    arg,
    define,
    image,
    shown,
)
from archdsl.ir.lowering import Construct, made
from archdsl.ir.storage import KEEPS_INPUT, KEEPS_NOTHING
from archdsl.ir.window import MOST_CELLS, Reads, sliding, whole


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


def on_sides(top: int, bottom: int, left: int, right: int) -> tuple[int, ...]:
    """The arguments of a padding by copies, only as many as it needs."""
    sides = top, bottom, left, right
    return (top,) if len(set(sides)) == 1 else sides


@dataclass(frozen=True)
class _Copying(MapLayer):
    """The base of paddings whose new cells are copies of others."""

    storage = KEEPS_INPUT
    homogeneous = True

    torch_class: ClassVar[str]

    top: int = arg("rows above", minimum=0)
    bottom: int | None = arg("rows below", None, minimum=0, shown="top")
    left: int | None = arg("columns on the left", None, minimum=0, shown="top")
    right: int | None = arg("columns on the right", None, minimum=0, shown="left")

    def _sides(self) -> tuple[int, int, int, int]:
        """Rows above and below, columns on the left and on the right."""
        left = self.top if self.left is None else self.left
        below = self.top if self.bottom is None else self.bottom
        return self.top, below, left, left if self.right is None else self.right

    def _least(self, side: int) -> int:
        """The shortest axis that ``side`` new cells can be copied from."""
        raise NotImplementedError

    def _source(self, cell: int, size: int) -> int:
        """The cell that a cell before or behind those of an axis is a copy of."""
        raise NotImplementedError

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        channels, *sizes = image(inputs[0], self.kind)
        top, bottom, left, right = self._sides()
        found = []
        for size, before, behind in zip(sizes, (top, left), (bottom, right), strict=True):
            least = self._least(max(before, behind))
            if size is not None and size < least:
                raise RuleError(
                    f"{self.kind} copies more cells than there are",
                    f"expected {least} rows and columns or more, found {shown(inputs[0])}",
                    help="pad by less, or with zeros: pad",
                    code="E303",
                )
            found.append(None if size is None else size + before + behind)
        return channels, *found

    def window(self, inputs: tuple[Shape, ...]) -> Window | None:
        top, bottom, left, right = self._sides()
        _, height, width = image(inputs[0], self.kind)
        reads = self._reads(height, top, bottom), self._reads(width, left, right)
        return Window(*reads, (-top, -left))

    def _reads(self, size: int | None, before: int, behind: int) -> Reads:
        if size is None:
            return sliding(1, 1, before)
        if size + before + behind > MOST_CELLS:
            return whole(size)
        places = range(-before, size + behind)
        cells = (min(max(cell, 0), size - 1) for cell in places)
        sources = (
            cell if cell == place else self._source(place, size)
            for cell, place in zip(cells, places, strict=True)
        )
        return Reads(tuple(range(cell, cell + 1) for cell in sources), size, listed=True)

    def effective(self) -> dict[str, object]:
        return dict(zip(("top", "bottom", "left", "right"), self._sides(), strict=True))

    def label(self) -> str:
        sides = self._sides()
        word = self.kind.replace("_", " ")
        return f"{word} {sides[0] if len(set(sides)) == 1 else ' '.join(map(str, sides))}"

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        top, bottom, left, right = self._sides()
        return made(f"torch.nn.{self.torch_class}", (left, right, top, bottom))


@define("reflection_pad", category=Category.RESHAPE, stem="pad", source="torch.nn.ReflectionPad2d")
@dataclass(frozen=True)
class ReflectionPad(_Copying):
    """Rows and columns around a feature map that mirror it; those at the border are the mirror.

    ``reflection_pad<3>`` pads by 3 on all sides.
    """

    torch_class = "ReflectionPad2d"

    def _least(self, side: int) -> int:
        return side + 1

    def _source(self, cell: int, size: int) -> int:
        return -cell if cell < 0 else 2 * (size - 1) - cell


@define(
    "replication_pad", category=Category.RESHAPE, stem="pad", source="torch.nn.ReplicationPad2d"
)
@dataclass(frozen=True)
class ReplicationPad(_Copying):
    """Rows and columns around a feature map that repeat those at its border.

    ``replication_pad<3>`` pads by 3 on all sides.
    """

    torch_class = "ReplicationPad2d"

    def _least(self, side: int) -> int:
        return 1

    def _source(self, cell: int, size: int) -> int:
        return 0 if cell < 0 else size - 1
