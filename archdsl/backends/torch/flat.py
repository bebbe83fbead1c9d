"""Compiled modules as one flat torch.fx graph of their layers, which passes rewrite."""

from __future__ import annotations

from typing import Any

from torch import fx, nn

from archdsl.backends.plan import Kind, Operation, Plan, plan, replaced
from archdsl.backends.torch.blocks import call, entry, is_block
from archdsl.ir.network import Network

LAYER = "layer"
"""The key of a node's ``meta`` under which the path of its layer stands."""


def flat(module: nn.Module) -> fx.GraphModule:
    """A module that computes the same, without blocks; it shares the modules of the layers."""
    if isinstance(module, fx.GraphModule):
        return module
    tracer = _Layers()
    graph = tracer.trace(module)
    made = fx.GraphModule(module, graph, class_name=type(module).__name__)
    made.training = module.training
    return with_training(made, module)


def with_training(made: fx.GraphModule, module: nn.Module) -> fx.GraphModule:
    """The first module with the loss and the decision of the second, which no graph calls."""
    for name in ("criterion", "decision"):
        if hasattr(module, name):
            setattr(made, name, getattr(module, name))
    return made


class _Layers(fx.Tracer):
    """A tracer that looks into blocks and takes every layer as a whole."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return not is_block(m)


def flat_of(network: Network, module: nn.Module) -> fx.GraphModule:
    """:func:`flat`, where every node's ``meta`` tells its layer of the checked network."""
    return fx.GraphModule(module, graph_of(plan(network)), class_name=type(module).__name__)


def graph_of(planned: Plan, values: dict[Operation, Any] | None = None) -> fx.Graph:
    """A plan as a flat torch.fx graph.

    ``values`` are nodes for operations that the graph need not compute. It has the graph of these.
    """
    values = dict(values or {})
    graph = next(iter(values.values())).graph if values else fx.Graph()
    for operation in planned.operations:
        if operation in values:
            continue
        if operation.kind is Kind.ENTRY:
            node = entry(graph, operation)
        else:
            node = call(graph, operation, operation.target, values)
        node.meta[LAYER] = operation.path
        values[operation] = node
    graph.output(replaced(planned.result, values.__getitem__))
    return graph
