"""Copies of compiled modules that transformations may rewrite, and what they ask of a graph."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import torch
from torch import fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from archdsl.backends.torch.flat import flat, with_training


def prepared(module: nn.Module, arguments: Mapping[str, Any]) -> fx.GraphModule:
    """A flat copy in eval mode with weights of its own, every node with its ``tensor_meta``.

    ``arguments`` are those of a call of the module. Nothing in the copy asks for gradients.
    """
    made = flat(copy.deepcopy(module).eval())
    made.requires_grad_(False)
    given = [
        arguments[node.target] if node.target in arguments else node.args[0]
        for node in made.graph.nodes
        if node.op == "placeholder"
    ]
    with torch.no_grad():
        ShapeProp(made).propagate(*given)
    return with_training(made, module)


def duplicate(module: fx.GraphModule) -> fx.GraphModule:
    """A copy with a graph of its own that shares the modules which the graph calls."""
    made = fx.GraphModule(module, copy.deepcopy(module.graph), class_name=type(module).__name__)
    made.training = module.training
    return with_training(made, module)


def module_calls(module: fx.GraphModule) -> dict[str, list[fx.Node]]:
    """The calls of every module that the graph calls, by its path."""
    calls: dict[str, list[fx.Node]] = defaultdict(list)
    for node in module.graph.nodes:
        if node.op == "call_module":
            calls[node.target].append(node)
    return calls


def called(module: fx.GraphModule, node: Any) -> nn.Module | None:
    """The module that a node calls; ``None`` for any other node."""
    if not isinstance(node, fx.Node) or node.op != "call_module":
        return None
    assert isinstance(node.target, str)
    return module.get_submodule(node.target)


def only_reader(node: fx.Node) -> fx.Node | None:
    """The one node that reads another's result; ``None`` where there are more, or none."""
    return next(iter(node.users)) if len(node.users) == 1 else None


def bypass(node: fx.Node, result: fx.Node) -> None:
    """Remove a node; ``result`` stands for it."""
    node.replace_all_uses_with(result)
    node.graph.erase_node(node)


def finished(module: fx.GraphModule) -> fx.GraphModule:
    """A module whose graph was rewritten, without what nothing calls any more."""
    module.graph.lint()
    return duplicate(module)
