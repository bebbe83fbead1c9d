"""R-CNN: regions classified by linear support vector machines."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional
from torchvision.models.detection._utils import BoxCoder
from torchvision.ops import batched_nms, clip_boxes_to_image

from archdsl.backends.torch.detection.images import check_labels
from archdsl.backends.torch.detection.values import (
    Batch,
    Detections,
    DetectorModule,
    Regions,
    Samples,
    Size,
    Target,
    required_targets,
)


class SvmDetections(DetectorModule):
    """Detections from decision values of one SVM per class: class k + 1 has column k.

    Boxes move by Girshick et al. 2014 (R-CNN), appendix C, equations 1 to 4; without the factors
    that later detectors put before the four numbers. In training the module has one loss where the
    paper trains in stages: the hinge loss of each SVM against all other regions (section 2.3),
    unregularised, and the squared error of the boxes of objects (appendix C, equation 5).
    """

    def __init__(self, threshold: float, nms: float, count: int) -> None:
        super().__init__()
        self.threshold, self.nms, self.count = threshold, nms, count
        self._coder = BoxCoder((1.0, 1.0, 1.0, 1.0))

    def forward(self, values: Tensor, deltas: Tensor, regions: Regions) -> Detections:
        """Decision values R×K and deltas R×4K of R regions, for K classes."""
        batch = regions.batch
        moves = deltas.view(*values.shape, 4)
        if self.training:
            assert regions.samples is not None
            losses = {**regions.losses, **self._losses(values, moves, regions, regions.samples)}
            return Detections([{} for _ in batch.image_sizes], batch, losses, regions)
        counts = [len(boxes) for boxes in regions.boxes]
        each = zip(
            torch.split(values, counts),
            torch.split(moves, counts),
            regions.boxes,
            batch.image_sizes,
            strict=True,
        )
        return Detections([self._found(*image) for image in each], batch, {}, regions)

    def _found(self, values: Tensor, moves: Tensor, boxes: Tensor, size: Size) -> Target:
        """The detections of one image."""
        moved = self._coder.decode_single(moves.flatten(1), boxes).view(moves.shape)
        moved = clip_boxes_to_image(moved, size)
        region, machine = torch.where(values > self.threshold)
        scores, chosen = values[region, machine], moved[region, machine]
        kept = batched_nms(chosen, scores, machine, self.nms)[: self.count]
        return {"boxes": chosen[kept], "labels": machine[kept] + 1, "scores": scores[kept]}

    def _losses(
        self, values: Tensor, moves: Tensor, regions: Regions, samples: Samples
    ) -> dict[str, Tensor]:
        classes = values.shape[1] + 1
        check_labels(required_targets(regions.batch), classes, 1)
        labels = torch.cat(samples.labels)
        signs = 2 * functional.one_hot(labels, classes)[:, 1:] - 1
        hinge = functional.relu(1 - signs * values).sum()
        (objects,) = torch.where(labels > 0)
        wanted = self._wanted(regions.boxes, regions.batch, samples)[objects]
        error = (moves[objects, labels[objects] - 1] - wanted).square().sum()
        return {
            "loss_classifier": hinge / len(labels),
            "loss_box_reg": error / len(labels),
        }

    def _wanted(self, boxes: list[Tensor], batch: Batch, samples: Samples) -> Tensor:
        """Box regression targets of each region: R×4."""
        wanted = []
        for own, target, matched in zip(
            boxes, required_targets(batch), samples.matched, strict=True
        ):
            aims = target["boxes"]
            aimed = aims[matched] if len(aims) else torch.zeros_like(own)  # nothing to aim at
            wanted.append(self._coder.encode_single(aimed, own))
        return torch.cat(wanted)

    def extra_repr(self) -> str:
        return f"threshold={self.threshold:g}, nms={self.nms:g}, count={self.count}"
