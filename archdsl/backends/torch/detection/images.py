"""The first and the last module of a detector: images to batches, detections to a list of dicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torchvision.models.detection.transform import GeneralizedRCNNTransform

from archdsl.backends.torch.detection.values import (
    Batch,
    Detections,
    DetectorModule,
    Size,
    Target,
    required_part,
)
from archdsl.ir.edges import shape_words


class ImageBatch(DetectorModule):
    """Images of any sizes as one normalised tensor; targets are scaled with them.

    An image is resized so that its shorter side is the last of ``min_sizes`` (in training, one of
    them by chance) and its longer one at most ``max_size``, or to ``fixed``. Source: torchvision's
    GeneralizedRCNNTransform.
    """

    fitted_to = ("mean", "deviation")

    def __init__(
        self,
        min_sizes: tuple[int, ...],
        max_size: int,
        mean: tuple[float, ...],
        deviation: tuple[float, ...],
        fixed: Size | None,
        divisible: int,
    ) -> None:
        super().__init__()
        self.mean, self.deviation = mean, deviation
        self.transform = GeneralizedRCNNTransform(
            min_sizes,
            max_size,
            list(mean),
            list(deviation),
            size_divisible=divisible,
            fixed_size=fixed,
        )

    def forward(self, images: Sequence[Tensor], targets: Sequence[Target] | None = None) -> Batch:
        """Images 3×H×W with values 0..1; see :func:`check_targets` for targets.

        Raises TypeError or ValueError for images and targets of another kind.
        """
        check_images(images)
        sizes: list[Size] = [(image.shape[-2], image.shape[-1]) for image in images]
        if targets is not None:
            check_targets(targets, len(images))
            _check_parts(targets, sizes)
        resized, scaled = self.transform(
            list(images), None if targets is None else [dict(target) for target in targets]
        )
        return Batch(resized.tensors, resized.image_sizes, sizes, scaled)

    def extra_repr(self) -> str:
        each = self.transform
        shorter = "/".join(map(str, each.min_size))
        size = f"{shorter}..{each.max_size}" if each.fixed_size is None else ""
        mean, deviation = (
            tuple(round(v, 6) for v in values) for values in (self.mean, self.deviation)
        )
        fixed = each.fixed_size or ""
        return f"{size}{fixed}, mean={mean}, deviation={deviation}, divisible={each.size_divisible}"


def check_images(images: Any, channels: int = 3) -> None:
    """Raise TypeError or ValueError for anything but a list of images with so many channels."""
    if isinstance(images, Tensor) and images.dim() == 3:
        raise TypeError(
            f"expected a list of images, found one tensor of shape {tuple(images.shape)}; "
            "a single image is given as [image]"
        )
    if not isinstance(images, (Tensor, list, tuple)) or len(images) == 0:
        raise TypeError(f"expected a list of images (tensors 3×H×W), found {_kind(images)}")
    for index, image in enumerate(images):
        if not isinstance(image, Tensor):
            raise TypeError(f"image {index} is {_kind(image)}; expected a tensor 3×H×W")
        if image.dim() != 3 or image.shape[0] != channels or 0 in image.shape:
            raise ValueError(
                f"image {index} has the shape {tuple(image.shape)}; "
                f"expected {channels}×H×W{' (RGB)' if channels == 3 else ''}"
            )
        if not image.is_floating_point():
            raise TypeError(
                f"image {index} holds {str(image.dtype).removeprefix('torch.')} values; "
                "expected floats of 0..1, such as image / 255"
            )


def _kind(value: object) -> str:
    if isinstance(value, (list, tuple)) and not value:
        return "an empty list"
    return f"an object of type {type(value).__name__}"


def check_targets(targets: Any, images: int) -> None:
    """Raise TypeError or ValueError for targets that nothing can be learned from.

    A target is a dict with ``boxes``, floats n×4 (x1, y1, x2, y2 in pixels of the image), and
    ``labels``, n integers. Raises TypeError or ValueError.
    """
    if not isinstance(targets, (list, tuple)) or len(targets) != images:
        count = str(len(targets)) if isinstance(targets, (list, tuple)) else _kind(targets)
        raise ValueError(f"expected a target for each of {images} images, found {count}")
    for index, target in enumerate(targets):
        if not isinstance(target, Mapping):
            raise TypeError(
                f"target {index} is {_kind(target)}; expected a dict with boxes, labels"
            )
    for index, (boxes, labels) in enumerate(
        zip(required_part(targets, "boxes"), required_part(targets, "labels"), strict=True)
    ):
        if not isinstance(boxes, Tensor) or boxes.dim() != 2 or boxes.shape[1] != 4:
            found = str(tuple(boxes.shape)) if isinstance(boxes, Tensor) else _kind(boxes)
            raise ValueError(f"the boxes of target {index}: expected a tensor n×4, found {found}")
        if not boxes.is_floating_point():
            raise TypeError(f"the boxes of target {index} hold integers; expected floats (pixels)")
        if not isinstance(labels, Tensor) or labels.dtype != torch.int64:
            found = str(labels.dtype) if isinstance(labels, Tensor) else _kind(labels)
            raise TypeError(f"the labels of target {index}: expected int64, found {found}")
        if labels.shape != boxes.shape[:1]:
            raise ValueError(f"target {index} has {len(boxes)} boxes and {labels.numel()} labels")
        flat = ~(boxes[:, 2:] > boxes[:, :2]).all(1)  # so that NaN is refused too
        if flat.any():
            box = [round(value, 2) for value in boxes[flat][0].tolist()]
            raise ValueError(
                f"target {index} has a box without width or height: {box}; "
                "expected x1 < x2 and y1 < y2"
            )


def _check_parts(targets: Sequence[Target], sizes: Sequence[Size]) -> None:
    """Raise ValueError for masks and keypoints that do not fit the boxes."""
    for index, (target, (height, width)) in enumerate(zip(targets, sizes, strict=True)):
        count = len(target["boxes"])
        wanted = {"masks": (count, height, width), "keypoints": (count, None, 3)}
        for part, shape in wanted.items():
            if part not in target:
                continue
            value: Any = target[part]
            found = tuple(value.shape) if isinstance(value, Tensor) else _kind(value)
            fits = len(found) == 3 and all(
                size in (None, given) for size, given in zip(shape, found, strict=True)
            )
            if not fits:
                raise ValueError(
                    f"the {part} of target {index}: expected {shape_words(shape)} "
                    f"for {count} boxes in an image of {height}×{width}, found {found}"
                )


def check_labels(targets: Sequence[Target], classes: int, first: int) -> None:
    """Raise ValueError for labels out of the range of the network's head."""
    for index, target in enumerate(targets):
        labels = target["labels"]
        if labels.numel() and (int(labels.min()) < first or int(labels.max()) >= classes):
            raise ValueError(
                f"target {index} has labels from {int(labels.min())} to {int(labels.max())}; "
                f"the head tells labels from {first} to {classes - 1} apart"
            )


class Results(DetectorModule):
    """Last module of a detector: losses in training, else detections in the images' pixels."""

    def __init__(self) -> None:
        super().__init__()
        self._scaling = (GeneralizedRCNNTransform(1, 1, [0.0], [1.0]).eval(),)  # no part of it

    def forward(self, detections: Detections) -> dict[str, Tensor] | list[Target]:
        """Losses by name, or for each image ``boxes``, ``labels``, ``scores`` and further parts."""
        if self.training:
            return dict(detections.losses)
        batch = detections.batch
        scaled: list[Target] = self._scaling[0].postprocess(
            detections.results, batch.image_sizes, batch.original_sizes
        )
        return scaled
