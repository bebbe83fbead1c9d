"""Mobile and scaled networks, ConvNeXt and U-Net: the papers' figures, torchvision, new layers."""

import copy
import operator
import pickle
from pathlib import Path

import pytest
import torch
import torchvision
from equality import assert_equal
from figures import shapes
from inlining import inlined
from torch import Tensor, nn

import archdsl
from archdsl.backends.torch import flat
from archdsl.diagnostics import ArchError
from archdsl.frontend.files import open_source
from archdsl.importers.verification import reference, verify

SMALL = (3, 64, 64)
SPECS = Path(__file__).resolve().parents[2] / "specs"


@pytest.mark.slow
@pytest.mark.parametrize(("width", "name"), [(0.5, "0_5"), (0.75, "0_75"), (1.3, "1_3")])
def test_mnasnet_widths_are_torchvisions(width: float, name: str) -> None:
    module = archdsl.compile("mnasnet1_0", width=width)
    assert_equal(module, reference(f"torchvision:mnasnet{name}"), SMALL, training=False)


# The scaled networks of a family: what the spec says of them in its comment.
SCALED = [
    ("efficientnet_b0", "efficientnet_b1", {"depth": 1.1}),
    ("efficientnet_b0", "efficientnet_b2", {"width": 1.1, "depth": 1.2, "dropout": 0.3}),
    ("efficientnet_b0", "efficientnet_b3", {"width": 1.2, "depth": 1.4, "dropout": 0.3}),
    ("efficientnet_b0", "efficientnet_b4", {"width": 1.4, "depth": 1.8, "dropout": 0.4}),
    ("efficientnet_b0", "efficientnet_b5", {"width": 1.6, "depth": 2.2, "dropout": 0.4}),
    ("efficientnet_b0", "efficientnet_b6", {"width": 1.8, "depth": 2.6, "dropout": 0.5}),
    ("efficientnet_b0", "efficientnet_b7", {"width": 2.0, "depth": 3.1, "dropout": 0.5}),
    ("shufflenet_v2_x1_0", "shufflenet_v2_x0_5", {"channels": 48}),
    ("shufflenet_v2_x1_0", "shufflenet_v2_x1_5", {"channels": 176}),
    ("shufflenet_v2_x1_0", "shufflenet_v2_x2_0", {"channels": 244, "features": 2048}),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "model", "params"), SCALED)
def test_scaled_networks_are_torchvisions(name: str, model: str, params: dict[str, float]) -> None:
    if model[-2:] in ("b5", "b6", "b7"):
        params = {**params, "eps": 1e-3, "momentum": 0.01}
    comment = open_source(name).text
    assert all(f"-D {key}={value}" in comment or key == "eps" for key, value in params.items())
    module = archdsl.load(name, **params).to_torch()
    assert_equal(module, reference(f"torchvision:{model}"), SMALL, training=False)


@pytest.mark.parametrize(
    ("model", "resolution", "width", "depth"),
    [("efficientnet_b1", 240, 1.0, 1.1), ("efficientnet_b4", 380, 1.4, 1.8)],
)
def test_scaled_networks_have_torchvisions_operations(
    model: str, resolution: int, width: float, depth: float
) -> None:
    scaled = {"width": width, "depth": depth, "resolution": resolution}
    summary = archdsl.load("efficientnet_b0", **scaled).summary()
    meta = torchvision.models.get_model_weights(model).DEFAULT.meta
    assert summary.parameters == meta["num_params"]
    if model != "efficientnet_b1":  # whose best weights are for a larger image
        assert summary.macs / 1e9 == pytest.approx(meta["_ops"], abs=6e-4)


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        ("mobilenet_v3_small", "16,  16, true,  relu", "16,  16, false, relu", "avg_pool"),
        ("mobilenet_v3_small", "5, 96,  40, true,  hardswish", "5, 96,  40, true,  relu", "relu"),
        ("mnasnet1_0", "momentum=1-0.9997", "momentum=0.1", "momentum"),
        ("efficientnet_b0", "dropout = 0.2", "dropout = 0.3", "p is"),
        ("efficientnet_b0", "drop*(BEFORE+I)", "drop*(BEFORE+I+1)", "p is"),
        ("regnet_x_400mf", "x_stage<12, 400, 16", "x_stage<12, 400, 8", "groups"),
        ("shufflenet_v2_x1_0", "channel_shuffle<2,", "channel_shuffle<4,", "groups"),
        ("shufflenet_v2_x1_0", "right<N/2,1,chunk<1>>", "right<N/2,1,chunk<0>>", "part"),
        ("convnext_tiny", "layer_scale<1e-6,", "identity<", "layer_scale"),
        ("convnext_tiny", "layer_norm_last<1e-6,", "layer_norm_last<1e-5,", "eps"),
    ],
)
def test_near_misses_are_refused(name: str, old: str, new: str, words: str) -> None:
    text = inlined(SPECS / f"{name}.arch")
    assert old in text
    module = archdsl.compile(text.replace(old, new))
    found = verify(module, reference(f"torchvision:{name}"), SMALL)
    assert not found.matched
    assert any(words in difference for difference in found.differences), found.differences


# ---- MobileNet: Howard et al. 2017 ----

# Table 1 behind the first convolution, a pair of rows each: channels before and after, stride.
MOBILENET = [
    (32, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2), (256, 256, 1), (256, 512, 2),
    *[(512, 512, 1)] * 5, (512, 1024, 2), (1024, 1024, 1),
]  # fmt: skip


@pytest.mark.parametrize(("width", "resolution"), [(1.0, 224), (0.5, 160), (0.25, 128)])
def test_mobilenet_v1_by_arithmetic(width: float, resolution: int) -> None:
    size, first = resolution // 2, int(32 * width)
    parameters, macs = 27 * first + 2 * first, 27 * first * size**2
    for wide, broad, stride in MOBILENET:
        before, after, size = int(wide * width), int(broad * width), size // stride
        parameters += (9 + 2) * before + (before + 2) * after
        macs += (9 * before + before * after) * size**2
    features = int(1024 * width)
    summary = archdsl.load("mobilenet_v1", width=width, resolution=resolution).summary()
    assert summary.parameters == parameters + 1000 * (features + 1)
    assert summary.macs == macs + 1000 * features


@pytest.mark.parametrize(
    ("width", "resolution", "macs", "parameters"),
    [
        (1.0, 224, 569, 4.2), (0.75, 224, 325, 2.6), (0.5, 224, 149, 1.3), (0.25, 224, 41, 0.5),
        (1.0, 192, 418, 4.2), (1.0, 160, 290, 4.2), (1.0, 128, 186, 4.2),
    ],
)  # fmt: skip
def test_mobilenet_v1_tables_6_and_7(
    width: float, resolution: int, macs: int, parameters: float
) -> None:
    summary = archdsl.load("mobilenet_v1", width=width, resolution=resolution).summary()
    assert summary.macs / 1e6 == pytest.approx(macs, abs=0.75)
    assert round(summary.parameters / 1e6, 1) == parameters


def test_mobilenet_v1_sizes_of_table_1() -> None:
    rows = archdsl.load("mobilenet_v1").summary()
    sizes = [(112, 32)]
    for before, after, stride in MOBILENET:
        size = sizes[-1][0] // stride
        sizes += [(size, before), (size, after)]
    assert shapes(rows, "con") == [(channels, size, size) for size, channels in sizes]
    assert sizes[-1] == (7, 1024)


# ---- the figures of other papers ----


@pytest.mark.parametrize(
    ("name", "macs", "parameters"),
    [
        ("mobilenet_v3_large", 219, 5.4),  # Howard et al. 2019, table 3
        ("mobilenet_v3_small", 56, 2.5),
        ("efficientnet_b0", 390, 5.3),  # Tan and Le 2019, table 2
        ("shufflenet_v2_x1_0", 146, 2.3),  # Ma et al. 2018, table 5
        ("regnet_y_400mf", 400, 4.3),  # Radosavovic et al. 2020, figure 17
        ("convnext_tiny", 4500, 29),  # Liu et al. 2022, table 1
    ],
)
def test_figures_of_the_papers(name: str, macs: int, parameters: float) -> None:
    summary = archdsl.load(name).summary()
    assert summary.macs / 1e6 == pytest.approx(macs, rel=0.015)
    assert summary.parameters / 1e6 == pytest.approx(parameters, rel=0.02)


def test_efficientnet_stages_have_the_sizes_of_table_1() -> None:
    rows = archdsl.load("efficientnet_b0").summary().rows
    stages = [[row for row in rows if row.path.startswith(f"stage{n}.")] for n in range(1, 8)]
    # The operator's resolution in the table is that of its input.
    assert [stage[-1].shape for stage in stages] == [
        (16, 112, 112), (24, 56, 56), (40, 28, 28), (80, 14, 14),
        (112, 14, 14), (192, 7, 7), (320, 7, 7),
    ]  # fmt: skip
    depthwise = [sum(row.kind == "gate" for row in stage) for stage in stages]
    assert depthwise == [1, 2, 2, 3, 3, 4, 1]


def test_stochastic_depth_grows_from_block_to_block() -> None:
    """From 0 for the first of 16; blocks without a shortcut count, but cannot be dropped."""
    module = archdsl.compile("efficientnet_b0", drop=0.16)
    dropped = [part.p for part in module.modules() if type(part).__name__ == "StochasticDepth"]
    residual = [place for place in range(16) if place not in (0, 1, 3, 5, 8, 11, 15)]
    assert dropped == pytest.approx([0.01 * place for place in residual])


# ---- U-Net: Ronneberger et al. 2015 ----


def test_unet_by_arithmetic() -> None:
    def conv(before: int, after: int, kernel: int = 3) -> int:
        return after * (kernel * kernel * before + 1)

    widths = (64, 128, 256, 512, 1024)
    parameters = conv(64, 2, kernel=1)
    for before, after in zip((1, *widths), widths, strict=False):
        parameters += conv(before, after) + conv(after, after)
    for width in widths[:-1]:  # up-convolution 2×2; then two convolutions on both halves together
        parameters += conv(2 * width, width, kernel=2) + conv(2 * width, width) + conv(width, width)
    summary = archdsl.load("unet").summary()
    assert summary.parameters == parameters
    assert len(shapes(summary, "con", "cont")) == 23  # section 2
    assert summary.outputs == {"output": (2, 512, 512)}


def test_unet_has_the_channels_of_figure_1() -> None:
    summary = archdsl.load("unet").summary()
    assert [shape[0] for shape in shapes(summary, "con")] == [
        64, 64, 128, 128, 256, 256, 512, 512, 1024, 1024,
        512, 512, 256, 256, 128, 128, 64, 64, 2,
    ]  # fmt: skip
    assert shapes(summary, "concat") == [
        (1024, 64, 64), (512, 128, 128), (256, 256, 256), (128, 512, 512),
    ]  # fmt: skip
    assert shapes(summary, "max_pool")[-1] == (512, 32, 32)


def test_unet_runs_and_keeps_the_size() -> None:
    module = archdsl.compile("unet", channels=3, classes=5, input="3x32x48").eval()
    with torch.no_grad():
        assert module(torch.rand(1, 3, 32, 48)).shape == (1, 5, 32, 48)


# ---- layers ----


def run(text: str, x: Tensor) -> Tensor:
    with torch.no_grad():
        result: Tensor = archdsl.compile(text).eval()(x)
    return result


def test_channel_shuffle_deals_channels_out() -> None:
    x = torch.arange(6.0).reshape(1, 6, 1, 1)
    assert run("channel_shuffle<2,input<6,1,1>>", x).flatten().tolist() == [0, 3, 1, 4, 2, 5]
    assert run("channel_shuffle<3,input<6,1,1>>", x).flatten().tolist() == [0, 2, 4, 1, 3, 5]


def test_chunks_are_parts_of_the_channels_out_of_one_call() -> None:
    x = torch.randn(2, 6, 3, 4)
    assert torch.equal(run("chunk<1,3,input<6,3,4>>", x), x[:, 2:4])
    module = archdsl.compile("parallel<chunk<1>,relu<chunk<0>>,input<6,3,4>>").eval()
    assert torch.equal(module(x), torch.cat([x[:, 3:], x[:, :3].relu()], 1))
    targets = [node.target for node in flat(module).graph.nodes]
    assert targets.count(torch.chunk) == 1
    assert targets.count(operator.getitem) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("chunk<2,2,input<6,3,4>>", "no part 2 of 2"),
        ("chunk<0,4,input<6,3,4>>", "cannot divide 6 channels into 4"),
        ("channel_shuffle<4,input<6,3,4>>", "cannot divide 6 channels into 4"),
        ("channels_first<fc<4,input<6,3,4>>>", "three axes"),
    ],
)
def test_what_does_not_fit_is_refused(text: str, words: str) -> None:
    with pytest.raises(ArchError, match=words):
        archdsl.load(text).check()


def test_layers_along_the_last_axis_are_layers_at_every_position() -> None:
    text = "channels_first<linear<5,layer_norm_last<1e-6,channels_last<input<6,3,4>>>>>"
    module, x = archdsl.compile(text, seed=1).eval(), torch.randn(2, 6, 3, 4)
    deviation, mean = torch.std_mean(x, 1, keepdim=True, correction=0)
    normal = (x - mean) / (deviation**2 + 1e-6).sqrt()
    linear = next(part for part in module.modules() if isinstance(part, nn.Linear))
    expected = nn.functional.conv2d(normal, linear.weight[:, :, None, None], linear.bias)
    assert torch.allclose(module(x), expected, atol=1e-6)
    summary = archdsl.load(text).summary()
    assert (summary.parameters, summary.macs) == (2 * 6 + 5 * (6 + 1), 3 * 4 * 6 * 5)
    assert summary.outputs == {"output": (5, 3, 4)}


def test_layer_scale_is_a_factor_per_channel() -> None:
    x = torch.randn(2, 6, 3, 4)
    module = archdsl.compile("layer_scale<0.5,input<6,3,4>>")
    assert torch.equal(module(x), x * 0.5)
    assert [tuple(p.shape) for p in module.parameters()] == [(6, 1, 1)]


def test_stochastic_depth_drops_whole_samples_in_training_only() -> None:
    x = torch.ones(400, 2, 3, 3)
    module = archdsl.compile("stochastic_depth<0.25,input<2,3,3>>")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        samples = module(x).flatten(1)
    assert torch.equal(samples.amin(1), samples.amax(1))
    assert samples[:, 0].unique().tolist() == pytest.approx([0, 1 / 0.75])
    assert (samples[:, 0] == 0).float().mean().item() == pytest.approx(0.25, abs=0.1)
    assert torch.equal(module.eval()(x), x)


def test_stochastic_depth_draws_what_torchvisions_does_and_becomes_it_in_files() -> None:
    x = torch.rand(8, 2, 3, 3)
    module = archdsl.compile("stochastic_depth<0.25,input<2,3,3>>")
    loaded = pickle.loads(pickle.dumps(module))
    (ours,), (theirs,) = module.children(), loaded.children()
    assert (type(theirs), str(theirs)) == (torchvision.ops.StochasticDepth, str(ours))
    with torch.random.fork_rng():
        found = [(torch.manual_seed(1), each(x))[1] for each in (module, loaded)]
        assert torch.equal(*found)
        assert not torch.equal(found[0], x)
    assert type(next(copy.deepcopy(module).eval().children())) is type(ours)
