"""Inputs of a comparison: random tensors, or random images with targets."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from archdsl.importers.trace.detectors import is_detector

_KEYPOINTS = 17
_BOXES = 3


def example(
    module: nn.Module,
    shape: Sequence[int],
    batch: int,
    *,
    training: bool,
    device: torch.device | str,
) -> tuple[object, ...]:
    """The arguments of a call: one tensor, or for a detector a list of images of unequal sizes.

    ``shape`` is channels, height and width of one example. A detector in training also gets
    targets: boxes of label 1, which every head knows, with masks and keypoints.
    """
    if not is_detector(module):
        return (torch.randn((batch, *shape)).to(device),)
    channels, height, width = shape
    images = []
    for index in range(batch):  # the first upright, the next one lying, and so on
        rows, columns = (height, width * 3 // 4) if index % 2 == 0 else (height * 3 // 4, width)
        images.append(torch.rand(channels, rows, columns).to(device))
    if not training:
        return (images,)
    return images, [_target(image) for image in images]


def _target(image: Tensor) -> dict[str, Tensor]:
    size = torch.tensor([image.shape[2], image.shape[1]])
    corner = torch.rand(_BOXES, 2) * size / 2
    boxes = torch.cat([corner, corner + (0.2 + 0.3 * torch.rand(_BOXES, 2)) * size], 1)
    inside = torch.rand(_BOXES, _KEYPOINTS, 2)
    points = boxes[:, None, :2] + inside * (boxes[:, None, 2:] - boxes[:, None, :2])
    target = {
        "boxes": boxes,
        "labels": torch.ones(_BOXES, dtype=torch.int64),
        "masks": (torch.rand(_BOXES, *image.shape[1:]) > 0.5).to(torch.uint8),
        "keypoints": torch.cat([points, torch.ones(_BOXES, _KEYPOINTS, 1)], 2),
    }
    return {name: value.to(image.device) for name, value in target.items()}
