"""Rows of features that stand in another order in Keras than in a spec.

Keras flattens a map height×width×channels, a spec channels×height×width. Layers behind have the
same weights in another order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from archdsl.diagnostics import fail
from archdsl.importers.imported_graph import ImportedGraph, Operation
from archdsl.layers.reshape import Flatten

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from archdsl.importers.weight_map import Array
    from archdsl.ir.edges import EdgeType

    Order = NDArray[np.intp] | None
    """For each of Keras's features its place in the spec's row; None where both are the same."""


def orders(graph: ImportedGraph) -> list[tuple[Order, Order]]:
    """The order of what each operation reads, and of what it gives.

    Raises ArchError where a row in Keras's order goes through what needs the spec's.
    """
    found: list[tuple[Order, Order]] = []
    edges: list[EdgeType] = []
    for operation in graph.operations:
        inputs = [edges[source] for source in operation.inputs]
        edges.append(operation.layer.edge_shape(tuple(inputs)))
        given = [found[source][1] for source in operation.inputs]
        found.append(_through(operation, inputs, given, edges[-1]))
    return found


def _through(
    operation: Operation, inputs: Sequence[EdgeType], given: Sequence[Order], output: EdgeType
) -> tuple[Order, Order]:
    layer = operation.layer
    if (layer.flattens or isinstance(layer, Flatten)) and given[0] is None:
        order = _flattened(inputs[0])
        return order, order if isinstance(layer, Flatten) else None
    if all(order is None for order in given):
        return None, None
    if layer.concatenates:
        return None, _joined(given, inputs)
    if layer.flattens:
        return given[0], None
    alike = all(_same(order, given[0]) for order in given)
    if alike and output == inputs[0] and isinstance(output, tuple) and len(output) == 1:
        return given[0], given[0]
    raise fail(
        f"the weights behind Flatten, at {operation.name}, stand in an order that is not undone"
    )


def _flattened(edge: EdgeType) -> Order:
    if not isinstance(edge, tuple) or len(edge) != 3 or edge[0] == 1 or edge[1:] == (1, 1):
        return None
    sizes = [size or 1 for size in edge]
    return np.arange(np.prod(sizes)).reshape(sizes).transpose(1, 2, 0).ravel()


def _joined(given: Sequence[Order], inputs: Sequence[EdgeType]) -> Order:
    parts, start = [], 0
    for order, edge in zip(given, inputs, strict=True):
        size = int(edge[0] or 1) if isinstance(edge, tuple) else 1
        parts.append(start + (np.arange(size) if order is None else order))
        start += size
    return np.concatenate(parts)


def _same(first: Order, second: Order) -> bool:
    if first is None or second is None:
        return first is second
    return bool(np.array_equal(first, second))


def in_our_order(graph: ImportedGraph, weights: Mapping[str, Array]) -> dict[str, Array]:
    """Keras's weights, each with its last axis in the order of the spec's row."""
    found = dict(weights)
    for operation, (order, _) in zip(graph.operations, orders(graph), strict=True):
        for key, name in operation.tensors.items():
            by_output = operation.layer.flattens and key == "bias"
            if order is None or by_output:
                continue
            found[name] = np.empty_like(weights[name])
            found[name][..., order] = weights[name]
    return found
