"""YOLO: detections from what the networks give, and the losses they train with.

``YoloV1`` to ``YoloV4`` work on plain tensors: they take a network's output, the size
(height, width) of its input, and in training mode ``targets``: for each image a mapping of
``boxes`` (n×4) and ``labels`` (n, int64). Boxes are (x1, y1, x2, y2) in pixels of the network's
input, labels count from 0. ``YoloDetections`` makes one of them a step of a compiled detector.

In eval mode they return for each image a dict of ``boxes`` (n×4), ``labels`` (n) and ``scores``
(n), best first; in training mode a dict of losses whose sum is to be minimised. Losses are sums
over an image, averaged over the batch, as in Darknet.
"""

from archdsl.backends.torch.detection.yolo.anchored import (
    YOLO_V2_ANCHORS,
    YOLO_V3_ANCHORS,
    YoloV2,
    YoloV3,
)
from archdsl.backends.torch.detection.yolo.detections import YoloDetections
from archdsl.backends.torch.detection.yolo.grid import YoloV1
from archdsl.backends.torch.detection.yolo.reaching import YoloV4

__all__ = [
    "YOLO_V2_ANCHORS",
    "YOLO_V3_ANCHORS",
    "YoloDetections",
    "YoloV1",
    "YoloV2",
    "YoloV3",
    "YoloV4",
]
