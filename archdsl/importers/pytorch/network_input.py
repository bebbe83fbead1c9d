"""The input layer of an imported network: a plain tensor, or dlib's scaled pixel values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import nn

from archdsl.analysis.equivalence.graph import INPUT, STORED, CanonicalGraph, CanonicalNode
from archdsl.diagnostics import fail
from archdsl.importers.pytorch.fragments import Fragments
from archdsl.importers.pytorch.layer_candidates import input_layers
from archdsl.ir.edges import Shape
from archdsl.ir.layer import Layer
from archdsl.layers.inputs import Input, Pixels

_STEPS = (("sub",), ("div", "mul"))
"""Arithmetic on pixel values at the input: the mean is subtracted, then they are divided."""


class InputEntry(NamedTuple):
    """The input of a network, and the node of the graph that it ends in."""

    layer: Layer
    node: int


def entry(
    graph: CanonicalGraph, module: nn.Module, size: Shape, fragments: Fragments
) -> InputEntry:
    """The layer that a network for images of a size (channels, height, width) begins with.

    Raises ArchError where it has several inputs.
    """
    inputs = [node for node in graph.nodes if node.label.operation == INPUT]
    for node in inputs:
        if node.label.value("position") != 0:
            raise fail(f"a network with a second input, {node.where}; a spec has one")
    channels, height, width = (int(each or 0) for each in size)
    plain = InputEntry(Input(Pixels(channels), height, width), inputs[0].index)
    steps = _steps(graph, inputs[0])
    if steps is None:
        return plain
    for layer in input_layers(_stored(graph, module, steps[0]), (channels, height, width)):
        if fragments.find(layer, graph, steps[1].index, (plain.node,), ()):
            return InputEntry(layer, steps[1].index)
    return plain


def _steps(graph: CanonicalGraph, start: CanonicalNode) -> list[CanonicalNode] | None:
    """The nodes that alone read the input, one behind the other; None where others stand there."""
    consumers = graph.consumers()
    found: list[CanonicalNode] = []
    index = start.index
    for operations in _STEPS:
        readers = [graph.nodes[reader] for reader, _ in consumers[index]]
        if len(readers) != 1 or readers[0].label.operation not in operations:
            return None
        found += readers
        index = readers[0].index
    return found


def _stored(graph: CanonicalGraph, module: nn.Module, node: CanonicalNode) -> Sequence[float]:
    """The values of the only stored tensor that a node reads, in order."""
    known = dict(module.named_buffers()) | dict(module.named_parameters())
    for source in (graph.nodes[index] for index in node.inputs):
        if source.label.operation == STORED and source.tensors:
            values = known.get(source.tensors[0][1])
            if values is None or values.is_meta:  # a module without weights has no values
                return []
            # The shortest numbers that are stored as these: a mean of 122.782 has 32 bits.
            return [float(str(value)) for value in values.reshape(-1).numpy()]
    return []
