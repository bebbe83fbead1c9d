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
from archdsl.dlib.kinds import kind_of
from archdsl.ir.layer import Layer
from archdsl.ir.network import LayerInstance, Network


class Carrier(NamedTuple):
    """The layer whose weights take the factor, and whether its bias does too."""

    path: str
    with_bias: bool


def is_dropout(layer: Layer) -> bool:
    """True for a layer that dlib multiplies by a factor in use where torch does nothing."""
    kind = kind_of(layer)
    return kind is not None and kind.rescaled


def carrier(network: Network, dropout: LayerInstance) -> Carrier:
    """The layer whose weights take the factor of a dropout; ArchError where there is none."""
    for found in _onwards(network, dropout.path):
        if found.layer.linear:
            return Carrier(found.path, with_bias=False)
    for found in _back(network, dropout):
        if found.layer.linear:
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
        if not found.layer.homogeneous:
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
        if not instance.layer.homogeneous:
            return
