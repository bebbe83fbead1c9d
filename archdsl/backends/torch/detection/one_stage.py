"""One-stage detectors: class and box at every position of every feature map.

Decoding and losses are torchvision's: the modules here hold one of its detectors without a network,
and call it with what the network of a spec gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import DefaultBoxGenerator
from torchvision.models.detection.fcos import FCOS, FCOSHead
from torchvision.models.detection.retinanet import RetinaNet, RetinaNetHead
from torchvision.models.detection.ssd import SSD
from torchvision.ops import box_iou

from archdsl.backends.torch.detection.images import check_labels
from archdsl.backends.torch.detection.values import (
    Batch,
    Detections,
    DetectorModule,
    required_targets,
)

Heads = Mapping[str, tuple[list[Tensor], int]]
"""Maps that each head predicts and its numbers per anchor, by torchvision's name of the head."""


class _NoBackbone(nn.Module):
    out_channels = 1


def _columns(level: Tensor, columns: int) -> Tensor:
    """N×(A columns)×H×W as N×(H W A)×columns: a row for every anchor, place by place."""
    images, _, height, width = level.shape
    split = level.view(images, -1, columns, height, width)
    return split.permute(0, 3, 4, 1, 2).reshape(images, -1, columns)


def _joined(maps: list[Tensor], columns: int) -> Tensor:
    return torch.cat([_columns(level, columns) for level in maps], 1)


class DefaultBoxes(DetectorModule):
    """Default boxes: several shapes at every position of a map (Liu et al. 2016, section 2.2)."""

    def __init__(
        self,
        ratios: tuple[tuple[int, ...], ...],
        scales: tuple[float, ...],
        steps: tuple[int, ...] | None,
    ) -> None:
        super().__init__()
        chosen = None if steps is None else list(steps)
        self.generator = DefaultBoxGenerator(
            [list(each) for each in ratios], scales=list(scales), steps=chosen
        )

    def forward(self, batch: Batch, maps: list[Tensor]) -> list[Tensor]:
        """For each image all boxes, n×4, the finest map's first."""
        boxes: list[Tensor] = self.generator(batch, maps)
        return boxes

    def extra_repr(self) -> str:
        scales = [round(scale, 6) for scale in self.generator.scales]
        return f"{self.generator.aspect_ratios}, scales={scales}, steps={self.generator.steps}"


class _Dense(DetectorModule):
    """Base of dense detectors; a detector of torchvision, kept outside the module, decodes.

    Settings have torchvision's names.
    """

    fitted_to = ("classes",)

    def __init__(
        self, kind: type[Any], classes: int, head: nn.Module, *rest: Any, **settings: float
    ) -> None:
        super().__init__()
        detector = kind(_NoBackbone(), *rest, num_classes=classes, head=head, **settings)
        self._detector = (detector,)  # in a tuple: its empty head is not to be trained or saved
        self.classes = classes
        self._settings = settings

    def extra_repr(self) -> str:
        shown = ", ".join(f"{name}={value:.6g}" for name, value in self._settings.items())
        return f"classes={self.classes}, {shown}"

    def _learned(self, losses: dict[str, Tensor], batch: Batch) -> Detections:
        return Detections([{} for _ in batch.image_sizes], batch, losses)

    def _decided(
        self, heads: Heads, anchors: list[Tensor], batch: Batch, *further: Any
    ) -> Detections:
        """Detections decoded from the heads' maps, or losses in training; labels from 0."""
        detector = self._detector[0]
        if self.training:
            targets = required_targets(batch)
            check_labels(targets, self.classes, 0)
            outputs = {name: _joined(maps, columns) for name, (maps, columns) in heads.items()}
            return self._learned(detector.compute_loss(targets, outputs, anchors, *further), batch)
        # torchvision decodes level by level.
        rows = {
            name: [_columns(level, columns) for level in maps]
            for name, (maps, columns) in heads.items()
        }
        counts = [level.shape[1] for level in next(iter(rows.values()))]
        split = [list(torch.split(each, counts)) for each in anchors]
        found = detector.postprocess_detections(rows, split, batch.image_sizes)
        return Detections(found, batch, {})


class RetinaDetections(_Dense):
    """Decoding and focal loss of RetinaNet (Lin et al. 2017, sections 3 and 4)."""

    def __init__(
        self,
        classes: int,
        anchors: int,
        score: float,
        nms: float,
        count: int,
        candidates: int,
        positive: float,
        negative: float,
        giou: bool,
    ) -> None:
        with torch.device("meta"):
            head = RetinaNetHead(1, anchors, classes)
        head.regression_head._loss_type = "giou" if giou else "l1"
        super().__init__(
            RetinaNet,
            classes,
            head,
            score_thresh=score,
            nms_thresh=nms,
            detections_per_img=count,
            topk_candidates=candidates,
            fg_iou_thresh=positive,
            bg_iou_thresh=negative,
        )
        self._giou = giou

    def forward(
        self, logits: list[Tensor], deltas: list[Tensor], anchors: list[Tensor], batch: Batch
    ) -> Detections:
        """For every map logits N×(A classes)×H×W and deltas N×4A×H×W."""
        heads = {"cls_logits": (logits, self.classes), "bbox_regression": (deltas, 4)}
        return self._decided(heads, anchors, batch)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, giou={self._giou}"


class FcosDetections(_Dense):
    """Decoding and losses of FCOS (Tian et al. 2019, sections 3.1 to 3.3)."""

    def __init__(
        self, classes: int, score: float, nms: float, count: int, candidates: int, radius: float
    ) -> None:
        with torch.device("meta"):
            head = FCOSHead(32, 1, classes, 0)
        super().__init__(
            FCOS,
            classes,
            head,
            score_thresh=score,
            nms_thresh=nms,
            detections_per_img=count,
            topk_candidates=candidates,
            center_sampling_radius=radius,
        )

    def forward(
        self,
        logits: list[Tensor],
        distances: list[Tensor],
        centerness: list[Tensor],
        anchors: list[Tensor],
        batch: Batch,
    ) -> Detections:
        """For every map logits N×classes×H×W, distances to four sides N×4×H×W and N×1×H×W."""
        heads = {
            "cls_logits": (logits, self.classes),
            "bbox_regression": (distances, 4),
            "bbox_ctrness": (centerness, 1),
        }
        places = [level.shape[2] * level.shape[3] for level in logits]
        return self._decided(heads, anchors, batch, places)


class SsdDetections(_Dense):
    """Decoding and losses of SSD (Liu et al. 2016, section 2.2)."""

    def __init__(
        self,
        classes: int,
        score: float,
        nms: float,
        count: int,
        candidates: int,
        positive: float,
        fraction: float,
    ) -> None:
        super().__init__(
            SSD,
            classes,
            nn.Identity(),
            nn.Identity(),
            (1, 1),
            score_thresh=score,
            nms_thresh=nms,
            detections_per_img=count,
            topk_candidates=candidates,
            iou_thresh=positive,
            positive_fraction=fraction,
        )

    def forward(
        self, logits: list[Tensor], deltas: list[Tensor], boxes: list[Tensor], batch: Batch
    ) -> Detections:
        """For every map logits N×(A classes)×H×W and deltas N×4A×H×W; class 0 is the background."""
        outputs = {
            "cls_logits": _joined(logits, self.classes),
            "bbox_regression": _joined(deltas, 4),
        }
        detector = self._detector[0]
        if self.training:
            targets = required_targets(batch)
            check_labels(targets, self.classes, 1)
            matched = [
                self._matched(target["boxes"], own)
                for target, own in zip(targets, boxes, strict=True)
            ]
            return self._learned(detector.compute_loss(targets, outputs, boxes, matched), batch)
        found = detector.postprocess_detections(outputs, boxes, batch.image_sizes)
        return Detections(found, batch, {})

    def _matched(self, targets: Tensor, boxes: Tensor) -> Tensor:
        """The target of each default box, -1 where it has none."""
        if targets.numel() == 0:
            return torch.full((len(boxes),), -1, dtype=torch.int64, device=boxes.device)
        matched: Tensor = self._detector[0].proposal_matcher(box_iou(targets, boxes))
        return matched
