"""Networks that compute in bfloat16 and take and give float32."""

from __future__ import annotations

import copy

import torch
from torch import fx

from archdsl.backends.passes.optimise.copies import duplicate, finished


def bfloat16(module: fx.GraphModule) -> fx.GraphModule:
    """A copy that computes in bfloat16; what goes in and comes out stays float32.

    Takes one tensor, and gives tensors.
    """
    made = copy.deepcopy(duplicate(module)).to(torch.bfloat16)
    for node in list(made.graph.nodes):
        if node.op == "placeholder":
            with made.graph.inserting_after(node):
                cast = made.graph.call_method("to", (node, torch.bfloat16))
            node.replace_all_uses_with(cast, lambda user, cast=cast: user is not cast)
        elif node.op == "output":
            with made.graph.inserting_before(node):
                node.args = fx.map_arg(node.args, lambda r: made.graph.call_method("float", (r,)))
    return finished(made)
