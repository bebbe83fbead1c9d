"""Memory layouts: which of a feature map's axes lie next to each other."""

from __future__ import annotations

import copy

import torch
from torch import fx, nn

from archdsl.backends.passes.optimise.copies import duplicate, finished, module_calls

_CONVOLUTIONS = nn.Conv2d, nn.ConvTranspose2d


def channels_last(module: fx.GraphModule) -> fx.GraphModule:
    """A copy whose convolutions compute with the channels of a pixel side by side (N×H×W×C).

    A convolution goes by its weights' layout and hands it on, so that nothing else has to change.
    """
    made = duplicate(module)
    for path in module_calls(made):
        layer = made.get_submodule(path)
        if type(layer) in _CONVOLUTIONS:
            copied = copy.deepcopy(layer)
            made.set_submodule(path, copied.to(memory_format=torch.channels_last))
    return finished(made)
