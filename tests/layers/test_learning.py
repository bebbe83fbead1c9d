"""Compiled networks learn: handwritten digits, plain SGD with momentum, no tuning."""

from __future__ import annotations

import pytest
import torch
from support import families
from torch import Tensor, nn
from torch.nn import functional

import archdsl

STEPS = 500


def _digits() -> tuple[Tensor, Tensor]:
    """scikit-learn's digits at 28x28 in 0..255, in a fixed random order."""
    datasets = pytest.importorskip("sklearn.datasets")
    data = datasets.load_digits()
    images = torch.tensor(data.images, dtype=torch.float32)[:, None] * (255 / 16)
    images = functional.interpolate(images, (28, 28), mode="bilinear", align_corners=False)
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    return images[order], torch.tensor(data.target)[order]


def _accuracy(module: nn.Module, seed: int) -> float:
    """Of held-out digits, after SGD with a rate of 0.01, momentum 0.9 and batches of 32."""
    images, labels = _digits()
    held = len(images) // 5
    optimiser = torch.optim.SGD(module.parameters(), lr=0.01, momentum=0.9)
    random = torch.Generator().manual_seed(seed)
    for _ in range(STEPS):
        batch = torch.randint(held, len(images), (32,), generator=random)
        loss = functional.cross_entropy(module(images[batch]), labels[batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    module.eval()
    with torch.no_grad():
        found = module(images[:held]).argmax(1)
    return (found == labels[:held]).float().mean().item()


@pytest.mark.parametrize("seed", families.family([1, 2, 3]))
def test_lenet_learns_digits(seed: int) -> None:
    assert _accuracy(archdsl.compile("lenet", seed=seed), seed) >= 0.95


@pytest.mark.slow
def test_a_file_of_dlib_learns_digits() -> None:
    assert _accuracy(archdsl.compile("dlib_inception_mnist", seed=1), 1) >= 0.95
