"""Equality of layers and blocks as a drawing shows them.

Blocks that differ in the rates of their dropout alone look alike: stochastic depth grows from block
to block (Huang et al. 2016, section 3), and papers draw such blocks once.
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import cached_property

from archdsl.ir.edges import EdgeType
from archdsl.ir.layer import Category, Layer
from archdsl.ir.network import LayerInstance, Network, Scope
from archdsl.ir.region import LayerStep
from archdsl.ir.typed_region import TypedRegion, distinct


class Looks:
    """The looks of the layers and regions of a checked network: equal for what looks alike."""

    def __init__(self, network: Network) -> None:
        self._network = network

    def layer(self, instance: LayerInstance) -> Hashable:
        """The look of a layer."""
        return _look(instance.layer, self._network.input_shapes(instance))

    def scope(self, scope: Scope) -> Hashable:
        """The look of the region that a scope calls, with the types of its values."""
        assert scope.typed is not None
        return self._regions[id(scope.typed)]

    @cached_property
    def _regions(self) -> dict[int, int]:
        """The look of each region by its identity: the number of the first that looks so."""
        assert self._network.typed is not None
        numbers: dict[Hashable, int] = {}
        found: dict[int, int] = {}
        for typed in distinct(self._network.typed):
            found[id(typed)] = numbers.setdefault(_region(typed, found), len(numbers))
        return found


def _region(typed: TypedRegion, known: dict[int, int]) -> Hashable:
    """A region by its steps and types, inner regions by their numbers."""
    region = typed.region
    steps: list[Hashable] = [region.template, region.kind, region.output, region.results]
    for step, runs in zip(region.steps, typed.runs, strict=True):
        if isinstance(step, LayerStep):
            look: Hashable = _look(step.layer, tuple(map(typed.type, step.inputs)))
            steps.append((look, step.inputs, step.frozen))
        else:
            inner = tuple((known[id(run.region)], run.times) for run in runs)
            steps.append((inner, step.stem, step.inputs, step.shared))
    return (*steps, *typed.inputs, *typed.made)


def _look(layer: Layer, inputs: tuple[EdgeType, ...]) -> Hashable:
    """A layer by its kind, its words and its size; of dropout the rate makes no difference."""
    if layer.category is Category.REGULARIZATION:
        return layer.kind
    return layer.kind, layer.label_for(inputs), layer.edge_parameters(inputs)
