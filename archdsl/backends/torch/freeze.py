"""Modules of frozen layers that differ from those of others: norms with fixed statistics."""

from __future__ import annotations

from typing import Self

from torch import nn


class _KeepsStatistics(nn.Module):
    """A norm that trains only while one of its parameters learns."""

    def train(self, mode: bool = True) -> Self:
        return super().train(mode and any(p.requires_grad for p in self.parameters()))


class FrozenBatchNorm1d(_KeepsStatistics, nn.BatchNorm1d):
    """Batch normalisation that keeps its statistics while the network around it trains.

    After ``requires_grad_(True)`` the next ``train()`` makes it learn as any other.
    """


class FrozenBatchNorm2d(_KeepsStatistics, nn.BatchNorm2d):
    """Batch normalisation that keeps its statistics while the network around it trains.

    After ``requires_grad_(True)`` the next ``train()`` makes it learn as any other.
    """


FROZEN: dict[str, type[nn.Module]] = {
    "torch.nn.BatchNorm1d": FrozenBatchNorm1d,
    "torch.nn.BatchNorm2d": FrozenBatchNorm2d,
}
"""The classes of modules that are others in a frozen layer, by the names that layers give."""


def thawed(made: type[nn.Module]) -> type[nn.Module]:
    """The class of torch that a frozen module's class stands for; other classes unchanged."""
    return made.__bases__[0] if made in FROZEN.values() else made
