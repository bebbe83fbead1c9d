"""Layers with random arguments are torch's: shape, counts, outputs, and what is refused."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.agreement import agree, agree_or_refuse, word
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

import archdsl

small = settings(max_examples=80, deadline=None)
sizes = st.integers(1, 13)
channels = st.integers(1, 6)
kernels = st.integers(1, 5)
strides = st.integers(1, 3)
flags = st.booleans()


# ---- convolution ----


@small
@given(st.data())
def test_con(data: st.DataObject) -> None:
    draw = data.draw
    c, h, w, n = draw(channels), draw(sizes), draw(sizes), draw(channels)
    kh, kw, sh, sw = draw(kernels), draw(kernels), draw(strides), draw(strides)
    ph, pw, dilation = draw(st.integers(0, 3)), draw(st.integers(0, 3)), draw(st.integers(1, 3))
    groups, bias = draw(st.integers(1, 3)), draw(flags)
    options = f"dilation={dilation},groups={groups},bias={word(bias)}"
    if draw(flags):
        layer = f"con<{n},{kh},{kw},{sh},{sw},{ph},{pw},{options},SUBNET>"
    else:
        pw = ph
        layer = f"con<{n},{kh},{kw},{sh},{sw},padding={ph},{options},SUBNET>"
    agree_or_refuse(
        layer,
        (c, h, w),
        lambda: nn.Conv2d(c, n, (kh, kw), (sh, sw), (ph, pw), dilation, groups, bias),
    )


@small
@given(channels, st.integers(1, 3), sizes, kernels, strides)
def test_depthwise(c: int, times: int, size: int, k: int, s: int) -> None:
    agree_or_refuse(
        f"depthwise<{c * times},{k},{k},{s},{s},padding=1,SUBNET>",
        (c, size, size),
        lambda: nn.Conv2d(c, c * times, k, s, 1, groups=c),
    )


@small
@given(channels, channels, sizes, sizes, flags)
def test_con_of_the_whole_input(c: int, n: int, h: int, w: int, bias: bool) -> None:
    """dlib's nr = nc = 0 is a filter as large as the input, without padding."""
    row = agree(
        f"con<{n},0,0,bias={word(bias)},SUBNET>", (c, h, w), nn.Conv2d(c, n, (h, w), bias=bias)
    )
    assert row.shape == (n, 1, 1)


@small
@given(st.data())
def test_cont(data: st.DataObject) -> None:
    draw = data.draw
    c, h, w, n = draw(channels), draw(sizes), draw(sizes), draw(channels)
    kh, kw, sh, sw = draw(kernels), draw(kernels), draw(strides), draw(strides)
    padding, more = draw(st.integers(0, 3)), draw(st.integers(0, 2))
    groups, bias = draw(st.integers(1, 3)), draw(flags)
    agree_or_refuse(
        f"cont<{n},{kh},{kw},{sh},{sw},padding={padding},output_padding={more},groups={groups},"
        f"bias={word(bias)},SUBNET>",
        (c, h, w),
        lambda: nn.ConvTranspose2d(c, n, (kh, kw), (sh, sw), padding, more, groups, bias),
    )


@small
@given(channels, channels, st.integers(5, 12), kernels, strides, st.integers(1, 40))
def test_macs_are_half_of_torchs_flops(c: int, n: int, size: int, k: int, s: int, f: int) -> None:
    text = f"fc<{f},con<{n},{k},{k},{s},{s},input<{c},{size},{size}>>>"
    network = archdsl.load(text)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network.to_torch().eval()(torch.zeros(1, c, size, size))
    assert 2 * network.summary().macs == counter.get_total_flops()


@pytest.mark.parametrize(
    ("text", "macs"),
    [
        ("cont<1,2,2,2,2,input<3,2,2>>", 48),  # 3 by 1 filters of 4 values, for each of 4 cells
        ("cont<4,3,3,1,1,groups=2,input<2,5,5>>", 4 * 9 * 25),
    ],
)
def test_a_transposed_filter_is_laid_down_once_for_every_input_cell(text: str, macs: int) -> None:
    assert archdsl.load(text).summary().macs == macs


# ---- pooling ----


@small
@given(st.data())
def test_pools(data: st.DataObject) -> None:
    draw = data.draw
    c, h, w = draw(channels), draw(sizes), draw(sizes)
    kh, kw, sh, sw = draw(kernels), draw(kernels), draw(strides), draw(strides)
    ph, pw = draw(st.integers(0, kh // 2)), draw(st.integers(0, kw // 2))
    ceil, count = draw(flags), draw(flags)
    # With ceil_mode torch takes windows larger than the padded input; dlib never does.
    assume(not ceil or (kh <= h + 2 * ph and kw <= w + 2 * pw))
    window = f"{kh},{kw},{sh},{sw},{ph},{pw},ceil_mode={word(ceil)}"
    kernel, stride, padding = (kh, kw), (sh, sw), (ph, pw)
    agree_or_refuse(
        f"max_pool<{window},SUBNET>",
        (c, h, w),
        lambda: nn.MaxPool2d(kernel, stride, padding, ceil_mode=ceil),
    )
    agree_or_refuse(
        f"avg_pool<{window},count_include_pad={word(count)},SUBNET>",
        (c, h, w),
        lambda: nn.AvgPool2d(kernel, stride, padding, ceil, count),
    )


@small
@given(channels, sizes, sizes, st.integers(1, 6), st.integers(1, 6))
def test_adaptive_pools(c: int, h: int, w: int, rows: int, columns: int) -> None:
    shape, size = (c, h, w), (rows, columns)
    agree(f"adaptive_avg_pool<{rows},{columns},SUBNET>", shape, nn.AdaptiveAvgPool2d(size))
    agree(f"adaptive_max_pool<{rows},{columns},SUBNET>", shape, nn.AdaptiveMaxPool2d(size))
    agree(f"adaptive_avg_pool<{rows},SUBNET>", shape, nn.AdaptiveAvgPool2d(rows))


class _Largest(nn.Module):
    def forward(self, input: Tensor) -> Tensor:
        return input.amax((2, 3), keepdim=True)


class _Mean(nn.Module):
    def forward(self, input: Tensor) -> Tensor:
        return input.mean((2, 3), keepdim=True)


@small
@given(channels, sizes, sizes)
def test_pools_of_everything(c: int, h: int, w: int) -> None:
    for spelled in ("max_pool_everything<SUBNET>", "max_pool<0,0,SUBNET>"):
        assert agree(spelled, (c, h, w), _Largest()).shape == (c, 1, 1)
    for spelled in ("avg_pool_everything<SUBNET>", "avg_pool<0,0,SUBNET>"):
        assert agree(spelled, (c, h, w), _Mean()).shape == (c, 1, 1)


@small
@given(channels, sizes, sizes, st.integers(1, 4))
def test_upsample_and_flatten(c: int, h: int, w: int, scale: int) -> None:
    bilinear = nn.Upsample(scale_factor=scale, mode="bilinear", align_corners=True)
    agree(f"upsample<{scale},SUBNET>", (c, h, w), bilinear)
    assert agree("flatten<SUBNET>", (c, h, w), nn.Flatten()).shape == (c * h * w,)


# ---- fully connected ----


@small
@given(channels, sizes, sizes, st.integers(1, 30), flags)
def test_fc(c: int, h: int, w: int, n: int, bias: bool) -> None:
    reference = nn.Sequential(nn.Flatten(), nn.Linear(c * h * w, n, bias))
    agree(f"fc<{n},bias={word(bias)},SUBNET>", (c, h, w), reference)
    if not bias:
        agree(f"fc_no_bias<{n},SUBNET>", (c, h, w), reference)


@small
@given(st.lists(st.integers(1, 20), min_size=2, max_size=5), channels)
def test_fc_behind_fc(widths: list[int], c: int) -> None:
    text, parts, before = "SUBNET", [nn.Flatten()], c * 4
    for width in widths:
        text = f"fc<{width},relu<{text}>>"
        parts += [nn.ReLU(), nn.Linear(before, width)]
        before = width
    agree(text, (c, 2, 2), nn.Sequential(*parts))


# ---- normalisation ----

EPS = st.sampled_from([1e-5, 1e-3, 0.5])


@small
@given(channels, sizes, sizes, EPS, st.sampled_from([0.1, 0.01, 0.7]))
def test_batch_norms(c: int, h: int, w: int, eps: float, momentum: float) -> None:
    for name in ("batch_norm", "bn_con"):
        agree(
            f"{name}<{eps},{momentum},SUBNET>",
            (c, h, w),
            nn.BatchNorm2d(c, eps=eps, momentum=momentum),
        )
    flat = nn.Sequential(
        nn.Flatten(), nn.BatchNorm1d(c * h * w, eps=eps), nn.Unflatten(1, (c, h, w))
    )
    agree(f"bn_fc<{eps},SUBNET>", (c, h, w), flat)


@small
@given(channels, st.integers(2, 9), EPS, st.sampled_from([0.1, 0.01, 0.7]))
def test_batch_norms_in_training(c: int, size: int, eps: float, momentum: float) -> None:
    data = 3 * torch.randn(4, c, size, size) + 5
    for name in ("batch_norm", "bn_con"):
        module = archdsl.compile(f"{name}<eps={eps},momentum={momentum},input<{c},{size},{size}>>")
        assert module.training
        reference = nn.BatchNorm2d(c, eps=eps, momentum=momentum)
        torch.testing.assert_close(module(data), reference(data))
        for found, expected in zip(module.buffers(), reference.buffers(), strict=True):
            torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("name", ["batch_norm", "bn_con", "bn_fc"])
def test_batch_norms_have_an_eps(name: str) -> None:
    with pytest.raises(ValueError, match="eps must be positive"):
        nn.BatchNorm2d(2, eps=0)(torch.rand(4, 2, 3, 3))
    with pytest.raises(archdsl.ArchError, match="at least 1e-12|1e-12 to 1"):
        archdsl.load(f"{name}<eps=0,input<2,3,3>>").check()


@small
@given(channels, sizes, sizes)
def test_batch_norms_of_features(c: int, h: int, w: int) -> None:
    n = c * h * w
    for name, eps in (("batch_norm", 1e-5), ("bn_con", 1e-4), ("bn_fc", 1e-4)):
        agree(
            f"{name}<flatten<SUBNET>>",
            (c, h, w),
            nn.Sequential(nn.Flatten(), nn.BatchNorm1d(n, eps=eps)),
        )


@small
@given(st.integers(1, 3), st.integers(1, 4), sizes, sizes, EPS)
def test_group_and_layer_norm(groups: int, each: int, h: int, w: int, eps: float) -> None:
    c, shape = groups * each, (groups * each, h, w)
    # Of one sample with one value in each group torch computes nothing, in whatever mode.
    agree_or_refuse(
        f"group_norm<{groups},{eps},SUBNET>", shape, lambda: nn.GroupNorm(groups, c, eps)
    )
    agree_or_refuse(f"layer_norm<{eps},SUBNET>", shape, lambda: nn.GroupNorm(1, c, eps))


@small
@given(st.integers(2, 12), EPS)
def test_layer_norm_of_features(n: int, eps: float) -> None:
    reference = nn.Sequential(nn.Flatten(), nn.LayerNorm(n, eps))
    agree(f"layer_norm<{eps},flatten<SUBNET>>", (n, 1, 1), reference)


class _Affine(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, input: Tensor) -> Tensor:
        axes = (slice(None), *[None] * (input.dim() - 2))
        return input * self.weight[axes] + self.bias[axes]


@small
@given(channels, sizes, sizes)
def test_affine(c: int, h: int, w: int) -> None:
    agree("affine<SUBNET>", (c, h, w), _Affine(c))
    agree("affine<flatten<SUBNET>>", (c, 1, 1), nn.Sequential(nn.Flatten(), _Affine(c)))
    module = archdsl.compile(f"affine<input<{c},{h},{w}>>")
    data = torch.randn(2, c, h, w)
    assert torch.equal(module(data), data)


@small
@given(channels, sizes, sizes, st.integers(1, 7), st.floats(0, 2), st.floats(0.1, 1.5), EPS)
def test_lrn(c: int, h: int, w: int, size: int, alpha: float, beta: float, k: float) -> None:
    reference = nn.LocalResponseNorm(size, alpha, beta, k)
    agree(f"lrn<{size},{alpha!r},{beta!r},{k!r},SUBNET>", (c, h, w), reference)
    agree(f"lrn<{size},k={k!r},beta={beta!r},alpha={alpha!r},SUBNET>", (c, h, w), reference)


# ---- activations ----

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": functional.relu,
    "relu6": lambda x: x.clamp(0, 6),
    "sig": torch.sigmoid,
    "sigmoid": torch.sigmoid,
    "htan": torch.tanh,
    "tanh": torch.tanh,
    "mish": lambda x: x * torch.tanh(torch.log1p(torch.exp(x))),
    "gelu": lambda x: x * torch.special.ndtr(x),
    "silu": lambda x: x * torch.sigmoid(x),
    "hardswish": lambda x: x * (x + 3).clamp(0, 6) / 6,
    "hardsigmoid": lambda x: (x + 3).clamp(0, 6) / 6,
    "softplus": lambda x: torch.log1p(torch.exp(x)),
    "identity": lambda x: x,
    "leaky_relu": lambda x: torch.where(x > 0, x, 0.01 * x),
    "leaky_relu<0.3,": lambda x: torch.where(x > 0, x, 0.3 * x),
    "elu": lambda x: torch.where(x > 0, x, torch.expm1(x)),
    "elu<0.7,": lambda x: torch.where(x > 0, x, 0.7 * torch.expm1(x)),
    "clipped_relu": lambda x: x.clamp(0, 6),
    "clipped_relu<2.5,": lambda x: x.clamp(0, 2.5),
    "prelu": lambda x: torch.where(x > 0, x, 0.25 * x),
    "prelu<0.1,": lambda x: torch.where(x > 0, x, 0.1 * x),
    "softmax": lambda x: torch.exp(x) / torch.exp(x).sum(1, keepdim=True),
    "softmax_all": lambda x: torch.exp(x) / torch.exp(x).sum((1, 2, 3), keepdim=True),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("shape", [(3, 4, 5), (1, 1, 1)], ids=str)
def test_activations(name: str, shape: tuple[int, int, int]) -> None:
    data = 4 * torch.randn(5, *shape, generator=torch.Generator().manual_seed(1))
    before = data.clone()
    spelled = name if "<" in name else f"{name}<"
    network = archdsl.load(f"{spelled}input<{','.join(map(str, shape))}>>")
    module = network.to_torch()
    torch.testing.assert_close(module(data), ACTIVATIONS[name](data))
    assert torch.equal(data, before)
    summary = network.summary()
    assert summary.rows[-1].shape == shape
    assert summary.parameters == (1 if name.startswith("prelu") else 0)
    assert summary.macs == summary.buffers == 0


def test_a_ceiling_is_above_the_floor() -> None:
    with pytest.raises((AssertionError, ValueError)):
        nn.Hardtanh(0.0, 0.0)
    with pytest.raises(archdsl.ArchError, match="at least 1e-06"):
        archdsl.load("clipped_relu<0,input<2,3,3>>").check()


@pytest.mark.parametrize("name", ["relu", "relu6", "silu", "hardswish", "hardsigmoid", "mish"])
def test_working_in_place_changes_no_result(name: str) -> None:
    """Activations may write over what nobody else reads; a second reader must see the old value."""
    data = torch.randn(2, 4, 6, 6)
    shared = archdsl.compile(f"add_prev1<{name}<tag1<con<4,3,3,input<4,6,6>>>>>", seed=0)
    plain = archdsl.compile("con<4,3,3,input<4,6,6>>", seed=0)
    features = plain(data)
    torch.testing.assert_close(shared(data), ACTIVATIONS[name](features) + features)
    module = archdsl.compile(f"{name}<con<4,3,3,input<4,6,6>>>", seed=0)
    torch.testing.assert_close(module(data), ACTIVATIONS[name](features))
    (expected,) = torch.autograd.grad(ACTIVATIONS[name](features).square().sum(), plain.conv.weight)
    (found,) = torch.autograd.grad(module(data).square().sum(), module.conv.weight)
    torch.testing.assert_close(found, expected)
