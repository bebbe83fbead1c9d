"""Networks that no library here has, written once more in plain PyTorch from their papers."""

from itertools import pairwise

import pytest
import torch
from equality import MODES, assert_equal
from figures import conv, fc, shapes
from torch import Tensor, nn

import archdsl

# ---- Shi et al. 2016: figure 1 ----


@MODES
@pytest.mark.parametrize("scale", [2, 3])
def test_espcn(scale: int, training: bool) -> None:
    model = nn.Sequential(
        *(nn.Conv2d(1, 64, 5, padding=2), nn.Tanh(), nn.Conv2d(64, 32, 3, padding=1), nn.Tanh()),
        *(nn.Conv2d(32, scale**2, 3, padding=1), nn.PixelShuffle(scale)),
    )
    network = archdsl.load("espcn", scale=scale)
    assert_equal(network.to_torch(), model, (1, 17, 17), training)
    assert network.summary().outputs == {"output": (1, 17 * scale, 17 * scale)}
    expected = conv(64, 5, 1) + conv(32, 3, 64) + conv(scale**2, 3, 32)
    assert network.summary().parameters == expected


# ---- Radford et al. 2015: figure 1 and section 3 ----


def dcgan_generator() -> nn.Module:
    layers: list[nn.Module] = []
    widths = [100, 1024, 512, 256, 128]
    for place, (before, filters) in enumerate(pairwise(widths)):
        stride, padding = (1, 0) if place == 0 else (2, 1)
        layers += [
            nn.ConvTranspose2d(before, filters, 4, stride, padding, bias=False),
            nn.BatchNorm2d(filters),
            nn.ReLU(),
        ]
    return nn.Sequential(*layers, nn.ConvTranspose2d(128, 3, 4, 2, 1, bias=False), nn.Tanh())


def dcgan_discriminator() -> nn.Module:
    layers: list[nn.Module] = [nn.Conv2d(3, 128, 4, 2, 1, bias=False), nn.LeakyReLU(0.2)]
    for filters in (256, 512, 1024):
        layers += [
            nn.Conv2d(filters // 2, filters, 4, 2, 1, bias=False),
            nn.BatchNorm2d(filters),
            nn.LeakyReLU(0.2),
        ]
    return nn.Sequential(*layers, nn.Conv2d(1024, 1, 4, bias=False), nn.Sigmoid())


@MODES
def test_dcgan(training: bool) -> None:
    network = archdsl.load("dcgan")
    assert_equal(network.to_torch(), dcgan_generator(), (100, 1, 1), training)
    # Figure 1: the sizes from the projection to the picture.
    assert shapes(network.summary(), "cont") == [
        (1024, 4, 4), (512, 8, 8), (256, 16, 16), (128, 32, 32), (3, 64, 64),
    ]  # fmt: skip
    other = archdsl.load("dcgan", net="discriminator")
    assert_equal(other.to_torch(), dcgan_discriminator(), (3, 64, 64), training)


# ---- Woo et al. 2018 ----


class Cbam(nn.Module):
    """Figure 2."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(
            nn.Linear(channels, channels // 16), nn.ReLU(), nn.Linear(channels // 16, channels)
        )
        self.conv = nn.Conv2d(2, 1, 7, padding=3, bias=False)
        self.bn = nn.BatchNorm2d(1, momentum=0.01)

    def forward(self, x: Tensor) -> Tensor:
        pooled = self.mlp(x.mean((2, 3))) + self.mlp(x.amax((2, 3)))
        x = x * torch.sigmoid(pooled)[..., None, None]
        places = torch.cat([x.amax(1, keepdim=True), x.mean(1, keepdim=True)], 1)
        return x * torch.sigmoid(self.bn(self.conv(places)))


class Bottleneck(nn.Module):
    """Figure 3, around He et al. 2015, figure 5."""

    def __init__(self, before: int, n: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *(nn.Conv2d(before, n, 1, bias=False), nn.BatchNorm2d(n), nn.ReLU()),
            *(nn.Conv2d(n, n, 3, stride, 1, bias=False), nn.BatchNorm2d(n), nn.ReLU()),
            *(nn.Conv2d(n, 4 * n, 1, bias=False), nn.BatchNorm2d(4 * n), Cbam(4 * n)),
        )
        self.shortcut = nn.Sequential()
        if before != 4 * n:
            projection = nn.Conv2d(before, 4 * n, 1, stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(4 * n))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.body(x) + self.shortcut(x))


class CbamResNet50(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            *(nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU()),
            nn.MaxPool2d(3, 2, 1),
        ]
        before = 64
        for count, n in ((3, 64), (4, 128), (6, 256), (3, 512)):
            for place in range(count):
                layers.append(Bottleneck(before, n, 2 if place == 0 and n > 64 else 1))
                before = 4 * n
        self.features, self.fc = nn.Sequential(*layers), nn.Linear(2048, 1000)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.features(x).mean((2, 3)))


def test_cbam_resnet50() -> None:
    network, model = archdsl.load("cbam_resnet50"), CbamResNet50()
    assert_equal(network.to_torch(), model, (3, 96, 96), False)
    count = sum(p.numel() for p in model.parameters())
    assert network.summary().parameters == count
    assert count / 1e6 == pytest.approx(28.09, abs=0.005)  # table 4


# ---- Koch et al. 2015 ----


class Siamese(nn.Module):
    """Figure 4, its distance as section 3.1 has it."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, filters, size in ((1, 64, 10), (64, 128, 7), (128, 128, 4), (128, 256, 4)):
            layers += [nn.Conv2d(before, filters, size), nn.ReLU(), nn.MaxPool2d(2)]
        self.tower = nn.Sequential(*layers[:-1], nn.Flatten(), nn.Linear(9216, 4096), nn.Sigmoid())
        self.head = nn.Linear(4096, 1)

    def forward(self, x: Tensor) -> Tensor:
        first, second = self.tower(x[:, :1]), self.tower(x[:, 1:])
        return torch.sigmoid(self.head((second - first).abs()))


def test_siamese() -> None:
    network, model = archdsl.load("siamese"), Siamese()
    module = network.to_torch().eval()
    theirs = dict(model.named_parameters())
    with torch.no_grad():
        # By their order; the tower, which is called twice, is there once in both.
        for mine, other in zip(module.parameters(), theirs.values(), strict=True):
            mine.copy_(other)
        x = torch.rand(2, 2, 105, 105)
        torch.testing.assert_close(module(x), model(x))
    summary = network.summary()
    tower = conv(64, 10, 1) + conv(128, 7, 64) + conv(128, 4, 128) + conv(256, 4, 128)
    assert summary.parameters == tower + fc(4096, 256 * 6 * 6) + fc(1, 4096) == 38_951_745
    # Figure 4.
    assert shapes(summary, "con", "max_pool")[:7] == [
        (64, 96, 96), (64, 48, 48), (128, 42, 42), (128, 21, 21),
        (128, 18, 18), (128, 9, 9), (256, 6, 6),
    ]  # fmt: skip
