"""Compiled networks learn: handwritten digits, plain SGD with momentum, no tuning."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from support import families
from support.learning import Learning, learning, pictures
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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "size", "steps"),
    [
        ("resnet18", 64, 30),  # 4 s of a core
        ("lraspp_mobilenet_v3_large", 64, 100),  # 25 s, every pixel's class
        ("ssdlite320_mobilenet_v3_large", 320, 100),  # 45 s, objects
    ],
)
def test_sixteen_pictures_are_learned(name: str, size: int, steps: int) -> None:
    """By the recipe of ``support/learning``, as the benchmark of all specs has it."""
    own = archdsl.load(name).check().summary().input[1]
    network = archdsl.load(name, input=None if own == size else (3, size, size)).check()
    made = learning(network, size, batch=4).go_on(steps)
    assert made.learned, made.losses


@pytest.mark.slow
def test_a_siamese_network_learns_which_pictures_are_of_one_photograph() -> None:
    """About 20 s of a core: 16 pairs, half of them of one photograph each."""
    cut, labels = pictures(65)
    grey = cut.mean(1)
    first = torch.arange(len(grey))
    second = torch.where(first % 2 == 0, first + 1, (first + 4) % len(first))
    pairs = torch.stack([grey[first], grey[second]], 1)
    same = (labels[first] == labels[second]).float()[:, None]

    def cost(module: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        return functional.binary_cross_entropy(module(batch[0]), batch[1])

    module = archdsl.compile("siamese", input="2x65x65", seed=1).train()
    normed = (pairs - pairs.mean()) / pairs.std()
    made = Learning(module, [(normed, same)], cost).go_on(60)
    assert made.learned, made.losses
