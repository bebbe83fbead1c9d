"""Frozen layers: parameters without gradients, norms with fixed statistics."""

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


_FROZEN: dict[type[nn.Module], type[nn.Module]] = {
    nn.BatchNorm1d: FrozenBatchNorm1d,
    nn.BatchNorm2d: FrozenBatchNorm2d,
}


def freeze(module: nn.Module) -> None:
    """Keep a module's parameters, and the statistics of a batch norm, as they are in training."""
    module.requires_grad_(False)
    if type(module) in _FROZEN:
        module.__class__ = _FROZEN[type(module)]
        module.eval()


def thawed(made: type[nn.Module]) -> type[nn.Module]:
    """The class that a frozen module had before."""
    return next((plain for plain, frozen in _FROZEN.items() if frozen is made), made)
