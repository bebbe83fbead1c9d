"""PyTorch modules for what torch.nn lacks of transformers. Sequences are N×tokens×channels.

Annotations are not postponed in this file: TorchScript reads them.
"""

import torch
from torch import Tensor, nn


class ClassToken(nn.Module):
    """A learned token in front of the others (Dosovitskiy et al. 2020, equation 1)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, 1, channels))

    def forward(self, input: Tensor) -> Tensor:
        return torch.cat([self.weight.expand(input.shape[0], -1, -1), input], dim=1)


class PositionEmbedding(nn.Module):
    """A learned vector added at every place (Dosovitskiy et al. 2020, equation 1)."""

    def __init__(self, tokens: int, channels: int, deviation: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(1, tokens, channels))
        nn.init.normal_(self.weight, 0, deviation)

    def forward(self, input: Tensor) -> Tensor:
        return input + self.weight
