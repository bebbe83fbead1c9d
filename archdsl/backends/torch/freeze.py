"""Frozen layers: parameters without gradients, norms with fixed statistics."""

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
