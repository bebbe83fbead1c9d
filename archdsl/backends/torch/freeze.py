"""Modules of frozen layers that differ from those of others: norms with fixed statistics."""

from __future__ import annotations

from torch import nn


class FrozenBatchNorm1d(nn.BatchNorm1d):
    """Batch normalisation that keeps its statistics while the network around it trains."""

    def train(self, mode: bool = True) -> FrozenBatchNorm1d:
        super().train(False)
        return self


class FrozenBatchNorm2d(nn.BatchNorm2d):
    """Batch normalisation that keeps its statistics while the network around it trains."""

    def train(self, mode: bool = True) -> FrozenBatchNorm2d:
        super().train(False)
        return self


FROZEN: dict[str, type[nn.Module]] = {
    "torch.nn.BatchNorm1d": FrozenBatchNorm1d,
    "torch.nn.BatchNorm2d": FrozenBatchNorm2d,
}
"""The classes of modules that are others in a frozen layer, by the names that layers give."""
