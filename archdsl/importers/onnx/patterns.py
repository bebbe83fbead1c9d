"""Layers that exporters write as several nodes, of which some are no layers by themselves.

Each is told at its last node, by the types of the nodes before.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from archdsl.importers.onnx.activations import round_off
from archdsl.importers.onnx.file import Tensor
from archdsl.importers.onnx.graph import OnnxGraphReader
from archdsl.importers.onnx.nodes import Node
from archdsl.importers.onnx.values import GRID, Signal
from archdsl.layers.normalization import GroupNorm, LocalResponseNorm


def _chain(reader: OnnxGraphReader, signal: Signal | None, *types: str) -> list[Node] | None:
    """The nodes that a value comes from, the last first; None where they are of other types.

    Each reads one value of the network; ``A|B`` is either type.
    """
    chain: list[Node] = []
    for wanted in types:
        proto = signal.node if signal is not None else None
        if proto is None or proto.op_type not in wanted.split("|"):
            return None
        node = Node(proto, tuple(reader.values.get(name) for name in proto.input))
        chain.append(node)
        signal = _signal(node)
    return chain


def _signal(node: Node) -> Signal | None:
    return next((value for value in node.inputs if isinstance(value, Signal)), None)


def _constant(node: Node) -> Tensor | None:
    return next((value for value in node.inputs if isinstance(value, Tensor)), None)


def _scalar(node: Node) -> float:
    constant = _constant(node)
    return float(constant.array.reshape(-1)[0]) if constant is not None else float("nan")


def _local_response_norm(reader: OnnxGraphReader, node: Node) -> Signal | None:
    """x / (k + alpha · mean of squares) ** beta, as PyTorch's decomposition has it.

    The mean is a pooling along the channels, which are made an axis of their own for it.
    """
    values, divisor = node.signal(0), node.signal(1)
    types = "Pow", "Add", "Mul", "Squeeze", "AveragePool", "Pad", "Reshape|Unsqueeze"
    chain = _chain(reader, divisor, *types)
    if chain is None:
        return None
    power, added, factor, _, pooling, _, _ = chain
    index, squares = reader.settled(values), _signal(chain[-1])
    if squares is None or not np.allclose(squares.functions.get(index, 0), GRID**2):
        return None
    size = int(pooling.get("kernel_shape", (1,))[0])
    alpha, beta, k = (round_off(_scalar(part)) for part in (factor, power, added))
    return reader.add(LocalResponseNorm(size, alpha, beta, k), values)


def _group_norm(reader: OnnxGraphReader, node: Node) -> Signal | None:
    """Instance normalisation of groups, each made one channel; then a factor and an offset."""
    chain = _chain(reader, _signal(node), "Mul", "Reshape", "InstanceNormalization", "Reshape")
    bias = _constant(node)
    if chain is None or bias is None:
        return None
    product, _, norm, _ = chain
    factor, values, groups = _constant(product), _signal(chain[-1]), norm.inputs[0]
    one, zero = norm.constant(1), norm.constant(2)
    if factor is None or values is None or one is None or zero is None:
        return None
    if not isinstance(groups, Signal) or len(groups.shape) != 2 or groups.shape[0] is None:
        return None
    if not (np.all(one.array == 1) and np.all(zero.array == 0)):
        return None
    channels = reader.draft.shape(reader.settled(values))[0]
    if factor.size != channels or bias.size != channels:
        return None
    layer = GroupNorm(groups.shape[0], round_off(norm.get("epsilon", 1e-5)))
    return reader.add(layer, values, tensors={"weight": factor.name, "bias": bias.name})


PATTERNS: dict[str, Callable[[OnnxGraphReader, Node], Signal | None]] = {
    "Div": _local_response_norm,
    "Add": _group_norm,
}
