"""Compiled modules as one flat torch.fx graph of their layers, which passes rewrite."""

from __future__ import annotations

import operator
from typing import Any

from torch import fx, nn

from archdsl.backends.plan import Kind, Operation, Plan, plan, replaced
from archdsl.backends.torch.blocks import Block, Chain, call, entry, is_block
from archdsl.ir.network import Network

LAYER = "layer"
"""The key of a node's ``meta`` under which the path of its layer stands."""


def flat(module: nn.Module) -> fx.GraphModule:
    """A module that computes the same, without blocks; it shares the modules of the layers."""
    if isinstance(module, fx.GraphModule):
        return module
    graph = fx.Graph()
    entries = {
        node: graph.node_copy(node) for node in _graph(module).nodes if node.op == "placeholder"
    }
    graph.output(_inlined(graph, module, "", list(entries.values())))
    made = fx.GraphModule(module, graph, class_name=type(module).__name__)
    made.training = module.training
    return with_training(made, module)


def with_training(made: fx.GraphModule, module: nn.Module) -> fx.GraphModule:
    """The first module with the loss and the decision of the second, which no graph calls."""
    for name in ("criterion", "decision"):
        if hasattr(module, name):
            setattr(made, name, getattr(module, name))
    return made


def _inlined(graph: fx.Graph, block: nn.Module, prefix: str, given: list[Any]) -> Any:
    """Add the calls of a block's layers to a graph; returns what the block does."""
    if isinstance(block, Chain):
        (value,) = given
        for name, part in block.named_children():
            value = _called(graph, part, f"{prefix}{name}", (value,), {})
        return value
    values: dict[fx.Node, Any] = {}
    entries = iter(given)

    def value_of(argument: Any) -> Any:
        return fx.map_arg(argument, values.__getitem__)

    for node in _graph(block).nodes:
        if node.op == "placeholder":
            values[node] = next(entries)
        elif node.op == "output":
            return value_of(node.args[0])
        elif node.op == "call_module":
            target = str(node.target)
            part, arguments = block.get_submodule(target), value_of(node.args)
            values[node] = _called(graph, part, prefix + target, arguments, value_of(node.kwargs))
        elif node.target is operator.getitem and isinstance(values[node.args[0]], tuple):
            values[node] = values[node.args[0]][node.args[1]]  # a value of an inlined block
        else:
            values[node] = graph.node_copy(node, values.__getitem__)
    raise AssertionError("a block returns something")


def _called(
    graph: fx.Graph, part: nn.Module, path: str, arguments: tuple[Any, ...], options: dict[str, Any]
) -> Any:
    if is_block(part):
        return _inlined(graph, part, f"{path}.", list(arguments))
    return graph.call_module(path, arguments, options)


def _graph(block: nn.Module) -> fx.Graph:
    assert isinstance(block, Block)
    return block._graph


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
