"""Base of all YOLO detectors: selection of boxes, and checks of the training targets."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchvision.ops import batched_nms, clip_boxes_to_image, remove_small_boxes

from archdsl.backends.torch.detection.images import check_labels, check_targets
from archdsl.backends.torch.detection.values import Size, Target

Losses = dict[str, Tensor]

_CANDIDATES = 30
"""So many times the boxes that are reported at most go into suppression, whose cost is quadratic:
a network without training gives every box to every class."""
_SMALLEST_SIDE = 1e-3  # pixels; what is left of a box outside the image is smaller


class YoloDetector(nn.Module):
    """Base of the three versions of YOLO."""

    def __init__(
        self, classes: int, score_threshold: float, nms_threshold: float, max_detections: int
    ) -> None:
        super().__init__()
        self.classes = classes
        self.score_threshold = score_threshold
        self.nms_threshold = nms_threshold
        self.max_detections = max_detections

    def extra_repr(self) -> str:
        # Every setting is an attribute; those of nn.Module itself are "training" and private.
        own = {k: v for k, v in vars(self).items() if k != "training" and not k.startswith("_")}
        return ", ".join(f"{name}={value}" for name, value in own.items())

    def detections(self, boxes: Tensor, scores: Tensor, size: Size) -> list[Target]:
        """Per image, from boxes N×P×4 and scores N×P×C: suppressed class by class, best first.

        A box counts once for every class whose score exceeds the threshold, as in Darknet.
        """
        return [self._of_image(*image, size) for image in zip(boxes, scores, strict=True)]

    def _of_image(self, boxes: Tensor, scores: Tensor, size: Size) -> Target:
        flat = scores.flatten()
        above = torch.nonzero(flat > self.score_threshold).squeeze(1)
        best = flat[above].topk(min(len(above), _CANDIDATES * self.max_detections)).indices
        chosen = above[best]
        labels = chosen % self.classes
        found = flat[chosen]
        places = clip_boxes_to_image(boxes[chosen // self.classes], size)
        inside = remove_small_boxes(places, _SMALLEST_SIDE)
        places, labels, found = places[inside], labels[inside], found[inside]
        kept = batched_nms(places, found, labels, self.nms_threshold)[: self.max_detections]
        return {"boxes": places[kept], "labels": labels[kept], "scores": found[kept]}

    def checked(self, targets: Sequence[Target] | None, images: int) -> list[tuple[Tensor, Tensor]]:
        """The boxes and labels of each image; ValueError or TypeError where nothing is learned."""
        if targets is None:
            raise ValueError(f"training takes a target for each of {images} images, found none")
        check_targets(targets, images)
        check_labels(targets, self.classes, 0)
        return [(target["boxes"], target["labels"]) for target in targets]


def overlap(first: Tensor, second: Tensor) -> Tensor:
    """Intersection over union of corners ...×4, pair by pair, with broadcasting."""
    low = torch.maximum(first[..., :2], second[..., :2])
    high = torch.minimum(first[..., 2:], second[..., 2:])
    common = (high - low).clamp(min=0).prod(-1)
    areas = [(box[..., 2:] - box[..., :2]).prod(-1) for box in (first, second)]
    together = areas[0] + areas[1] - common
    return common / together.clamp(min=torch.finfo(together.dtype).tiny)  # 0 for two empty boxes


def first_of_each(numbers: Tensor) -> Tensor:
    """Indices of the first occurrence of each number, in ascending order of the numbers."""
    sorted_numbers, order = numbers.sort(stable=True)
    new = torch.ones_like(sorted_numbers, dtype=torch.bool)
    new[1:] = sorted_numbers[1:] != sorted_numbers[:-1]
    return order[new]
