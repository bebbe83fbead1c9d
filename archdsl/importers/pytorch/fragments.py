"""Canonical graphs of single layers of the catalogue, and the search for them in a network.

A layer is lowered alone, as the compiler does it, and the result made canonical. So it is the
layer's own definition that says how the layer is recognised, and nothing is told twice.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import fx, nn

from archdsl.analysis.equivalence.graph import INPUT, STORED, CanonicalGraph
from archdsl.backends.plan import LAYER
from archdsl.diagnostics import ArchError
from archdsl.importers.draft import UNFORESEEN, check_range
from archdsl.importers.single_layer import single_layer
from archdsl.importers.trace.canonical import canonical
from archdsl.ir.edges import RuleError, Shape
from archdsl.ir.layer import Layer

_BATCH = 2


def _somewhere(x: Any) -> Any:
    """A source of which the matcher knows nothing, not even that the batch comes first."""
    return x


fx.wrap("_somewhere")


class Covered(NamedTuple):
    """Nodes of a graph that a layer amounts to: the last one, and all with what they hold."""

    nodes: tuple[int, ...]
    tensors: Mapping[str, str]
    """The graph's names of weights, by the key that they have in the layer."""


class Fragments:
    """The canonical graphs of single layers, made once for each layer and input shapes.

    ``module`` is the network that is searched.
    """

    def __init__(self, module: nn.Module) -> None:
        self._values = {**dict(module.named_parameters()), **dict(module.named_buffers())}
        self._constants = set(self._values) - {*module.state_dict(keep_vars=True)}
        self._made: dict[object, _Fragment | None] = {}

    def find(
        self,
        layer: Layer,
        graph: CanonicalGraph,
        end: int,
        inputs: Sequence[int],
        shapes: tuple[Shape, ...],
    ) -> Covered | None:
        """Nodes that a layer on ``inputs`` covers up to node ``end``; ``None`` if it differs."""
        # Behind inputs of which all is known, then behind such of which nothing is known.
        for known in (True, False):
            key = (type(layer), dataclasses.astuple(layer), shapes, known)
            if key not in self._made:
                self._made[key] = _fragment(layer, shapes, known)
            fragment = self._made[key]
            if fragment is None:
                return None
            pairs = _spellings(fragment, graph, end, inputs)
            if pairs and self._same_constants(fragment, graph, pairs):
                return _covered(fragment.graph, graph, dict(pairs))
        return None

    def _same_constants(
        self, fragment: _Fragment, graph: CanonicalGraph, pairs: Sequence[tuple[int, int]]
    ) -> bool:
        """True if values that are no weights are in the network what they are in the layer."""
        for given, wanted in pairs:
            for (_, own), (_, name) in zip(
                fragment.graph.nodes[given].tensors, graph.nodes[wanted].tensors, strict=False
            ):
                constant, value = fragment.constants.get(own), self._values.get(name)
                if constant is None and name in self._constants:
                    return False
                if constant is not None and (
                    value is None or value.is_meta or not torch.allclose(constant, value.cpu())
                ):
                    return False
        return True


class _Fragment(NamedTuple):
    """A layer's own graph, and the values of its buffers that are no part of its state."""

    graph: CanonicalGraph
    constants: Mapping[str, torch.Tensor]
    rows: frozenset[int]
    """The positions of the inputs that are rows, which may stand behind a flattening."""


def _flattened(graph: fx.Graph, node: fx.Node, shape: Shape) -> fx.Node:
    return graph.call_function(torch.flatten, (node, 1)) if len(shape) == 1 else node


def _unknown(graph: fx.Graph, node: fx.Node, _: Shape) -> fx.Node:
    return graph.call_function(_somewhere, (node,))


def _fragment(layer: Layer, shapes: tuple[Shape, ...], known: bool) -> _Fragment | None:
    """A layer's own graph; None where it does not take such inputs."""
    try:
        check_range(layer)
        layer.edge_shape(shapes)
        return _made(layer, shapes, known, "meta") or _made(layer, shapes, known, "cpu")
    except (RuleError, ArchError, *UNFORESEEN):
        return None


def _made(layer: Layer, shapes: tuple[Shape, ...], known: bool, device: str) -> _Fragment | None:
    """A layer's own graph; None for one that has constants, which need a device with memory."""
    module = single_layer(layer, shapes, device, _flattened if known else _unknown)
    learned = {*module.state_dict(), *dict(module.named_parameters())}
    constants = {name: each for name, each in module.named_buffers() if name not in learned}
    examples = [
        torch.zeros(_BATCH, *(int(each or 1) for each in shape), device=device) for shape in shapes
    ]
    graph = canonical(module, examples=examples)
    rows = frozenset(place for place, shape in enumerate(shapes) if len(shape) == 1)
    unnamed = any(n.label.operation == STORED and not n.tensors for n in graph.nodes)
    return (
        None if device == "meta" and (constants or unnamed) else _Fragment(graph, constants, rows)
    )


def _covered(fragment: CanonicalGraph, graph: CanonicalGraph, places: Mapping[int, int]) -> Covered:
    tensors: dict[str, str] = {}
    for given, wanted in places.items():
        own, other = fragment.nodes[given].tensors, dict(graph.nodes[wanted].tensors)
        # A functional batch norm has no counter of batches.
        named = [(role, name) for role, name in own if role in other]
        tensors |= {name.removeprefix(f"{LAYER}."): other[role] for role, name in named}
    return Covered(tuple(places.values()), tensors)


_MOST_ORDERS = 1000
"""Orders of operands that are tried before a layer counts as another one."""


def _spellings(
    part: _Fragment, graph: CanonicalGraph, end: int, inputs: Sequence[int]
) -> list[tuple[int, int]]:
    """Pairs of nodes, the fragment's with the graph's; empty where they differ.

    Both graphs are walked backwards from their ends, each pair of nodes once. Operands of what
    commutes are tried in both orders, as long as there are few such.
    """
    fragment = part.graph
    start = fragment.outputs[0][1]
    entries = _entries(part)
    # A pair is looked at once: what several nodes read would be walked for each way to it.
    tries: list[tuple[list[tuple[int, int]], dict[tuple[int, int], None]]]
    tries = [([(start, end)], {})]
    for _ in range(_MOST_ORDERS):
        if not tries:
            break
        waiting, paired = tries.pop()
        while waiting:
            given, wanted = waiting.pop()
            if given in entries:
                if not _meets(graph, inputs[entries[given]], wanted):
                    break
                continue
            if (given, wanted) in paired:
                continue
            ours, theirs = fragment.nodes[given], graph.nodes[wanted]
            if ours.label != theirs.label or len(ours.inputs) != len(theirs.inputs):
                break
            paired[given, wanted] = None
            operands = list(zip(ours.inputs, theirs.inputs, strict=True))
            if ours.commutes and len(operands) == 2:
                turned = list(zip(ours.inputs, reversed(theirs.inputs), strict=True))
                tries.append(([*waiting, *turned], dict(paired)))
            waiting += operands
        else:
            return list(paired)
    return []


def _meets(graph: CanonicalGraph, source: int, wanted: int) -> bool:
    """True for an input, and for what it is a row of: what works value by value takes either."""
    flattened = graph.nodes[source].label.operation == "flatten"
    return wanted == source or (flattened and graph.nodes[source].inputs == (wanted,))


def _entries(part: _Fragment) -> dict[int, int]:
    """The nodes that stand for the layer's inputs, with their positions."""
    positions: dict[int, int] = {}
    for node in part.graph.nodes:
        operation = node.label.operation
        if operation == INPUT:
            position = node.label.value("position")
            assert isinstance(position, int)
            positions[node.index] = position
        elif node.inputs and part.graph.nodes[node.inputs[0]].label.operation == INPUT:
            position = positions[node.inputs[0]]
            if operation == _somewhere.__name__ or (
                operation == "flatten" and position in part.rows
            ):
                positions[node.index] = position
    return positions
