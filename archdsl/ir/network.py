"""The network: a tree of regions, and the flat graph of layers as a view of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics import Diagnostic
from archdsl.ir.block import Block
from archdsl.ir.edges import EdgeType, Shape
from archdsl.ir.flat import Flat, LayerInstance, Scope, Turn, flatten
from archdsl.ir.input_layer import InputLayer
from archdsl.ir.origin import Origin
from archdsl.ir.region import LayerStep, Region, Step
from archdsl.ir.typed_region import TypedRegion, distinct

if TYPE_CHECKING:
    from archdsl.ir.graph import Graph

__all__ = ["LayerInstance", "Network", "Scope", "Turn"]


@dataclass(frozen=True, eq=False)
class Network:
    """A network as a tree of regions, with names and types where it is asked for them.

    ``graph`` and everything that goes by the paths of layers is made at first use.
    """

    name: str
    root: Region
    typed: TypedRegion | None = None
    """The root with the types of all values; ``None`` before the network is checked."""
    warnings: tuple[Diagnostic, ...] = ()
    parameters: Mapping[str, Any] | None = None
    block: Block | None = None
    """The elaborated block that it was built from."""
    chosen: Mapping[str, str] | None = None
    """Outputs by path that stand in for the network's own."""
    limit: int | None = None
    """Number of equal runs in a row that the graph has at most; ``None`` for all of them."""
    origin: Origin | None = None
    """The text that it was expanded from; ``None`` for a network without one."""
    input_shape: Shape | None = None
    """The input (channels, height, width) that it was checked for in place of the text's own."""

    # ---- without the graph ----

    @property
    def layers(self) -> int:
        """Number of layers."""
        return self.root.layers

    @cached_property
    def _way_in(self) -> tuple[tuple[Region, int], ...]:
        """The regions around the layer of the input, each with the place of the step inside."""
        way: list[tuple[Region, int]] = []
        region, value = self.root, self.root.entry
        while True:
            assert value is not None
            step, given = region.source(value)
            way.append((region, next(i for i, s in enumerate(region.steps) if s is step)))
            if isinstance(step, LayerStep):
                return tuple(way)
            region, value = step.region, step.given[given]

    @property
    def entry_step(self) -> LayerStep:
        """The layer of the input, with its place in the text."""
        region, place = self._way_in[-1]
        step = region.steps[place]
        assert isinstance(step, LayerStep)
        return step

    @property
    def entry(self) -> InputLayer:
        """The layer of the input."""
        layer = self.entry_step.layer
        assert isinstance(layer, InputLayer)
        return layer

    def entered_by(self, layer: InputLayer) -> Network:
        """The network, not checked, with another layer in place of its input's."""
        inner: Region | None = None
        for region, place in reversed(self._way_in):
            step = region.steps[place]
            made: Step
            if isinstance(step, LayerStep):
                made = step._replace(layer=layer)
            else:
                assert inner is not None
                made = step._replace(region=inner)
            steps = (*region.steps[:place], made, *region.steps[place + 1 :])
            inner = replace(region, steps=steps)
        assert inner is not None
        return replace(self, root=inner, typed=None)

    @property
    def input_type(self) -> EdgeType:
        """The type of what the input layer of a checked network gives."""
        assert self.typed is not None and self.root.entry is not None
        return self.typed.type(self.root.entry)

    @property
    def output_types(self) -> dict[str, EdgeType]:
        """The type of each output of a checked network."""
        assert self.typed is not None
        return {name: self.typed.type(value) for name, value in self.root.named.items()}

    def limited(self, runs: int) -> Network:
        """The checked network with a graph of no more equal runs of a block in a row.

        Only runs that change no type are left out, so every layer that is there has its type. The
        network itself where no block runs more often.
        """
        assert self.typed is not None
        every = (run for typed in distinct(self.typed) for called in typed.runs for run in called)
        if all(run.times <= runs for run in every):
            return self
        return replace(self, limit=runs)

    # ---- the flat view ----

    @cached_property
    def _flat(self) -> Flat:
        return flatten(self.root, self.typed, self.limit)

    @cached_property
    def graph(self) -> Graph:
        """The layers as a frozen networkx graph.

        Nodes are paths; their attribute ``instance`` is a :class:`LayerInstance`. The key of an
        edge is the position of the input that it feeds. Nodes stand in an order in which every
        layer comes after its inputs. Once checked, nodes and edges have an attribute ``shape``.
        """
        from archdsl.ir.graph import graph_of  # networkx takes as long as a check

        return graph_of(self.name, self._flat)

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """All scopes, outer ones before inner ones."""
        return self._flat.scopes

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The turns of repeated blocks that have no scope, outer ones before inner ones."""
        return self._flat.turns

    @property
    def input(self) -> str:
        """The path of the input layer."""
        return self._flat.input

    @property
    def outputs(self) -> Mapping[str, str]:
        """Output name to the path of the layer that gives it."""
        return self._flat.outputs if self.chosen is None else self.chosen

    @property
    def by_path(self) -> Mapping[str, LayerInstance]:
        """The layers by path, in execution order."""
        return self._flat.instances

    def instances(self) -> Iterator[LayerInstance]:
        """The layers in execution order."""
        return iter(self._flat.instances.values())

    def instance(self, path: str) -> LayerInstance:
        """The layer with a path."""
        return self._flat.instances[path]

    def shape(self, path: str) -> EdgeType:
        """The output of a layer of a checked network: a tensor's shape, or another type."""
        return self._flat.types[path]

    def label(self, instance: LayerInstance) -> str:
        """The text of the box of a layer of a checked network."""
        return instance.layer.label_for(self.input_shapes(instance))

    def input_shapes(self, instance: LayerInstance) -> tuple[EdgeType, ...]:
        """The types of the inputs of a layer of a checked network."""
        types = self._flat.types
        return tuple([types[path] for path in instance.inputs])
