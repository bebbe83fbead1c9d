"""The scale of a dropout, moved into the weights of a layer nearby.

dlib's dropout does not rescale what it keeps, and becomes a multiplication by 1 - rate for use.
torch's rescales in training and does nothing later. The two compute the same, in training and in
use, if the factor moves into the weights of a layer nearby: of the linear layer behind it (its
inputs shrink, its bias stays) or else of the one before it (weights and bias). Between the two may
stand what commutes with a positive factor, such as a ReLU.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from torch import Tensor

from archdsl.diagnostics import fail
from archdsl.ir.layer import Layer, definitions
from archdsl.ir.network import LayerInstance, Network

_LINEAR = ("con", "cont", "fc", "linear")
_COMMUTING = (
    "relu",
    "leaky_relu",
    "prelu",
    "max_pool",
    "avg_pool",
    "flatten",
    "dropout",
    "dropout_rate",
)
_DROPOUTS = ("dropout", "dropout_rate")


class Carrier(NamedTuple):
    """The layer whose weights take the factor, and whether its bias does too."""

    path: str
    with_bias: bool


def is_dropout(layer: Layer) -> bool:
    return _is(layer, _DROPOUTS)


def carrier(network: Network, dropout: LayerInstance) -> Carrier:
    """The layer whose weights take the factor of a dropout; ArchError where there is none."""
    for found in _onwards(network, dropout.path):
        if _is(found.layer, _LINEAR):
            return Carrier(found.path, with_bias=False)
    for found in _back(network, dropout):
        if _is(found.layer, _LINEAR):
            return Carrier(found.path, with_bias=True)
    raise fail(
        "the factor by which dlib multiplies in place of this dropout has no place",
        dropout.span,
        "expected a convolution or fully connected layer before or behind it",
        help="write multiply<0.5> in place of the dropout, with 1 - rate for 0.5",
        frames=dropout.scope.frames(),
    )


def scale(state: dict[str, Tensor], where: Carrier, factor: float) -> None:
    """Multiply the weights of a carrier in a state_dict, which gets new tensors."""
    for name in ("weight", "bias") if where.with_bias else ("weight",):
        key = f"{where.path}.{name}"
        if key in state:
            state[key] = state[key] * factor


def _onwards(network: Network, path: str) -> Iterator[LayerInstance]:
    """The layers behind one, as long as each is the only reader and lets a factor pass."""
    while path not in network.outputs.values():
        readers = list(network.graph.successors(path))
        if len(readers) != 1:
            return
        found = network.graph.nodes[readers[0]]["instance"]
        yield found
        if not _is(found.layer, _COMMUTING):
            return
        path = found.path


def _back(network: Network, instance: LayerInstance) -> Iterator[LayerInstance]:
    """The layers before one, as long as nobody else reads them and they let a factor pass."""
    while len(instance.inputs) == 1:
        path = instance.inputs[0]
        if network.graph.out_degree(path) != 1 or path in network.outputs.values():
            return
        instance = network.graph.nodes[path]["instance"]
        yield instance
        if not _is(instance.layer, _COMMUTING):
            return


def _is(layer: Layer, names: tuple[str, ...]) -> bool:
    known = definitions()
    return any(name in known and type(layer) is known[name].cls for name in names)
