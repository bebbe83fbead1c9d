"""Layers that do nothing in eval mode, left out."""

from __future__ import annotations

from torch import fx, nn

from archdsl.backends.passes.optimise.copies import bypass, called, duplicate, finished


def drop(module: fx.GraphModule) -> fx.GraphModule:
    """A copy without dropout, stochastic depth and identities; those in training mode stay."""
    made = duplicate(module)
    for node in list(made.graph.nodes):
        if _is_idle(called(made, node)):
            bypass(node, node.args[0])
    return finished(made)


def _is_idle(layer: nn.Module | None) -> bool:
    if isinstance(layer, nn.Identity):
        return True
    # torchvision's class by its name, since to import it takes as long as to import torch.
    dropping = isinstance(layer, nn.Dropout) or type(layer).__name__ == "StochasticDepth"
    return layer is not None and dropping and not layer.training
