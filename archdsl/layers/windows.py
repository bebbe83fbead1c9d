"""Layers of Swin and multi-axis transformers: attention inside of windows of a map."""

from __future__ import annotations

import math
from dataclasses import dataclass

from archdsl.ir.layer import Category, Layer, RuleError, Shape, arg, define, image, shown
from archdsl.ir.lowering import Construct, Emitter, Value, made
from archdsl.ir.storage import KEEPS_NOTHING, VALUE, Storage
from archdsl.ir.window import SAMPLE
from archdsl.layers.attention import require_divisible
from archdsl.layers.initial import Initialised
from archdsl.layers.pooling import last_axis


def _map(shape: Shape, kind: str) -> tuple[int, int, int]:
    """Height, width and channels of a map whose channels are the last axis."""
    channels = last_axis(shape, kind)
    if len(shape) != 3 or shape[0] is None or shape[1] is None:
        raise RuleError(
            f"{kind} needs a map of known size, its channels last",
            f"expected height×width×channels, found {shown(shape)}",
            help="channels_last brings a feature map into that order",
            code="E304",
        )
    return shape[0], shape[1], channels


def _parameters(channels: int, side: int, heads: int) -> int:
    """Four linear layers, and for each head a number for each distance of two cells."""
    return 4 * channels * (channels + 1) + (2 * side - 1) ** 2 * heads


def _macs(cells: int, side: int, channels: int) -> int:
    """Four linear layers of all cells, and the two products inside of windows."""
    return 4 * cells * channels**2 + 2 * cells * side**2 * channels


@define(
    "window_attention",
    category=Category.ATTENTION,
    stem="attention",
    source="Liu et al. 2021 (Swin), section 3.2; torchvision ShiftedWindowAttention",
)
@dataclass(frozen=True)
class WindowAttention(Initialised, Layer):
    """Multi-head self-attention inside of each window of a map; behind ``channels_last``.

    Windows are square, and begin ``shift`` rows and columns from the corner; a learned number for
    each head and each distance of two cells is added to what they have in common (equation 4).
    Sizes that windows do not divide are padded with zeros. MACs count as those of ``attention``,
    with the cells of a window in place of all tokens.
    """

    sees = SAMPLE
    storage = Storage(keeps_output=False, extra=5 * VALUE)

    heads: int = arg("parts that the channels are split into; divides them", minimum=1)
    side: int = arg("cells along each side of a window", 7, minimum=1)
    shift: int = arg("cells that windows are moved by, down and to the right", 0, minimum=0)

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        require_divisible(self.heads, _map(inputs[0], self.kind)[2], inputs[0])
        return inputs[0]

    def parameters(self, inputs: tuple[Shape, ...]) -> int:
        return _parameters(_map(inputs[0], self.kind)[2], self.side, self.heads)

    def buffers(self, inputs: tuple[Shape, ...]) -> int:
        return self.side**4  # the distance of every two cells

    def macs(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        height, width, channels = _map(inputs[0], self.kind)
        side = self.side
        return _macs(-(-height // side) * -(-width // side) * side**2, side, channels)

    def label(self) -> str:
        moved = f", moved by {self.shift}" if self.shift else ""
        return f"attention in {self.side}×{self.side}{moved}"

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        channels = _map(inputs[0], self.kind)[2]
        return made("window_modules.WindowAttention", channels, self.heads, self.side, self.shift)


def _windows(shape: Shape, kind: str) -> tuple[int, int, int]:
    """Number of windows, cells of a window, and channels."""
    if len(shape) != 3 or None in shape:
        raise RuleError(
            f"{kind} needs the windows of a map",
            f"expected windows×cells×channels, found {shown(shape)}",
            help="window_partition makes them of a feature map",
            code="E304",
        )
    windows, cells, channels = shape
    assert windows is not None and cells is not None and channels is not None
    return windows, cells, channels


@dataclass(frozen=True)
class _Windows(Layer):
    """The arguments of layers that take a map apart into windows, or put it together again."""

    homogeneous = True
    sees = SAMPLE
    storage = KEEPS_NOTHING

    side: int = arg("cells along each side of a window", minimum=1)
    grid: bool = arg(
        "each window has cells from all over the map, which lie as far from each other as they can",
        False,
        positional=False,
    )

    def label(self) -> str:
        words = self.kind.replace("_", " ")
        return f"{words} {self.side}×{self.side}{', grid' if self.grid else ''}"


@define(
    "window_partition",
    category=Category.RESHAPE,
    stem="windows",
    source="Tu et al. 2022 (MaxViT), section 3.2; torchvision.models.maxvit.WindowPartition",
)
@dataclass(frozen=True)
class WindowPartition(_Windows):
    """A map as windows×cells×channels, windows and their cells row by row.

    Height and width have to be multiples of the side.
    """

    def _counts(self, inputs: tuple[Shape, ...]) -> tuple[int, int]:
        """Windows along the height and the width."""
        _, height, width = image(inputs[0], self.kind)
        if height is None or width is None or height % self.side or width % self.side:
            raise RuleError(
                f"windows of {self.side}×{self.side} do not divide the map",
                f"expected multiples of {self.side}, found {shown(inputs[0])}",
                code="E304",
            )
        return height // self.side, width // self.side

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        rows, columns = self._counts(inputs)
        return rows * columns, self.side**2, inputs[0][0]

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        # The windows of a grid are those of its complement, with the two axes exchanged.
        sides = self._counts(inputs) if self.grid else (self.side, self.side)
        return made("window_modules.WindowPartition", *sides, self.grid)


@define(
    "window_reverse",
    category=Category.RESHAPE,
    stem="map",
    source="Liu et al. 2021 (Swin); torchvision.models.maxvit.WindowDepartition",
)
@dataclass(frozen=True)
class WindowReverse(_Windows):
    """The map that ``window_partition`` of the same arguments has taken apart."""

    rows: int = arg("rows of windows; 0: as many as columns", 0, minimum=0, positional=False)

    def _counts(self, inputs: tuple[Shape, ...]) -> tuple[int, int]:
        """Windows along the height and the width."""
        windows, cells, _ = _windows(inputs[0], self.kind)
        rows = self.rows or math.isqrt(windows)
        if cells != self.side**2 or windows % rows or (not self.rows and rows**2 != windows):
            raise RuleError(
                f"these are no windows of {self.side}×{self.side}",
                f"expected windows×{self.side**2}×channels, found {shown(inputs[0])}",
                help="where the map is no square, rows= says how many rows of windows it has",
                code="E304",
            )
        return rows, windows // rows

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        rows, columns = self._counts(inputs)
        return inputs[0][2], rows * self.side, columns * self.side

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        counts, sides = self._counts(inputs), (self.side, self.side)
        order = (sides, counts) if self.grid else (counts, sides)
        return made("window_modules.WindowReverse", *order[0], *order[1], self.grid)


@define(
    "relative_attention",
    category=Category.ATTENTION,
    stem="attention",
    source="Tu et al. 2022 (MaxViT), section 3.1; "
    "torchvision.models.maxvit.RelativePositionalMultiHeadAttention",
)
@dataclass(frozen=True)
class RelativeAttention(Initialised, Layer):
    """Multi-head self-attention among the cells of each window; behind ``window_partition``.

    A learned number for each head and each distance of two cells is added to what they have in
    common. That is scaled by the root of all channels, as torchvision does, and not of a head's.
    MACs count as those of ``attention``, with the cells of a window in place of all tokens.
    """

    sees = SAMPLE
    storage = Storage(keeps_output=False, extra=5 * VALUE)

    heads: int = arg("parts that the channels are split into; divides them", minimum=1)

    def _size(self, inputs: tuple[Shape, ...]) -> tuple[int, int, int]:
        """Windows, side of a window, channels."""
        windows, cells, channels = _windows(inputs[0], self.kind)
        require_divisible(self.heads, channels, inputs[0])
        if math.isqrt(cells) ** 2 != cells:
            raise RuleError(
                "these windows are no squares",
                f"expected a square number of cells, found {shown(inputs[0])}",
                code="E304",
            )
        return windows, math.isqrt(cells), channels

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        self._size(inputs)
        return inputs[0]

    def parameters(self, inputs: tuple[Shape, ...]) -> int:
        _, side, channels = self._size(inputs)
        return _parameters(channels, side, self.heads)

    def buffers(self, inputs: tuple[Shape, ...]) -> int:
        return self._size(inputs)[1] ** 4  # the distance of every two cells

    def macs(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        windows, side, channels = self._size(inputs)
        return _macs(windows * side**2, side, channels)

    def label(self) -> str:
        return f"attention, {self.heads} head{'s' * (self.heads > 1)}"

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        _, side, channels = self._size(inputs)
        return made("window_modules.RelativeAttention", channels, self.heads, side)


@define(
    "merge_patches",
    category=Category.RESHAPE,
    stem="merge",
    source="Liu et al. 2021 (Swin), section 3.1; torchvision PatchMerging",
)
@dataclass(frozen=True)
class MergePatches(Layer):
    """Every 2×2 cells of a map as one cell of four times the channels; behind ``channels_last``.

    First come the channels of the upper left cell, then of the lower left, the upper right and the
    lower right one. A row or column over is filled up with zeros.
    """

    homogeneous = True
    sees = SAMPLE
    storage = KEEPS_NOTHING

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        height, width, channels = _map(inputs[0], self.kind)
        return -(-height // 2), -(-width // 2), 4 * channels

    def label(self) -> str:
        return "merge patches"

    def lower(self, emit: Emitter, operands: tuple[Value, ...], inputs: tuple[Shape, ...]) -> Value:
        return emit.call("window_modules.merge_patches", *operands)
