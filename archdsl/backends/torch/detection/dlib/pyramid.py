"""Image pyramids of dlib's, and places on their tiles (dlib dnn/input.h, resize_image)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from archdsl.backends.torch.detection.images import check_images
from archdsl.backends.torch.detection.values import DetectorModule, Size, Target
from archdsl.layers.pyramid_tiles import Tile, Tiling, step_up, tiled


class PyramidBatch(NamedTuple):
    """Images and their pyramids as one tensor: a Batch with the positions of the copies."""

    tensors: Tensor
    image_sizes: list[Size]
    original_sizes: list[Size]
    targets: list[Target] | None
    tilings: list[Tiling]
    n: int


class PyramidInput(DetectorModule):
    """Image pyramids: each image with its smaller copies tiled in one picture, padded to one
    tensor.

    Each level is made of the one before, bilinear with corners that are aligned. Source: dlib
    input_rgb_image_pyramid, resize_image.
    """

    fitted_to = ("mean",)
    mean: Tensor

    def __init__(self, n: int, padding: int, outer_padding: int, means: Sequence[float]) -> None:
        super().__init__()
        self.n, self.padding, self.outer_padding = n, padding, outer_padding
        self.register_buffer("mean", torch.tensor(means).reshape(-1, 1, 1), persistent=False)

    def forward(self, images: Sequence[Tensor]) -> PyramidBatch:
        """Images C×H×W with values 0..1; raises TypeError or ValueError for others."""
        check_images(images, len(self.mean))
        sizes: list[Size] = [(image.shape[-2], image.shape[-1]) for image in images]
        tilings = [tiled(*size, self.n, self.padding, self.outer_padding) for size in sizes]
        height = max(tiling.height for tiling in tilings)
        width = max(tiling.width for tiling in tilings)
        whole = images[0].new_zeros(len(images), len(self.mean), height, width)
        for picture, image, tiling in zip(whole, images, tilings, strict=True):
            self._fill(picture, image, tiling.tiles)
        return PyramidBatch(whole, sizes, sizes, None, tilings, self.n)

    def _fill(self, picture: Tensor, image: Tensor, tiles: Sequence[Tile]) -> None:
        level = (image * 255 - self.mean) / 256
        for tile in tiles:
            size = tile.height, tile.width
            if size != tuple(level.shape[1:]):
                level = functional.interpolate(
                    level[None], size, mode="bilinear", align_corners=True
                )[0]
            picture[:, tile.top : tile.bottom + 1, tile.left : tile.right + 1] = level

    def extra_repr(self) -> str:
        return f"pyramid_down<{self.n}>, padding={self.padding}, outer={self.outer_padding}"


def to_image(boxes: Tensor, tiles: Sequence[Tile], n: int) -> Tensor:
    """Boxes on a tiled pyramid (left, top, right, bottom) as boxes in the image.

    The tile that is nearest to a box's centre says how often it is enlarged.
    """
    centres = ((boxes[:, :2] + boxes[:, 2:]) / 2 + 0.5).floor().long()
    corners = torch.tensor(tiles, device=boxes.device)
    outside = torch.maximum(
        torch.maximum(corners[:, :2] - centres[:, None], centres[:, None] - corners[:, 2:]),
        torch.zeros((), dtype=torch.long, device=boxes.device),
    )
    # Of tiles that are equally near, the first counts.
    ranks = outside.square().sum(2) * len(tiles) + torch.arange(len(tiles), device=boxes.device)
    levels = ranks.argmin(1)
    boxes = boxes - corners[levels][:, [0, 1, 0, 1]]
    step = step_up(n)
    move = boxes.new_tensor([step.across, step.down] * 2)
    for level in range(len(tiles) - 1):
        boxes = torch.where((levels > level)[:, None], boxes * step.factor + move, boxes)
    return boxes


def to_tile(box: Tensor, scale: float, tiles: Sequence[Tile], n: int) -> Tensor:
    """A box in the image as one on its tiled pyramid, at the level of about a scale."""
    levels = round(math.log(scale) / math.log((n - 1) / n)) if n > 1 else 0
    levels = min(levels, len(tiles) - 1)
    step = step_up(n)
    move = box.new_tensor([step.across, step.down] * 2)
    for _ in range(levels):
        box = (box - move) / step.factor
    return box + box.new_tensor([tiles[levels].left, tiles[levels].top] * 2)
