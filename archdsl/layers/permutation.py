"""Values moved about: space to channels, rows of numbers as a grid."""

from __future__ import annotations

from dataclasses import dataclass

from archdsl.ir.layer import (
    Category,
    Layer,
    MapLayer,
    RuleError,
    Shape,
    Window,
    arg,
    define,
    image,
    shown,
)
from archdsl.ir.lowering import Construct, Emitter, Value, made
from archdsl.ir.storage import KEEPS_NOTHING, VIEW
from archdsl.ir.window import repeating, sliding
from archdsl.layers.convolution import Pair, times


def _folded(kind: str, shape: Shape, stride: Pair) -> Shape:
    """The shape once every ``stride`` block of cells is one cell with as many channels."""
    channels, height, width = image(shape, kind)
    for size, step, axis in zip((height, width), stride, ("height", "width"), strict=True):
        if size is not None and size % step:
            raise RuleError(
                f"{kind} cannot divide its input into blocks of {times(stride)} cells",
                f"expected a {axis} that is a multiple of {step}, found {shown(shape)}",
                code="E310",
            )
    return (
        channels * stride[0] * stride[1],
        height and height // stride[0],
        width and width // stride[1],
    )


@define("reorg", category=Category.RESHAPE, source="dlib reorg_")
@dataclass(frozen=True)
class Reorg(MapLayer):
    """Blocks of cells become channels: first all channels of a block's first cell, then the next.

    Darknet's layer of this name deals the values out in another order: ``darknet_reorg``.
    """

    storage = KEEPS_NOTHING
    homogeneous = True

    row_stride: int = arg("rows of a block", 2, minimum=1)
    col_stride: int = arg("columns of a block", 2, minimum=1)

    @property
    def _stride(self) -> Pair:
        return self.row_stride, self.col_stride

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        return _folded(self.kind, inputs[0], self._stride)

    def window(self, inputs: tuple[Shape, ...]) -> Window | None:
        rows, columns = self._stride
        return Window(sliding(rows, rows), sliding(columns, columns))

    def label(self) -> str:
        return f"reorg {times(self._stride)}"

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made("modules.Reorg", self.row_stride, self.col_stride)


@define(
    "pixel_unshuffle",
    category=Category.RESHAPE,
    stem="shuffle",
    source="torch.nn.PixelUnshuffle; the way back from Shi et al. 2016, equation 4",
)
@dataclass(frozen=True)
class PixelUnshuffle(MapLayer):
    """Blocks of cells become channels: first all cells of a block's first channel, then the next.

    dlib's ``reorg`` gives the same values with the channels in another order.
    """

    storage = KEEPS_NOTHING
    homogeneous = True

    factor: int = arg("rows and columns of a block", 2, minimum=1)

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        return _folded(self.kind, inputs[0], (self.factor, self.factor))

    def window(self, inputs: tuple[Shape, ...]) -> Window | None:
        return Window(sliding(self.factor, self.factor), sliding(self.factor, self.factor))

    def label(self) -> str:
        return f"pixel unshuffle /{self.factor}"

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made("torch.nn.PixelUnshuffle", self.factor)


@define(
    "pixel_shuffle",
    category=Category.RESHAPE,
    stem="shuffle",
    source="torch.nn.PixelShuffle; Shi et al. 2016 (ESPCN), equation 4",
)
@dataclass(frozen=True)
class PixelShuffle(MapLayer):
    """Channels become blocks of cells: each r² of them one channel of r times the size."""

    storage = KEEPS_NOTHING
    homogeneous = True

    factor: int = arg("r: factor for height and width; r² divides the channels", 2, minimum=1)

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        channels, height, width = image(inputs[0], self.kind)
        if channels % self.factor**2:
            raise RuleError(
                f"{self.kind} cannot make blocks of {times((self.factor, self.factor))} cells "
                f"of {channels} channels",
                f"expected a multiple of {self.factor**2} channels, found {shown(inputs[0])}",
                code="E310",
            )
        rows, columns = height and height * self.factor, width and width * self.factor
        return channels // self.factor**2, rows, columns

    def window(self, inputs: tuple[Shape, ...]) -> Window | None:
        return Window(repeating(self.factor), repeating(self.factor))

    def label(self) -> str:
        return f"pixel shuffle ×{self.factor}"

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made("torch.nn.PixelShuffle", self.factor)


@define(
    "darknet_reorg",
    category=Category.RESHAPE,
    stem="reorg",
    source="Darknet's [reorg] (reorg_cpu in blas.c); the passthrough layer of YOLOv2",
)
@dataclass(frozen=True)
class DarknetReorg(Layer):
    """Space to channels in the order that Darknet's trained weights need.

    Darknet calls its routine, which is written for the way back, with the sizes of the way there.
    So it reads C×H×W values as if they were C/s²×Hs×Ws, and makes blocks of those. Sizes are those
    of ``reorg``, the order of the values is not.
    """

    storage = KEEPS_NOTHING
    homogeneous = True

    stride: int = arg("rows and columns of a block; its square divides the channels", 2, minimum=1)

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        channels = image(inputs[0], self.kind)[0]
        if channels % self.stride**2:
            raise RuleError(
                f"{self.kind} cannot divide {channels} channels by {self.stride**2}",
                f"expected a multiple of stride × stride channels, found {shown(inputs[0])}",
                code="E310",
            )
        return _folded(self.kind, inputs[0], (self.stride, self.stride))

    def window(self, inputs: tuple[Shape, ...]) -> Window | None:
        # An output row r sees the rows s·r - (s-1)·b + s·d, where b and d are below s.
        above = (self.stride - 1) ** 2
        rows = above + 1 + self.stride * (self.stride - 1)
        return Window(sliding(rows, self.stride, above), sliding(self.stride, self.stride))

    def label(self) -> str:
        return f"reorg {times((self.stride, self.stride))}"

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made("modules.DarknetReorg", self.stride)


@define(
    "yolo_grid",
    category=Category.RESHAPE,
    stem="grid",
    source="Redmon et al. 2016, You Only Look Once, section 2 and figure 3",
)
@dataclass(frozen=True)
class YoloGrid(Layer):
    """A row of numbers as the S×S×(B·5+C) tensor of YOLO's first version.

    The cells are in rows from the top; in a cell come x, y, the square roots of width and height,
    and the confidence of each box, then the classes' probabilities. Darknet has the same numbers
    in another order; its weights are reordered where they are read and written.
    """

    storage = VIEW
    homogeneous = True

    side: int = arg("S: cells along each side of the image", minimum=1)
    boxes: int = arg("B: boxes that a cell predicts", minimum=1)
    classes: int = arg("C: classes", minimum=1)

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        output = self.side, self.side, 5 * self.boxes + self.classes
        count = output[0] * output[1] * output[2]
        if inputs[0] != (count,):
            raise RuleError(
                f"{self.kind} needs {count} numbers for {shown(output)}",
                f"expected {count}, found {shown(inputs[0])}",
                help="a cell has 5 numbers for each box and one for each class",
                code="E321",
            )
        return output

    def label(self) -> str:
        return f"grid {times((self.side, self.side))}"

    def lower(self, emit: Emitter, operands: tuple[Value, ...], inputs: tuple[Shape, ...]) -> Value:
        return emit.call("torch.reshape", *operands, (-1, *self.shape(inputs)))
