"""Networks written once more in plain PyTorch, from the book's listing or the paper's table."""

from collections.abc import Iterable
from itertools import pairwise

import pytest
import torch
from equality import MODES, assert_equal
from figures import conv, fc, shapes
from torch import Tensor, nn

import archdsl

# ---- "Dive into Deep Learning", Zhang et al.: the listings of its sections 7.6 and 8.1 to 8.4 ----


@MODES
def test_lenet_of_dive_into_deep_learning(training: bool) -> None:
    model = nn.Sequential(
        *(nn.Conv2d(1, 6, 5, padding=2), nn.Sigmoid(), nn.AvgPool2d(2, stride=2)),
        *(nn.Conv2d(6, 16, 5), nn.Sigmoid(), nn.AvgPool2d(2, stride=2), nn.Flatten()),
        *(nn.Linear(400, 120), nn.Sigmoid(), nn.Linear(120, 84), nn.Sigmoid(), nn.Linear(84, 10)),
    )
    assert_equal(archdsl.load("lenet_d2l").to_torch(), model, (1, 28, 28), training)
    assert sum(p.numel() for p in model.parameters()) == 61_706


def classifier(features: int, classes: int) -> list[nn.Module]:
    """Two hidden layers of 4096."""
    first = [nn.Flatten(), nn.Linear(features, 4096), nn.ReLU(), nn.Dropout(0.5)]
    return [*first, nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4096, classes)]


@MODES
@pytest.mark.parametrize(("classes", "channels"), [(10, 1), (2, 3)])
def test_alexnet_of_dive_into_deep_learning(classes: int, channels: int, training: bool) -> None:
    model = nn.Sequential(
        *(nn.Conv2d(channels, 96, 11, stride=4, padding=1), nn.ReLU(), nn.MaxPool2d(3, stride=2)),
        *(nn.Conv2d(96, 256, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, stride=2)),
        *(nn.Conv2d(256, 384, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(384, 384, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, stride=2)),
        *classifier(256 * 5 * 5, classes),
    )
    network = archdsl.load("alexnet_d2l", classes=classes, channels=channels)
    assert_equal(network.to_torch(), model, (channels, 224, 224), training)


def test_alexnet_of_dive_into_deep_learning_by_arithmetic() -> None:
    """The sizes that the book prints below its listing."""
    summary = archdsl.load("alexnet_d2l").summary()
    assert shapes(summary, "con", "max_pool") == [
        (96, 54, 54), (96, 26, 26), (256, 26, 26), (256, 12, 12),
        (384, 12, 12), (384, 12, 12), (256, 12, 12), (256, 5, 5),
    ]  # fmt: skip
    features = conv(96, 11, 1) + conv(256, 5, 96) + conv(384, 3, 256)
    features += conv(384, 3, 384) + conv(256, 3, 384)
    assert summary.parameters == features + fc(4096, 6400) + fc(4096, 4096) + fc(10, 4096)


@pytest.mark.slow
@MODES
def test_vgg_of_dive_into_deep_learning(training: bool) -> None:
    layers: list[nn.Module] = []
    before = 1
    for count, filters in ((1, 64), (1, 128), (2, 256), (2, 512), (2, 512)):
        for _ in range(count):
            layers += [nn.Conv2d(before, filters, 3, padding=1), nn.ReLU()]
            before = filters
        layers.append(nn.MaxPool2d(2, stride=2))
    model = nn.Sequential(*layers, *classifier(512 * 7 * 7, 10))
    assert_equal(archdsl.load("vgg_d2l").to_torch(), model, (1, 224, 224), training)


def test_vgg_of_dive_into_deep_learning_by_arithmetic() -> None:
    summary = archdsl.load("vgg_d2l").summary()
    assert shapes(summary, "max_pool") == [
        (64, 112, 112), (128, 56, 56), (256, 28, 28), (512, 14, 14), (512, 7, 7),
    ]  # fmt: skip
    widths = [1, 64, 128, 256, 256, 512, 512, 512, 512]
    features = sum(conv(n, 3, m) for m, n in pairwise(widths))
    classes = fc(4096, 512 * 7 * 7) + fc(4096, 4096) + fc(10, 4096)
    assert summary.parameters == features + classes


class Parallel(nn.Module):
    """Branches on one input, concatenated."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches], 1)


# The columns of Szegedy et al. 2014, table 1, a list for each stage: channels before; #1x1; reduce
# and #3x3; reduce and #5x5; projection.
D2L_INCEPTIONS: list[list[tuple[int, ...]]] = [
    [(192, 64, 96, 128, 16, 32, 32), (256, 128, 128, 192, 32, 96, 64)],
    [
        (480, 192, 96, 208, 16, 48, 64), (512, 160, 112, 224, 24, 64, 64),
        (512, 128, 128, 256, 24, 64, 64), (512, 112, 144, 288, 32, 64, 64),
        (528, 256, 160, 320, 32, 128, 128),
    ],
    [(832, 256, 160, 320, 32, 128, 128), (832, 384, 192, 384, 48, 128, 128)],
]  # fmt: skip


def d2l_conv(before: int, filters: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    return [nn.Conv2d(before, filters, kernel, stride, kernel // 2), nn.ReLU()]


def d2l_inception(n: int, n1: int, r3: int, n3: int, r5: int, n5: int, p: int) -> nn.Module:
    return Parallel(
        nn.Sequential(*d2l_conv(n, n1, 1)),
        nn.Sequential(*d2l_conv(n, r3, 1), *d2l_conv(r3, n3, 3)),
        nn.Sequential(*d2l_conv(n, r5, 1), *d2l_conv(r5, n5, 5)),
        nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), *d2l_conv(n, p, 1)),
    )


@MODES
def test_googlenet_of_dive_into_deep_learning(training: bool) -> None:
    layers = [*d2l_conv(1, 64, 7, 2), nn.MaxPool2d(3, stride=2, padding=1)]
    layers += [*d2l_conv(64, 64, 1), *d2l_conv(64, 192, 3)]
    for stage in D2L_INCEPTIONS:
        layers.append(nn.MaxPool2d(3, stride=2, padding=1))
        layers += [d2l_inception(*row) for row in stage]
    layers += [nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(), nn.Linear(1024, 10)]
    model = nn.Sequential(*layers)
    assert_equal(archdsl.load("googlenet_d2l").to_torch(), model, (1, 96, 96), training)


def test_googlenet_of_dive_into_deep_learning_by_arithmetic() -> None:
    """The sizes that the book prints for its five blocks."""
    summary = archdsl.load("googlenet_d2l").summary()
    ends = [r.shape for r in summary.rows if r.kind == "max_pool" and "inception" not in r.path]
    assert ends == [(64, 24, 24), (192, 12, 12), (480, 6, 6), (832, 3, 3)]
    expected = conv(64, 7, 1) + conv(64, 1, 64) + conv(192, 3, 64) + fc(10, 1024)
    for n, n1, r3, n3, r5, n5, p in (row for stage in D2L_INCEPTIONS for row in stage):
        expected += conv(n1, 1, n) + conv(r3, 1, n) + conv(n3, 3, r3)
        expected += conv(r5, 1, n) + conv(n5, 5, r5) + conv(p, 1, n)
    assert summary.parameters == expected


# ---- BN-Inception: Ioffe and Szegedy 2015, figure 5 ----

# Name, input, output, #1x1, reduce and #3x3, reduce and double #3x3, pooling and projection.
BN_INCEPTION: list[tuple[str, int, int, int, int, int, int, int, str, int]] = [
    ("3a", 192, 256, 64, 64, 64, 64, 96, "avg", 32),
    ("3b", 256, 320, 64, 64, 96, 64, 96, "avg", 64),
    ("3c", 320, 576, 0, 128, 160, 64, 96, "max", 0),
    ("4a", 576, 576, 224, 64, 96, 96, 128, "avg", 128),
    ("4b", 576, 576, 192, 96, 128, 96, 128, "avg", 128),
    ("4c", 576, 608, 160, 128, 160, 128, 160, "avg", 128),
    ("4d", 608, 608, 96, 128, 192, 160, 192, "avg", 128),
    ("4e", 608, 1056, 0, 128, 192, 192, 256, "max", 0),
    ("5a", 1056, 1024, 352, 192, 320, 160, 224, "avg", 128),
    ("5b", 1024, 1024, 352, 192, 320, 192, 224, "max", 128),
]


def bn_conv(before: int, filters: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    convolution = nn.Conv2d(before, filters, kernel, stride, kernel // 2)
    return [convolution, nn.BatchNorm2d(filters), nn.ReLU()]


def bn_inception(
    n: int, n1: int, r3: int, n3: int, rd: int, nd: int, pool: str, p: int
) -> nn.Module:
    stride = 1 if n1 else 2
    three = nn.Sequential(*bn_conv(n, r3, 1), *bn_conv(r3, n3, 3, stride))
    double = nn.Sequential(*bn_conv(n, rd, 1), *bn_conv(rd, nd, 3), *bn_conv(nd, nd, 3, stride))
    if not n1:
        return Parallel(three, double, nn.MaxPool2d(3, 2, ceil_mode=True))
    pooling: nn.Module = nn.AvgPool2d(3, 1, 1) if pool == "avg" else nn.MaxPool2d(3, 1, 1)
    ones = nn.Sequential(*bn_conv(n, n1, 1))
    return Parallel(ones, three, double, nn.Sequential(pooling, *bn_conv(n, p, 1)))


@MODES
def test_bn_inception_is_the_network_in_plain_pytorch(training: bool) -> None:
    model = nn.Sequential(
        *(*bn_conv(3, 64, 7, 2), nn.MaxPool2d(3, 2, ceil_mode=True)),
        *(*bn_conv(64, 64, 1), *bn_conv(64, 192, 3), nn.MaxPool2d(3, 2, ceil_mode=True)),
        *(bn_inception(n, *columns) for _, n, _, *columns in BN_INCEPTION),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1024, 1000)),
    )
    assert_equal(archdsl.load("bn_inception").to_torch(), model, (3, 224, 224), training)


def test_bn_inception_of_figure_5() -> None:
    summary = archdsl.load("bn_inception").summary()
    sizes = {"3": 28, "4": 14, "5": 7}
    expected = conv(64, 7, 3) + conv(64, 1, 64) + conv(192, 3, 64) + 2 * (64 + 64 + 192)
    outputs: list[tuple[int, int, int]] = []
    for name, n, out, n1, r3, n3, rd, nd, _, p in BN_INCEPTION:
        size = sizes[name[0]] // (1 if n1 else 2)
        assert out == n1 + n3 + nd + (p or n)
        outputs.append((out, size, size))
        filters = [(r3, 1, n), (n3, 3, r3), (rd, 1, n), (nd, 3, rd), (nd, 3, nd)]
        filters += [(n1, 1, n), (p, 1, n)] if n1 else []
        expected += sum(conv(*each) + 2 * each[0] for each in filters)
    assert shapes(summary, "concat") == outputs
    # That of the networks that others trained.
    assert summary.parameters == expected + fc(1000, 1024) == 11_295_240


# ---- Inception-ResNet-v1: Szegedy et al. 2016, figures 7 and 10 to 14 ----

Kernel = int | tuple[int, int]


def valid(before: int, filters: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    """Marked V in the figures: without padding."""
    convolution = nn.Conv2d(before, filters, kernel, stride, bias=False)
    return [convolution, nn.BatchNorm2d(filters, eps=1e-3), nn.ReLU()]


def same(before: int, filters: int, kernel: Kernel = 1) -> list[nn.Module]:
    convolution = nn.Conv2d(before, filters, kernel, padding="same", bias=False)
    return [convolution, nn.BatchNorm2d(filters, eps=1e-3), nn.ReLU()]


class Scaled(nn.Module):
    """x + factor * body(x), then ReLU (section 3.3)."""

    def __init__(self, factor: float, body: nn.Module, joined: int, channels: int) -> None:
        super().__init__()
        self.body, self.factor = body, factor
        self.linear = nn.Conv2d(joined, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.linear(self.body(x)) * self.factor)


def chain(*parts: Iterable[nn.Module]) -> nn.Module:
    return nn.Sequential(*(layer for part in parts for layer in part))


def figure_10() -> nn.Module:
    three = chain(same(256, 32), same(32, 32, 3))
    double = chain(same(256, 32), same(32, 32, 3), same(32, 32, 3))
    return Scaled(0.17, Parallel(chain(same(256, 32)), three, double), 96, 256)


def figure_11() -> nn.Module:
    seven = chain(same(896, 128), same(128, 128, (1, 7)), same(128, 128, (7, 1)))
    return Scaled(0.1, Parallel(chain(same(896, 128)), seven), 256, 896)


def figure_13() -> nn.Module:
    three = chain(same(1792, 192), same(192, 192, (1, 3)), same(192, 192, (3, 1)))
    return Scaled(0.2, Parallel(chain(same(1792, 192)), three), 384, 1792)


def inception_resnet_v1() -> nn.Module:
    figure_7 = Parallel(
        chain(valid(256, 384, 3, 2)),
        chain(same(256, 192), same(192, 192, 3), valid(192, 256, 3, 2)),
        nn.MaxPool2d(3, 2),
    )
    figure_12 = Parallel(
        chain(same(896, 256), valid(256, 384, 3, 2)),
        chain(same(896, 256), valid(256, 256, 3, 2)),
        chain(same(896, 256), same(256, 256, 3), valid(256, 256, 3, 2)),
        nn.MaxPool2d(3, 2),
    )
    return nn.Sequential(
        *(*valid(3, 32, 3, 2), *valid(32, 32, 3), *same(32, 64, 3), nn.MaxPool2d(3, 2)),
        *(*same(64, 80), *valid(80, 192, 3), *valid(192, 256, 3, 2)),
        *(*(figure_10() for _ in range(5)), figure_7),
        *(*(figure_11() for _ in range(10)), figure_12),
        *(figure_13() for _ in range(5)),
        *(nn.AdaptiveAvgPool2d(1), nn.Dropout(0.2), nn.Flatten(), nn.Linear(1792, 1000)),
    )


@MODES
def test_inception_resnet_v1_is_the_network_in_plain_pytorch(training: bool) -> None:
    module = archdsl.load("inception_resnet_v1", drop=0.2).to_torch()
    assert_equal(module, inception_resnet_v1(), (3, 107, 107), training)


def test_inception_resnet_v1_by_arithmetic() -> None:
    summary = archdsl.load("inception_resnet_v1").summary()

    def plain(*convolutions: tuple[int, int, int]) -> int:
        """Filters, kernel's positions, channels; with batch normalisation in place of a bias."""
        return sum(n * positions * m + 2 * n for n, positions, m in convolutions)

    total = plain((32, 9, 3), (32, 9, 32), (64, 9, 32), (80, 1, 64), (192, 9, 80), (256, 9, 192))
    a = plain((32, 1, 256), (32, 1, 256), (32, 9, 32), (32, 1, 256), (32, 9, 32), (32, 9, 32))
    b = plain((128, 1, 896), (128, 1, 896), (128, 7, 128), (128, 7, 128))
    c = plain((192, 1, 1792), (192, 1, 1792), (192, 3, 192), (192, 3, 192))
    total += (
        5 * (a + conv(256, 1, 96)) + 10 * (b + conv(896, 1, 256)) + 5 * (c + conv(1792, 1, 384))
    )
    total += plain((384, 9, 256), (192, 1, 256), (192, 9, 192), (256, 9, 192))
    total += plain((256, 1, 896), (384, 9, 256), (256, 1, 896), (256, 9, 256))
    total += plain((256, 1, 896), (256, 9, 256), (256, 9, 256))
    assert summary.parameters == total + fc(1000, 1792)
    grids = [(256, 35, 35)] * 5 + [(896, 17, 17)] * 10 + [(1792, 8, 8)] * 5
    assert shapes(summary, "add") == grids
    stem = shapes(summary, "con", "max_pool")[:7]
    assert stem == [
        (32, 149, 149), (32, 147, 147), (64, 147, 147), (64, 73, 73),
        (80, 73, 73), (192, 71, 71), (256, 35, 35),
    ]  # fmt: skip
