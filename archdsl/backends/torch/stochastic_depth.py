"""torchvision's StochasticDepth where torchvision is not imported, which takes as long as torch.

Annotations are not postponed in this file: TorchScript reads them.
"""

from copy import deepcopy
from typing import Any

import torch
import torch.fx
from torch import Tensor, nn


def stochastic_depth(input: Tensor, p: float, mode: str, training: bool = True) -> Tensor:
    """Samples (``row``) or the batch (``batch``) zeroed with probability p, the others / (1 - p).

    Draws what torchvision.ops.stochastic_depth draws.
    """
    if not training or p == 0.0:
        return input
    kept = 1.0 - p
    samples = input.shape[0] if mode == "row" else 1
    size = [samples] + [1] * (input.dim() - 1)
    noise = torch.empty(size, dtype=input.dtype, device=input.device).bernoulli_(kept)
    if kept > 0.0:
        noise.div_(kept)
    return input * noise


torch.fx.wrap("stochastic_depth")


class StochasticDepth(nn.Module):
    """A sample is left out in training with probability ``p``; pickled it is torchvision's."""

    def __init__(self, p: float, mode: str) -> None:
        super().__init__()
        self.p = p
        self.mode = mode

    def forward(self, input: Tensor) -> Tensor:
        return stochastic_depth(input, self.p, self.mode, self.training)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p}, mode={self.mode})"

    def __deepcopy__(self, memo: dict[int, Any]) -> "StochasticDepth":
        made = type(self).__new__(type(self))
        memo[id(self)] = made
        made.__dict__.update(deepcopy(self.__dict__, memo))
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        # A file of the module is read where archdsl is not installed.
        from torchvision import ops

        return ops.StochasticDepth, (self.p, self.mode), self.__dict__
