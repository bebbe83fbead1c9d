"""The values that flow through a detector besides tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from torch import Tensor, nn

Size = tuple[int, int]
"""Height and width in pixels."""

Target = dict[str, Tensor]
"""Ground truth or detections of an image: ``boxes`` n×4 (x1, y1, x2, y2), ``labels`` n, ..."""


class DetectorModule(nn.Module):
    """Base of all modules of detectors; tracing and comparison treat each one as a single node.

    ``fitted_to``, where a module has it, names the attributes that weights depend on; the others
    may be set anew for weights that are there.
    """

    whole = True


class Batch(NamedTuple):
    """Images as one tensor, with their sizes before and after resizing, and their targets."""

    tensors: Tensor
    """N×3×H×W, normalised; smaller images are padded with zeros at the bottom and the right."""
    image_sizes: list[Size]
    """The size of each image in the tensor."""
    original_sizes: list[Size]
    targets: list[Target] | None
    """In pixels of the resized images; ``None`` where nothing is learned."""


def tensor_of(batch: Batch) -> Tensor:
    """The tensor of a batch, for the layers of a network."""
    return batch.tensors


class Samples(NamedTuple):
    """Training targets of the regions that were sampled; one tensor for each image."""

    matched: list[Tensor]
    """The target that each region belongs to."""
    labels: list[Tensor]
    """The class of each region, 0 for the background."""
    deltas: list[Tensor]
    """Regression targets (R×4) that move each region to the box of its target."""


class Regions(NamedTuple):
    """Boxes in each image, in pixels of the resized images."""

    boxes: list[Tensor]
    batch: Batch
    losses: Mapping[str, Tensor]
    """Losses of the stages so far, by name; empty outside of training."""
    samples: Samples | None = None


class Detections(NamedTuple):
    """Detections of each image, in pixels of the resized images."""

    results: list[Target]
    """``boxes``, ``labels`` and ``scores`` of each image; empty dicts while a network trains."""
    batch: Batch
    losses: Mapping[str, Tensor]
    regions: Regions | None = None
    """The regions that the detections were made from, in networks of two stages."""

    @property
    def boxes(self) -> list[Tensor]:
        """Boxes whose masks or keypoints are predicted: in training, the regions with objects."""
        if self.regions is None or self.regions.samples is None:
            return [result["boxes"] for result in self.results]
        labels = self.regions.samples.labels
        return [box[label > 0] for box, label in zip(self.regions.boxes, labels, strict=True)]

    @property
    def matched(self) -> list[Tensor]:
        """The target of each of these boxes, in training."""
        assert self.regions is not None and self.regions.samples is not None
        samples = self.regions.samples
        return [m[label > 0] for m, label in zip(samples.matched, samples.labels, strict=True)]


def required_targets(batch: Batch) -> list[Target]:
    """The targets of a batch that a network learns from."""
    if batch.targets is None:
        raise ValueError(
            "a detector in training mode needs targets: module(images, targets), "
            "a dict with boxes and labels for every image; module.eval() detects without"
        )
    return batch.targets


def required_part(targets: Sequence[Target], part: str) -> list[Tensor]:
    """One part of every target."""
    for index, target in enumerate(targets):
        if part not in target:
            known = ", ".join(target) or "nothing"
            raise ValueError(f"target {index} has no {part}: it has {known}")
    return [target[part] for target in targets]
