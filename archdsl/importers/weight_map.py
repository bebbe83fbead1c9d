"""The origin's weights under the names of the spec's layers.

A spec says a network in its own way: branches stand in another order, concatenations inside of
others, sums one behind the other. So both graphs are walked from their outputs backwards, in step;
where the order of inputs does not matter, equal ones are those that compute the same of the input.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from archdsl.diagnostics import ArchError, Diagnostic, fail
from archdsl.importers.imported_graph import ImportedGraph
from archdsl.importers.outlining.nesting import output_names
from archdsl.ir.layer import Layer
from archdsl.ir.network import Network
from archdsl.layers.activation import Identity
from archdsl.layers.joins import Add, AddPadded, Concat, Mult

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    Array = NDArray[Any]

_SUMS = (Add, AddPadded, Mult)
_JOINS = (*_SUMS, Concat)


class _Node(NamedTuple):
    """A layer and the nodes that it reads, joins within joins of the same kind made one."""

    layer: Layer
    inputs: tuple[int, ...]


class _Side:
    """One of the two graphs, its nodes numbered so that each comes after its inputs."""

    def __init__(self, layers: Sequence[tuple[Layer, tuple[int, ...]]]) -> None:
        self.nodes: list[_Node] = []
        self._passed: list[int] = []
        for number, (layer, inputs) in enumerate(layers):
            sources = tuple(self._passed[source] for source in inputs)
            passes = isinstance(layer, Identity) or (isinstance(layer, Concat) and len(sources) < 2)
            self._passed.append(sources[0] if passes else number)
            self.nodes.append(_Node(layer, sources))
        self._readers = Counter(source for node in self.nodes for source in node.inputs)

    def end(self, number: int) -> int:
        """A node, or what it passes on unchanged."""
        return self._passed[number]

    def inputs(self, number: int) -> list[int]:
        """Inputs of a node, with those of nested joins of its kind in place of the joins."""
        layer = self.nodes[number].layer
        if not isinstance(layer, _JOINS):
            return list(self.nodes[number].inputs)
        found: list[int] = []
        waiting = [number]
        while waiting:
            current = waiting.pop()
            if current == number or self._part_of(layer, current):
                waiting.extend(reversed(self.nodes[current].inputs))
            else:
                found.append(current)
        return found

    def _part_of(self, layer: Layer, number: int) -> bool:
        """True if a node is an inner part of the join that reads it.

        A sum that others read as well stays: the sums of a residual network are one chain.
        """
        other = self.nodes[number].layer
        if _family(layer) != _family(other):
            return False
        return isinstance(other, Concat) or self._readers[number] == 1

    def colours(self, known: dict[Hashable, int]) -> list[int]:
        """Numbers of the nodes' functions of the input, equal for nodes that compute the same."""
        found: list[int] = []
        for number, node in enumerate(self.nodes):
            read = [found[source] for source in self.inputs(number)]
            if isinstance(node.layer, _SUMS):
                read.sort()
            key = (_family(node.layer), _settings(node.layer), tuple(read))
            found.append(known.setdefault(key, len(known)))
        return found


def _family(layer: Layer) -> type[Layer]:
    return Add if isinstance(layer, AddPadded) else type(layer)


def _settings(layer: Layer) -> Hashable:
    return tuple(sorted((name, repr(value)) for name, value in layer.effective().items()))


def outputs_of(graph: ImportedGraph, network: Network) -> list[str]:
    """The network's names of the graph's outputs, in the order of the graph.

    A spec lists its outputs in an order of its own.
    """
    names = output_names(graph.outputs)
    # Where they are called otherwise, as in a spec that was edited, the order is all there is.
    return names if set(names) == network.outputs.keys() else list(network.outputs)


def layers_of(graph: ImportedGraph, network: Network) -> list[str]:
    """The path, in a spec's module, of the layer that each operation of its graph is.

    Operations that the spec says by other layers (joins) have an empty path. Raises
    DifferentNetworkError where the two are not the same network.
    """
    paths = [instance.path for instance in network.instances()]
    weights = [instance.weights for instance in network.instances()]
    place = {path: number for number, path in enumerate(paths)}
    mine = _Side([(operation.layer, operation.inputs) for operation in graph.operations])
    theirs = _Side(
        [
            (instance.layer, tuple(place[source] for source in instance.inputs))
            for instance in network.instances()
        ]
    )
    known: dict[Hashable, int] = {}
    colours = mine.colours(known), theirs.colours(known)
    ends = [mine.end(index) for index in graph.outputs.values()]
    found: dict[int, int] = {}
    waiting = _paired(
        ends,
        [theirs.end(place[network.outputs[name]]) for name in outputs_of(graph, network)],
        colours,
        ordered=False,
    )
    while waiting:
        first, second = waiting.pop()
        if first in found:
            continue
        found[first] = second
        ordered = not isinstance(mine.nodes[first].layer, _SUMS)
        waiting += _paired(mine.inputs(first), theirs.inputs(second), colours, ordered=ordered)
    return [weights[found[n]] if n in found else "" for n in range(len(graph.operations))]


def _paired(
    mine: Sequence[int],
    theirs: Sequence[int],
    colours: tuple[Sequence[int], Sequence[int]],
    *,
    ordered: bool,
) -> list[tuple[int, int]]:
    """Nodes of both sides that belong together: by their places, or by what they compute."""
    if ordered:
        pairs = list(zip(mine, theirs, strict=False))
        if len(mine) != len(theirs) or any(colours[0][a] != colours[1][b] for a, b in pairs):
            raise _different()
        return pairs
    waiting: dict[int, list[int]] = defaultdict(list)
    for node in reversed(theirs):
        waiting[colours[1][node]].append(node)
    if len(mine) != len(theirs) or any(not waiting[colours[0][node]] for node in mine):
        raise _different()
    pairs = []
    for node in mine:
        candidates = waiting[colours[0][node]]
        if not candidates:
            raise _different()
        pairs.append((node, candidates.pop()))
    return pairs


class DifferentNetworkError(ArchError):
    """An imported graph and a network are not the same."""


def _different() -> DifferentNetworkError:
    return DifferentNetworkError(Diagnostic("the spec is another network than its origin"))


def state(
    graph: ImportedGraph,
    network: Network,
    weights: Mapping[str, Array],
    shapes: Mapping[str, Sequence[int]],
) -> dict[str, Array]:
    """The origin's weights by the keys of the compiled network, whose ``shapes`` are given.

    ``weights`` are by the names that the graph's operations have for them. Raises ArchError where
    one does not fit.
    """
    found: dict[str, Array] = {}
    for operation, path in zip(graph.operations, layers_of(graph, network), strict=True):
        for key, name in operation.tensors.items():
            ours = f"{path}.{key}"
            values, wanted = weights[name], tuple(shapes.get(ours, ()))
            if ours not in shapes or values.size != prod(wanted):
                raise fail(
                    f"the weights {name} do not fit",
                    None,
                    f"expected {wanted}, found {tuple(values.shape)}",
                )
            found[ours] = values.reshape(wanted)
    return found
