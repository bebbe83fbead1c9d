"""Layers of Swin Transformers, on height×width×channels: attention inside of windows."""

from __future__ import annotations

from dataclasses import dataclass

from archdsl.ir.layer import Category, Layer, RuleError, Shape, arg, define, shown
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
        channels = _map(inputs[0], self.kind)[2]
        return 4 * channels * (channels + 1) + (2 * self.side - 1) ** 2 * self.heads

    def buffers(self, inputs: tuple[Shape, ...]) -> int:
        return self.side**4  # the distance of every two cells

    def macs(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        height, width, channels = _map(inputs[0], self.kind)
        side = self.side
        cells = -(-height // side) * -(-width // side) * side**2
        return 4 * cells * channels**2 + 2 * cells * side**2 * channels

    def label(self) -> str:
        moved = f", moved by {self.shift}" if self.shift else ""
        return f"attention in {self.side}×{self.side}{moved}"

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        channels = _map(inputs[0], self.kind)[2]
        return made("window_modules.WindowAttention", channels, self.heads, self.side, self.shift)


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
