"""Classic classifiers, first part: against torchvision, timm, plain PyTorch, and the papers."""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import pytest
import torch
from equality import MODES, assert_equal
from figures import conv, fc, shapes
from torch import Tensor, nn
from torch.nn import functional

import archdsl
from archdsl.analysis.cost import Summary
from archdsl.importers.verification import reference


def parameters(summary: Summary, *kinds: str) -> list[int]:
    return [row.parameters for row in summary.rows if row.kind in kinds]


# ---- the later Inception networks and Xception ----


@pytest.mark.slow
def test_inception_v3_with_its_auxiliary_head_is_torchvisions() -> None:
    module = archdsl.load("inception_v3", aux=True).to_torch()
    model = reference("torchvision:inception_v3", aux=True)
    # The full size: the head has a 5×5 convolution behind its pooling.
    assert_equal(module, model, (3, 299, 299), training=True)


def test_inception_v3_grids_of_table_1() -> None:
    """Blocks that end in each grid; torchvision's parameter count has the auxiliary head."""
    summary = archdsl.load("inception_v3").summary()
    grids = shapes(summary, "concat")
    # The first block at 35×35 has 256 channels, and the first at 17×17 is the reduction.
    assert grids.count((256, 35, 35)) + grids.count((288, 35, 35)) == 3
    assert grids.count((768, 17, 17)) - 1 == 4
    assert grids.count((2048, 8, 8)) == 2
    assert summary.macs / 1e9 == pytest.approx(5.713, abs=6e-4)  # torchvision's "_ops"
    with_head = archdsl.load("inception_v3", aux=True).summary()
    assert with_head.parameters == 27_161_264  # torchvision's "num_params"
    head = 768 * 128 + 2 * 128 + 128 * 768 * 25 + 2 * 768 + fc(1000, 768)
    assert summary.parameters == 27_161_264 - head
    assert with_head.outputs == {"output": (1000,), "aux": (1000,)}


@pytest.mark.parametrize(
    ("name", "total", "grids"),
    [
        # Figures 9 and 15 of Szegedy et al. 2016: what comes out of the stem and each reduction.
        ("inception_v4", 42_679_816, [(384, 35, 35), (1024, 17, 17), (1536, 8, 8)]),
        ("inception_resnet_v2", 55_843_464, [(320, 35, 35), (1088, 17, 17), (2080, 8, 8)]),
    ],
)
def test_inception_grids(name: str, total: int, grids: list[tuple[int, int, int]]) -> None:
    summary = archdsl.load(name).summary()
    assert summary.parameters == total
    joined = shapes(summary, "concat", "add")
    assert [grid for grid in dict.fromkeys(joined) if grid in grids] == grids


def test_xception_has_the_parameters_of_table_3() -> None:
    assert archdsl.load("xception").summary().parameters == 22_855_952


# ---- residual networks for CIFAR ----


class Block(nn.Module):
    """A residual block with option A of He et al. 2015, section 3.3."""

    def __init__(self, before: int, filters: int) -> None:
        super().__init__()
        self.stride, self.new = filters // before, filters - before
        self.conv1 = nn.Conv2d(before, filters, 3, self.stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(filters)
        self.conv2 = nn.Conv2d(filters, filters, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(filters)

    def forward(self, x: Tensor) -> Tensor:
        shortcut = functional.pad(x[:, :, :: self.stride, :: self.stride], (0,) * 5 + (self.new,))
        body = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return (body + shortcut).relu()


def resnet_cifar(n: int) -> nn.Module:
    widths = [16] * (n + 1) + [32] * n + [64] * n
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, 1, 1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        *(Block(*pair) for pair in pairwise(widths)),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, 10),
    )


@MODES
def test_resnet20_is_the_network_in_plain_pytorch(training: bool) -> None:
    module, model = archdsl.compile("resnet_cifar", depth=20), resnet_cifar(3)
    ours, theirs = module.state_dict(), model.state_dict()
    assert [v.shape for v in ours.values()] == [v.shape for v in theirs.values()]
    # Random ones, so that no two layers of a shape are alike.
    drawn = torch.Generator().manual_seed(0)
    for value in theirs.values():
        if value.is_floating_point():
            value.copy_(torch.rand(value.shape, generator=drawn) - 0.5 * (value.dim() == 4))
    module.load_state_dict(dict(zip(ours, theirs.values(), strict=True)))
    images = torch.randn(4, 3, 32, 32, generator=drawn)
    with torch.no_grad():
        expected = model.train(training)(images)
        torch.testing.assert_close(module.train(training)(images), expected)


@pytest.mark.parametrize(
    ("depth", "millions", "digits"),
    [(20, 0.27, 2), (32, 0.46, 2), (44, 0.66, 2), (56, 0.85, 2), (110, 1.7, 1), (1202, 19.4, 1)],
)
def test_resnets_of_table_6(depth: int, millions: float, digits: int) -> None:
    n = (depth - 2) // 6
    expected = 9 * 3 * 16 + 2 * 16 + fc(10, 64)
    for before, filters in ((16, 16), (16, 32), (32, 64)):
        expected += 9 * filters * (before + (2 * n - 1) * filters) + 2 * n * 2 * filters
    summary = archdsl.load("resnet_cifar", depth=depth).summary()
    assert summary.parameters == expected
    assert round(summary.parameters / 1e6, digits) == millions
    convolutions = shapes(summary, "con")
    assert convolutions == (
        [(16, 32, 32)] * (2 * n + 1) + [(32, 16, 16)] * 2 * n + [(64, 8, 8)] * 2 * n
    )
    assert len(convolutions) + 1 == depth


def test_resnet_cifar_says_that_it_pads() -> None:
    kinds = [row.kind for row in archdsl.load("resnet_cifar").summary().rows]
    assert kinds.count("add_padded") == 2
    assert kinds.count("add") == 7


def preactivated(channels: int, stem: int, stages: Iterable[tuple[int, int]], classes: int) -> int:
    """Parameters of a stem, bottlenecks with full pre-activation, and a classifier."""
    total = stem
    for width, count in stages:
        for _ in range(count):
            total += 2 * channels + channels * width + 2 * width + 9 * width**2 + 2 * width
            total += 4 * width * width
            if channels != 4 * width:
                total += channels * 4 * width
            channels = 4 * width
    return total + 2 * channels + fc(classes, channels)


@pytest.mark.parametrize(("depth", "millions"), [(164, 1.7), (1001, 10.2)])
def test_preact_resnet_has_the_parameters_of_the_paper(depth: int, millions: float) -> None:
    n = (depth - 2) // 9
    expected = preactivated(16, 9 * 3 * 16, [(16, n), (32, n), (64, n)], 10)
    summary = archdsl.load("preact_resnet", depth=depth).summary()
    assert summary.parameters == expected
    assert summary.parameters / 1e6 == pytest.approx(millions, rel=0.02)
    projections = 3
    assert len(shapes(summary, "con", "fc")) == depth + projections


def test_resnet200_parameters() -> None:
    stages = [(64, 3), (128, 24), (256, 36), (512, 3)]
    expected = preactivated(64, 49 * 3 * 64, stages, 1000)
    assert archdsl.load("resnet200_preact").summary().parameters == expected


BODY = ["con", "batch_norm", "relu", "con", "batch_norm", "relu", "con"]
# Figure 4: before the weights, behind them, behind the sum.
FIGURE_4 = {
    1: ([], ["batch_norm"], ["relu"]),
    2: ([], [], ["batch_norm", "relu"]),
    3: ([], ["batch_norm", "relu"], []),
    4: (["relu"], ["batch_norm"], []),
    5: (["batch_norm", "relu"], [], []),
}


@pytest.mark.parametrize("variant", FIGURE_4)
def test_units_of_figure_4(variant: int) -> None:
    before, after, behind = FIGURE_4[variant]
    graph = archdsl.load("preact_resnet", depth=20, variant=variant).graph

    def kinds_up_from(node: str) -> list[str]:
        """The layers from a node towards the input, as far as the sum before."""
        found: list[str] = []
        while (kind := graph.nodes[node]["instance"].layer.kind) != "add":
            found.insert(0, kind)
            (node,) = graph.predecessors(node)
        return found

    last = [n for n, data in graph.nodes(data=True) if data["instance"].layer.kind == "add"][-1]
    body, shortcut = graph.nodes[last]["instance"].inputs
    assert kinds_up_from(body) == [*behind, *before, *BODY, *after]
    assert kinds_up_from(shortcut) == behind
    (end,) = graph.predecessors("avgpool")
    assert kinds_up_from(end) == [*behind, *before]


def timm_preactivated(stages: Sequence[int], **options: Any) -> Any:
    """timm's ResNetV2 with batch normalisation."""
    pytest.importorskip("timm")
    from timm.layers import BatchNormAct2d, create_conv2d
    from timm.models.resnetv2 import ResNetV2

    return ResNetV2(stages, conv_layer=create_conv2d, norm_layer=BatchNormAct2d, **options)


@pytest.mark.slow
@MODES
def test_preact_resnet_is_timms_with_a_small_stem(training: bool) -> None:
    model = timm_preactivated([2] * 3, num_classes=10, channels=(64, 128, 256), stem_chs=16)
    model.stem = nn.Conv2d(3, 16, 3, padding=1, bias=False)
    module = archdsl.load("preact_resnet", depth=20).to_torch()
    assert_equal(module, model, (3, 32, 32), training)


@pytest.mark.slow
def test_resnet200_is_timms() -> None:
    module = archdsl.load("resnet200_preact").to_torch()
    assert_equal(module, timm_preactivated([3, 24, 36, 3]), (3, 64, 64), training=True)


# ---- DenseNet for CIFAR ----


@pytest.mark.parametrize(
    ("depth", "growth", "millions"), [(100, 12, 0.8), (250, 24, 15.3), (190, 40, 25.6)]
)
def test_densenet_bc_of_table_2(depth: int, growth: int, millions: float) -> None:
    n, channels = (depth - 4) // 6, 2 * growth
    expected = 9 * 3 * channels
    for block in range(3):
        for _ in range(n):
            expected += 2 * channels + channels * 4 * growth
            expected += 2 * 4 * growth + 9 * 4 * growth * growth
            channels += growth
        if block < 2:
            expected += 2 * channels + channels * (channels // 2)
            channels //= 2
    expected += 2 * channels + fc(10, channels)
    summary = archdsl.load("densenet_bc_100", depth=depth, growth=growth).summary()
    assert summary.parameters == expected
    assert round(summary.parameters / 1e6, 1) == millions
    assert len(shapes(summary, "con", "fc")) == depth


# ---- before residual networks ----


def test_alexnet_as_published() -> None:
    summary = archdsl.load("alexnet_paper").summary()
    features = conv(96, 11, 3) + conv(256, 5, 48) + conv(384, 3, 256)
    features += conv(384, 3, 192) + conv(256, 3, 192)
    classifier = fc(4096, 256 * 6 * 6) + fc(4096, 4096) + fc(1000, 4096)
    assert summary.parameters == features + classifier == 60_965_224
    # Section 3.5; its 253,440 neurons of the first layer do not follow from 96 filters at 55×55.
    neurons = [math.prod(size or 0 for size in shape) for shape in shapes(summary, "con", "fc")]
    assert neurons == [290_400, 186_624, 64_896, 64_896, 43_264, 4096, 4096, 1000]
    kinds = [row.kind for row in summary.rows]
    assert kinds[1:9] == ["con", "relu", "lrn", "max_pool"] * 2
    assert kinds.count("lrn") == 2 and kinds.count("max_pool") == 3


def test_zfnet_feature_maps_of_figure_3() -> None:
    summary = archdsl.load("zfnet").summary()
    assert shapes(summary, "con", "max_pool") == [
        (96, 110, 110), (96, 55, 55), (256, 26, 26), (256, 13, 13),
        (384, 13, 13), (384, 13, 13), (256, 13, 13), (256, 6, 6),
    ]  # fmt: skip
    features = conv(96, 7, 3) + conv(256, 5, 96) + conv(384, 3, 256)
    features += conv(384, 3, 384) + conv(256, 3, 384)
    classifier = fc(4096, 256 * 6 * 6) + fc(4096, 4096) + fc(1000, 4096)
    assert summary.parameters == features + classifier


def test_network_in_network() -> None:
    summary = archdsl.load("nin").summary()
    filters = [(192, 5, 3), (160, 1, 192), (96, 1, 160)]
    filters += [(192, 5, 96), (192, 1, 192), (192, 1, 192)]
    filters += [(192, 3, 192), (192, 1, 192), (10, 1, 192)]
    assert parameters(summary, "con") == [conv(*each) for each in filters]
    assert summary.parameters == 966_986
    assert shapes(summary, "max_pool", "avg_pool") == [(96, 16, 16), (192, 8, 8), (10, 1, 1)]
    assert summary.outputs == {"output": (10,)}


def test_lenet5_layers_of_section_ii_b() -> None:
    """But for C3, which has 1,516 parameters in the paper, where it sees some maps only."""
    summary = archdsl.load("lenet5").summary()
    assert shapes(summary, "con", "avg_pool") == [
        (6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 5, 5), (120, 1, 1),
    ]  # fmt: skip
    assert parameters(summary, "con", "affine", "fc") == [
        156, 12, conv(16, 5, 6), 32, 48_120, 10_164, fc(10, 84),
    ]  # fmt: skip


def test_lenet5_squashes_as_in_appendix_a() -> None:
    """f(a) = 1.7159 tanh(2a/3), so that f(1) is 1 and f(-1) is -1."""
    rows = [row for row in archdsl.load("lenet5").summary().rows if row.kind == "htan"]
    assert len(rows) == 6  # C1, S2, C3, S4, C5, F6
    text = "multiply<1.7159,htan<multiply<2.0/3,input<3,1,1>>>>"
    ones = torch.tensor([1.0, -1.0, 0.0]).reshape(1, 3, 1, 1)
    squashed = archdsl.compile(text)(ones).flatten()
    torch.testing.assert_close(squashed, torch.tensor([1.0, -1.0, 0.0]), atol=1e-4, rtol=0)
