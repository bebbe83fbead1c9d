"""Layers of the catalogue for the nodes of an ONNX graph: a function for each operator type."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from archdsl.importers.onnx.activations import round_off
from archdsl.importers.onnx.file import Computed, Tensor
from archdsl.importers.onnx.graph import Handler, OnnxGraphReader
from archdsl.importers.onnx.nodes import Node
from archdsl.importers.onnx.values import Signal
from archdsl.importers.windows import Sides, avg_pool, convolve, known, max_pool, same
from archdsl.ir.layer import RuleError, image, shown
from archdsl.layers.activation import PReLU, Softmax, SoftmaxAll, SoftmaxRows
from archdsl.layers.convolution import Convolution, Pair, TransposedConvolution
from archdsl.layers.joins import Add, Concat, Gate, Mult
from archdsl.layers.linear import Dropout, FullyConnected, Linear
from archdsl.layers.normalization import (
    Affine,
    BatchNorm,
    GroupNorm,
    LayerNormLast,
    LayerScale,
    LocalResponseNorm,
)
from archdsl.layers.pooling import AvgPool, MaxPool


def require(node: Node, **values: Any) -> None:
    """Attributes with one value that the catalogue has, which is also the default of ONNX."""
    for name, value in values.items():
        if node.get(name, value) != value:
            raise RuleError(
                f"the catalogue has no layer with {name} = {node.get(name, value)}",
                f"expected {value}",
            )


def _pair(node: Node, name: str, default: int) -> Pair:
    values = list(node.get(name, (default, default)))
    if len(values) != 2:
        raise RuleError("windows have a height and a width here", f"{name} is {values}")
    if min(values) < default:  # 1 of sizes, strides and gaps, 0 of padding
        raise RuleError(f"{name} is too small", f"expected {default} or more, found {values}")
    return int(values[0]), int(values[1])


def _sides(reader: OnnxGraphReader, node: Node, kernel: Pair, stride: Pair) -> Sides:
    """Padding as written, or as ``auto_pad`` computes it; ``kernel`` counts gaps."""
    auto = node.get("auto_pad", "NOTSET")
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


# ---- convolutions and fully connected layers ----


def _conv(reader: OnnxGraphReader, node: Node) -> Signal:
    index = reader.settled(node.signal())
    weight, bias = node.weight(1), node.constant(2)
    if len(weight.shape) != 4:
        raise RuleError("only convolutions of pictures", f"the weight is {shown(weight.shape)}")
    kernel, stride = (weight.shape[2], weight.shape[3]), _pair(node, "strides", 1)
    dilations = _pair(node, "dilations", 1)
    if dilations[0] != dilations[1]:
        raise RuleError("a dilation that is not the same on both axes", f"found {dilations}")
    extent = tuple((k - 1) * dilations[0] + 1 for k in kernel)
    channels, groups = image(reader.draft.shape(index), "Conv")[0], int(node.get("group", 1))
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


def _conv_transpose(reader: OnnxGraphReader, node: Node) -> Signal:
    weight, bias = node.weight(1), node.constant(2)
    if len(weight.shape) != 4:
        raise RuleError("only convolutions of pictures", f"the weight is {shown(weight.shape)}")
    require(node, auto_pad="NOTSET", dilations=[1, 1], output_shape=None)
    sides = Sides(*(int(pad) for pad in node.get("pads", (0, 0, 0, 0))))
    more = _pair(node, "output_padding", 0)
    if sides.first != sides.last or more[0] != more[1]:
        raise RuleError("padding that is not the same on opposite sides", f"found {tuple(sides)}")
    stride, groups = _pair(node, "strides", 1), int(node.get("group", 1))
    layer = TransposedConvolution(
        weight.shape[1] * groups,
        weight.shape[2],
        weight.shape[3],
        *stride,
        *sides.first,
        output_padding=more[0],
        groups=groups,
        bias=bias is not None,
    )
    return reader.add(layer, node.signal(), tensors=_tensors(weight=weight, bias=bias))


def _gemm(reader: OnnxGraphReader, node: Node) -> Signal:
    require(node, alpha=1.0, beta=1.0, transA=0)
    bias = node.constant(2)
    transposed = bool(node.get("transB", 0))
    if bias is not None and bias.shape != (bias.size,) and bias.shape != (1, bias.size):
        raise RuleError("C is no bias", f"found {shown(bias.shape)}")
    return _linear(reader, node.signal(), node.weight(1), bias, transposed)


def _matmul(reader: OnnxGraphReader, node: Node) -> Signal:
    return _linear(reader, node.signal(), node.weight(1), None, transposed=False)


def _linear(
    reader: OnnxGraphReader, signal: Signal, weight: Tensor, bias: Tensor | None, transposed: bool
) -> Signal:
    """``transposed``: the weight has a row for each output, as the catalogue's layers have it."""
    if len(weight.shape) != 2:
        raise RuleError("only products with a matrix", f"the weight is {shown(weight.shape)}")
    if not transposed:
        turned = Computed(f"{weight.name}.T", weight.array.T)
        reader.values.setdefault(turned.name, turned)
        weight = turned
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


def _batch_norm(reader: OnnxGraphReader, node: Node) -> Signal:
    require(node, training_mode=0, is_test=1)
    eps = round_off(node.get("epsilon", 1e-5))
    momentum = round_off(1 - node.get("momentum", 0.9))
    names = ("weight", "bias", "running_mean", "running_var")
    tensors = {name: node.weight(place) for place, name in enumerate(names, 1)}
    return reader.add(BatchNorm(eps, momentum), node.signal(), tensors=_tensors(**tensors))


def _instance_norm(reader: OnnxGraphReader, node: Node) -> Signal:
    channels = image(node.signal().shape, "InstanceNormalization")[0]
    return _group_norm(reader, node, channels)


def _group_norm(reader: OnnxGraphReader, node: Node, groups: int | None = None) -> Signal:
    groups = int(node.get("num_groups", 1)) if groups is None else groups
    tensors = _tensors(weight=node.weight(1), bias=node.weight(2))
    layer = GroupNorm(groups, round_off(node.get("epsilon", 1e-5)))
    return reader.add(layer, node.signal(), tensors=tensors)


def _layer_norm(reader: OnnxGraphReader, node: Node) -> Signal:
    shape = node.signal().shape
    if node.get("axis", -1) not in (-1, len(shape)):
        raise RuleError("normalisation over more than the last axis", f"of {shown(shape)}")
    tensors = _tensors(weight=node.weight(1), bias=node.weight(2))
    eps = round_off(node.get("epsilon", 1e-5))
    return reader.add(LayerNormLast(eps), node.signal(), tensors=tensors)


def _lrn(reader: OnnxGraphReader, node: Node) -> Signal:
    alpha, beta = round_off(node.get("alpha", 1e-4)), round_off(node.get("beta", 0.75))
    if node.get("size", 1) % 2 == 0:
        raise RuleError(
            "an even size has its odd neighbour elsewhere", f"size {node.get('size', 1)}"
        )
    layer = LocalResponseNorm(
        int(node.get("size", 1)), alpha, beta, round_off(node.get("bias", 1.0))
    )
    return reader.add(layer, node.signal())


def _prelu(reader: OnnxGraphReader, node: Node) -> Signal:
    slope = node.weight(1)
    if slope.size != 1:
        raise RuleError("prelu has one slope for the whole layer", f"found {slope.size}")
    return reader.add(PReLU(), node.signal(), tensors=_tensors(weight=slope))


def _softmax(reader: OnnxGraphReader, node: Node) -> Signal:
    """Along one axis; before opset 13 over all axes from that one on."""
    shape = node.signal().shape
    modern, axes = reader.opset >= 13, len(shape) + 1
    axis = written = node.get("axis", -1 if modern else 1)
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


def _dropout(reader: OnnxGraphReader, node: Node) -> Signal:
    (ratio,) = node.numbers("ratio", 1) or [0.5]
    return reader.add(Dropout(round_off(ratio)), node.signal()) if ratio else node.signal()


def _identity(_: OnnxGraphReader, node: Node) -> Signal:
    return node.signal()


def _cast(_: OnnxGraphReader, node: Node) -> Signal:
    if node.get("to", 1) not in (1, "FLOAT", 10, 11, 16):  # float32, 16, 64, bfloat16
        raise RuleError("a cast that rounds", f"to = {node.get('to', 1)}")
    return node.signal()


# ---- joins ----


def _joined(reader: OnnxGraphReader, node: Node) -> Signal:
    axis = node.get("axis", 1)
    signals = [node.signal(place) for place in range(len(node.inputs))]
    if axis not in (1, -len(signals[0].shape)):
        raise RuleError("concatenation along another axis than the channels", f"axis {axis}")
    return signals[0] if len(signals) == 1 else reader.add(Concat(), *signals)


def _sum(reader: OnnxGraphReader, node: Node) -> Signal:
    signals = [value for value in node.inputs if isinstance(value, Signal)]
    constants = [value for value in node.inputs if isinstance(value, Tensor)]
    if not constants:
        return signals[0] if len(signals) == 1 else reader.add(Add(), *signals)
    if len(node.inputs) != 2:
        raise RuleError("a sum of constants and several values", f"{len(node.inputs)} inputs")
    return _offset(
        reader, node.signal(0 if isinstance(node.inputs[0], Signal) else 1), constants[0]
    )


def _offset(reader: OnnxGraphReader, signal: Signal, offset: Tensor) -> Signal:
    """A value for each channel is the bias of the layer before, or half an ``affine``."""
    index = reader.settled(signal)
    layer = reader.draft.layer(index)
    shape = reader.draft.shape(index)
    if not _along(offset, shape, last=isinstance(layer, Linear)):
        raise RuleError("constants that are no bias", f"{shown(offset.shape)} to {shown(shape)}")
    tensors = {**reader.draft.tensors(index), "bias": offset.name}
    inputs = reader.draft.inputs(index)
    if isinstance(layer, LayerScale):
        return reader.of(reader.draft.add(Affine(), *inputs, tensors=tensors))
    if isinstance(layer, (Convolution, FullyConnected, Linear)) and not layer.bias:
        made = reader.draft.add(replace(layer, bias=True), *inputs, tensors=tensors)
        return reader.of(made)
    raise RuleError("a constant is added to something that is no convolution")


def _product(reader: OnnxGraphReader, node: Node) -> Signal:
    constants = [value for value in node.inputs if isinstance(value, Tensor)]
    signals = [value for value in node.inputs if isinstance(value, Signal)]
    if not constants:
        first, second = signals
        if first.shape == second.shape:
            return reader.add(Mult(), first, second)
        gate_first = len(first.shape) == 3 and first.shape[1:] == (1, 1)
        if not gate_first and second.shape[1:] != (1, 1):
            raise RuleError(
                "a product of shapes that differ", f"{shown(first.shape)} and {shown(second.shape)}"
            )
        return reader.add(Gate(), *((second, first) if gate_first else (first, second)))
    if not _along(constants[0], signals[0].shape, last=False):
        raise RuleError("a product with constants", f"of the shape {shown(constants[0].shape)}")
    return reader.add(LayerScale(), signals[0], tensors={"weight": constants[0].name})


def _along(constant: Tensor, shape: tuple[int | None, ...], *, last: bool) -> bool:
    """True if a constant has one value for each channel, and is broadcast along the channels."""
    place = -1 if last or len(shape) == 1 else -len(shape)
    sizes = (1,) * (len(shape) + 1 - len(constant.shape)) + constant.shape
    alone = [size for axis, size in enumerate(sizes, -len(sizes)) if axis != place]
    return len(sizes) == len(shape) + 1 and sizes[place] == shape[place] and set(alone) <= {1}


# ---- pooling ----


def _max_pool(reader: OnnxGraphReader, node: Node) -> Signal:
    require(node, dilations=[1, 1], storage_order=0)
    kernel, stride = _pair(node, "kernel_shape", 1), _pair(node, "strides", 1)
    sides, ceil = _sides(reader, node, kernel, stride), bool(node.get("ceil_mode", 0))
    index = reader.settled(node.signal())
    return reader.of(max_pool(reader.draft, index, kernel, stride, sides, ceil=ceil))


def _avg_pool(reader: OnnxGraphReader, node: Node) -> Signal:
    require(node, dilations=[1, 1])
    kernel, stride = _pair(node, "kernel_shape", 1), _pair(node, "strides", 1)
    sides, ceil = _sides(reader, node, kernel, stride), bool(node.get("ceil_mode", 0))
    counts = bool(node.get("count_include_pad", 0)) and any(sides)
    index = reader.settled(node.signal())
    return reader.of(avg_pool(reader.draft, index, kernel, stride, sides, ceil=ceil, counts=counts))


def _global(kind: type[MaxPool] | type[AvgPool]) -> Handler:
    def pool(reader: OnnxGraphReader, node: Node) -> Signal:
        return reader.add(kind(0, 0, 1, 1, 0, 0), node.signal())

    return pool


def _reduced(kind: type[MaxPool] | type[AvgPool]) -> Handler:
    def pool(reader: OnnxGraphReader, node: Node) -> Signal:
        axes = node.numbers("axes", 1)
        shape = node.signal().shape
        if len(shape) != 3 or sorted(int(axis) % 4 for axis in axes or ()) != [2, 3]:
            raise RuleError("a mean over other axes than height and width", f"found {axes}")
        pooled = reader.add(kind(0, 0, 1, 1, 0, 0), node.signal())
        if node.get("keepdims", 1):
            return pooled
        return reader.rearranged(pooled, lambda order: order.reshape(order.shape[:2]))

    return pool


HANDLERS: dict[str, Handler] = {
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "BatchNormalization": _batch_norm,
    "InstanceNormalization": _instance_norm,
    "GroupNormalization": _group_norm,
    "LayerNormalization": _layer_norm,
    "LRN": _lrn,
    "PRelu": _prelu,
    "Softmax": _softmax,
    "Dropout": _dropout,
    "Identity": _identity,
    "Cast": _cast,
    "Concat": _joined,
    "Add": _sum,
    "Sum": _sum,
    "Mul": _product,
    "MaxPool": _max_pool,
    "AveragePool": _avg_pool,
    "GlobalAveragePool": _global(AvgPool),
    "GlobalMaxPool": _global(MaxPool),
    "ReduceMean": _reduced(AvgPool),
    "ReduceMax": _reduced(MaxPool),
}
