"""Darknet's layers as its .weights have them: the order of their tensors, and of their outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from archdsl.ir.layer import Layer
from archdsl.ir.network import Network
from archdsl.layers.convolution import Convolution
from archdsl.layers.linear import FullyConnected
from archdsl.layers.normalization import BatchNorm, BatchNormConv, BatchNormFc
from archdsl.layers.permutation import YoloGrid


class Layout(NamedTuple):
    """The tensors of a layer and of the batch norm behind it, in the order of the file.

    ``{}`` stands for the layer's path, ``{norm}`` for that of the batch norm.
    """

    with_bias: tuple[str, ...]
    with_norm: tuple[str, ...]
    norms: tuple[type[Layer], ...] = (BatchNorm, BatchNormConv)
    """The layers that may be that batch norm."""
    connected: bool = False
    """True for a matrix, which old files hold transposed."""

    def names(self, path: str, norm: str | None) -> list[str]:
        """The names in the state_dict."""
        chosen = self.with_bias if norm is None else self.with_norm
        return [name.format(path, norm=norm) for name in chosen]


_STATISTICS = ("{norm}.weight", "{norm}.running_mean", "{norm}.running_var")

LAYOUTS: Mapping[type[Layer], Layout] = {
    Convolution: Layout(("{}.bias", "{}.weight"), ("{norm}.bias", *_STATISTICS, "{}.weight")),
    FullyConnected: Layout(
        ("{}.bias", "{}.weight"),
        ("{norm}.bias", "{}.weight", *_STATISTICS),
        (BatchNorm, BatchNormConv, BatchNormFc),
        connected=True,
    ),
}
"""The layers that a file has a place for."""


def _grid_order(grid: YoloGrid) -> list[int]:
    """The classes of all cells come first, then the confidences, then the boxes."""
    cells = range(grid.side**2)
    confidences = len(cells) * grid.classes
    coordinates = confidences + len(cells) * grid.boxes
    order: list[int] = []
    for cell in cells:
        for box in range(cell * grid.boxes, (cell + 1) * grid.boxes):
            order += range(coordinates + 4 * box, coordinates + 4 * (box + 1))
            order.append(confidences + box)
        order += range(cell * grid.classes, (cell + 1) * grid.classes)
    return order


_ORDERS: Mapping[type[Layer], Callable[[Any], list[int]]] = {YoloGrid: _grid_order}


def has_order(layer: Layer) -> bool:
    """True if Darknet has the inputs of a layer in an order of its own."""
    return type(layer) in _ORDERS


def output_order(network: Network, path: str) -> list[int] | None:
    """Darknet's index of each output of a layer, where a reader's numbers stand otherwise there."""
    for reader in network.graph.successors(path):
        layer = network.instance(reader).layer
        if has_order(layer):
            return _ORDERS[type(layer)](layer)
    return None
