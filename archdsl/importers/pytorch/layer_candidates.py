"""Candidate layers of the catalogue for an operation of PyTorch: an entry for each operation.

A proposal is only a guess at the layer's arguments. Whether the layer is what the network has
there is decided by the layer itself, see ``fragments``; so an entry need not be careful.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from archdsl.analysis.equivalence.graph import STORED, CanonicalGraph, CanonicalNode
from archdsl.analysis.equivalence.labels import InputSlot
from archdsl.importers.draft import UNFORESEEN
from archdsl.importers.made_layers import made_by, makes
from archdsl.ir.edges import Shape
from archdsl.ir.layer import Layer
from archdsl.layers.activation import (
    ELU,
    GELU,
    ClippedReLU,
    Hardsigmoid,
    Hardswish,
    LeakyReLU,
    LogSoftmax,
    Mish,
    PReLU,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from archdsl.layers.attention import (
    Attention,
    ClassToken,
    PositionEmbedding,
    Token,
    TokenMean,
    Tokens,
)
from archdsl.layers.channel_pooling import ChannelMax, ChannelMean
from archdsl.layers.convolution import Convolution, TransposedConvolution
from archdsl.layers.factors import Affine, Bias, BiasLast, LayerScale, LayerScaleLast
from archdsl.layers.inputs import Input, InputRgbImageSized, Pixels
from archdsl.layers.joins import (
    Add,
    AddPadded,
    BroadcastSum,
    Concat,
    Gate,
    MatrixProduct,
    Mult,
    ResizeToMatch,
)
from archdsl.layers.linear import (
    AddConstant,
    Dropout,
    FullyConnected,
    Linear,
    Multiply,
    SpatialDropout,
    StochasticDepth,
)
from archdsl.layers.normalization import (
    BatchNorm,
    GroupNorm,
    InstanceNorm,
    L2NormScaled,
    LayerNormLast,
    LocalResponseNorm,
)
from archdsl.layers.padding import Pad, ReflectionPad, ReplicationPad, on_sides
from archdsl.layers.permutation import PixelShuffle, PixelUnshuffle, Reorg
from archdsl.layers.pooling import (
    AdaptiveAvgPool,
    AdaptiveMaxPool,
    AvgPool,
    ChannelsFirst,
    ChannelShuffle,
    ChannelsLast,
    Chunk,
    MaxPool,
)
from archdsl.layers.reshape import Flatten, ReshapeTo, Slice, Transpose
from archdsl.layers.resize import ResizeTo, Upsample, UpsampleNearest
from archdsl.layers.windows import MergePatches, WindowAttention


class Proposal(NamedTuple):
    """A layer, and the nodes that it would take."""

    layer: Layer
    inputs: tuple[int, ...]


@dataclass(frozen=True)
class Seen:
    """A node of the network, with what stands before it."""

    node: CanonicalNode
    graph: CanonicalGraph
    shapes: Mapping[int, Shape]
    """Of the nodes that are layers already."""

    def __getitem__(self, field: str) -> Any:
        return self.node.label.value(field)

    def pair(self, field: str) -> tuple[int, int]:
        """A field with a number for each axis; raises ValueError where that is not so."""
        value = self[field]
        if not isinstance(value, tuple) or len(value) != 2:
            raise ValueError(field)
        return value[0], value[1]

    def window(self) -> tuple[int, int, int, int, int, int]:
        """Kernel, stride and padding, the height before the width."""
        return *self.pair("kernel_size"), *self.pair("stride"), *self.pair("padding")

    def behind(self, *operations: str) -> int | None:
        """The node before those operations, the nearest first; None where others stand there."""
        index = self.node.inputs[0]
        for operation in operations:
            node = self.graph.nodes[index]
            if node.label.operation != operation or not node.inputs:
                return None
            index = node.inputs[0]
        return index

    def before(self, operation: str) -> tuple[int, ...]:
        """The operands that the network computes, each before such an operation if it is one."""
        nodes = [self.graph.nodes[index] for index in self.tensors()]
        return tuple(
            next((i for i in n.inputs if self.graph.nodes[i].label.operation != STORED), n.index)
            if n.label.operation == operation
            else n.index
            for n in nodes
        )

    def tensors(self) -> tuple[int, ...]:
        """The operands that the network computes; not its weights."""
        nodes = self.graph.nodes
        return tuple(i for i in self.node.inputs if nodes[i].label.operation != STORED)

    def shape(self) -> Shape:
        """Of the first operand."""
        return self.shapes.get(self.node.inputs[0], ())


Proposals = Iterator[Proposal]
_Recogniser = Callable[[Seen], Proposals]


def proposals(seen: Seen) -> Iterator[Proposal]:
    """The layers that a node may be the end of, the likeliest first."""
    recognise = _RECOGNISERS.get(seen.node.label.operation)
    if recognise is not None:
        try:
            yield from recognise(seen)
        except UNFORESEEN:  # a field of another form, such as padding="same"
            return
    else:
        tensors, name = seen.tensors(), seen.node.label.operation
        for cls in sorted(_TOLD_BY_FUNCTION, key=lambda each: each.kind != name):
            if tensors and cls.inputs == len(tensors):
                yield Proposal(cls(), tensors)


@makes(Convolution)
def _convolution(seen: Seen) -> Proposals:
    groups = seen["groups"]
    layer = Convolution(
        seen["out_channels"],
        *seen.window(),
        dilation=seen.pair("dilation")[0],
        groups=0 if groups == seen["in_channels"] and groups > 1 else groups,
        bias=seen["bias"],
    )
    yield Proposal(layer, seen.node.inputs)


@makes(TransposedConvolution)
def _transposed(seen: Seen) -> Proposals:
    layer = TransposedConvolution(
        seen["out_channels"],
        *seen.window(),
        output_padding=seen.pair("output_padding")[0],
        groups=seen["groups"],
        bias=seen["bias"],
    )
    yield Proposal(layer, seen.node.inputs)


@makes(FullyConnected, Linear)
def _linear(seen: Seen) -> Proposals:
    flattened = seen.behind("flatten")
    connected = FullyConnected(seen["out_features"], bias=seen["bias"])
    if flattened is not None:
        yield Proposal(connected, (flattened,))
    if len(seen.shape()) == 1:
        yield Proposal(connected, seen.node.inputs)
    yield Proposal(Linear(seen["out_features"], bias=seen["bias"]), seen.node.inputs)


@makes(BatchNorm)
def _batch_norm(seen: Seen) -> Proposals:
    yield Proposal(BatchNorm(seen["eps"], seen["momentum"]), seen.node.inputs)


@makes(LayerNormLast)
def _layer_norm(seen: Seen) -> Proposals:
    yield Proposal(LayerNormLast(seen["eps"]), seen.node.inputs)


@makes(GroupNorm)
def _group_norm(seen: Seen) -> Proposals:
    yield Proposal(GroupNorm(seen["num_groups"], seen["eps"]), seen.node.inputs)


@makes(InstanceNorm)
def _instance_norm(seen: Seen) -> Proposals:
    yield Proposal(InstanceNorm(seen["eps"], affine=bool(seen["weight"])), seen.node.inputs)


@makes(LocalResponseNorm)
def _response_norm(seen: Seen) -> Proposals:
    layer = LocalResponseNorm(seen["size"], seen["alpha"], seen["beta"], seen["k"])
    yield Proposal(layer, seen.node.inputs)


def _pooling(cls: type[MaxPool] | type[AvgPool]) -> _Recogniser:
    @makes(cls)
    def recognise(seen: Seen) -> Proposals:
        options: dict[str, Any] = {"ceil_mode": seen["ceil_mode"]}
        if cls is AvgPool:
            options["count_include_pad"] = seen["count_include_pad"] and any(seen.pair("padding"))
        yield Proposal(cls(*seen.window(), **options), seen.node.inputs)

    return recognise


def _adaptive(
    whole: type[MaxPool] | type[AvgPool], cls: type[AdaptiveAvgPool] | type[AdaptiveMaxPool]
) -> _Recogniser:
    @makes(whole, cls)
    def recognise(seen: Seen) -> Proposals:
        size = seen.pair("output_size")
        if size == (1, 1):
            yield Proposal(whole(0, 0, padding_h=0, padding_w=0), seen.node.inputs)
        yield Proposal(cls(*size), seen.node.inputs)

    return recognise


@makes(Dropout)
def _dropout(seen: Seen) -> Proposals:
    yield Proposal(Dropout(float(seen["p"])), seen.node.inputs)


@makes(SpatialDropout)
def _spatial_dropout(seen: Seen) -> Proposals:
    yield Proposal(SpatialDropout(float(seen["p"])), seen.node.inputs)


@makes(StochasticDepth)
def _stochastic_depth(seen: Seen) -> Proposals:
    yield Proposal(StochasticDepth(float(seen["p"])), seen.node.inputs)


@makes(LeakyReLU)
def _leaky_relu(seen: Seen) -> Proposals:
    yield Proposal(LeakyReLU(float(seen["negative_slope"])), seen.node.inputs)


@makes(ELU)
def _elu(seen: Seen) -> Proposals:
    yield Proposal(ELU(float(seen["alpha"])), seen.node.inputs)


@makes(PReLU)
def _prelu(seen: Seen) -> Proposals:
    yield Proposal(PReLU(), seen.node.inputs)
    yield Proposal(PReLU(per_channel=True), seen.node.inputs)


@makes(ClippedReLU)
def _hardtanh(seen: Seen) -> Proposals:
    yield Proposal(ClippedReLU(float(seen["max_val"])), seen.node.inputs)


@makes(Softmax)
def _softmax(seen: Seen) -> Proposals:
    yield Proposal(Softmax(), seen.node.inputs)


@makes(LogSoftmax)
def _log_softmax(seen: Seen) -> Proposals:
    yield Proposal(LogSoftmax(), seen.node.inputs)


@makes(ChannelMean, TokenMean)
def _mean(seen: Seen) -> Proposals:
    yield Proposal(ChannelMean(), seen.node.inputs)
    yield Proposal(TokenMean(), seen.node.inputs)


@makes(ChannelMax)
def _maximum(seen: Seen) -> Proposals:
    yield Proposal(ChannelMax(), seen.node.inputs)


@makes(Add, BroadcastSum, Affine, Bias, BiasLast, PositionEmbedding, AddConstant)
def _sum(seen: Seen) -> Proposals:
    if len(seen.tensors()) == 2:
        yield Proposal(Add(), seen.tensors())
        yield Proposal(AddPadded(), seen.before("pad"))
        yield from _broadcast(BroadcastSum(), seen)
    elif isinstance(value := seen["other"], (int, float)):
        yield Proposal(AddConstant(float(value)), seen.tensors())
    else:
        scaled = seen.before("mul")
        yield Proposal(Affine(), scaled)
        yield Proposal(Affine(per_value=True), scaled)
        yield Proposal(Bias(), seen.tensors())
        yield Proposal(Bias(per_channel=False), seen.tensors())
        yield Proposal(PositionEmbedding(), seen.tensors())
        yield Proposal(BiasLast(), seen.tensors())


def _broadcast(join: Gate | BroadcastSum, seen: Seen) -> Proposals:
    """A join of a map with numbers for its channels or places, in either order."""
    first, second = seen.tensors()
    yield Proposal(join, (first, second))
    yield Proposal(join, (second, first))
    rows = seen.before("reshape")  # a row of numbers made a map of one cell
    yield Proposal(join, (first, rows[1]))
    yield Proposal(join, (second, rows[0]))


@makes(Gate, Mult, LayerScale, LayerScaleLast, L2NormScaled, Multiply)
def _product(seen: Seen) -> Proposals:
    first, *others = seen.tensors()
    if others:
        shapes = {seen.shapes.get(index) for index in (first, *others)}
        if len(shapes) == 1:
            yield Proposal(Mult(), (first, *others))
        yield from _broadcast(Gate(), seen)
        yield Proposal(Mult(), (first, *others))
    elif len(seen.node.inputs) == 2:
        yield Proposal(LayerScale(), (first,))
        yield Proposal(LayerScale(per_channel=False), (first,))
        yield Proposal(LayerScaleLast(), (first,))
        yield Proposal(L2NormScaled(), seen.before("normalize"))
    elif isinstance(factor := seen["other"], (int, float)):
        yield Proposal(Multiply(float(factor)), (first,))


@makes(Concat, ClassToken)
def _concatenation(seen: Seen) -> Proposals:
    yield Proposal(Concat(), seen.node.inputs)
    if len(seen.node.inputs) == 2:
        yield Proposal(ClassToken(), seen.node.inputs[1:])


@makes(Attention, Token)
def _item(seen: Seen) -> Proposals:
    """Layers for indexing: the first of several results, a token."""
    index, source = seen["b"], seen.graph.nodes[seen.node.inputs[0]]
    if source.label.operation == "MultiheadAttention":
        parts = dict(cast("Any", source.label.value("module"))[0][3])
        yield Proposal(Attention(parts["num_heads"], parts["dropout"]), source.inputs[:1])
    elif isinstance(index, tuple) and len(index) == 2 and isinstance(index[1], int):
        yield Proposal(Token(index[1]), seen.node.inputs)


_COPIES = {"reflect": ReflectionPad, "replicate": ReplicationPad}


@makes(Pad, *_COPIES.values())
def _padding(seen: Seen) -> Proposals:
    left, right, top, bottom = (*seen["padding"], 0, 0)[:4]
    if len(seen["padding"]) > 4:
        return
    if seen["mode"] == "constant":
        yield Proposal(Pad(top, bottom, left, right, value=seen["value"]), seen.node.inputs)
    elif cls := _COPIES.get(seen["mode"]):
        yield Proposal(cls(*on_sides(top, bottom, left, right)), seen.node.inputs)


@makes(Chunk, Slice)
def _range(seen: Seen) -> Proposals:
    """Layers for a range along one dimension: one of equal parts of the channels, or a box."""
    axis, start, stop = seen["dimension"] - 1, seen["start"], seen["stop"]
    shape = seen.shape()
    if len(shape) != 3 or axis < 0:
        return
    length = stop - start
    if axis == 0 and start % length == 0 and (shape[0] or 0) % length == 0:
        yield Proposal(Chunk(start // length, (shape[0] or 0) // length), seen.node.inputs)
    first, sizes = [0, 0, 0], [int(size or 0) for size in shape]
    first[axis], sizes[axis] = start, length
    yield Proposal(Slice(*first, *sizes), seen.node.inputs)


@makes(ChannelsLast, ChannelsFirst, Tokens)
def _permutation(seen: Seen) -> Proposals:
    yield Proposal(ChannelsLast(), seen.node.inputs)
    yield Proposal(ChannelsFirst(), seen.node.inputs)
    if (rows := seen.behind("flatten")) is not None:
        yield Proposal(Tokens(), (rows,))


@makes(Transpose, _permutation)
def _transposition(seen: Seen) -> Proposals:
    yield Proposal(Transpose(), seen.node.inputs)
    yield from _permutation(seen)


@makes(Flatten)
def _flattening(seen: Seen) -> Proposals:
    yield Proposal(Flatten(), seen.node.inputs)


@makes(ReshapeTo, Reorg)
def _reshape(seen: Seen) -> Proposals:
    sizes = seen["shape"]
    if len(sizes) == 4 and all(isinstance(size, int) for size in sizes[1:]):
        if 1 in (*seen.shape()[:1], *seen.shape()[2:]):  # of a map of one cell nothing moves
            yield Proposal(ChannelsLast(), seen.node.inputs)
            yield Proposal(ChannelsFirst(), seen.node.inputs)
        yield Proposal(ReshapeTo(*sizes[1:]), seen.node.inputs)
        source = seen.behind("permute", "reshape")
        if source is not None and (shape := seen.shapes.get(source)) and len(shape) == 3:
            rows, columns = (
                (whole or 0) // part for whole, part in zip(shape[1:], sizes[2:], strict=True)
            )
            yield Proposal(Reorg(rows, columns), (source,))


@makes(ChannelShuffle)
def _channel_shuffle(seen: Seen) -> Proposals:
    yield Proposal(ChannelShuffle(seen["groups"]), seen.node.inputs)


@makes(WindowAttention)
def _window_attention(seen: Seen) -> Proposals:
    side, shift = seen.pair("window_size")[0], seen.pair("shift_size")[0]
    yield Proposal(WindowAttention(seen["num_heads"], side, shift), seen.node.inputs[:1])


@makes(MergePatches)
def _merged_patches(seen: Seen) -> Proposals:
    yield Proposal(MergePatches(), seen.node.inputs)


@makes(PixelShuffle)
def _pixel_shuffle(seen: Seen) -> Proposals:
    yield Proposal(PixelShuffle(seen["upscale_factor"]), seen.node.inputs)


@makes(PixelUnshuffle)
def _pixel_unshuffle(seen: Seen) -> Proposals:
    yield Proposal(PixelUnshuffle(seen["downscale_factor"]), seen.node.inputs)


@makes(MatrixProduct)
def _matrix_product(seen: Seen) -> Proposals:
    yield Proposal(MatrixProduct(), seen.node.inputs)


@makes(UpsampleNearest, Upsample, ResizeToMatch, ResizeTo)
def _resizing(seen: Seen) -> Proposals:
    nearest, corners = seen["mode"] == "nearest", bool(seen["align_corners"])
    factor, size = seen["scale_factor"], seen["size"]
    if factor is not None:
        rows, columns = factor if isinstance(factor, tuple) else (factor, factor)
        scales = int(rows), None if rows == columns else int(columns)
        yield Proposal(
            UpsampleNearest(*scales) if nearest else Upsample(*scales, align_corners=corners),
            seen.node.inputs,
        )
    elif len(seen.node.inputs) == 2:
        yield Proposal(ResizeToMatch(nearest, corners), seen.node.inputs)
    elif isinstance(size, tuple) and not any(isinstance(part, InputSlot) for part in size):
        yield Proposal(ResizeTo(*size), seen.node.inputs)


@makes(Input, InputRgbImageSized)
def input_layers(means: Sequence[float], size: tuple[int, int, int]) -> Iterator[Layer]:
    """The inputs that subtract such means from images of a size (channels, height, width)."""
    channels, height, width = size
    if list(means) == [0.0] and channels in (1, 3):
        yield Input(Pixels(channels, 256), height, width)
    elif len(means) == channels == 3:
        yield InputRgbImageSized(height, width, red=means[0], green=means[1], blue=means[2])


def recognised() -> tuple[type[Layer], ...]:
    """The layers of the catalogue that modules and functions of PyTorch are read as."""
    return made_by([*_RECOGNISERS.values(), *_TOLD_BY_FUNCTION, input_layers])


_TOLD_BY_FUNCTION: tuple[type[Layer], ...] = (
    Affine,
    AddPadded,
    GELU,
    Hardsigmoid,
    Hardswish,
    Mish,
    ReLU,
    ReLU6,
    SiLU,
    Sigmoid,
    Softplus,
    Tanh,
)
"""Layers without arguments that are a single operation: they are found by what they compute."""

_RECOGNISERS: Mapping[str, _Recogniser] = {
    "conv2d": _convolution,
    "conv_transpose2d": _transposed,
    "linear": _linear,
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "group_norm": _group_norm,
    "instance_norm": _instance_norm,
    "local_response_norm": _response_norm,
    "max_pool2d": _pooling(MaxPool),
    "avg_pool2d": _pooling(AvgPool),
    "adaptive_avg_pool2d": _adaptive(AvgPool, AdaptiveAvgPool),
    "adaptive_max_pool2d": _adaptive(MaxPool, AdaptiveMaxPool),
    "dropout": _dropout,
    "dropout2d": _spatial_dropout,
    "stochastic_depth": _stochastic_depth,
    "leaky_relu": _leaky_relu,
    "elu": _elu,
    "prelu": _prelu,
    "hardtanh": _hardtanh,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "mean": _mean,
    "amax": _maximum,
    "add": _sum,
    "mul": _product,
    "cat": _concatenation,
    "getitem": _item,
    "part": _range,
    "pad": _padding,
    "permute": _permutation,
    "transpose": _transposition,
    "flatten": _flattening,
    "reshape": _reshape,
    "channel_shuffle": _channel_shuffle,
    "pixel_shuffle": _pixel_shuffle,
    "pixel_unshuffle": _pixel_unshuffle,
    "shifted_window_attention": _window_attention,
    "merge_patches": _merged_patches,
    "matmul": _matrix_product,
    "interpolate": _resizing,
}
