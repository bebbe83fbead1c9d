"""Layers that exporters write as several nodes, of which some are no layers by themselves.

Each is told at its last node, by the types of the nodes before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from archdsl.importers.made_layers import makes
from archdsl.importers.onnx.activations import round_off
from archdsl.importers.onnx.file import Tensor
from archdsl.importers.onnx.formulas import formula
from archdsl.importers.onnx.graph import OnnxGraphReader
from archdsl.importers.onnx.nodes import Node, Value, along, reshaped
from archdsl.importers.onnx.values import GRID, Signal
from archdsl.layers.joins import AddPadded, Mult
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
    if node.type != "Div" or not isinstance(node.inputs[1], Signal):
        return None
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
    if node.type != "Add":
        return None
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


@makes(AddPadded, Mult)
def _padded(reader: OnnxGraphReader, node: Node) -> Signal | None:
    """A sum or product of two maps, each brought to the larger size by zeros at its far ends."""
    if node.type not in ("Add", "Mul") or len(node.inputs) != 2:
        return None
    sources = [_before_zeros(reader, value) for value in node.inputs]
    first, second = sources
    if first is None or second is None or len(first[0].shape) != 3 != len(second[0].shape):
        return None
    if first[1] != second[1]:
        return None
    return reader.add(AddPadded() if node.type == "Add" else Mult(), first[0], second[0])


def _before_zeros(
    reader: OnnxGraphReader, value: Value | None
) -> tuple[Signal, tuple[int, ...]] | None:
    """A value without zeros at the far ends of its axes, and its sizes with them."""
    if not isinstance(value, Signal):
        return None
    sizes = tuple(size or 0 for size in value.shape)
    chain = _chain(reader, value, "Pad")
    if chain is None or value.index is not None:
        return (value, sizes) if value.index is not None else None
    (pad,) = chain
    pads = [int(number) for number in pad.numbers("pads", 1) or ()]
    source, half = pad.signal(), len(pads) // 2
    plain = pad.get("mode") == "constant" and pad.numbers("value", 2) in (None, [0.0])
    if not plain or pad.axes(3, half) is not None or any(pads[: half + 1]) or min(pads) < 0:
        return None
    if len(source.shape) != half - 1:
        return None
    grown = zip(source.shape, pads[half + 1 :], strict=True)
    return source, tuple((size or 0) + more for size, more in grown)


PATTERNS: Sequence[Callable[[OnnxGraphReader, Node], Signal | None]] = (
    _local_response_norm,
    _group_norm,
    _padded,
    formula,
)
"""The nodes that each may end are told apart by the functions themselves."""
