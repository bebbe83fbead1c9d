"""Features of regions: RoI pooling as Fast R-CNN describes it, warping as R-CNN does."""

import math
import re

import pytest
import torch
from torch import Tensor
from torch.nn import functional
from torchvision.ops import roi_pool

import archdsl

PLAIN = "red=0,green=0,blue=0,red_deviation=1,green_deviation=1,blue_deviation=1"
"""Image values pass as they are."""


# ---- RoI pooling ----

# An image 1056 wide and 640 high, and a map of 66×40 cells: a scale of 1/16.
POOLED = f"""
roi_pool<map, 7, SCALE region_proposals<9,
tap<map, max_pool<16,16,16,16,input_images<640,1056,divisible=16,{PLAIN}>>>>>
"""
REGIONS = torch.tensor(
    [
        [0.0, 0.0, 1056.0, 640.0],  # all
        [296.0, 192.0, 936.0, 500.0],  # ends between cells
        [8.0, 24.0, 40.0, 56.0],  # halves of cells, fewer than 7
        [500.0, 100.0, 503.0, 102.0],  # less than a cell
        [900.0, 500.0, 1056.0, 640.0],  # in the corner
    ]
)


def pooled_by_loops(features: Tensor, region: list[float], scale: float, cells: int) -> Tensor:
    """Girshick 2015, section 2.1: round to the map, split into cells, take each cell's maximum."""
    channels, rows, columns = features.shape
    left, top, right, bottom = (math.floor(edge * scale + 0.5) for edge in region)
    wide, high = max(right - left + 1, 1), max(bottom - top + 1, 1)
    found = torch.zeros(channels, cells, cells)
    for i in range(cells):
        for j in range(cells):
            y1, y2 = top + math.floor(i * high / cells), top + math.ceil((i + 1) * high / cells)
            x1, x2 = left + math.floor(j * wide / cells), left + math.ceil((j + 1) * wide / cells)
            cell = features[:, max(y1, 0) : min(y2, rows), max(x1, 0) : min(x2, columns)]
            if cell.numel():
                found[:, i, j] = cell.amax((1, 2))
    return found


@pytest.mark.parametrize("scale", ["", "scale=1.0/16,"])
def test_roi_pooling_of_the_courses_example(scale: str) -> None:
    module = archdsl.compile(POOLED.replace("SCALE", scale)).eval()
    image = torch.rand(3, 640, 1056)
    features = functional.max_pool2d(image, 16)
    assert features.shape == (3, 40, 66)
    found = module([image], proposals=[REGIONS])
    assert torch.equal(found, roi_pool(features[None], [REGIONS], 7, 1 / 16))
    loops = [pooled_by_loops(features, region, 1 / 16, 7) for region in REGIONS.tolist()]
    assert torch.equal(found, torch.stack(loops))


def test_regions_of_a_resized_image_are_resized_with_it() -> None:
    """The image is half as large as the network takes it; its regions are given in its pixels."""
    module = archdsl.compile(POOLED.replace("SCALE", "")).eval()
    image = torch.rand(3, 320, 528)
    large = functional.interpolate(image[None], scale_factor=2, mode="bilinear")
    expected = roi_pool(functional.max_pool2d(large, 16), [REGIONS], 7, 1 / 16)
    assert torch.allclose(module([image], proposals=[REGIONS / 2]), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("scale", "words"), [("1.0/8", "found 1/8"), ("1.0/32", "found 1/32"), ("1.0/15", "found 1/15")]
)
def test_a_scale_that_does_not_fit_the_map(scale: str, words: str) -> None:
    with pytest.raises(archdsl.ArchError) as refused:
        archdsl.compile(POOLED.replace("SCALE", f"scale={scale},"))
    told = str(refused.value)
    assert "does not fit the stride" in told
    assert "expected 1/16: the image is 3×640×1056, the map 3×40×66" in told
    assert words in told


# ---- warping ----

HEIGHT, WIDTH, CONTEXT = 20, 28, 4
WARPED = f"""
warp<{HEIGHT},{WIDTH},context={CONTEXT},
region_proposals<5, input_images<60,80,divisible=1,{PLAIN}>>>
"""


def affine_image(rows: int, columns: int) -> Tensor:
    """Values that grow evenly, so that bilinear sampling is exact; pixel centres are at halves."""
    y, x = torch.meshgrid(torch.arange(rows) + 0.5, torch.arange(columns) + 0.5, indexing="ij")
    return torch.stack([x / columns, y / rows, (x + y) / (rows + columns)])


def context_box(region: Tensor) -> Tensor:
    """Girshick et al. 2014, appendix A: CONTEXT pixels of the warped image around the region."""
    across = (region[2] - region[0]) / (WIDTH - 2 * CONTEXT) * CONTEXT
    down = (region[3] - region[1]) / (HEIGHT - 2 * CONTEXT) * CONTEXT
    return region + torch.stack([-across, -down, across, down])


def test_regions_are_warped_with_their_context() -> None:
    """Narrow and wide, smaller and larger than the warped image; against torch's own sampling."""
    regions = torch.tensor(
        [[20.0, 20.0, 40.0, 32.0], [15.0, 16.0, 65.0, 44.0], [30.25, 12.5, 34.75, 44.0]]
    )
    image = affine_image(60, 80)
    found = archdsl.compile(WARPED).eval()([image], proposals=[regions])
    assert found.shape == (3, 3, HEIGHT, WIDTH)
    for warped, region in zip(found, regions, strict=True):
        x1, y1, x2, y2 = context_box(region).tolist()
        x = x1 + (torch.arange(WIDTH) + 0.5) * (x2 - x1) / WIDTH
        y = y1 + (torch.arange(HEIGHT) + 0.5) * (y2 - y1) / HEIGHT
        grid = torch.stack(
            [(2 * x / 80 - 1).expand(HEIGHT, -1), (2 * y / 60 - 1)[:, None].expand(-1, WIDTH)], 2
        )
        sampled = functional.grid_sample(image[None], grid[None], align_corners=False)[0]
        assert torch.allclose(warped, sampled, atol=1e-5)
        assert torch.allclose(warped[0, 0], x / 80, atol=1e-5)


def test_context_outside_the_image_is_the_mean() -> None:
    """The mean of the normalisation, which is zero: appendix A."""
    region = torch.tensor([[0.0, 0.0, 40.0, 24.0]])  # 8 pixels of context, to the left and above
    image = torch.ones(3, 60, 80)
    (warped,) = archdsl.compile(WARPED).eval()([image], proposals=[region])
    assert torch.equal(warped[:, : CONTEXT - 1], torch.zeros(3, CONTEXT - 1, WIDTH))
    assert torch.equal(warped[:, :, : CONTEXT - 1], torch.zeros(3, HEIGHT, CONTEXT - 1))
    assert torch.equal(warped[:, CONTEXT:, CONTEXT:], torch.ones(3, HEIGHT - 4, WIDTH - 4))


def test_regions_are_wanted_from_outside() -> None:
    module = archdsl.compile(WARPED).eval()
    with pytest.raises(ValueError, match=re.escape("expected proposals for every image")):
        module([torch.rand(3, 60, 80)])
