"""Compiled networks learn: handwritten digits, plain SGD with momentum, no tuning."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from support import families
from torch import Tensor, nn
from torch.nn import functional

import archdsl

STEPS = 500


def _digits(channels: int = 1, size: int = 28) -> tuple[Tensor, Tensor]:
    """scikit-learn's digits, enlarged, in 0..255, in a fixed random order."""
    datasets = pytest.importorskip("sklearn.datasets")
    data = datasets.load_digits()
    images = torch.tensor(data.images, dtype=torch.float32)[:, None] * (255 / 16)
    images = functional.interpolate(images, (size, size), mode="bilinear", align_corners=False)
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    return images[order].expand(-1, channels, -1, -1), torch.tensor(data.target)[order]


def _accuracy(
    module: nn.Module, seed: int, digits: tuple[Tensor, Tensor], steps: int = STEPS
) -> float:
    """Of held-out digits, after SGD with a rate of 0.01, momentum 0.9 and batches of 32."""
    images, labels = digits
    held = len(images) // 5
    optimiser = torch.optim.SGD(module.parameters(), lr=0.01, momentum=0.9)
    random = torch.Generator().manual_seed(seed)
    for _ in range(steps):
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
    assert _accuracy(archdsl.compile("lenet", seed=seed), seed, _digits()) >= 0.95


INTRODUCTION = """
using net_type = loss_multiclass_log<
    fc<10, relu<fc<84, relu<fc<120,
    max_pool<2,2,2,2,relu<con<16,5,5,1,1,
    max_pool<2,2,2,2,relu<con<6,5,5,1,1,
    input<matrix<unsigned char>>>>>>>>>>>>>>;
"""
"""The network of dlib's examples/dnn_introduction_ex.cpp."""


def test_a_program_of_dlib_learns_digits(tmp_path: Path) -> None:
    path = tmp_path / "introduction.cpp"
    path.write_text(INTRODUCTION)
    module = archdsl.compile(path, input="1x28x28", seed=1)
    assert _accuracy(module, 1, _digits(), 700) >= 0.95


@pytest.mark.slow
def test_resnet_cifar_learns_digits() -> None:
    images, labels = _digits(3, 32)
    module = archdsl.compile("resnet_cifar", depth=20, seed=1)
    assert _accuracy(module, 1, (images / 128 - 1, labels), 200) >= 0.95
