"""Rates by the formulas of the schedules, and parameters that do not decay."""

import pytest
from torch import nn

from archdsl.training.recipe import Recipe
from archdsl.training.schedule import factor, finished, optimizer, plateaus


@pytest.mark.parametrize(
    ("schedule", "epoch", "wanted"),
    [
        ("step", 2.9, 1), ("step", 3, 0.1), ("step", 6.5, 0.01), ("step", 9, 0.01),
        ("cosine", 4.5, 0.5), ("cosine", 9, 0), ("poly", 0, 1), ("constant", 8, 1),
    ],
)  # fmt: skip
def test_rates(schedule: str, epoch: float, wanted: float) -> None:
    assert factor(Recipe(epochs=9, schedule=schedule), epoch, []) == pytest.approx(wanted)


def test_warm_up_rises_linearly() -> None:
    recipe = Recipe(epochs=12, schedule="cosine", warmup=2)
    assert [factor(recipe, epoch, []) for epoch in (0.5, 1, 2)] == [0.25, 0.5, 1]
    assert factor(recipe, 7, []) == pytest.approx(0.5)  # half of what is left


def test_a_plateau_shrinks_the_rate_until_it_is_too_small() -> None:
    recipe = Recipe(epochs=99, rate=0.1, schedule="plateau", patience=2, smallest_rate=5e-3)
    falling, flat = [3.0, 2.0, 1.0], [1.0, 1.0]
    assert plateaus(falling, 2) == 0 and plateaus(falling + flat, 2) == 1
    assert factor(recipe, 5, falling + flat) == pytest.approx(0.1)
    assert not finished(recipe, falling + flat) and finished(recipe, falling + 2 * flat)


def test_norms_and_biases_do_not_decay() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 2))
    net[2].requires_grad_(False)
    decaying, other = optimizer(net, Recipe(rate=0.1)).param_groups
    assert [p is net[0].weight for p in decaying["params"]] == [True]
    assert decaying["weight_decay"] == 1e-4
    assert len(other["params"]) == 3 and other["weight_decay"] == 0
