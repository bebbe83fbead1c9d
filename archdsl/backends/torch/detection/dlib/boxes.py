"""dlib's boxes: left, top, right and bottom, pixels from the first to the last one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from archdsl.backends.torch.detection.values import Target
from archdsl.layers.dlib_options import BoxOverlap


class TrueBoxes(NamedTuple):
    """The objects of an image, of which some may be such as to be ignored."""

    boxes: Tensor
    """T×4."""
    labels: Tensor
    ignored: Tensor

    @classmethod
    def of(cls, target: dict[str, Tensor]) -> TrueBoxes:
        """Those of a target, whose boxes end where their last pixel ends, on the processor."""
        boxes = target["boxes"].detach().double().cpu()
        labels = target["labels"].cpu()
        ignored = target.get("ignore", torch.zeros_like(labels))
        return cls(boxes - boxes.new_tensor([0, 0, 1, 1]), labels, ignored.bool().cpu())


def areas(boxes: Tensor) -> Tensor:
    """Pixels of boxes ...×4; 0 of those that end before they begin."""
    sides = boxes[..., 2:] - boxes[..., :2]
    return torch.where((sides < 0).any(-1), 0.0, (sides + 1).prod(-1))


def shared(one: Tensor, other: Tensor) -> Tensor:
    """Pixels that boxes have in common; shapes are broadcast."""
    low = torch.maximum(one[..., :2], other[..., :2])
    high = torch.minimum(one[..., 2:], other[..., 2:])
    return areas(torch.cat([low, high], -1))


def overlaps(one: Tensor, other: Tensor) -> Tensor:
    """Intersection over union of boxes (box_intersection_over_union)."""
    inner = shared(one, other)
    return torch.where(inner == 0, 0.0, inner / (areas(one) + areas(other) - inner))


def overlapping(one: Tensor, other: Tensor, test: BoxOverlap) -> Tensor:
    """True where boxes overlap too much, by the box around both or by either one's covered part."""
    inner = shared(one, other)
    low = torch.minimum(one[..., :2], other[..., :2])
    high = torch.maximum(one[..., 2:], other[..., 2:])
    around = areas(torch.cat([low, high], -1))
    covered = inner / torch.minimum(areas(one), areas(other))
    over = (inner / around > test.iou_thresh) | (covered > test.percent_covered_thresh)
    return over & (inner > 0)


def middles(boxes: Tensor) -> Tensor:
    """Centres of boxes (dcenter)."""
    return (boxes[..., :2] + boxes[..., 2:]) / 2


def rounded(values: Tensor) -> Tensor:
    """Numbers rounded to whole ones, halves away from zero (std::lround)."""
    return values.sign() * (values.abs() + 0.5).floor()


def remaining(alive: Tensor) -> Iterator[int]:
    """Indices that are true, in order, while others are set to false."""
    index = 0
    while index < len(alive):
        rest = alive[index:].nonzero()
        if not len(rest):
            return
        index += int(rest[0])
        yield index
        index += 1


def suppressed(boxes: Tensor, labels: Tensor | None, overlap: BoxOverlap) -> list[int]:
    """Indices of the boxes that non-maximum suppression keeps; the best come first.

    Boxes are whole numbers (left, top, right, bottom). With ``labels`` only boxes of one label
    suppress each other. Source: dlib test_box_overlap.
    """
    alive = torch.ones(len(boxes), dtype=torch.bool, device=boxes.device)
    kept: list[int] = []
    for index in remaining(alive):
        kept.append(index)
        over = overlapping(boxes[index], boxes, overlap)
        alive &= ~(over if labels is None else over & (labels == labels[index]))
    return kept


def found_boxes(boxes: Tensor, labels: Tensor, scores: Tensor) -> Target:
    """dlib's boxes as a dict of ``boxes``, ``labels`` and ``scores``."""
    ends = boxes.new_tensor([0, 0, 1, 1])
    return {"boxes": (boxes + ends).float(), "labels": labels, "scores": scores.float()}
