"""The shape stage: every layer's output shape, or what does not fit and why."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeGuard

import networkx as nx

from archdsl.diagnostics import ArchError, Diagnostic, coded, fail
from archdsl.graph.gc_pause import collector_paused
from archdsl.graph.model import LayerInstance, Network
from archdsl.layers.edges import EdgeType, Images, RuleError, Shape, shown
from archdsl.layers.input_layer import InputLayer
from archdsl.source import Span

_MAX_ERRORS = 50
_SHOWN_SHAPES = 4


@coded("E300")
@collector_paused()
def check(network: Network, input_shape: Shape | None = None) -> Network:
    """The network with shapes on its nodes and edges, and with warnings.

    ``input_shape`` is (channels, height, width) and stands in for, or replaces, what the spec
    says; its channels must agree with the spec's. Raises ArchError with a diagnostic for every
    layer whose inputs do not fit; layers behind such a one are not judged.
    """
    shapes: dict[str, EdgeType | None] = {}
    errors: dict[tuple[Span, str], list[Diagnostic]] = {}
    warnings: list[Diagnostic] = []
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph(name=network.name)
    # Layers with equal arguments are mostly one object, and repeated ones see equal inputs. The
    # network keeps the layers, so that an id means the same throughout.
    judged: dict[tuple[int, tuple[EdgeType, ...]], tuple[EdgeType, str | None]] = {}
    for instance in network.instances():
        layer, path, sources = instance.layer, instance.path, instance.inputs
        inputs = tuple([shapes[source] for source in sources])
        if not _all_known(inputs):  # behind an error
            shapes[path] = None
            continue
        key = (id(layer), inputs)
        if key not in judged:
            try:
                judged[key] = _judged(instance, inputs, input_shape)
            except RuleError as error:
                shapes[path] = None
                alike = errors.setdefault((instance.span, error.message), [])
                if not alike and len(errors) <= _MAX_ERRORS:
                    alike.append(_refusal(instance, error, inputs))
                continue
        shape, warned = judged[key]
        if warned is not None:
            warnings.append(_caution(instance, warned, inputs))
        shapes[path] = shape
        graph.add_node(path, instance=instance, shape=shape)
        for port, source in enumerate(sources):
            graph.add_edge(source, path, port, shape=inputs[port])
    if errors:
        raise ArchError(d for alike in errors.values() for d in alike)
    return replace(network, graph=nx.freeze(graph), warnings=tuple(warnings))


def _all_known(inputs: tuple[EdgeType | None, ...]) -> TypeGuard[tuple[EdgeType, ...]]:
    return None not in inputs


def _judged(
    instance: LayerInstance, inputs: tuple[EdgeType, ...], input_shape: Shape | None
) -> tuple[EdgeType, str | None]:
    """What a layer gives for its inputs, and what it warns of; RuleError where they do not fit."""
    layer = instance.layer
    output = layer.output(inputs)
    if inputs:
        return output, layer.caution(inputs)
    return output if input_shape is None else _replaced(instance, output, input_shape), None


def _replaced(instance: LayerInstance, declared: EdgeType, wanted: Shape) -> EdgeType:
    assert isinstance(declared, (tuple, Images))  # an input's
    shape = declared.taken if isinstance(declared, Images) else declared
    if shape[0] not in (None, wanted[0]):
        raise fail(
            "--input disagrees with the spec",
            instance.span,
            f"the spec's input has {shape[0]} channels, --input {shown(wanted)} has {wanted[0]}",
            code="E404",
        )
    layer = instance.layer
    assert isinstance(layer, InputLayer)
    return layer.resized(declared, wanted)


def _refusal(instance: LayerInstance, error: RuleError, inputs: tuple[EdgeType, ...]) -> Diagnostic:
    return Diagnostic(
        error.message,
        instance.span,
        error.notes,
        error.help,
        instance.scope.frames(),
        code=error.code,
        label=_met(inputs),
    )


def _caution(instance: LayerInstance, warned: str, inputs: tuple[EdgeType, ...]) -> Diagnostic:
    return Diagnostic(
        warned,
        instance.span,
        frames=instance.scope.frames(),
        severity="warning",
        code=instance.layer.caution_code,
        label=_met(inputs),
    )


def _met(inputs: tuple[EdgeType, ...]) -> str | None:
    """The shapes that come together at a layer, where they are tensors."""
    tensors = [shown(edge) for edge in inputs if isinstance(edge, (tuple, Images))]
    if not tensors or len(tensors) < len(inputs) or len(tensors) > _SHOWN_SHAPES:
        return None
    return " meets ".join(tensors) if len(tensors) > 1 else f"takes {tensors[0]}"
