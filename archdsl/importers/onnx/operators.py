"""Layers of the catalogue for the nodes of an ONNX graph: a function for each operator type."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from archdsl.importers.made_layers import makes
from archdsl.importers.onnx.activations import round_off
from archdsl.importers.onnx.file import Tensor
from archdsl.importers.onnx.graph import OnnxGraphReader
from archdsl.importers.onnx.nodes import Node, along
from archdsl.importers.onnx.rows import Handler, Row
from archdsl.importers.onnx.values import FLOATS, Signal
from archdsl.importers.windows import Sides, avg_pool, convolve, known, max_pool, same
from archdsl.ir.layer import Layer, RuleError, image, shown
from archdsl.layers.activation import LogSoftmax, PReLU, Softmax, SoftmaxAll, SoftmaxRows
from archdsl.layers.attention import TokenMean
from archdsl.layers.channel_pooling import ChannelMax, ChannelMean
from archdsl.layers.convolution import Convolution, Pair, TransposedConvolution
from archdsl.layers.factors import Affine, Bias, BiasLast, LayerScale, LayerScaleLast
from archdsl.layers.joins import Add, BroadcastSum, Concat, Gate, MatrixProduct, Mult
from archdsl.layers.linear import Dropout, FullyConnected, Linear
from archdsl.layers.normalization import (
    BatchNorm,
    GroupNorm,
    InstanceNorm,
    LayerNormLast,
    LocalResponseNorm,
)
from archdsl.layers.pooling import AvgPool, MaxPool

if TYPE_CHECKING:
    from archdsl.importers.onnx.file import Array


def _pair(node: Node, name: str, default: int) -> Pair:
    values = list(node.get(name, (default, default)))
    if len(values) != 2:
        raise RuleError("windows have a height and a width here", f"{name} is {values}")
    if min(values) < default:  # 1 of sizes, strides and gaps, 0 of padding
        raise RuleError(f"{name} is too small", f"expected {default} or more, found {values}")
    return int(values[0]), int(values[1])


def _sides(reader: OnnxGraphReader, node: Node, kernel: Pair, stride: Pair) -> Sides:
    """Padding as written, or as ``auto_pad`` computes it; ``kernel`` counts gaps."""
    auto = node.get("auto_pad")
    if auto not in ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"):
        raise RuleError("padding of a kind that ONNX has not", f"auto_pad = {auto}")
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        sizes = known(reader.draft, reader.settled(node.signal()))
        return same(sizes, kernel, stride, upper=auto == "SAME_UPPER")
    pads = [int(pad) for pad in node.get("pads", (0, 0, 0, 0))]
    if auto == "VALID" or not any(pads):
        return Sides()
    if len(pads) != 4:
        raise RuleError("windows have a height and a width here", f"pads are {pads}")
    if min(pads) < 0:
        raise RuleError("padding takes nothing away here", f"pads are {pads}")
    return Sides(*pads)


def _kernel(node: Node, weight: Tensor) -> Pair:
    """The window of a weight, which the node may say as well."""
    if len(weight.shape) != 4:
        raise RuleError("only convolutions of pictures", f"the weight is {shown(weight.shape)}")
    kernel = weight.shape[2], weight.shape[3]
    if node.get("kernel_shape", [*kernel]) != [*kernel]:
        raise RuleError(
            "the weight has another window",
            f"kernel_shape = {node.get('kernel_shape')}, and the weight is {shown(weight.shape)}",
        )
    return kernel


# ---- convolutions and fully connected layers ----


@makes(convolve)
def _conv(reader: OnnxGraphReader, node: Node) -> Signal:
    index = reader.settled(node.signal())
    weight, bias = node.weight(1), node.constant(2)
    kernel, stride = _kernel(node, weight), _pair(node, "strides", 1)
    dilations = _pair(node, "dilations", 1)
    if dilations[0] != dilations[1]:
        raise RuleError("a dilation that is not the same on both axes", f"found {dilations}")
    extent = tuple((k - 1) * dilations[0] + 1 for k in kernel)
    channels, groups = image(reader.draft.shape(index), "Conv")[0], int(node.get("group"))
    if min((*weight.shape, *stride, groups)) < 1 or weight.shape[1] * groups != channels:
        raise RuleError(
            "the weight does not fit the input",
            f"found {shown(weight.shape)} in {groups} groups for {channels} channels",
        )
    arguments = {
        "filters": weight.shape[0],
        "kernel_h": kernel[0],
        "kernel_w": kernel[1],
        "stride_h": stride[0],
        "stride_w": stride[1],
        "dilation": dilations[0],
        "groups": 0 if groups == channels > 1 else groups,
        "bias": bias is not None,
    }
    sides = _sides(reader, node, (extent[0], extent[1]), stride)
    tensors = _tensors(weight=weight, bias=bias)
    return reader.of(convolve(reader.draft, index, sides, arguments, tensors))


@makes(TransposedConvolution)
def _conv_transpose(reader: OnnxGraphReader, node: Node) -> Signal:
    weight, bias = node.weight(1), node.constant(2)
    kernel = _kernel(node, weight)
    sides = Sides(*(int(pad) for pad in node.get("pads", (0, 0, 0, 0))))
    more = _pair(node, "output_padding", 0)
    if sides.first != sides.last or more[0] != more[1]:
        raise RuleError("padding that is not the same on opposite sides", f"found {tuple(sides)}")
    stride, groups = _pair(node, "strides", 1), int(node.get("group"))
    layer = TransposedConvolution(
        weight.shape[1] * groups,
        *kernel,
        *stride,
        *sides.first,
        output_padding=more[0],
        groups=groups,
        bias=bias is not None,
    )
    return reader.add(layer, node.signal(), tensors=_tensors(weight=weight, bias=bias))


@makes(FullyConnected, Linear)
def _gemm(reader: OnnxGraphReader, node: Node) -> Signal:
    bias = node.constant(2)
    transposed = bool(node.get("transB"))
    if bias is not None and bias.shape != (bias.size,) and bias.shape != (1, bias.size):
        raise RuleError("C is no bias", f"found {shown(bias.shape)}")
    return _linear(reader, node.signal(), node.weight(1), bias, transposed)


@makes(FullyConnected, Linear, MatrixProduct)
def _matmul(reader: OnnxGraphReader, node: Node) -> Signal:
    if all(isinstance(value, Signal) and len(value.shape) == 3 for value in node.inputs):
        return reader.add(MatrixProduct(), node.signal(0), node.signal(1))
    return _linear(reader, node.signal(), node.weight(1), None, transposed=False)


def _linear(
    reader: OnnxGraphReader, signal: Signal, weight: Tensor, bias: Tensor | None, transposed: bool
) -> Signal:
    """``transposed``: the weight has a row for each output, as the catalogue's layers have it."""
    if len(weight.shape) != 2:
        raise RuleError("only products with a matrix", f"the weight is {shown(weight.shape)}")
    if not transposed:
        weight = reader.computed(f"{weight.name}.T", weight.array.T)
    outputs = weight.shape[0]
    if bias is not None and bias.size != outputs:
        raise RuleError("the bias does not fit", f"found {bias.size} values for {outputs} outputs")
    index = reader.settled(signal)
    shape = reader.draft.shape(index)
    kind = FullyConnected if len(shape) == 1 else Linear
    if shape[-1] != weight.shape[1]:
        raise RuleError(
            "the weight does not fit the input",
            f"found {shown(weight.shape)} for {shown(shape)}",
        )
    layer = kind(outputs, bias=bias is not None)
    return reader.of(reader.draft.add(layer, index, tensors=_tensors(weight=weight, bias=bias)))


def _tensors(**tensors: Tensor | None) -> dict[str, str]:
    return {key: tensor.name for key, tensor in tensors.items() if tensor is not None}


# ---- normalisation, activations with weights, dropout ----


@makes(BatchNorm)
def _batch_norm(reader: OnnxGraphReader, node: Node) -> Signal:
    if any(node.proto.output[1:]):
        raise RuleError("normalisation by the batch's own mean", "as in training")
    eps = round_off(node.get("epsilon"))
    momentum = round_off(1 - node.get("momentum"))
    names = ("weight", "bias", "running_mean", "running_var")
    tensors = {name: node.weight(place) for place, name in enumerate(names, 1)}
    return reader.add(BatchNorm(eps, momentum), node.signal(), tensors=_tensors(**tensors))


@makes(InstanceNorm, GroupNorm)
def _instance_norm(reader: OnnxGraphReader, node: Node) -> Signal:
    """Without factors and offsets where those of the file change nothing, as exporters write it."""
    shape = node.signal().shape
    channels, *sizes = image(shape, "InstanceNormalization")
    weight, bias = node.weight(1), node.weight(2)
    eps = round_off(node.get("epsilon"))
    if sizes == [1, 1]:  # which runtimes take
        layer: Layer = GroupNorm(channels, eps)
    else:
        layer = InstanceNorm(eps, affine=bool((weight.array != 1).any() or bias.array.any()))
    learns = not isinstance(layer, InstanceNorm) or layer.affine
    tensors = _tensors(weight=weight, bias=bias) if learns else {}
    return reader.add(layer, node.signal(), tensors=tensors)


@makes(GroupNorm)
def _group_norm(reader: OnnxGraphReader, node: Node) -> Signal:
    tensors = _tensors(weight=node.weight(1), bias=node.weight(2))
    layer = GroupNorm(int(node.get("num_groups")), round_off(node.get("epsilon")))
    return reader.add(layer, node.signal(), tensors=tensors)


@makes(LayerNormLast)
def _layer_norm(reader: OnnxGraphReader, node: Node) -> Signal:
    shape = node.signal().shape
    if node.get("axis") not in (-1, len(shape)):
        raise RuleError("normalisation over more than the last axis", f"of {shown(shape)}")
    tensors = _tensors(weight=node.weight(1), bias=node.weight(2))
    eps = round_off(node.get("epsilon"))
    return reader.add(LayerNormLast(eps), node.signal(), tensors=tensors)


@makes(LocalResponseNorm)
def _lrn(reader: OnnxGraphReader, node: Node) -> Signal:
    size = int(node.get("size"))
    if size % 2 == 0:
        raise RuleError("an even size has its odd neighbour elsewhere", f"size {size}")
    alpha, beta, bias = (round_off(node.get(name)) for name in ("alpha", "beta", "bias"))
    return reader.add(LocalResponseNorm(size, alpha, beta, bias), node.signal())


@makes(PReLU)
def _prelu(reader: OnnxGraphReader, node: Node) -> Signal:
    slope, shape = node.weight(1), node.signal().shape
    whole = slope.size == 1 and len(slope.shape) <= len(shape) + 1
    if not whole and not along(slope, shape):
        raise RuleError("slopes that are not one per channel", f"found {shown(slope.shape)}")
    tensors = _tensors(weight=slope)
    return reader.add(PReLU(per_channel=not whole), node.signal(), tensors=tensors)


@makes(Softmax, SoftmaxAll, SoftmaxRows)
def _softmax(reader: OnnxGraphReader, node: Node) -> Signal:
    """Along one axis; before opset 13 over all axes from that one on."""
    shape = node.signal().shape
    modern, axes = node.definition.since >= 13, len(shape) + 1
    axis = written = node.get("axis")
    if axis < 0:
        axis += axes
    behind = shape[axis:] if 0 < axis < axes else (None,)
    if axis == 1 and (modern or set(behind) <= {1}):
        return reader.add(Softmax(), node.signal())
    if axis == 1 and not modern:
        return reader.add(SoftmaxAll(), node.signal())
    if axis == 3 == len(shape):
        return reader.add(SoftmaxRows(), node.signal())
    raise RuleError("softmax along another axis than the channels", f"axis {written}")


@makes(LogSoftmax)
def _log_softmax(reader: OnnxGraphReader, node: Node) -> Signal:
    shape, axis = node.signal().shape, node.get("axis")
    one = node.definition.since >= 13 or set(shape[1:]) <= {1}
    if axis not in (1, -len(shape)) or not one:
        raise RuleError("log softmax along another axis than the channels", f"axis {axis}")
    return reader.add(LogSoftmax(), node.signal())


@makes(Dropout)
def _dropout(reader: OnnxGraphReader, node: Node) -> Signal:
    training = node.constant(2)
    if training is not None and training.array.any():
        raise RuleError("dropout that drops when the network is used", "training_mode = True")
    ratio = node.get("ratio", 0.5)
    if node.constant(1) is not None:
        (ratio,) = node.weight(1).array.reshape(-1).tolist() or [0.5]
    return reader.add(Dropout(round_off(ratio)), node.signal()) if ratio else node.signal()


def _identity(_: OnnxGraphReader, node: Node) -> Signal:
    return node.signal()


def _cast(_: OnnxGraphReader, node: Node) -> Signal:
    if node.get("to") not in FLOATS:
        raise RuleError("a cast that rounds", f"to = {node.get('to')}")
    return node.signal()


# ---- joins ----


@makes(Concat)
def _joined(reader: OnnxGraphReader, node: Node) -> Signal:
    axis = node.get("axis")
    signals = [node.signal(place) for place in range(len(node.inputs))]
    if axis not in (1, -len(signals[0].shape)):
        raise RuleError("concatenation along another axis than the channels", f"axis {axis}")
    return signals[0] if len(signals) == 1 else reader.add(Concat(), *signals)


_OFFSETS = Affine, Bias, BiasLast, Convolution, TransposedConvolution, FullyConnected, Linear


@makes(Add, BroadcastSum, *_OFFSETS)
def _sum(reader: OnnxGraphReader, node: Node) -> Signal:
    signals = [value for value in node.inputs if isinstance(value, Signal)]
    constants = [value for value in node.inputs if isinstance(value, Tensor)]
    if not constants:
        if len(signals) == 2 and signals[0].shape != signals[1].shape:
            return reader.add(BroadcastSum(), *_map_first(signals))
        return signals[0] if len(signals) == 1 else reader.add(Add(), *signals)
    if len(node.inputs) != 2:
        raise RuleError("a sum of constants and several values", f"{len(node.inputs)} inputs")
    return _offset(
        reader, node.signal(0 if isinstance(node.inputs[0], Signal) else 1), constants[0]
    )


def _map_first(signals: list[Signal]) -> list[Signal]:
    """Two maps, the larger before the one that is one number per channel or per place."""
    if {len(signal.shape) for signal in signals} != {3}:
        shapes = " and ".join(shown(signal.shape) for signal in signals)
        raise RuleError("values of shapes that differ, and are no maps", f"found {shapes}")
    return sorted(signals, key=lambda signal: -prod(size or 0 for size in signal.shape))


def _offset(reader: OnnxGraphReader, signal: Signal, offset: Tensor) -> Signal:
    """A value for each channel is the bias of the layer before, half an ``affine``, or alone."""
    index = reader.settled(signal)
    layer = reader.draft.layer(index)
    shape = reader.draft.shape(index)
    last = not along(offset, shape)
    if last and not along(offset, shape, last=True):
        raise RuleError("constants that are no bias", f"{shown(offset.shape)} to {shown(shape)}")
    if along(offset, shape, last=layer.features_last):
        tensors = {**reader.draft.tensors(index), "bias": offset.name}
        inputs = reader.draft.inputs(index)
        if isinstance(layer, LayerScale) and layer.per_channel:
            return reader.of(reader.draft.add(Affine(), *inputs, tensors=tensors))
        biased = layer.with_bias()
        if biased is not None:
            return reader.of(reader.draft.add(biased, *inputs, tensors=tensors))
    alone: Layer = BiasLast() if last or len(shape) == 2 else Bias()
    return reader.of(reader.draft.add(alone, index, tensors=_tensors(bias=offset)))


@makes(Mult, Gate, LayerScale, LayerScaleLast)
def _product(reader: OnnxGraphReader, node: Node) -> Signal:
    constants = [value for value in node.inputs if isinstance(value, Tensor)]
    signals = [value for value in node.inputs if isinstance(value, Signal)]
    if not constants:
        first, second = signals
        if first.shape == second.shape:
            return reader.add(Mult(), first, second)
        return reader.add(Gate(), *_map_first(signals))
    shape, tensors = signals[0].shape, {"weight": constants[0].name}
    if along(constants[0], shape) and len(shape) != 2:
        return reader.add(LayerScale(), signals[0], tensors=tensors)
    if along(constants[0], shape, last=True):
        return reader.add(LayerScaleLast(), signals[0], tensors=tensors)
    raise RuleError("a product with constants", f"of the shape {shown(constants[0].shape)}")


# ---- pooling ----


def _pool_window(reader: OnnxGraphReader, node: Node) -> tuple[Pair, Pair, Sides, bool]:
    """Kernel, stride and padding of a pooling, and whether its size is rounded up."""
    kernel, stride = _pair(node, "kernel_shape", 1), _pair(node, "strides", 1)
    sides = _sides(reader, node, kernel, stride)
    if node.get("auto_pad").startswith("SAME"):
        sizes = known(reader.draft, reader.settled(node.signal()))
        if any(
            (-(-size // step) - 1) * step + k < size
            for size, k, step in zip(sizes, kernel, stride, strict=True)
        ):
            raise RuleError(
                "runtimes differ where strides leave out cells",
                f"auto_pad = {node.get('auto_pad')}, windows {kernel} in steps {stride} on {sizes}",
            )
    return kernel, stride, sides, bool(node.get("ceil_mode"))


@makes(max_pool)
def _max_pool(reader: OnnxGraphReader, node: Node) -> Signal:
    kernel, stride, sides, ceil = _pool_window(reader, node)
    index = reader.settled(node.signal())
    return reader.of(max_pool(reader.draft, index, kernel, stride, sides, ceil=ceil))


@makes(avg_pool)
def _avg_pool(reader: OnnxGraphReader, node: Node) -> Signal:
    kernel, stride, sides, ceil = _pool_window(reader, node)
    counts = bool(node.get("count_include_pad")) and any(sides)
    index = reader.settled(node.signal())
    return reader.of(avg_pool(reader.draft, index, kernel, stride, sides, ceil=ceil, counts=counts))


def _global(kind: type[MaxPool] | type[AvgPool]) -> Handler:
    @makes(kind)
    def pool(reader: OnnxGraphReader, node: Node) -> Signal:
        return reader.add(kind(0, 0, 1, 1, 0, 0), node.signal())

    return pool


def _reduced(
    kind: type[MaxPool] | type[AvgPool], over_channels: type[ChannelMax] | type[ChannelMean]
) -> Handler:
    @makes(kind, over_channels, *([TokenMean] if kind is AvgPool else []))
    def pool(reader: OnnxGraphReader, node: Node) -> Signal:
        shape = node.signal().shape
        axes = node.axes(1, len(shape) + 1)
        if len(shape) == 3 and axes == [1]:
            found = reader.add(over_channels(), node.signal())
            return found if node.get("keepdims") else reader.rearranged(found, _without_channels)
        if len(shape) == 2 and axes == [1] and not node.get("keepdims") and kind is AvgPool:
            return reader.add(TokenMean(), node.signal())
        if len(shape) != 3 or sorted(axes or ()) != [2, 3]:
            raise RuleError("a mean over other axes than height and width", f"found {axes}")
        pooled = reader.add(kind(0, 0, 1, 1, 0, 0), node.signal())
        if node.get("keepdims"):
            return pooled
        return reader.rearranged(pooled, lambda order: order.reshape(order.shape[:2]))

    return pool


def _without_channels(order: Array) -> Array:
    return order.reshape(order.shape[0], *order.shape[2:])


_WINDOW = "auto_pad kernel_shape pads strides"
_FLAT = {"dilations": [1, 1]}

OPERATORS: dict[str, Row] = {
    "Conv": Row(_conv, 22, f"{_WINDOW} dilations group"),
    "ConvTranspose": Row(
        _conv_transpose, 22, "group kernel_shape output_padding pads strides", _FLAT
    ),
    "Gemm": Row(_gemm, 13, "transB"),
    "MatMul": Row(_matmul, 13),
    "BatchNormalization": Row(_batch_norm, 15, "epsilon momentum"),
    "InstanceNormalization": Row(_instance_norm, 22, "epsilon"),
    "GroupNormalization": Row(_group_norm, 21, "epsilon num_groups stash_type"),
    "LayerNormalization": Row(_layer_norm, 17, "axis epsilon stash_type"),
    "LRN": Row(_lrn, 13, "alpha beta bias size"),
    "PRelu": Row(_prelu, 16),
    "Softmax": Row(_softmax, 13, "axis"),
    "LogSoftmax": Row(_log_softmax, 13, "axis"),
    "Dropout": Row(_dropout, 22, "ratio seed"),
    "Identity": Row(_identity, 25),
    "Cast": Row(_cast, 28, "to round_mode saturate"),
    "Concat": Row(_joined, 13, "axis"),
    "Add": Row(_sum, 14),
    "Sum": Row(_sum, 13),
    "Mul": Row(_product, 14),
    "MaxPool": Row(_max_pool, 22, f"{_WINDOW} ceil_mode storage_order", _FLAT),
    "AveragePool": Row(_avg_pool, 22, f"{_WINDOW} ceil_mode count_include_pad", _FLAT),
    "GlobalAveragePool": Row(_global(AvgPool), 22),
    "GlobalMaxPool": Row(_global(MaxPool), 22),
    "ReduceMean": Row(_reduced(AvgPool, ChannelMean), 18, "axes keepdims noop_with_empty_axes"),
    "ReduceMax": Row(_reduced(MaxPool, ChannelMax), 20, "axes keepdims noop_with_empty_axes"),
}
"""By the operator's name."""
