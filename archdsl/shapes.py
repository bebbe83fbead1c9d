"""The shape stage: every layer's output shape, or what does not fit and why."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import networkx as nx

from archdsl.diagnostics import ArchError, Diagnostic, fail
from archdsl.graph.model import LayerInstance, Network
from archdsl.layers.definition import RuleError, Shape, shown

_MAX_ERRORS = 50


def check(network: Network, input_shape: Shape | None = None) -> Network:
    """The network with shapes on its nodes and edges, and with warnings.

    ``input_shape`` is (channels, height, width) and stands in for, or replaces, what the spec
    says; its channels must agree with the spec's. Raises ArchError with a diagnostic for every
    layer whose inputs do not fit; layers behind such a one are not judged.
    """
    shapes: dict[str, Shape | None] = {}
    errors: list[Diagnostic] = []
    warnings: list[Diagnostic] = []
    nodes: list[tuple[str, dict[str, Any]]] = []
    edges: list[tuple[str, str, int, dict[str, Any]]] = []
    for instance in network.instances():
        layer, path, _, _, sources = instance
        inputs = tuple(shapes[source] for source in sources)
        if None in inputs:  # behind an error
            shapes[path] = None
            continue
        shape: Shape
        try:
            if sources:
                shape = layer.shape(inputs)  # type: ignore[arg-type]
                warned = layer.warning(inputs)  # type: ignore[arg-type]
                if warned is not None:
                    warnings.append(_diagnostic(instance, warned, (), None, "warning"))
            else:
                shape = layer.shape(())
                if input_shape is not None:
                    shape = _replaced(instance, shape, input_shape)
        except RuleError as error:
            shapes[path] = None
            if len(errors) < _MAX_ERRORS:
                errors.append(_diagnostic(instance, error.message, error.notes, error.help))
            continue
        shapes[path] = shape
        nodes.append((path, {"instance": instance, "shape": shape}))
        for port, source in enumerate(sources):
            edges.append((source, path, port, {"shape": inputs[port]}))
    if errors:
        raise ArchError(errors)
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph(name=network.name)
    graph.add_nodes_from(nodes)
    graph.add_edges_from(edges)
    return replace(network, graph=nx.freeze(graph), warnings=tuple(warnings))


def _replaced(instance: LayerInstance, declared: Shape, wanted: Shape) -> Shape:
    if declared[0] != wanted[0]:
        raise fail(
            "--input disagrees with the spec",
            instance.span,
            f"the spec's input has {declared[0]} channels, --input {shown(wanted)} has {wanted[0]}",
        )
    return wanted


def _diagnostic(
    instance: LayerInstance,
    message: str,
    notes: tuple[str, ...],
    help: str | None,
    severity: Any = "error",
) -> Diagnostic:
    frames = instance.scope.frames()
    return Diagnostic(message, instance.span, notes, help, frames, severity)
