"""The fourth YOLO: centres reach beyond their cells, boxes are learned by their complete IoU."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision.ops import complete_box_iou_loss

from archdsl.backends.torch.detection.values import Size
from archdsl.backends.torch.detection.yolo.anchored import Anchor, Matches, Places, YoloV3


class YoloV4(YoloV3):
    """Bochkovskiy et al. 2020, "YOLOv4", section 3.4; takes a map for each group of anchors.

    Centres are ``reach`` cells wide around their cell (scale_x_y in Darknet), a box is learned by
    every anchor whose shape overlaps with it by more than ``shape_threshold``, beside the best
    one, and the loss of a box is that of its complete IoU. With ``squared`` a map has numbers from
    0 to 1, behind their sigmoid, and sides are up to four times the anchor's, as in Scaled-YOLOv4
    (new_coords in Darknet): half the squared errors are the loss of objectness and classes then,
    which is what Darknet's gradients make of them. Weights are those of yolov4.cfg, and of
    yolov4-p5.cfg if ``squared``.
    """

    def __init__(
        self,
        classes: int,
        anchors: Sequence[Sequence[Anchor]],
        reach: Sequence[float],
        *,
        squared: bool = False,
        ignore_threshold: float = 0.7,
        score_threshold: float = 0.5,
        nms_threshold: float = 0.45,
        max_detections: int = 100,
    ) -> None:
        super().__init__(
            classes,
            anchors,
            ignore_threshold=ignore_threshold,
            score_threshold=score_threshold,
            nms_threshold=nms_threshold,
            max_detections=max_detections,
        )
        self.reach = tuple(reach)
        self.squared = squared
        self.shape_threshold = 0.2 if squared else 0.213
        self.box_weight = 0.05 if squared else 0.07
        self.class_weight = 0.5 if squared else 1.0

    def _chosen(self, overlaps: Tensor) -> tuple[Tensor, Tensor]:
        best = super()._chosen(overlaps)
        near = (overlaps > self.shape_threshold).index_put(best, torch.tensor(False))
        boxes, anchors = near.nonzero().unbind(1)
        return torch.cat([best[0], boxes]), torch.cat([best[1], anchors])

    def _chance(self, values: Tensor) -> Tensor:
        return values if self.squared else values.sigmoid()

    def _stretched(self, values: Tensor) -> Tensor:
        return (2 * values).square() if self.squared else values.exp()

    def _probabilities(self, logits: Tensor) -> Tensor:
        return self._chance(logits)

    def _box_loss(self, learning: Tensor, matches: Matches, places: Places, size: Size) -> Tensor:
        loss: Tensor = self.box_weight * complete_box_iou_loss(
            self._boxes(learning, places.at(matches.place)), matches.boxes
        )
        return loss

    def _question(self, values: Tensor, wanted: Tensor) -> Tensor:
        return (values - wanted).square() / 2 if self.squared else super()._question(values, wanted)
