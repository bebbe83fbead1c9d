"""The canonical graph of a network: what is computed from what, and by which parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from archdsl.analysis.equivalence.labels import Label


@dataclass(frozen=True)
class CanonicalNode:
    """One operation.

    Attributes:
        index: its place in the graph's ``nodes``.
        label: what it computes.
        inputs: indices of the nodes it reads, in the order of its arguments.
        commutes: whether the order of ``inputs`` is without meaning.
        where: what to call it in messages: its module's path, or scope and name in the trace.
        module: path of the module that owns its parameters and buffers, if it has any.
        tensors: those parameters and buffers as pairs of role (``"weight"``) and full name
            (``"layer1.0.conv1.weight"``); a tensor with several names appears under the first.
        scope: path of the module whose ``forward`` calls the operation; empty for the network's.
    """

    index: int
    label: Label
    inputs: tuple[int, ...]
    commutes: bool
    where: str
    module: str | None = None
    tensors: tuple[tuple[str, str], ...] = ()
    scope: str = ""


@dataclass(frozen=True)
class CanonicalGraph:
    """A network as a DAG; ``nodes`` are in execution order, each after all of its inputs.

    ``outputs`` are pairs of output name and node index. Nodes from which no output is reached are
    left out.
    """

    nodes: tuple[CanonicalNode, ...]
    outputs: tuple[tuple[str, int], ...]

    def consumers(self) -> list[list[tuple[int, int]]]:
        """For each node those that read it, as pairs of node index and argument position."""
        readers: list[list[tuple[int, int]]] = [[] for _ in self.nodes]
        for node in self.nodes:
            for position, source in enumerate(node.inputs):
                readers[source].append((node.index, position))
        return readers

    def restricted(self, outputs: Sequence[tuple[str, int]]) -> CanonicalGraph:
        """The part of the graph from which the given outputs are reached."""
        live = [False] * len(self.nodes)
        for _, index in outputs:
            live[index] = True
        for node in reversed(self.nodes):
            if live[node.index]:
                for source in node.inputs:
                    live[source] = True
        places: dict[int, int] = {}
        kept: list[CanonicalNode] = []
        for node in self.nodes:
            if live[node.index]:
                places[node.index] = len(kept)
                inputs = tuple(places[source] for source in node.inputs)
                kept.append(replace(node, index=len(kept), inputs=inputs))
        return CanonicalGraph(tuple(kept), tuple((name, places[index]) for name, index in outputs))


INPUT = "input"
"""Operation name of the network's inputs."""

STORED = "stored tensor"
"""Operation name of parameters, buffers and constants which enter the graph as values."""
