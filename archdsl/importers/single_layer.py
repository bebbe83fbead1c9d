"""A layer of the catalogue by itself, as a module that computes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import fx

from archdsl.backends.plan import Operation, plan_layer
from archdsl.backends.torch.flat import graph_of
from archdsl.backends.torch.initial import SkippedInitialisation
from archdsl.backends.torch.realise import module_of
from archdsl.ir.edges import Shape
from archdsl.ir.layer import Layer


def _as_it_is(_: fx.Graph, node: fx.Node, __: Shape) -> fx.Node:
    return node


def single_layer(
    layer: Layer,
    shapes: tuple[Shape, ...],
    device: str,
    entry: Callable[[fx.Graph, fx.Node, Shape], fx.Node] = _as_it_is,
) -> fx.GraphModule:
    """The module ``layer`` lowered alone, on inputs of some shapes, its weights not initialised.

    ``entry`` makes of each input what the layer is applied to.
    """
    planned = plan_layer(layer, shapes)
    graph = fx.Graph()
    sources: dict[Operation, Any] = {}
    # An input layer takes none of them, and brings an argument of its own.
    for position, (operand, shape) in enumerate(zip(planned.entries(), shapes, strict=False)):
        sources[operand] = entry(graph, graph.placeholder(f"x{position}"), shape)
    with torch.device(device), SkippedInitialisation():
        modules = {path: module_of(leaf.construct) for path, leaf in planned.modules.items()}
    return fx.GraphModule(modules, graph_of(planned, sources))
