"""The network as a graph: layer instances, the scopes they come from, and the edges between."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from archdsl.diagnostics import Diagnostic, Frame
from archdsl.diagnostics.source import Span
from archdsl.ir.block import Block
from archdsl.ir.edges import EdgeType
from archdsl.ir.layer import Layer

if TYPE_CHECKING:
    import networkx as nx

    Graph = nx.MultiDiGraph[str]


@dataclass(frozen=True, eq=False, slots=True)
class Scope:
    """One expansion on the path to a layer: a template instance or a branch of a combinator.

    ``path`` is dotted and unique (``stage2.bottleneck1.body``), empty for the network itself.
    ``title`` is the instance as written, with its arguments (``bottleneck<64>``), or the name of
    the branch.
    """

    path: str
    title: str
    template: str | None
    span: Span | None
    parent: Scope | None
    blocks: int | None
    """Identity of the block that the scope expands; scopes with equal ones have equal contents."""
    numbers: tuple[tuple[str, int | float], ...] = ()
    """The template's parameters that are numbers or truth values, by name."""
    doc: tuple[str, ...] = ()
    """The comment above the template, line by line."""

    @property
    def name(self) -> str:
        return self.path.rpartition(".")[2]

    def frames(self) -> tuple[Frame, ...]:
        """The template expansions from here outwards, innermost first."""
        frames: list[Frame] = []
        scope: Scope | None = self
        while scope is not None:
            if scope.template is not None and scope.span is not None:
                frames.append(Frame(scope.title, scope.span))
            scope = scope.parent
        return tuple(frames)


class LayerInstance(NamedTuple):
    """One layer of the expanded network."""

    layer: Layer
    path: str
    scope: Scope
    span: Span
    inputs: tuple[str, ...]
    """The paths of the layers whose outputs it takes, in order."""
    frozen: bool = False
    """True if its parameters and running statistics do not change in training."""


@dataclass(frozen=True, eq=False)
class Network:
    """The expanded network as a frozen networkx graph.

    Nodes are paths; their attribute ``instance`` is a :class:`LayerInstance`. The key of an edge is
    the position of the input that it feeds. Nodes stand in an order in which every layer comes
    after its inputs. Once checked, nodes and edges have an attribute ``shape``.
    """

    name: str
    graph: Graph
    input: str
    outputs: Mapping[str, str]
    """Output name to the path of the layer that gives it."""
    scopes: tuple[Scope, ...]
    """All scopes, outer ones before inner ones."""
    warnings: tuple[Diagnostic, ...] = ()
    parameters: Mapping[str, Any] | None = None
    block: Block | None = None
    """The elaborated block that it was built from, for targets that need its structure."""

    def instances(self) -> Iterator[LayerInstance]:
        """The layers in execution order."""
        for _, instance in self.graph.nodes(data="instance"):
            yield cast(LayerInstance, instance)

    def instance(self, path: str) -> LayerInstance:
        """The layer with a path."""
        return cast(LayerInstance, self.graph.nodes[path]["instance"])

    def shape(self, path: str) -> EdgeType:
        """The output of a layer of a checked network: a tensor's shape, or another type."""
        shape: EdgeType = self.graph.nodes[path]["shape"]
        return shape

    def input_shapes(self, instance: LayerInstance) -> tuple[EdgeType, ...]:
        """The types of the inputs of a layer of a checked network."""
        nodes = self.graph.nodes
        return tuple(nodes[path]["shape"] for path in instance.inputs)
