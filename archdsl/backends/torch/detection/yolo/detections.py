"""The last module of a YOLO network: detections from its predictions."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from archdsl.backends.torch.detection.values import (
    Batch,
    Detections,
    DetectorModule,
    required_targets,
)
from archdsl.backends.torch.detection.yolo.detector import YoloDetector


class YoloDetections(DetectorModule):
    """Detections from YOLO's predictions; their losses in training."""

    def __init__(self, detector: YoloDetector) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, predictions: list[Tensor], batch: Batch) -> Detections:
        """``predictions`` are the grid of YOLOv1, else a feature map for each group of anchors."""
        single = predictions[0] if len(predictions) == 1 else predictions
        size = batch.tensors.shape[2], batch.tensors.shape[3]
        if self.training:
            losses = self.detector(single, size, required_targets(batch))
            return Detections([{} for _ in batch.image_sizes], batch, losses)
        found: Any = self.detector(single, size)
        return Detections(found, batch, {})
