"""The second and the third YOLO: boxes and losses relative to anchors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional
from torchvision.ops import box_convert

from archdsl.backends.torch.detection.values import Size, Target
from archdsl.backends.torch.detection.yolo.detector import (
    Losses,
    YoloDetector,
    first_of_each,
    overlap,
)

Anchor = tuple[float, float]
"""Width and height in pixels of the network's input."""

YOLO_V2_ANCHORS: tuple[Anchor, ...] = (
    (32 * 0.57273, 32 * 0.677385),
    (32 * 1.87446, 32 * 2.06253),
    (32 * 3.33843, 32 * 5.47434),
    (32 * 7.88282, 32 * 3.52778),
    (32 * 9.77052, 32 * 9.16828),
)
"""For COCO: those of Darknet's yolov2.cfg, which counts in cells of 32 pixels."""

YOLO_V3_ANCHORS: tuple[tuple[Anchor, ...], ...] = (
    ((116, 90), (156, 198), (373, 326)),
    ((30, 61), (62, 45), (59, 119)),
    ((10, 13), (16, 30), (33, 23)),
)
"""For COCO, at strides of 32, 16 and 8 (YOLOv3, section 2.3)."""


class Places(NamedTuple):
    """Geometry of P predictions, ordered by map, then row by row of cells, then by anchor.

    ``corners``, ``strides`` and ``anchors`` are P×2: column and row of the cell, its width and
    height, and the anchor's, in pixels. ``reach`` is P×1, the range of centres in cells. ``table``
    has for each anchor its first prediction, the number of predictions from cell to cell, and the
    columns and rows of its map.
    """

    corners: Tensor
    strides: Tensor
    anchors: Tensor
    reach: Tensor
    table: Tensor

    def at(self, chosen: Tensor) -> Places:
        """The geometry of some of the predictions, by their numbers."""
        return self._replace(
            corners=self.corners[chosen],
            strides=self.strides[chosen],
            anchors=self.anchors[chosen],
            reach=self.reach[chosen],
        )


class Matches(NamedTuple):
    """Predictions matched to boxes, by image and position, and their regression targets."""

    image: Tensor
    place: Tensor
    boxes: Tensor
    labels: Tensor


class _Anchored(YoloDetector):
    """Base of YOLO from its second version on: decoding, matching and losses with anchors.

    Takes maps N×(A·(5+C))×H×W, one for each group of anchors: for the first anchor x, y, width,
    height, objectness and the classes, then for the next. In training a box belongs to the anchor
    whose shape overlaps most with its own, in the cell of its centre; of several for one place the
    first stays. Other predictions learn that there is nothing, unless they overlap with a box by
    more than ``ignore_threshold``. That, and that small boxes weigh up to twice as much as large
    ones, is as Darknet does it; thresholds for eval mode are those of its detector.c.
    """

    anchors: Tensor

    def __init__(
        self,
        classes: int,
        anchors: Sequence[Sequence[Anchor]],
        ignore_threshold: float,
        object_weight: float,
        score_threshold: float,
        nms_threshold: float,
        max_detections: int,
        reach: Sequence[float] | None = None,
    ) -> None:
        super().__init__(classes, score_threshold, nms_threshold, max_detections)
        self.reach = tuple(reach or (1.0,) * len(anchors))
        self.ignore_threshold = ignore_threshold
        self.object_weight = object_weight
        self.groups = [len(group) for group in anchors]
        sides = torch.tensor([sides for group in anchors for sides in group], dtype=torch.float32)
        # Part of the architecture, not of the weights: kept out of the state_dict.
        self.register_buffer("anchors", sides.reshape(-1, 2), persistent=False)

    def extra_repr(self) -> str:
        shown = ", ".join(f"{width:g}×{height:g}" for width, height in self.anchors.tolist())
        return f"{super().extra_repr()}, anchors={shown}"

    def forward(
        self,
        features: Tensor | Sequence[Tensor],
        size: Size,
        targets: Sequence[Target] | None = None,
    ) -> list[Target] | Losses:
        if self.training:
            return self.loss(features, size, targets)
        return self.detections(*self.decode(features, size), size)

    def decode(self, features: Tensor | Sequence[Tensor], size: Size) -> tuple[Tensor, Tensor]:
        """All boxes N×P×4, and their scores N×P×C: objectness times probability."""
        raw, places = self._flat(features, size)
        scores = self._chance(raw[..., 4:5]) * self._probabilities(raw[..., 5:])
        return self._boxes(raw, places), scores

    def loss(
        self, features: Tensor | Sequence[Tensor], size: Size, targets: Sequence[Target] | None
    ) -> Losses:
        """The losses of boxes, objects, their absence, and classes."""
        raw, places = self._flat(features, size)
        truths = [(box.to(raw), label) for box, label in self.checked(targets, len(raw))]
        matches = self._match(truths, places, size)
        boxes = self._boxes(raw.detach(), places)
        learning = raw[matches.image, matches.place]
        overlaps = overlap(boxes[matches.image, matches.place], matches.boxes)
        empty = raw[..., 4][self._empty(boxes, truths, matches)]
        terms = {
            "loss_box": self._box_loss(learning, matches, places, size),
            "loss_object": self.object_weight * self._object_loss(learning[:, 4], overlaps),
            "loss_no_object": self._no_object_loss(empty),
            "loss_class": self.class_weight * self._class_loss(learning[:, 5:], matches.labels),
        }
        return {name: term.sum() / len(raw) for name, term in terms.items()}

    def _flat(self, features: Tensor | Sequence[Tensor], size: Size) -> tuple[Tensor, Places]:
        """The predictions N×P×(5+C) of all maps, and where they stand."""
        maps = [features] if isinstance(features, Tensor) else list(features)
        depth = 5 + self.classes
        channels, expected = [part.shape[1] for part in maps], [n * depth for n in self.groups]
        if channels != expected:
            raise ValueError(f"expected maps of {expected} channels, found {channels}")
        raw = [
            part.reshape(len(part), -1, depth, *part.shape[2:]).permute(0, 3, 4, 1, 2).flatten(1, 3)
            for part in maps
        ]
        grids = [(part.shape[2], part.shape[3]) for part in maps]
        groups = torch.split(self.anchors.to(raw[0]), self.groups)
        return torch.cat(raw, 1), _places(grids, groups, self.reach, size)

    def _boxes(self, raw: Tensor, places: Places) -> Tensor:
        """Boxes ...×P×4 in pixels (YOLO9000, figure 3), whose centres reach beyond their cells."""
        offsets = self._chance(raw[..., :2]) * places.reach - (places.reach - 1) / 2
        centres = (offsets + places.corners) * places.strides
        sides = self._stretched(raw[..., 2:4]) * places.anchors
        corners: Tensor = box_convert(torch.cat([centres, sides], -1), "cxcywh", "xyxy")
        return corners

    def _box_loss(self, learning: Tensor, matches: Matches, places: Places, size: Size) -> Tensor:
        """Losses of centres and of the logarithms of sides; small boxes weigh up to twice as much.

        ``learning`` are the predictions that match.
        """
        truth = box_convert(matches.boxes, "xyxy", "cxcywh")
        offsets = truth[:, :2] / places.strides[matches.place] - places.corners[matches.place]
        sides = (truth[:, 2:] / places.anchors[matches.place]).log()
        off = [self._offset_loss(learning[:, :2], offsets), (learning[:, 2:4] - sides).square() / 2]
        weight = 2 - truth[:, 2:].prod(1, keepdim=True) / (size[0] * size[1])
        loss: Tensor = weight * torch.cat(off, 1)
        return loss

    def _match(
        self, truths: Sequence[tuple[Tensor, Tensor]], places: Places, size: Size
    ) -> Matches:
        """The prediction of each box, as long as several boxes do not share one."""
        parts = []
        for number, (boxes, labels) in enumerate(truths):
            centres, sides = box_convert(boxes, "xyxy", "cxcywh").chunk(2, 1)
            shapes = overlap(_at_origin(sides)[:, None], _at_origin(self.anchors.to(boxes)))
            box, anchor = self._chosen(shapes)
            start, step, columns, rows = places.table[anchor].unbind(1)
            grid = torch.stack([columns, rows], 1)
            size_of = centres.new_tensor([size[1], size[0]])
            cell = (centres[box] / size_of * grid).long().clamp(min=0)
            # A centre on the far edge of the image belongs to the last cell.
            column, row = torch.minimum(cell, grid - 1).unbind(1)
            place = start + (row * columns + column) * step
            first = first_of_each(place)
            image = torch.full_like(first, number)
            parts.append((image, place[first], boxes[box[first]], labels[box[first]]))
        return Matches(*(torch.cat(same) for same in zip(*parts, strict=True)))

    def _empty(
        self, boxes: Tensor, truths: Sequence[tuple[Tensor, Tensor]], matches: Matches
    ) -> Tensor:
        """Predictions that learn the absence of objects: N×P."""
        empty = torch.ones(boxes.shape[:2], dtype=torch.bool, device=boxes.device)
        for image, (predicted, (truth, _)) in enumerate(zip(boxes, truths, strict=True)):
            near = overlap(predicted[:, None], truth) > self.ignore_threshold
            empty[image] = ~near.any(1)
        empty[matches.image, matches.place] = False
        return empty

    # ---- what the versions differ in ----

    class_weight = 1.0

    def _chosen(self, overlaps: Tensor) -> tuple[Tensor, Tensor]:
        """Numbers of boxes and of the anchors that learn them, from the overlaps of their shapes.

        ``overlaps`` are boxes × anchors. Of several for one place the first is taken.
        """
        return torch.arange(len(overlaps), device=overlaps.device), overlaps.argmax(1)

    def _chance(self, values: Tensor) -> Tensor:
        """Numbers from 0 to 1 of a map's values."""
        return values.sigmoid()

    def _stretched(self, values: Tensor) -> Tensor:
        """The factors of the anchors' sides."""
        return values.exp()

    def _probabilities(self, logits: Tensor) -> Tensor:
        """The classes' probabilities, given that there is an object."""
        raise NotImplementedError

    def _offset_loss(self, logits: Tensor, offsets: Tensor) -> Tensor:
        """Loss of x and y within the cell, element by element."""
        raise NotImplementedError

    def _object_loss(self, logits: Tensor, overlaps: Tensor) -> Tensor:
        """Objectness loss of predictions matched to an object; ``overlaps`` are IoU."""
        raise NotImplementedError

    def _no_object_loss(self, logits: Tensor) -> Tensor:
        """Objectness loss of the predictions without an object."""
        raise NotImplementedError

    def _class_loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Classification loss of the predictions matched to an object with these labels."""
        raise NotImplementedError


class YoloV2(_Anchored):
    """Redmon and Farhadi 2017, "YOLO9000", section 2; takes one map.

    A class is one of many (softmax). The paper does not give the loss; it is that of Darknet's
    region_layer.c with the settings of yolov2.cfg: half the squared errors of offsets and
    objectness behind their sigmoids and of the logarithms of the sides, cross entropy of the
    classes. Objectness learns the overlap of the predicted box. Darknet's pull towards the anchors
    during the first 12,800 images is left out.
    """

    def __init__(
        self,
        classes: int,
        anchors: Sequence[Anchor],
        *,
        ignore_threshold: float = 0.6,
        object_weight: float = 5.0,
        score_threshold: float = 0.5,
        nms_threshold: float = 0.45,
        max_detections: int = 100,
    ) -> None:
        super().__init__(
            classes,
            (anchors,),
            ignore_threshold,
            object_weight,
            score_threshold,
            nms_threshold,
            max_detections,
        )

    def _probabilities(self, logits: Tensor) -> Tensor:
        return logits.softmax(-1)

    def _offset_loss(self, logits: Tensor, offsets: Tensor) -> Tensor:
        return (logits.sigmoid() - offsets).square() / 2

    def _object_loss(self, logits: Tensor, overlaps: Tensor) -> Tensor:
        return (logits.sigmoid() - overlaps).square() / 2

    def _no_object_loss(self, logits: Tensor) -> Tensor:
        return logits.sigmoid().square() / 2

    def _class_loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        return functional.cross_entropy(logits, labels, reduction="none")


class YoloV3(_Anchored):
    """Redmon and Farhadi 2018, "YOLOv3", section 2; takes a map for each group of anchors.

    Every class is a question of its own (section 2.2), objectness is 1 where there is an object,
    and both learn by binary cross entropy. For coordinates the gradient is the prediction minus
    the truth (section 2.1): binary cross entropy of the offsets, half the squared errors of the
    logarithms of the sides, as in Darknet's yolo_layer.c. As there, and other than in the paper's
    words, it is the predicted box and not the anchor whose overlap lets it be ignored.
    """

    def __init__(
        self,
        classes: int,
        anchors: Sequence[Sequence[Anchor]],
        *,
        ignore_threshold: float = 0.5,
        object_weight: float = 1.0,
        score_threshold: float = 0.5,
        nms_threshold: float = 0.45,
        max_detections: int = 100,
    ) -> None:
        super().__init__(
            classes,
            anchors,
            ignore_threshold,
            object_weight,
            score_threshold,
            nms_threshold,
            max_detections,
        )

    def _probabilities(self, logits: Tensor) -> Tensor:
        return logits.sigmoid()

    def _offset_loss(self, logits: Tensor, offsets: Tensor) -> Tensor:
        return self._question(logits, offsets)

    def _object_loss(self, logits: Tensor, overlaps: Tensor) -> Tensor:
        return self._question(logits, torch.ones_like(logits))

    def _no_object_loss(self, logits: Tensor) -> Tensor:
        return self._question(logits, torch.zeros_like(logits))

    def _class_loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        return self._question(logits, functional.one_hot(labels, self.classes).to(logits))

    def _question(self, values: Tensor, wanted: Tensor) -> Tensor:
        """Loss of yes or no, element by element."""
        return functional.binary_cross_entropy_with_logits(values, wanted, reduction="none")


def _places(
    grids: Sequence[tuple[int, int]], groups: Sequence[Tensor], reach: Sequence[float], size: Size
) -> Places:
    """The places of maps of some rows and columns, with the anchors and the reach of each."""
    corners, strides, sides, wide, table = [], [], [], [], []
    start = 0
    for (rows, columns), anchors, far in zip(grids, groups, reach, strict=True):
        steps = (torch.arange(end, device=anchors.device) for end in (rows, columns))
        row, column = torch.meshgrid(*steps, indexing="ij")
        cells, each = rows * columns, len(anchors)
        corner = torch.stack([column, row], -1).reshape(-1, 2).to(anchors)
        corners.append(corner.repeat_interleave(each, 0))
        stride = anchors.new_tensor([size[1] / columns, size[0] / rows])
        strides.append(stride.expand(cells * each, 2))
        sides.append(anchors.repeat(cells, 1))
        wide.append(anchors.new_full((cells * each, 1), far))
        table += [(start + number, each, columns, rows) for number in range(each)]
        start += cells * each
    device = corners[0].device
    return Places(
        torch.cat(corners),
        torch.cat(strides),
        torch.cat(sides),
        torch.cat(wide),
        torch.tensor(table, device=device),
    )


def _at_origin(sides: Tensor) -> Tensor:
    """Boxes of these sides in one place, so that their overlap is that of their shapes."""
    return torch.cat([torch.zeros_like(sides), sides], -1)
