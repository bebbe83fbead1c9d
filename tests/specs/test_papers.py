"""Networks without a reference to run: their figures, by arithmetic and from the papers' tables."""

import math

import pytest
from figures import conv, fc, shapes

import archdsl
from archdsl.frontend.bundled import spec_names


def test_every_bundled_spec_checks() -> None:
    assert len(spec_names()) >= 22
    for name in spec_names():
        archdsl.load(name).check()


def test_lenet_is_dlibs_introduction_network() -> None:
    """dlib pads a 5x5 convolution at stride 1 by 2, so that 28x28 stays."""
    summary = archdsl.load("lenet").summary()
    assert shapes(summary, "con", "max_pool") == [
        (6, 28, 28), (6, 14, 14), (16, 14, 14), (16, 7, 7),
    ]  # fmt: skip
    assert shapes(summary, "fc") == [(120,), (84,), (10,)]
    expected = conv(6, 5, 1) + conv(16, 5, 6) + fc(120, 16 * 7 * 7) + fc(84, 120) + fc(10, 84)
    assert summary.parameters == expected
    macs = 28 * 28 * 6 * 25 + 14 * 14 * 16 * 25 * 6 + 120 * 784 + 84 * 120 + 10 * 84
    assert summary.macs == macs


def test_alexnet_in_one_tower() -> None:
    summary = archdsl.load("alexnet").summary()
    assert shapes(summary, "con", "max_pool") == [
        (96, 55, 55), (96, 27, 27),
        (256, 27, 27), (256, 13, 13),
        (384, 13, 13), (384, 13, 13), (384, 13, 13), (384, 6, 6),
    ]  # fmt: skip
    features = conv(96, 11, 3) + conv(256, 5, 96) + conv(384, 3, 256) + 2 * conv(384, 3, 384)
    classifier = fc(4096, 384 * 6 * 6) + fc(4096, 4096) + fc(1000, 4096)
    assert summary.parameters == features + classifier
    assert archdsl.load("alexnet", classes=2).summary().outputs == {"output": (2,)}


@pytest.mark.parametrize(
    ("name", "millions"),
    [("vgg11", 133), ("vgg11_lrn", 133), ("vgg13", 133), ("vgg16_conv1", 134), ("vgg16", 138),
     ("vgg19", 144)],
)  # fmt: skip
def test_vgg_has_the_millions_of_parameters_of_table_2(name: str, millions: int) -> None:
    assert round(archdsl.load(name).summary().parameters / 1e6) == millions


def test_vgg16_conv1_by_arithmetic() -> None:
    """Column C: stages 3 to 5 end in a 1x1 convolution."""
    expected = conv(64, 3, 3) + conv(64, 3, 64) + conv(128, 3, 64) + conv(128, 3, 128)
    for before, filters in ((128, 256), (256, 512), (512, 512)):
        expected += conv(filters, 3, before) + conv(filters, 3, filters) + conv(filters, 1, filters)
    expected += fc(4096, 512 * 7 * 7) + fc(4096, 4096) + fc(1000, 4096)
    summary = archdsl.load("vgg16_conv1").summary()
    assert summary.parameters == expected
    assert shapes(summary, "max_pool") == [
        (64, 112, 112), (128, 56, 56), (256, 28, 28), (512, 14, 14), (512, 7, 7),
    ]  # fmt: skip


def test_vgg11_lrn_has_one_normalisation_behind_its_first_convolution() -> None:
    rows = [row.kind for row in archdsl.load("vgg11_lrn").summary().rows]
    assert rows[:5] == ["input", "con", "relu", "lrn", "max_pool"]
    assert rows.count("lrn") == 1


# Szegedy et al. 2014, table 1: output size, channels, millions of operations.
# Two rows of the paper do not follow from its own columns: a 7x7 convolution from 3 to 64 channels
# at 112x112 takes 118 million operations, not 34, and inception (5a) takes 51 million, not 54.
TABLE_1 = [
    ("inception1", 28, 256, 128), ("inception2", 28, 480, 304),
    ("inception3", 14, 512, 73), ("inception4", 14, 512, 88), ("inception5", 14, 512, 100),
    ("inception6", 14, 528, 119), ("inception7", 14, 832, 170),
    ("inception8", 7, 832, 51), ("inception9", 7, 1024, 71),
]  # fmt: skip


@pytest.mark.parametrize(("scope", "size", "channels", "millions"), TABLE_1)
def test_googlenet_paper_rows(scope: str, size: int, channels: int, millions: int) -> None:
    rows = [
        row
        for row in archdsl.load("googlenet_paper").summary().rows
        if row.path.startswith(f"{scope}.")
    ]
    assert rows[-1].shape == (channels, size, size)
    assert sum(row.macs for row in rows) / 1e6 == pytest.approx(millions, abs=1)


def test_googlenet_paper_before_and_after_the_inceptions() -> None:
    summary = archdsl.load("googlenet_paper").summary()
    assert shapes(summary, "con")[0] == (64, 112, 112)
    pools = [r.shape for r in summary.rows if r.kind == "max_pool" and "inception" not in r.path]
    assert pools == [(64, 56, 56), (192, 28, 28), (480, 14, 14), (832, 7, 7)]
    reduce_and_conv2 = (64 * 64 + 64 * 192 * 9) * 56 * 56
    assert reduce_and_conv2 / 1e6 == pytest.approx(360, abs=1)  # "360M" in table 1
    conv2 = sum(r.macs for r in summary.rows if r.path.startswith(("conv2.", "conv3.")))
    assert conv2 == reduce_and_conv2
    assert summary.outputs == {"output": (1000,)}


def inception_parameters(n: int, n1: int, r3: int, n3: int, r5: int, n5: int, p: int) -> int:
    branches = conv(n1, 1, n) + conv(r3, 1, n) + conv(n3, 3, r3)
    return branches + conv(r5, 1, n) + conv(n5, 5, r5) + conv(p, 1, n)


INCEPTIONS = [
    (192, 64, 96, 128, 16, 32, 32), (256, 128, 128, 192, 32, 96, 64),
    (480, 192, 96, 208, 16, 48, 64), (512, 160, 112, 224, 24, 64, 64),
    (512, 128, 128, 256, 24, 64, 64), (512, 112, 144, 288, 32, 64, 64),
    (528, 256, 160, 320, 32, 128, 128), (832, 256, 160, 320, 32, 128, 128),
    (832, 384, 192, 384, 48, 128, 128),
]  # fmt: skip


def test_googlenet_paper_parameters() -> None:
    stem = conv(64, 7, 3) + conv(64, 1, 64) + conv(192, 3, 64)
    main = stem + sum(inception_parameters(*row) for row in INCEPTIONS) + fc(1000, 1024)
    assert archdsl.load("googlenet_paper").summary().parameters == main
    # Section 5: average pooling 5x5/3 to 4x4, 1x1 convolution of 128, fc 1024, classes.
    heads = sum(conv(128, 1, n) + fc(1024, 128 * 4 * 4) + fc(1000, 1024) for n in (512, 528))
    summary = archdsl.load("googlenet_paper", aux=True).summary()
    assert summary.parameters == main + heads
    assert summary.outputs == {"output": (1000,), "aux1": (1000,), "aux2": (1000,)}


def test_dlib_inception_example() -> None:
    summary = archdsl.load("dlib_inception_mnist").summary()
    assert shapes(summary, "concat") == [(40, 28, 28), (12, 14, 14)]
    a = conv(10, 1, 1) + conv(16, 1, 1) + conv(10, 3, 16) + conv(16, 1, 1) + conv(10, 5, 16)
    a += conv(10, 1, 1)
    b = conv(4, 1, 40) + conv(4, 3, 40) + conv(4, 1, 40)
    assert summary.parameters == a + b + fc(32, 12 * 7 * 7) + fc(10, 32)


@pytest.mark.parametrize(
    # torchvision's parameter counts; table 1 of the paper has the operations.
    ("depth", "resnet", "billions"),
    [(18, 11_689_512, 1.8), (34, 21_797_672, 3.6)],
)
def test_plain_networks_are_resnets_without_projections(
    depth: int, resnet: int, billions: float
) -> None:
    plain = archdsl.load(f"plain{depth}").summary()
    projections = sum(
        filters * before + 2 * filters for before, filters in ((64, 128), (128, 256), (256, 512))
    )
    assert plain.parameters == resnet - projections
    assert plain.macs / 1e9 == pytest.approx(billions, abs=0.05)
    assert not any(row.kind in ("add", "add_padded") for row in plain.rows)


@pytest.mark.parametrize(
    ("name", "billions"),
    [("resnet18", 1.8), ("resnet34", 3.6), ("resnet101", 7.6), ("resnet152", 11.3)],
)
def test_resnet_operations_of_table_1(name: str, billions: float) -> None:
    """The stride in the 3x3 convolution costs bottlenecks 0.2 billion more than in the paper."""
    assert archdsl.load(name).summary().macs / 1e9 == pytest.approx(billions, abs=0.25)


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "vgg16", "googlenet"])
def test_specs_are_short(name: str) -> None:
    from archdsl.frontend.files import open_source

    code = [line for line in open_source(name).text.splitlines() if line and line[:2] != "//"]
    assert len(code) <= 45


def test_receptive_field_of_vgg16() -> None:
    """Araujo, Norris and Sim 2019, table of receptive fields: 212 behind the last pooling."""
    rows = archdsl.load("vgg16").summary().rows
    last = [row for row in rows if row.kind == "max_pool"][-1]
    assert last.receptive_field == (212, 212)
    assert math.prod(last.shape[1:]) == 49  # type: ignore[arg-type]
