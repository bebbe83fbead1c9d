"""Optimisers without weight decay where it harms, and how the learning rate falls."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import nn

from archdsl.training.recipe import Recipe


def optimizer(net: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The optimiser of what learns; norms and biases, of one dimension, do not decay."""
    learning = [p for p in net.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in learning if p.dim() > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in learning if p.dim() <= 1], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    assert recipe.rate is not None
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(groups, recipe.rate, recipe.momentum)
    kinds = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    made: torch.optim.Optimizer = kinds[recipe.optimizer](groups, recipe.rate)
    return made


def factor(recipe: Recipe, epoch: float, losses: Sequence[float]) -> float:
    """The part of the rate at a time in epochs, after epochs of such losses in training."""
    if epoch < recipe.warmup:
        return max(epoch, 1e-3) / recipe.warmup
    assert recipe.epochs is not None and recipe.schedule is not None
    rest = max(recipe.epochs - recipe.warmup, 1e-9)
    done = min((epoch - recipe.warmup) / rest, 1.0)
    falling: Mapping[str, Callable[[], float]] = {
        "constant": lambda: 1.0,
        "step": lambda: recipe.shrink ** min(2, int(3 * done + 1e-9)),
        "cosine": lambda: (1 + math.cos(math.pi * done)) / 2,
        "poly": lambda: (1 - done) ** 0.9,
        "plateau": lambda: recipe.shrink ** plateaus(losses, recipe.patience),
    }
    return falling[recipe.schedule]()


def plateaus(losses: Sequence[float], patience: int) -> int:
    """How often a loss has not fallen below its least for so many epochs in a row."""
    count, least, waited = 0, math.inf, 0
    for loss in losses:
        waited += 1
        if loss < least:
            least, waited = loss, 0
        elif waited == patience:
            count, waited = count + 1, 0
    return count


def finished(recipe: Recipe, losses: Sequence[float]) -> bool:
    """True after the last epoch, and where a plateau's rate would be below the smallest."""
    assert recipe.epochs is not None and recipe.rate is not None
    if len(losses) >= recipe.epochs:
        return True
    if recipe.schedule != "plateau":
        return False
    shrunk = recipe.shrink ** plateaus(losses, recipe.patience)
    return recipe.rate * shrunk < recipe.smallest_rate
