"""Layers that exporters write as several nodes, of which some are no layers by themselves.

Each is told at its last node, by the types of the nodes before.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from archdsl.importers.made_layers import makes
from archdsl.importers.onnx.activations import round_off
from archdsl.importers.onnx.file import Tensor
from archdsl.importers.onnx.graph import OnnxGraphReader
from archdsl.importers.onnx.nodes import Node, along, reshaped
from archdsl.importers.onnx.values import GRID, Signal
from archdsl.layers.normalization import GroupNorm, LocalResponseNorm

with np.errstate(over="ignore"):
    _SQUARES = GRID**2


def _chain(reader: OnnxGraphReader, signal: Signal | None, *types: str) -> list[Node] | None:
    """The nodes that a value comes from, the last first; None where they are of other types.

    Each reads one value of the network; ``A|B`` is either type.
    """
    chain: list[Node] = []
    for wanted in types:
        proto = signal.node if signal is not None else None
        if proto is None or proto.op_type not in wanted.split("|"):
            return None
        inputs = tuple(reader.values.get(name) for name in proto.input)
        node = Node(proto, inputs, reader.opset)
        chain.append(node)
        signal = _signal(node)
    return chain


def _signal(node: Node) -> Signal | None:
    return next((value for value in node.inputs if isinstance(value, Signal)), None)


def _constant(node: Node) -> Tensor | None:
    return next((value for value in node.inputs if isinstance(value, Tensor)), None)


def _scalar(node: Node) -> float | None:
    """The only constant of a node, where that is a single number."""
    constant = _constant(node)
    return float(constant.array.reshape(())) if constant and constant.size == 1 else None


def _as_they_are(signal: Signal | None, source: int) -> bool:
    """True if an operation's values have another shape, and their order."""
    moved = signal.moved if signal is not None else None
    if moved is None or moved.source != source:
        return False
    return bool(np.array_equal(moved.order.reshape(-1), np.arange(moved.order.size)))


@makes(LocalResponseNorm)
def _local_response_norm(reader: OnnxGraphReader, node: Node) -> Signal | None:
    """x / (k + alpha · mean of squares) ** beta, as PyTorch's decomposition has it.

    The mean is a pooling along the channels, which are made an axis of their own for it.
    """
    values, divisor = node.signal(0), node.signal(1)
    types = "Pow", "Add", "Mul", "Squeeze", "AveragePool", "Pad", "Reshape|Unsqueeze"
    chain = _chain(reader, divisor, *types)
    if chain is None:
        return None
    power, added, factor, squeezed, pooling, padded, deepened = chain
    index, squares = reader.settled(values), _signal(deepened)
    if squares is None or not np.allclose(squares.functions.get(index, 0), _SQUARES):
        return None
    shape = reader.draft.shape(index)
    size = int(pooling.get("kernel_shape", [0])[0])
    window = {"kernel_shape": [size, 1, 1], "strides": [1, 1, 1], "pads": [0] * 6}
    front, back = size // 2, (size - 1) // 2
    wanted = [0, 0, front, 0, 0, 0, 0, back, 0, 0]
    deep = reader.values[deepened.proto.output[0]]
    if (
        len(shape) != 3
        or not isinstance(deep, Signal)
        or deep.shape != (1, *shape)
        or (deepened.type == "Unsqueeze" and deepened.axes(1, 5) != [1])
        or squeezed.axes(1, 5) != [1]
        or any(pooling.get(name, value) != value for name, value in window.items())
        or pooling.get("auto_pad", "NOTSET") != "NOTSET"
        or pooling.get("ceil_mode", 0)
        or padded.get("mode") != "constant"
        or padded.numbers("pads", 1) != wanted
        or padded.numbers("value", 2) not in (None, [0.0])
        or padded.constant(3) is not None
        or not isinstance(power.inputs[1], Tensor)
    ):
        return None
    alpha, beta, k = (_scalar(part) for part in (factor, power, added))
    if alpha is None or beta is None or k is None:
        return None
    layer = LocalResponseNorm(size, round_off(alpha), round_off(beta), round_off(k))
    return reader.add(layer, values)


@makes(GroupNorm)
def _group_norm(reader: OnnxGraphReader, node: Node) -> Signal | None:
    """Instance normalisation of groups, each made one channel; then a factor and an offset."""
    chain = _chain(reader, _signal(node), "Mul", "Reshape", "InstanceNormalization", "Reshape")
    bias = _constant(node)
    if chain is None or bias is None:
        return None
    product, back, norm, _ = chain
    factor, values, groups = _constant(product), _signal(chain[-1]), norm.inputs[0]
    one, zero = norm.constant(1), norm.constant(2)
    if factor is None or values is None or one is None or zero is None:
        return None
    index = reader.settled(values)
    shape = reader.draft.shape(index)
    if not isinstance(groups, Signal) or len(groups.shape) != 2 or groups.shape[0] is None:
        return None
    if not _as_they_are(groups, index) or None in shape:
        return None
    if not (np.all(one.array == 1) and np.all(zero.array == 0)):
        return None
    if reshaped(back, (reader.samples, *groups.shape)) != [reader.samples, *shape]:
        return None
    if not (along(factor, shape) and along(bias, shape)):
        return None
    layer = GroupNorm(groups.shape[0], round_off(norm.get("epsilon")))
    return reader.add(layer, values, tensors={"weight": factor.name, "bias": bias.name})


PATTERNS: dict[str, Callable[[OnnxGraphReader, Node], Signal | None]] = {
    "Div": _local_response_norm,
    "Add": _group_norm,
}
