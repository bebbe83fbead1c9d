"""PyTorch modules for what torch.nn lacks of transformers.

Sequences are N×tokens×channels; dlib's are N×k×rows×columns, a row for every step.

Annotations are not postponed in this file: TorchScript reads them.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional


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


class Embeddings(nn.Module):
    """N×k×rows×columns to N×k×rows×length: vectors by the first number of every row (dlib).

    Numbers are cut to whole ones; those outside the vocabulary give zeros.
    """

    def __init__(self, count: int, length: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(count, length))
        nn.init.normal_(self.weight)

    def forward(self, input: Tensor) -> Tensor:
        index = input[..., 0].long()
        known = (index >= 0) & (index < self.weight.shape[0])
        rows = functional.embedding(torch.where(known, index, 0), self.weight)
        return torch.where(known.unsqueeze(-1), rows, 0.0)


class PositionalEncodings(nn.Module):
    """Sines and cosines added to the rows and columns of every channel (dlib)."""

    waves: Tensor

    def __init__(self, rows: int, columns: int) -> None:
        super().__init__()
        row, column = torch.arange(float(rows))[:, None], torch.arange(float(columns))
        angle = row / torch.tensor(10000.0) ** (column / columns)
        waves = torch.where(column % 2 == 0, angle.sin(), angle.cos())
        self.register_buffer("waves", waves, persistent=False)

    def forward(self, input: Tensor) -> Tensor:
        return input + self.waves


class LowerTriangle(nn.Module):
    """The last two axes up to a diagonal, a constant right of it (dlib tril_)."""

    def __init__(self, diagonal: int, value: float) -> None:
        super().__init__()
        self.diagonal = diagonal
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        ones = torch.ones(input.shape[-2:], dtype=torch.bool, device=input.device)
        return torch.where(ones.tril(self.diagonal), input, self.value)

    def extra_repr(self) -> str:
        return f"{self.diagonal}, {self.value}"


class RowSoftmax(nn.Module):
    """Softmax along the last axis; a row of minus infinities becomes zeros (dlib softmaxm)."""

    def forward(self, input: Tensor) -> Tensor:
        masked = input.amax(-1, keepdim=True) == float("-inf")
        return torch.where(masked, 0.0, input.softmax(-1))


class AdaptiveComputationTime(nn.Module):
    """Rows of N×k×rows×columns weighted by when they halt (dlib adaptive_computation_time_)."""

    def __init__(self, features: int, steps: int, threshold: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(features))
        self.bias = nn.Parameter(torch.zeros(1))
        nn.init.normal_(self.weight, 0, (2 / features) ** 0.5)
        self.steps = steps
        self.threshold = threshold

    def forward(self, input: Tensor) -> Tensor:
        rows = input.transpose(1, 2).flatten(2)
        halting = torch.sigmoid(rows @ self.weight + self.bias)
        halted, rest = torch.zeros_like(halting), torch.ones_like(halting)
        for _ in range(self.steps):
            step = torch.minimum(halting * rest, self.threshold - halted).clamp(min=0)
            halted = halted + step
            rest = rest - step
        weight = halted + torch.where(rest > 1e-6, rest, 0.0)
        return input * weight[:, None, :, None]

    def extra_repr(self) -> str:
        return f"steps={self.steps}, threshold={self.threshold}"
