"""Layers that exporters write as several nodes, told at the last of these."""

from __future__ import annotations

from archdsl.importing.onnx.functions import round_off
from archdsl.importing.onnx.graph import Handler, Node, Reader
from archdsl.importing.onnx.values import Signal
from archdsl.layers.definition import RuleError
from archdsl.layers.normalization import LocalResponseNorm

_MEAN_SQUARE = ("Pow", "Add", "Mul", "Squeeze", "AveragePool", "Pad", ("Reshape", "Unsqueeze"))


def _quotient(reader: Reader, node: Node) -> Signal:
    """Local response normalisation: x divided by (k + alpha · mean of squares) to a power.

    PyTorch takes the mean with a pooling along the channels, made an axis of its own.
    """
    values, divisor = node.signal(0), node.signal(1)
    chain = []
    proto = divisor.node
    for types in _MEAN_SQUARE:
        if proto is None or proto.op_type not in (types if isinstance(types, tuple) else (types,)):
            raise RuleError("the catalogue has no layer that divides")
        chain.append(Node(proto, tuple(reader.values.get(name) for name in proto.input)))
        before = next((v for v in chain[-1].inputs if isinstance(v, Signal)), None)
        proto = before.node if before is not None else None
    power, added, factor, _, pooling, *_ = chain
    if proto is None or proto.op_type not in ("Mul", "Pow"):
        raise RuleError("the catalogue has no layer that divides")
    squared = next(v for v in chain[-1].inputs if isinstance(v, Signal))
    index = reader.settled(values)
    if index not in squared.functions or abs(squared.functions[index][0] - 900) > 1e-3:
        raise RuleError("the catalogue has no layer that divides")
    beta, k, alpha = (float(_scalar(part)) for part in (power, added, factor))
    size = int(pooling.get("kernel_shape", (1,))[0])
    layer = LocalResponseNorm(size, round_off(alpha), round_off(beta), round_off(k))
    return reader.add(layer, values)


def _scalar(node: Node) -> float:
    constant = next((v for v in node.inputs if v is not None and not isinstance(v, Signal)), None)
    if constant is None or constant.size != 1:
        raise RuleError("the catalogue has no layer that divides")
    return float(constant.array.reshape(()))


PATTERNS: dict[str, Handler] = {"Div": _quotient}
