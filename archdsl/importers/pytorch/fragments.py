"""Canonical graphs of single layers of the catalogue, and the search for them in a network.

A layer is lowered alone, as the compiler does it, and the result made canonical. So it is the
layer's own definition that says how the layer is recognised, and nothing is told twice.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import fx

from archdsl.analysis.equivalence.graph import INPUT, CanonicalGraph, CanonicalNode
from archdsl.backends.plan import LAYER, Operation, plan_layer
from archdsl.backends.torch.flat import graph_of
from archdsl.backends.torch.initial import SkippedInitialisation
from archdsl.backends.torch.realise import module_of
from archdsl.diagnostics import ArchError
from archdsl.importers.draft import UNFORESEEN, check_range
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
    """The canonical graphs of single layers, made once for each layer and input shapes."""

    def __init__(self) -> None:
        self._made: dict[object, CanonicalGraph | None] = {}

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
            if found := _matched(fragment, graph, end, inputs):
                return found
        return None


def _fragment(layer: Layer, shapes: tuple[Shape, ...], known: bool) -> CanonicalGraph | None:
    """A layer's own graph; None where it does not take such inputs."""
    try:
        check_range(layer)
        layer.edge_shape(shapes)
        examples = [
            torch.empty(_BATCH, *(int(each or 1) for each in shape), device="meta")
            for shape in shapes
        ]
        return canonical(_alone(layer, shapes, known), examples=examples)
    except (RuleError, ArchError, *UNFORESEEN):
        return None


def _alone(layer: Layer, shapes: tuple[Shape, ...], known: bool) -> fx.GraphModule:
    planned = plan_layer(layer, shapes)
    graph = fx.Graph()
    sources: dict[Operation, Any] = {}
    # An input layer takes none of them, and brings an argument of its own.
    for position, (entry, shape) in enumerate(zip(planned.entries(), shapes, strict=False)):
        node = graph.placeholder(f"x{position}")
        if not known:
            node = graph.call_function(_somewhere, (node,))
        elif len(shape) == 1:
            node = graph.call_function(torch.flatten, (node, 1))
        sources[entry] = node
    with torch.device("meta"), SkippedInitialisation():
        modules = {path: module_of(leaf.construct) for path, leaf in planned.modules.items()}
    return fx.GraphModule(modules, graph_of(planned, sources))


def _is_source(node: CanonicalNode, fragment: CanonicalGraph) -> bool:
    if node.label.operation == INPUT:
        return True
    before = [fragment.nodes[source].label.operation for source in node.inputs]
    return before == [INPUT] and node.label.operation in ("flatten", _somewhere.__name__)


def _matched(
    fragment: CanonicalGraph, graph: CanonicalGraph, end: int, inputs: Sequence[int]
) -> Covered | None:
    """Walks both graphs backwards from their ends; fragments are a few nodes."""
    places: dict[int, int] = {}
    for given, wanted in _spellings(fragment, graph, end, inputs):
        places[given] = wanted
    if not places:
        return None
    tensors: dict[str, str] = {}
    for given, wanted in places.items():
        own, other = fragment.nodes[given].tensors, dict(graph.nodes[wanted].tensors)
        # A functional batch norm has no counter of batches.
        named = [(role, name) for role, name in own if role in other]
        tensors |= {name.removeprefix(f"{LAYER}."): other[role] for role, name in named}
    return Covered(tuple(places.values()), tensors)


def _spellings(
    fragment: CanonicalGraph, graph: CanonicalGraph, end: int, inputs: Sequence[int]
) -> list[tuple[int, int]]:
    """Pairs of nodes, the fragment's with the graph's; empty where they differ.

    Operands of what commutes are tried in both orders.
    """
    start = fragment.outputs[0][1]
    entries = _entries(fragment)
    tries: list[tuple[list[tuple[int, int]], list[tuple[int, int]]]] = [([(start, end)], [])]
    while tries:
        waiting, paired = tries.pop()
        while waiting:
            given, wanted = waiting.pop()
            if given in entries:
                if inputs[entries[given]] != wanted:
                    break
                continue
            ours, theirs = fragment.nodes[given], graph.nodes[wanted]
            if ours.label != theirs.label or len(ours.inputs) != len(theirs.inputs):
                break
            paired.append((given, wanted))
            operands = list(zip(ours.inputs, theirs.inputs, strict=True))
            if ours.commutes and len(operands) == 2:
                turned = list(zip(ours.inputs, reversed(theirs.inputs), strict=True))
                tries.append(([*waiting, *turned], list(paired)))
            waiting += operands
        else:
            return paired
    return []


def _entries(fragment: CanonicalGraph) -> dict[int, int]:
    """The nodes that stand for the layer's inputs, with their positions."""
    positions: dict[int, int] = {}
    for node in fragment.nodes:
        if node.label.operation == INPUT:
            position = node.label.value("position")
            assert isinstance(position, int)
            positions[node.index] = position
        elif _is_source(node, fragment):
            positions[node.index] = positions[node.inputs[0]]
    return positions
