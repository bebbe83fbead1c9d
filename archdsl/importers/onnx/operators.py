"""Layers of the catalogue for the nodes of an ONNX graph: a function for each operator type."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from archdsl.importers.made_layers import makes
from archdsl.importers.onnx.activations import round_off
from archdsl.importers.onnx.file import Tensor
from archdsl.importers.onnx.graph import OnnxGraphReader
from archdsl.importers.onnx.nodes import Node, along
from archdsl.importers.onnx.rows import Row
from archdsl.importers.onnx.values import FLOATS, Signal
from archdsl.ir.layer import Layer, RuleError, image, shown
from archdsl.layers.activation import LogSoftmax, PReLU, Softmax, SoftmaxAll, SoftmaxRows
from archdsl.layers.attention import ClassToken, PositionEmbedding
from archdsl.layers.convolution import Convolution, TransposedConvolution
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

if TYPE_CHECKING:
    pass


from archdsl.importers.onnx.nodes import tensors_of


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
    return reader.of(reader.draft.add(layer, index, tensors=tensors_of(weight=weight, bias=bias)))


# ---- normalisation, activations with weights, dropout ----


@makes(BatchNorm)
def _batch_norm(reader: OnnxGraphReader, node: Node) -> Signal:
    if any(node.proto.output[1:]):
        raise RuleError("normalisation by the batch's own mean", "as in training")
    eps = round_off(node.get("epsilon"))
    momentum = round_off(1 - node.get("momentum"))
    names = ("weight", "bias", "running_mean", "running_var")
    tensors = {name: node.weight(place) for place, name in enumerate(names, 1)}
    return reader.add(BatchNorm(eps, momentum), node.signal(), tensors=tensors_of(**tensors))


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
    tensors = tensors_of(weight=weight, bias=bias) if learns else {}
    return reader.add(layer, node.signal(), tensors=tensors)


@makes(GroupNorm)
def _group_norm(reader: OnnxGraphReader, node: Node) -> Signal:
    tensors = tensors_of(weight=node.weight(1), bias=node.weight(2))
    layer = GroupNorm(int(node.get("num_groups")), round_off(node.get("epsilon")))
    return reader.add(layer, node.signal(), tensors=tensors)


@makes(LayerNormLast)
def _layer_norm(reader: OnnxGraphReader, node: Node) -> Signal:
    shape = node.signal().shape
    if node.get("axis") not in (-1, len(shape)):
        raise RuleError("normalisation over more than the last axis", f"of {shown(shape)}")
    tensors = tensors_of(weight=node.weight(1), bias=node.weight(2))
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
    tensors = tensors_of(weight=slope)
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


@makes(Concat, ClassToken)
def _joined(reader: OnnxGraphReader, node: Node) -> Signal:
    axis = node.get("axis")
    token = node.inputs[0]
    if isinstance(token, Tensor) and len(node.inputs) == 2:
        return _class_token(reader, node, token)
    signals = [node.signal(place) for place in range(len(node.inputs))]
    if axis not in (1, -len(signals[0].shape)):
        raise RuleError("concatenation along another axis than the channels", f"axis {axis}")
    return signals[0] if len(signals) == 1 else reader.add(Concat(), *signals)


def _class_token(reader: OnnxGraphReader, node: Node, token: Tensor) -> Signal:
    """A constant token in front of each sample's, which exporters may have copied for all."""
    tokens, values = node.signal(1), token.array
    if len(tokens.shape) != 2 or node.get("axis") not in (1, -2) or (values != values[:1]).any():
        raise RuleError("constants are joined to what is computed", f"found {shown(token.shape)}")
    weight = reader.computed(f"{token.name}.token", values[:1])
    return reader.add(ClassToken(), tokens, tensors=tensors_of(weight=weight))


_OFFSETS = Affine, Bias, BiasLast, Convolution, TransposedConvolution, FullyConnected, Linear


@makes(Add, BroadcastSum, PositionEmbedding, *_OFFSETS)
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
    if len(shape) == 2 and offset.shape in (shape, (1, *shape)):
        weight = tensors_of(weight=offset)
        return reader.of(reader.draft.add(PositionEmbedding(), index, tensors=weight))
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
    return reader.of(reader.draft.add(alone, index, tensors=tensors_of(bias=offset)))


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


OPERATORS: dict[str, Row] = {
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
}
"""By the operator's name."""
