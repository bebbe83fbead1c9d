"""Layers that move values: against torch, and against dlib's and Darknet's index arithmetic."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import archdsl
from archdsl.layers.permutation import DarknetReorg, Reorg

few = settings(max_examples=30, deadline=None)
small = st.integers(1, 3)


def run(layer: str, data: Tensor) -> Tensor:
    spec = layer.replace("SUBNET", f"input<{','.join(map(str, data.shape[1:]))}>")
    found = archdsl.compile(spec)(data)
    assert archdsl.load(spec).summary().outputs == {"output": tuple(found.shape[1:])}
    return found


@few
@given(small, small, small, small)
def test_upsample_nearest_is_torchs(channels: int, height: int, width: int, scale: int) -> None:
    data = torch.randn(2, channels, height, width)
    assert torch.equal(
        run(f"upsample_nearest<{scale},SUBNET>", data), nn.UpsamplingNearest2d(None, scale)(data)
    )


def test_upsample_nearest_repeats_values() -> None:
    found = run("upsample_nearest<2,SUBNET>", torch.tensor([[[[1.0, 2.0]]]]))
    assert found.tolist() == [[[[1, 1, 2, 2], [1, 1, 2, 2]]]]


@few
@given(small, small, small, small, small)
def test_reorg_is_dlibs(channels: int, high: int, wide: int, rows: int, columns: int) -> None:
    """dlib, layers_abstract.h: where each value of the output comes from."""
    data = torch.randn(2, channels, high * rows, wide * columns)
    found = run(f"reorg<{rows},{columns},SUBNET>", data)
    assert found.shape == (2, channels * rows * columns, high, wide)
    for k in range(channels * rows * columns):
        block = k // channels
        for r in range(high):
            for c in range(wide):
                source = data[:, k % channels, r * rows + block // columns, :]
                assert torch.equal(found[:, k, r, c], source[:, c * columns + block % columns])


def test_reorg_as_dlib_spells_it() -> None:
    data = torch.randn(1, 3, 4, 6)
    assert torch.equal(run("reorg<SUBNET>", data), run("add_layer<reorg_<2,2>,SUBNET>", data))


def darknet(data: Tensor, s: int) -> Tensor:
    """Darknet's reorg, value by value.

    Its routine walks over the C×H×W input as if that were its output, and for each place there
    computes where the value would lie in an image of C/s² channels and s times the size.
    """
    samples, channels, height, width = data.shape
    big_channels, big_height, big_width = channels // s**2, height * s, width * s
    flat = torch.empty(samples, channels * height * width)
    for sample in range(samples):
        source = data[sample].flatten()
        for c in range(channels):
            block_row, block_column = divmod(c // big_channels, s)
            for y in range(height):
                for x in range(width):
                    row, column = y * s + block_row, x * s + block_column
                    place = (c % big_channels) * big_height * big_width + row * big_width + column
                    flat[sample, c * height * width + y * width + x] = source[place]
    return flat.reshape(samples, channels * s * s, height // s, width // s)


@few
@given(small, small, small, small)
def test_darknet_reorg_is_darknets(channels: int, high: int, wide: int, s: int) -> None:
    data = torch.randn(2, channels * s * s, high * s, wide * s)
    assert torch.equal(run(f"darknet_reorg<{s},SUBNET>", data), darknet(data, s))


def test_darknet_reorg_is_not_dlibs() -> None:
    """The trained weights of YOLOv2 need the one; the other is what the paper describes."""
    data = torch.randn(1, 64, 26, 26)
    ours, dlibs = run("darknet_reorg<2,SUBNET>", data), run("reorg<2,2,SUBNET>", data)
    assert ours.shape == dlibs.shape == (1, 256, 13, 13)
    assert torch.equal(ours, darknet(data, 2))
    assert not torch.equal(ours, dlibs)
    assert torch.equal(ours.flatten().sort()[0], dlibs.flatten().sort()[0])


@pytest.mark.parametrize("s", [1, 2, 3])
def test_what_an_output_of_darknet_reorg_sees(s: int) -> None:
    """An output cell as a whole, its channels together, away from the edges; 13 as in YOLOv2."""
    size = 13 * s
    seen = torch.zeros(1, s * s, size, size)
    places = torch.arange(seen.numel(), dtype=torch.float32).reshape(seen.shape)
    rows = darknet(places, s)[0, :, 6, 6].long() // size % size
    columns = darknet(places, s)[0, :, 6, 6].long() % size
    extent = int(rows.max() - rows.min()) + 1, int(columns.max() - columns.min()) + 1
    for layer, expected in ((DarknetReorg(s), extent), (Reorg(s, s), (s, s))):
        window = layer.window(((s * s, size, size),))
        assert window is not None
        axes = window.rows, window.columns
        assert tuple(axis.extent for axis in axes) == expected
        assert [axis.stride for axis in axes] == [s, s]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("reorg<2,2,input<3,5,4>>", r"(?s)blocks of 2×2.*height.*multiple of 2, found 3×5×4"),
        ("reorg<1,3,input<3,5,4>>", r"(?s)blocks of 1×3.*width.*multiple of 3, found 3×5×4"),
        ("extract<3,2,2,2,input<1,2,5>>", "expected at least 11 values, found 10"),
        ("slice<1,0,0,2,1,1,input<2,4,4>>", "expected at least 3 channels, found 2×4×4"),
        ("slice<0,0,3,1,1,2,input<2,4,4>>", "expected at least 5 columns"),
        ("reshape_to<2,3,4,input<3,4,4>>", r"(?s)2×3×4 of 3×4×4.*expected 48 values, found 24"),
        ("reshape_to<0,3,4,input<3,4,4>>", "a size of 0"),
        ("flatten<2,input<2,1,1>>", "three sizes or none"),
        ("flatten<3,2,2,input<2,3,3>>", "expected 18 values, found 12"),
        ("multm_prev1<tag1<input<2,3,4>>>", "as many rows on the right as columns on the left"),
        ("multm_prev1<tag1<fc<3,input<2,3,4>>>>", "matrices of one value"),
        ("embeddings<9,4,tokens<input<2,3,4>>>", "needs a feature map"),
        ("positional_encodings<input<2>>", "needs an input of known size"),
        ("darknet_reorg<2,input<6,4,4>>", "cannot divide 6 channels by 4"),
        ("darknet_reorg<2,input<4,4,3>>", "width that is a multiple of 2"),
        ("reorg<fc<4,input<1,2,2>>>", "multiple of 2, found 4×1×1"),
        ("yolo_grid<7,2,20,fc<1471,input<1,2,2>>>", "1470 numbers for 7×7×30"),
        ("yolo_grid<1,1,1,input<6,1,1>>", "expected 6, found 6×1×1"),
    ],
)
def test_what_does_not_fit_is_refused(spec: str, message: str) -> None:
    with pytest.raises(archdsl.ArchError) as caught:
        archdsl.load(spec).check()
    assert caught.match(message)


def test_yolo_grid_is_a_reshape() -> None:
    module = archdsl.compile("yolo_grid<2,1,3,fc<32,input<1,1,1>>>", seed=1)
    data = torch.randn(3, 1, 1, 1)
    assert torch.equal(module(data).flatten(1), module.fc(data.flatten(1)))
    assert module(data).shape == (3, 2, 2, 8)


def test_products_of_matrices_count_as_attention_does() -> None:
    """2 channels of 3×4 by 4×3: 2·3·3 values of 4 products each."""
    rows = archdsl.load("multm_prev2<skip1<tag2<transpose<tag1<input<2,3,4>>>>>>").summary().rows
    assert rows[-1].shape == (2, 3, 3)
    assert rows[-1].macs == 2 * 3 * 3 * 4
