"""A node of a traced network as it is looked at, and the layers that it is proposed to be."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from archdsl.analysis.equivalence.graph import STORED, CanonicalGraph, CanonicalNode
from archdsl.ir.edges import Shape
from archdsl.ir.layer import Layer


class Proposal(NamedTuple):
    """A layer, and the nodes that it would take."""

    layer: Layer
    inputs: tuple[int, ...]


@dataclass(frozen=True)
class Seen:
    """A node of the network, with what stands before it."""

    node: CanonicalNode
    graph: CanonicalGraph
    shapes: Mapping[int, Shape]
    """Of the nodes that are layers already."""

    def __getitem__(self, field: str) -> Any:
        return self.node.label.value(field)

    def pair(self, field: str) -> tuple[int, int]:
        """A field with a number for each axis; raises ValueError where that is not so."""
        value = self[field]
        if not isinstance(value, tuple) or len(value) != 2:
            raise ValueError(field)
        return value[0], value[1]

    def window(self) -> tuple[int, int, int, int, int, int]:
        """Kernel, stride and padding, the height before the width."""
        return *self.pair("kernel_size"), *self.pair("stride"), *self.pair("padding")

    def behind(self, *operations: str) -> int | None:
        """The node before those operations, the nearest first; None where others stand there."""
        index = self.node.inputs[0]
        for operation in operations:
            node = self.graph.nodes[index]
            if node.label.operation != operation or not node.inputs:
                return None
            index = node.inputs[0]
        return index

    def before(self, operation: str) -> tuple[int, ...]:
        """The operands that the network computes, each before such an operation if it is one."""
        nodes = [self.graph.nodes[index] for index in self.tensors()]
        return tuple(
            next((i for i in n.inputs if self.graph.nodes[i].label.operation != STORED), n.index)
            if n.label.operation == operation
            else n.index
            for n in nodes
        )

    def tensors(self) -> tuple[int, ...]:
        """The operands that the network computes; not its weights."""
        nodes = self.graph.nodes
        return tuple(i for i in self.node.inputs if nodes[i].label.operation != STORED)

    def nearest(self, count: int) -> list[CanonicalNode]:
        """The nodes that this one comes from, the nearest first, so many at most."""
        found: dict[int, CanonicalNode] = {}
        waiting = deque(self.node.inputs)
        while waiting and len(found) < count:
            node = self.graph.nodes[waiting.popleft()]
            if node.index not in found:
                found[node.index] = node
                waiting.extend(node.inputs)
        return list(found.values())

    def shape(self) -> Shape:
        """Of the first operand."""
        return self.shapes.get(self.node.inputs[0], ())


Proposals = Iterator[Proposal]
Recogniser = Callable[[Seen], Proposals]
