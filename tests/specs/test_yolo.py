"""The YOLO networks and their classifiers: the tables of the papers, by layer, and the .cfg."""

from collections.abc import Iterator

import pytest
import torch
from figures import conv, fc, shapes
from torch import Tensor, nn

import archdsl
from archdsl.importers.verification import verify
from archdsl.ir.edges import FeatureMaps


def conv_bn(filters: int, kernel: int, channels: int) -> int:
    """Learned values of a convolution with a scale and a shift per filter in place of a bias."""
    return filters * (kernel * kernel * channels + 2)


# ---- YOLO, 2016 ----


def test_yolo_v1_has_the_layers_of_figure_3() -> None:
    summary = archdsl.load("yolo_v1").summary()
    assert shapes(summary, "con", "max_pool", "fc", "yolo_grid") == [
        (64, 224, 224), (64, 112, 112),
        (192, 112, 112), (192, 56, 56),
        (128, 56, 56), (256, 56, 56), (256, 56, 56), (512, 56, 56), (512, 28, 28),
        *[(256, 28, 28), (512, 28, 28)] * 4,
        (512, 28, 28), (1024, 28, 28), (1024, 14, 14),
        *[(512, 14, 14), (1024, 14, 14)] * 2,
        (1024, 14, 14), (1024, 7, 7),
        (1024, 7, 7), (1024, 7, 7),
        (4096,), (1470,), (7, 7, 30),
    ]  # fmt: skip
    expected = (
        conv(64, 7, 3) + conv(192, 3, 64)
        + conv(128, 1, 192) + conv(256, 3, 128) + conv(256, 1, 256) + conv(512, 3, 256)
        + 4 * (conv(256, 1, 512) + conv(512, 3, 256)) + conv(512, 1, 512) + conv(1024, 3, 512)
        + 2 * (conv(512, 1, 1024) + conv(1024, 3, 512)) + 4 * conv(1024, 3, 1024)
        + fc(4096, 7 * 7 * 1024) + fc(1470, 4096)
    )  # fmt: skip
    assert summary.parameters == expected == 271_703_550
    assert sum(row.kind == "con" for row in summary.rows) == 24
    # Every layer but the last is leaky; dropout stands behind the first fully connected one.
    assert sum(row.kind == "leaky_relu" for row in summary.rows) == 25
    assert [row.kind for row in summary.rows][-6:] == [
        "fc", "leaky_relu", "dropout", "fc", "yolo_grid", "grid_detections",
    ]  # fmt: skip


def test_fast_yolo_has_nine_convolutions() -> None:
    summary = archdsl.load("yolo_v1_tiny").summary()
    filters = [16, 32, 64, 128, 256, 512, 1024, 1024, 1024]
    sides = [448, 224, 112, 56, 28, 14, 7, 7, 7]
    assert shapes(summary, "con") == [(n, s, s) for n, s in zip(filters, sides, strict=True)]
    assert shapes(summary, "fc", "yolo_grid") == [(256,), (4096,), (1470,), (7, 7, 30)]
    expected = sum(conv(n, 3, c) for c, n in zip([3, *filters], filters, strict=False))
    expected += fc(256, 7 * 7 * 1024) + fc(4096, 256) + fc(1470, 4096)
    assert summary.parameters == expected


def test_other_classes_change_the_last_layer_only() -> None:
    summary = archdsl.load("yolo_v1_tiny", classes=3).summary()
    assert shapes(summary, "fc", "yolo_grid")[-2:] == [(7 * 7 * 13,), (7, 7, 13)]


# ---- Darknet-19 and YOLOv2, 2017 ----

TABLE_6 = [
    (32, 3, 224), (64, 3, 112),
    (128, 3, 56), (64, 1, 56), (128, 3, 56),
    (256, 3, 28), (128, 1, 28), (256, 3, 28),
    (512, 3, 14), (256, 1, 14), (512, 3, 14), (256, 1, 14), (512, 3, 14),
    (1024, 3, 7), (512, 1, 7), (1024, 3, 7), (512, 1, 7), (1024, 3, 7),
]  # fmt: skip
"""Filters, kernel and output size of the convolutions of YOLO9000's table 6, but for the last."""


def chained(rows: list[tuple[int, int, int]], channels: int = 3) -> Iterator[int]:
    """Learned values of convolutions in a row."""
    for filters, kernel, _ in rows:
        yield conv_bn(filters, kernel, channels)
        channels = filters


def test_darknet19_has_the_rows_of_table_6() -> None:
    summary = archdsl.load("darknet19").summary()
    assert shapes(summary, "con") == [*((n, s, s) for n, _, s in TABLE_6), (1000, 7, 7)]
    assert [s for _, s, _ in shapes(summary, "max_pool")] == [112, 56, 28, 14, 7]
    assert summary.outputs == {"output": (1000,)}
    assert summary.parameters == sum(chained(TABLE_6)) + conv(1000, 1, 1024)
    # Section 3: "Darknet-19 only requires 5.58 billion operations", an addition being one.
    assert 2 * summary.macs / 1e9 == pytest.approx(5.58, abs=0.005)


def test_yolo_v2_by_arithmetic() -> None:
    summary = archdsl.load("yolo_v2").summary()
    total = sum(chained(TABLE_6))
    total += 2 * conv_bn(1024, 3, 1024) + conv_bn(64, 1, 512)
    total += conv_bn(1024, 3, 4 * 64 + 1024) + conv(5 * (4 + 1 + 80), 1, 1024)
    assert summary.parameters == total == 50_962_889
    assert archdsl.load("yolo_v2", net="map").summary().outputs == {"output": (425, 13, 13)}
    assert shapes(summary, "darknet_reorg", "concat") == [(256, 13, 13), (1280, 13, 13)]
    assert 2 * summary.macs / 1e9 == pytest.approx(29.464, abs=0.001)  # what Darknet prints


# The filters of Darknet's yolov2.cfg and yolov3.cfg, from top to bottom: the order of the weights.
CFG = {
    "yolo_v2": [*(n for n, _, _ in TABLE_6), 1024, 1024, 64, 1024, 425],
    "yolo_v3": [
        32, 64, *[32, 64], 128, *[64, 128] * 2, 256, *[128, 256] * 8, 512, *[256, 512] * 8,
        1024, *[512, 1024] * 4,
        *[512, 1024] * 3, 255,
        256, *[256, 512] * 3, 255,
        128, *[128, 256] * 3, 255,
    ],
    "yolo_v4": [
        32, 64, 64, 64, 32, 64, 64, 64,
        128, 64, 64, *[64, 64] * 2, 64, 128,
        256, 128, 128, *[128, 128] * 8, 128, 256,
        512, 256, 256, *[256, 256] * 8, 256, 512,
        1024, 512, 512, *[512, 512] * 4, 512, 1024,
        512, 1024, 512, 512, 1024, 512,
        256, 256, *[256, 512] * 2, 256, 128, 128, *[128, 256] * 2, 128, 256, 255,
        256, *[256, 512] * 3, 255, 512, *[512, 1024] * 3, 255,
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", CFG)
def test_the_layers_come_in_the_order_of_the_cfg(name: str) -> None:
    assert [n for n, _, _ in shapes(archdsl.load(name).summary(), "con")] == CFG[name]


# ---- Darknet-53 and YOLOv3, 2018 ----


def table_1() -> int:
    """Learned values of the convolutions of YOLOv3's table 1."""
    total = conv_bn(32, 3, 3)
    for count, filters in ((1, 64), (2, 128), (8, 256), (8, 512), (4, 1024)):
        half = filters // 2
        total += conv_bn(filters, 3, half)
        total += count * (conv_bn(half, 1, filters) + conv_bn(filters, 3, half))
    return total


def test_darknet53_has_the_rows_of_table_1() -> None:
    summary = archdsl.load("darknet53").summary()
    expected: list[tuple[int, int, int]] = [(32, 256, 256)]
    for count, n, side in ((1, 64, 128), (2, 128, 64), (8, 256, 32), (8, 512, 16), (4, 1024, 8)):
        expected += [(n, side, side), *[(n // 2, side, side), (n, side, side)] * count]
    assert shapes(summary, "con") == expected
    assert len(expected) + 1 == 53
    assert shapes(summary, "add")[-1] == (1024, 8, 8)
    assert sum(row.kind == "add" for row in summary.rows) == 1 + 2 + 8 + 8 + 4
    assert summary.parameters == table_1() + fc(1000, 1024)


def test_yolo_v3_by_arithmetic() -> None:
    summary = archdsl.load("yolo_v3").summary()
    total = table_1()
    # Between the scales a 1x1 convolution halves the channels, which then join a row of table 1.
    for n, channels in ((512, 1024), (256, 256 + 512), (128, 128 + 256)):
        total += conv_bn(n, 1, channels) + 2 * conv_bn(n, 1, 2 * n) + 3 * conv_bn(2 * n, 3, n)
        total += conv(3 * (4 + 1 + 80), 1, 2 * n)
    total += conv_bn(256, 1, 512) + conv_bn(128, 1, 256)
    assert summary.parameters == total == 61_949_149
    (maps,) = archdsl.load("yolo_v3", net="maps").summary().outputs.values()
    assert isinstance(maps, FeatureMaps)
    assert dict(maps.maps) == {
        "stride8": (255, 52, 52),
        "stride16": (255, 26, 26),
        "stride32": (255, 13, 13),
    }
    assert shapes(summary, "concat") == [(768, 26, 26), (384, 52, 52)]
    assert 2 * summary.macs / 1e9 == pytest.approx(65.864, abs=0.001)  # what Darknet prints


# ---- YOLOv4, 2020 ----


def cspdarknet53() -> int:
    """Learned values of the backbone: each stage halves the size, and splits into two parts."""
    total = conv_bn(32, 3, 3)
    channels = 32
    stages = ((1, 64, 64, 32), (2, 128, 64, 64), (8, 256, 128, 128), (8, 512, 256, 256),
              (4, 1024, 512, 512))  # fmt: skip
    for count, n, part, middle in stages:
        total += conv_bn(n, 3, channels) + 2 * conv_bn(part, 1, n)
        total += count * (conv_bn(middle, 1, part) + conv_bn(part, 3, middle))
        total += conv_bn(part, 1, part) + conv_bn(n, 1, 2 * part)
        channels = n
    return total


def five(n: int, channels: int) -> int:
    """Learned values of 1x1 and 3x3 convolutions in turn, three and two."""
    return conv_bn(n, 1, channels) + 2 * conv_bn(n, 1, 2 * n) + 2 * conv_bn(2 * n, 3, n)


def test_yolo_v4_by_arithmetic() -> None:
    summary = archdsl.load("yolo_v4").summary()
    total = cspdarknet53()
    total += conv_bn(512, 1, 1024) + 2 * conv_bn(1024, 3, 512) + 2 * conv_bn(512, 1, 1024)
    total += conv_bn(512, 1, 4 * 512)  # behind the pyramid of poolings
    for n in (256, 128):  # up
        total += conv_bn(n, 1, 2 * n) + conv_bn(n, 1, 2 * n) + five(n, 2 * n)
    for n in (256, 512):  # down
        total += conv_bn(n, 3, n // 2) + five(n, 2 * n)
    total += sum(conv_bn(2 * n, 3, n) + conv(3 * (4 + 1 + 80), 1, 2 * n) for n in (128, 256, 512))
    assert summary.parameters == total == 64_363_101
    (maps,) = archdsl.load("yolo_v4", net="maps").summary().outputs.values()
    assert isinstance(maps, FeatureMaps)
    assert [shape for _, shape in maps.maps] == [(255, side, side) for side in (76, 38, 19)]


@pytest.mark.parametrize(("side", "billions"), [(608, 128.459), (512, 91.095), (416, 60.137)])
def test_yolo_v4_has_the_operations_that_darknet_prints(side: int, billions: float) -> None:
    """Beside convolutions it counts the cells of poolings' windows, sums and enlarged maps."""
    macs = archdsl.load("yolo_v4", input=(3, side, side)).summary().macs
    cells = {stride: (side // stride) ** 2 for stride in (2, 4, 8, 16, 32)}
    pools = (13**2 + 9**2 + 5**2) * 512 * cells[32]
    sums = (64 * cells[2] + 2 * 64 * cells[4] + 8 * 128 * cells[8] + 8 * 256 * cells[16]
            + 4 * 512 * cells[32])  # fmt: skip
    enlarged = 256 * cells[16] + 128 * cells[8]
    assert (2 * macs + pools + sums + enlarged) / 1e9 == pytest.approx(billions, abs=0.002)


# ---- against the same networks in PyTorch ----


class Unit(nn.Sequential):
    """Darknet's [convolutional] with batch_normalize."""

    def __init__(self, channels: int, filters: int, kernel: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(channels, filters, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(filters, eps=1e-5, momentum=0.01),
            nn.LeakyReLU(0.1),
        )


class Shortcut(nn.Sequential):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + x


def darknet19() -> nn.Module:
    layers: list[nn.Module] = []
    channels, side = 3, 224
    for filters, kernel, size in TABLE_6:
        if size < side:
            layers.append(nn.MaxPool2d(2))
        layers.append(Unit(channels, filters, kernel))
        channels, side = filters, size
    layers += [nn.Conv2d(1024, 1000, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers)


def darknet53() -> nn.Module:
    layers: list[nn.Module] = [Unit(3, 32, 3)]
    for count, n in ((1, 64), (2, 128), (8, 256), (8, 512), (4, 1024)):
        layers.append(Unit(n // 2, n, 3, stride=2))
        layers += [Shortcut(Unit(n, n // 2, 1), Unit(n // 2, n, 3)) for _ in range(count)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1024, 1000))


@pytest.mark.parametrize("training", [False, True], ids=["eval", "training"])
@pytest.mark.parametrize(("name", "model"), [("darknet19", darknet19), ("darknet53", darknet53)])
def test_is_the_same_network_in_pytorch(name: str, model: type, training: bool) -> None:
    torch.manual_seed(1)
    found = verify(archdsl.load(name).to_torch(), model(), (3, 64, 96), training=training)
    assert found.matched, found.differences
    assert found.params_equal
    assert found.max_abs_diff is not None and found.max_abs_diff <= 1e-5


def test_a_norm_with_dlibs_epsilon_is_another_network() -> None:
    network = archdsl.load("fc<3,leaky_relu<0.1,bn_con<con<4,1,1,bias=false,input<3,2,2>>>>>")
    reference = nn.Sequential(Unit(3, 4, 1), nn.Flatten(), nn.Linear(16, 3))
    assert not verify(network.to_torch(), reference, (3, 2, 2)).matched
