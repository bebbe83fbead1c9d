"""Pooling: fixed windows, the whole input, and windows that adapt to a wanted output size."""

from __future__ import annotations

from dataclasses import dataclass

from archdsl.ir.layer import (
    Category,
    Layer,
    MapLayer,
    RuleError,
    Shape,
    Window,
    alias,
    arg,
    define,
    image,
    shown,
)
from archdsl.ir.lowering import Construct, Emitter, Value, made
from archdsl.ir.storage import KEEPS_INPUT, KEEPS_NOTHING, PART, VIEW, Storage
from archdsl.ir.window import dividing, whole
from archdsl.layers.convolution import Pair, SlidingWindow, require_fit, slid, times


@dataclass(frozen=True)
class _Pooling(SlidingWindow):
    """Arguments and shape rule that both fixed-window poolings share."""

    homogeneous = True

    ceil_mode: bool = arg(
        "round the output size up, as Caffe does, not down", False, positional=False
    )

    @property
    def everything(self) -> bool:
        return self.kernel_h == 0 and self.kernel_w == 0

    def _kernel(self, shape: Shape) -> Pair | None:
        """The window, ``None`` where it is the whole of an input of unknown size."""
        _, height, width = image(shape, self.kind)
        rows, columns = self.kernel_h or height, self.kernel_w or width
        return None if rows is None or columns is None else (rows, columns)

    def _extent(self, shape: Shape) -> Pair | None:
        return self._kernel(shape)

    def _padding(self) -> Pair:
        return (0, 0) if self.everything else super()._padding()

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        channels, height, width = image(inputs[0], self.kind)
        if self.everything:
            return channels, 1, 1
        kernel = self._kernel(inputs[0])
        if kernel is None:
            raise RuleError(
                "a window as long as one side of the input needs an input of known size",
                help="give the size with --input CxHxW",
                code="E305",
            )
        padding = self._padding()
        for side, pad in zip(kernel, padding, strict=True):
            if pad >= side:
                raise RuleError(
                    f"the padding of {self.kind} is as large as its window",
                    f"expected less than {side}, found {pad}",
                    code="E307",
                )
        if self.ceil_mode and self._needs_explicit_padding(kernel):
            raise RuleError(
                f"the padding of {self.kind} is more than half its window, with ceil_mode",
                f"expected at most half of {times(kernel)}, found {times(padding)}",
                code="E307",
            )
        require_fit(self.kind, inputs[0], kernel, padding)
        ceil = self.ceil_mode
        return (
            channels,
            slid(height, kernel[0], self.stride_h, padding[0], ceil=ceil),
            slid(width, kernel[1], self.stride_w, padding[1], ceil=ceil),
        )

    def unseen(self, inputs: tuple[Shape, ...]) -> tuple[int, int]:
        return (0, 0) if self.everything else super().unseen(inputs)

    def window(self, inputs: tuple[Shape, ...]) -> Window | None:
        if not self.everything:
            return super().window(inputs)
        _, height, width = inputs[0]
        return Window(whole(height), whole(width), ((height or 1) // 2, (width or 1) // 2))

    def _label(self, word: str) -> str:
        if self.everything:
            return f"global {word} pool"
        stride = f", /{self.stride_h}" if self.stride_h == self.stride_w != 1 else ""
        if self.stride_h != self.stride_w:
            stride = f", /{times((self.stride_h, self.stride_w))}"
        return f"{times((self.kernel_h, self.kernel_w))} {word} pool{stride}"

    def _needs_explicit_padding(self, kernel: Pair) -> bool:
        # torch allows half a window of padding at most, dlib all but one cell.
        return any(2 * p > k for p, k in zip(self._padding(), kernel, strict=True))


@define(
    "max_pool",
    category=Category.POOLING,
    stem="pool",
    source="dlib max_pool_; torch.nn.MaxPool2d",
)
@dataclass(frozen=True)
class MaxPool(_Pooling):
    """The largest value in each window; padding never wins."""

    storage = Storage(keeps_output=False, extra=8)

    def label(self) -> str:
        return self._label("max")

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        if self.everything:
            return made("torch.nn.AdaptiveMaxPool2d", (1, 1))
        kernel = self._kernel(inputs[0])
        assert kernel is not None
        padding, stride = self._padding(), (self.stride_h, self.stride_w)
        if self._needs_explicit_padding(kernel):
            sides = (padding[1], padding[1], padding[0], padding[0])
            return made(
                "torch.nn.Sequential",
                made("torch.nn.ConstantPad2d", sides, float("-inf")),
                made("torch.nn.MaxPool2d", kernel, stride),
            )
        return made("torch.nn.MaxPool2d", kernel, stride, padding, ceil_mode=self.ceil_mode)


@define(
    "avg_pool",
    category=Category.POOLING,
    stem="avgpool",
    source="dlib avg_pool_; torch.nn.AvgPool2d",
)
@dataclass(frozen=True)
class AvgPool(_Pooling):
    """The mean of each window: of its cells inside the image as in dlib, or of all of them."""

    storage = KEEPS_INPUT

    count_include_pad: bool = arg(
        "divide by the whole window, padding included (torch's default), "
        "not by its cells inside the image (dlib)",
        False,
        positional=False,
    )

    def label(self) -> str:
        return self._label("avg")

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        if self.everything:
            return made("torch.nn.AdaptiveAvgPool2d", (1, 1))
        kernel = self._kernel(inputs[0])
        assert kernel is not None
        padding, stride = self._padding(), (self.stride_h, self.stride_w)
        if self._needs_explicit_padding(kernel):
            return made("modules.PaddedAvgPool2d", kernel, stride, padding, self.count_include_pad)
        return made(
            "torch.nn.AvgPool2d", kernel, stride, padding, self.ceil_mode, self.count_include_pad
        )


@dataclass(frozen=True)
class _AdaptivePooling(MapLayer):
    """Arguments and shape rule of the poolings with a fixed output size."""

    homogeneous = True

    height: int = arg("rows of the output", minimum=1)
    width: int | None = arg("columns of the output", None, minimum=1, shown="height")

    @property
    def size(self) -> Pair:
        return self.height, self.width or self.height

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        return (image(inputs[0], self.kind)[0], *self.size)

    def window(self, inputs: tuple[Shape, ...]) -> Window | None:
        _, height, width = image(inputs[0], self.kind)
        if height is None or width is None:
            return None
        rows, columns = self.size
        return Window(dividing(height, rows), dividing(width, columns))


@define(
    "adaptive_avg_pool",
    category=Category.POOLING,
    stem="avgpool",
    source="torch.nn.AdaptiveAvgPool2d",
)
@dataclass(frozen=True)
class AdaptiveAvgPool(_AdaptivePooling):
    """Means over windows chosen so that the output has the size asked for."""

    storage = KEEPS_INPUT

    def label(self) -> str:
        return f"avg pool to {times(self.size)}"

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made("torch.nn.AdaptiveAvgPool2d", self.size)


@define(
    "adaptive_max_pool",
    category=Category.POOLING,
    stem="pool",
    source="torch.nn.AdaptiveMaxPool2d",
)
@dataclass(frozen=True)
class AdaptiveMaxPool(_AdaptivePooling):
    """Maxima over windows chosen so that the output has the size asked for."""

    storage = Storage(keeps_output=False, extra=8)

    def label(self) -> str:
        return f"max pool to {times(self.size)}"

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made("torch.nn.AdaptiveMaxPool2d", self.size)


for _name, _cls in (("max_pool_everything", MaxPool), ("avg_pool_everything", AvgPool)):
    alias(
        _name,
        _cls,
        f"{_name.split('_')[0].capitalize()} pooling over the whole map: one value per channel.",
        f"dlib {_name}",
        kernel_h=0,
        kernel_w=0,
        stride_h=1,
        stride_w=1,
        padding_h=0,
        padding_w=0,
        padding=None,
        ceil_mode=False,
        **({"count_include_pad": False} if _cls is AvgPool else {}),
    )


@define("channels_last", category=Category.RESHAPE, source="torch.permute(x, (0, 2, 3, 1))")
@dataclass(frozen=True)
class ChannelsLast(Layer):
    """channels×height×width to height×width×channels, for layers along the last axis."""

    storage = VIEW
    homogeneous = True
    order = (1, 2, 0)

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        channels, height, width = image(inputs[0], self.kind)
        return height, width, channels

    def label(self) -> str:
        return "channels last"

    def lower(self, emit: Emitter, operands: tuple[Value, ...], inputs: tuple[Shape, ...]) -> Value:
        return emit.call("torch.permute", *operands, (0, 2, 3, 1))


@define("channels_first", category=Category.RESHAPE, source="torch.permute(x, (0, 3, 1, 2))")
@dataclass(frozen=True)
class ChannelsFirst(Layer):
    """height×width×channels back to channels×height×width."""

    storage = VIEW
    homogeneous = True
    order = (2, 0, 1)

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        channels = last_axis(inputs[0], self.kind)
        if len(inputs[0]) != 3:
            raise RuleError(
                f"{self.kind} needs three axes", f"found {shown(inputs[0])}", code="E304"
            )
        return channels, *inputs[0][:-1]

    def label(self) -> str:
        return "channels first"

    def lower(self, emit: Emitter, operands: tuple[Value, ...], inputs: tuple[Shape, ...]) -> Value:
        return emit.call("torch.permute", *operands, (0, 3, 1, 2))


def last_axis(shape: Shape, kind: str) -> int:
    """The size of the last axis; raises RuleError where it is not known."""
    if not shape or shape[-1] is None:
        raise RuleError(
            f"the last axis before {kind} has no known size", f"found {shown(shape)}", code="E305"
        )
    return shape[-1]


@define(
    "channel_shuffle",
    category=Category.RESHAPE,
    stem="shuffle",
    source="Zhang et al. 2018, ShuffleNet, figure 1; torch.nn.ChannelShuffle",
)
@dataclass(frozen=True)
class ChannelShuffle(Layer):
    """Channels dealt out anew: the first of each group, then the second of each, and so on."""

    storage = KEEPS_NOTHING
    homogeneous = True

    groups: int = arg("number of groups; divides the channels", minimum=1)

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        _require_parts(self.groups, inputs[0], self.kind)
        return inputs[0]

    def label(self) -> str:
        return f"shuffle, {self.groups}"

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made("torch.nn.ChannelShuffle", self.groups)


@define("chunk", category=Category.RESHAPE, source="torch.chunk; ShuffleNetV2's channel split")
@dataclass(frozen=True)
class Chunk(Layer):
    """One of several equal parts of the channels: ``chunk<0,2>`` is the first half."""

    storage = PART
    homogeneous = True

    index: int = arg("which part, from 0", minimum=0)
    parts: int = arg("number of parts; divides the channels", 2, minimum=1)

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        if self.index >= self.parts:
            raise RuleError(
                f"there is no part {self.index} of {self.parts}; they count from 0", code="E311"
            )
        channels = _require_parts(self.parts, inputs[0], self.kind)
        return channels // self.parts, *inputs[0][1:]

    def label(self) -> str:
        return f"part {self.index + 1} of {self.parts}"

    def lower(self, emit: Emitter, operands: tuple[Value, ...], inputs: tuple[Shape, ...]) -> Value:
        # All parts come out of one call.
        chunks = emit.once("torch.chunk", operands[0], self.parts, 1)
        return emit.call("operator.getitem", chunks, self.index)


def _require_parts(parts: int, shape: Shape, kind: str) -> int:
    """The channels, which have to be divisible into equal parts."""
    channels = image(shape, kind)[0]
    if channels % parts:
        raise RuleError(
            f"{kind} cannot divide {channels} channels into {parts} equal parts", code="E310"
        )
    return channels


def flat_size(shape: Shape, kind: str) -> int:
    """The number of values of a sample; raises RuleError where it is not known."""
    count = 1
    for size in shape:
        if size is None:
            raise RuleError(
                f"{kind} needs an input of known size",
                f"found {shown(shape)}",
                help="write input<C,H,W>, or give the size with --input CxHxW",
                code="E305",
            )
        count *= size
    return count
