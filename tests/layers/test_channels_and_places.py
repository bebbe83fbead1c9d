"""Layers of super-resolution, style transfer and attention over places, against torch's own."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.agreement import agree, agree_or_refuse, word
from torch import Tensor, nn
from torch.nn import functional as F

import archdsl

few = settings(max_examples=30, deadline=None)
small, side = st.integers(1, 4), st.integers(0, 3)


@few
@given(st.integers(1, 10), small, small, st.integers(1, 3))
def test_pixel_shuffle(channels: int, height: int, width: int, factor: int) -> None:
    shape = (channels, height, width)
    agree_or_refuse(f"pixel_shuffle<{factor},SUBNET>", shape, lambda: nn.PixelShuffle(factor))


@few
@given(small, st.integers(1, 7), st.integers(1, 7), st.integers(1, 3))
def test_pixel_unshuffle(channels: int, height: int, width: int, factor: int) -> None:
    shape = (channels, height, width)
    agree_or_refuse(f"pixel_unshuffle<{factor},SUBNET>", shape, lambda: nn.PixelUnshuffle(factor))


def test_pixel_shuffle_by_hand() -> None:
    """Shi et al. 2016, equation 4: four channels become the four cells of a square."""
    x = torch.tensor([0.0, 1, 2, 3]).reshape(1, 4, 1, 1)
    assert archdsl.compile("pixel_shuffle<2,input<4,1,1>>")(x).tolist() == [[[[0, 1], [2, 3]]]]
    back = archdsl.compile("pixel_unshuffle<2,pixel_shuffle<2,input<8,3,5>>>")
    data = torch.randn(2, 8, 3, 5)
    assert torch.equal(back(data), data)


@few
@given(small, small, small, st.booleans())
def test_instance_norm(channels: int, height: int, width: int, affine: bool) -> None:
    agree_or_refuse(
        f"instance_norm<0.01,affine={word(affine)},SUBNET>",
        (channels, height, width),
        lambda: nn.InstanceNorm2d(channels, 0.01, affine=affine),
    )


@few
@given(small, small, small, side, side, side, side)
def test_pads_that_copy(
    channels: int, height: int, width: int, top: int, bottom: int, left: int, right: int
) -> None:
    sides, shape = (left, right, top, bottom), (channels, height, width)
    written = f"{top},{bottom},{left},{right},SUBNET"
    agree_or_refuse(f"reflection_pad<{written}>", shape, lambda: nn.ReflectionPad2d(sides))
    agree_or_refuse(f"replication_pad<{written}>", shape, lambda: nn.ReplicationPad2d(sides))
    agree_or_refuse(f"reflection_pad<{top},SUBNET>", shape, lambda: nn.ReflectionPad2d(top))


class Factor(nn.Module):
    """A parameter that the input is multiplied by, or that is added."""

    def __init__(self, sizes: tuple[int, ...], join: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.value, self.join = nn.Parameter(torch.ones(sizes)), join

    def forward(self, x: Tensor) -> Tensor:
        return self.join(x, self.value)


@pytest.mark.parametrize(
    ("layer", "sizes", "join"),
    [
        ("layer_scale<SUBNET>", (4, 1, 1), torch.mul),
        ("layer_scale<per_channel=false,SUBNET>", (1,), torch.mul),
        ("channels_first<layer_scale_last<channels_last<SUBNET>>>", (4,), None),
        ("bias<SUBNET>", (4, 1, 1), torch.add),
    ],
)
def test_learned_factors_and_offsets(
    layer: str, sizes: tuple[int, ...], join: Callable[[Tensor, Tensor], Tensor] | None
) -> None:
    last = join or (lambda x, value: (x.movedim(1, 3) * value).movedim(3, 1))
    agree(layer, (4, 2, 3), Factor(sizes, last))


def test_learned_factors_start_as_they_are_told() -> None:
    x = torch.ones(1, 3, 2, 2)
    assert archdsl.compile("layer_scale<0.5,per_channel=false,input<3,2,2>>")(x).eq(0.5).all()
    assert archdsl.compile("layer_scale_last<0.25,tokens<input<3,2,2>>>")(x).eq(0.25).all()
    assert archdsl.compile("bias_last<tokens<input<3,2,2>>>")(x).eq(1).all()


def test_prelu_per_channel_and_log_softmax() -> None:
    agree("prelu<per_channel=true,SUBNET>", (4, 2, 3), nn.PReLU(4))
    agree("log_softmax<SUBNET>", (4, 2, 3), nn.LogSoftmax(1))
    agree("spatial_dropout<0.3,SUBNET>", (4, 2, 3), nn.Dropout2d(0.3))


def test_spatial_dropout_drops_whole_channels() -> None:
    module = archdsl.compile("spatial_dropout<0.5,input<64,3,3>>", seed=0).train()
    dropped = module(torch.ones(4, 64, 3, 3)).flatten(2)
    assert set(dropped.unique().tolist()) == {0.0, 2.0}
    assert dropped.eq(dropped[..., :1]).all()


class SpatialAttention(nn.Module):
    """Woo et al. 2018, equation 3, written out."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 7, padding=3, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        found = torch.stack([x.max(1).values, x.sum(1) / x.shape[1]], 1)
        return x * torch.sigmoid(self.conv(found))


class ContextOffset(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x.mean((2, 3))[..., None, None])


def test_products_and_sums_with_numbers_for_channels_or_places() -> None:
    attention = "compose<sig,con<1,7,7,bias=false>,parallel<channel_max,channel_mean>>"
    agree(f"scale<{attention},SUBNET>", (4, 6, 5), SpatialAttention())
    agree("offset<compose<con<4,1,1>,avg_pool_everything>,SUBNET>", (4, 6, 5), ContextOffset())
    full = archdsl.compile("scale<identity,input<3,2,2>>")
    x = torch.randn(2, 3, 2, 2)
    assert torch.equal(full(x), x * x)
    tagged = "offset_prev<tag1,skip2<tag1<avg_pool_everything<tag2<input<3,2,2>>>>>>"
    assert torch.allclose(archdsl.compile(tagged)(x), x + F.adaptive_avg_pool2d(x, 1))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("offset<con<2,1,1>,input<3,4,4>>", "1×4×4 or 3×1×1, found 2×4×4"),
        ("scale<max_pool<2,2,2,2>,input<3,4,4>>", "found 3×2×2"),
        ("reflection_pad<4,input<3,4,4>>", "expected 5 rows"),
        ("pixel_shuffle<2,input<6,4,4>>", "multiple of 4 channels"),
        ("pixel_unshuffle<2,input<6,3,4>>", "multiple of 2"),
        ("instance_norm<input<6,1,1>>", "found 6×1×1"),
    ],
)
def test_what_does_not_fit_is_told(text: str, told: str) -> None:
    with pytest.raises(archdsl.ArchError) as caught:
        archdsl.load(text).check()
    assert told in str(caught.value)
