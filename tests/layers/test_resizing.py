"""Resizing to the size of another layer is torch's ``interpolate``, in each of its ways."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

import archdsl
from archdsl.importers.verification import verify

# How it is written, and what torch is told.
WAYS = {
    "resize_like<tag1,": ("bilinear", False),
    "resize_like<tag1,align_corners=true,": ("bilinear", True),
    "resize_like<tag1,nearest=true,": ("nearest", None),
    "resize_prev_to_tagged1<": ("bilinear", True),
    "resize_prev_to_tagged<tag1,": ("bilinear", True),
}


class Resized(nn.Module):
    """A feature map made smaller by a convolution, then as large as the input again."""

    def __init__(self, mode: str, align_corners: bool | None, stride: int = 2) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1, stride)
        self.mode, self.align_corners = mode, align_corners

    def forward(self, x: Tensor) -> Tensor:
        size = x.shape[-2:]
        x = self.conv(x)
        return functional.interpolate(
            x, size=size, mode=self.mode, align_corners=self.align_corners
        )


def spelled(way: str, height: int = 9, width: int = 7, stride: int = 2) -> str:
    return f"{way}con<4,1,1,{stride},{stride},tag1<input<3,{height},{width}>>>>"


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(list(WAYS)),
    st.integers(1, 12),
    st.integers(1, 12),
    st.integers(1, 12),
    st.integers(1, 12),
)
def test_sizes_and_values(way: str, height: int, width: int, rows: int, columns: int) -> None:
    """Larger, smaller and equal, in each direction."""
    text = f"{way}adaptive_avg_pool<{rows},{columns},tag1<input<2,{height},{width}>>>>"
    network, x = archdsl.load(text), torch.randn(2, 2, height, width)
    small = functional.adaptive_avg_pool2d(x, (rows, columns))
    mode, corners = WAYS[way]
    expected = functional.interpolate(small, (height, width), mode=mode, align_corners=corners)
    assert torch.equal(network.to_torch().eval()(x), expected)
    assert network.summary().outputs == {"output": (2, height, width)}


@pytest.mark.parametrize("way", WAYS)
def test_it_is_the_graph_that_torch_code_gives(way: str) -> None:
    module = archdsl.compile(spelled(way))
    found = verify(module, Resized(*WAYS[way]), (3, 9, 7))
    assert found.matched, found.differences
    assert found.max_abs_diff == 0


@pytest.mark.parametrize("way", WAYS)
def test_another_way_is_another_graph(way: str) -> None:
    module = archdsl.compile(spelled(way))
    for other in set(WAYS.values()) - {WAYS[way]}:
        found = verify(module, Resized(*other), (3, 9, 7))
        assert not found.matched
        assert any("align_corners" in line or "mode" in line for line in found.differences)


@pytest.mark.parametrize("way", WAYS)
def test_the_size_is_that_of_the_run(way: str) -> None:
    """A module that was compiled for one size runs at others, also scripted."""
    module = archdsl.compile(spelled(way)).eval()
    scripted = torch.jit.script(module)
    exported = torch.export.export(module, (torch.randn(1, 3, 9, 7),)).module()
    x = torch.randn(2, 3, 14, 5)
    assert module(x).shape == (2, 4, 14, 5)
    assert torch.equal(scripted(x), module(x))
    x = torch.randn(1, 3, 9, 7)
    assert torch.equal(exported(x), module(x))


def test_what_a_resized_cell_sees() -> None:
    """Cells 4 pixels apart: a mean of two per side sees 1 + 4 pixels, the nearest one only 1."""
    seen = {
        way: archdsl.load(spelled(way, 16, 16, stride=4)).summary().rows[-1].receptive_field
        for way in WAYS
    }
    assert {way: (1, 1) if "nearest" in way else (5, 5) for way in WAYS} == seen


def test_the_nearest_cell_has_no_corners_to_align() -> None:
    text = spelled("resize_like<tag1,nearest=true,align_corners=true,")
    with pytest.raises(archdsl.ArchError, match="only bilinear resizing can align corners"):
        archdsl.load(text).check()


def test_only_feature_maps_are_resized() -> None:
    with pytest.raises(archdsl.ArchError, match="only feature maps can be resized"):
        archdsl.load("resize_like<tag1,tokens<tag1<input<3,9,7>>>>").check()
