"""loss_yolo: boxes by anchors on the maps of several tags (dlib dnn/loss.h)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from archdsl.backends.torch.detection.dlib.boxes import found_boxes, rounded, suppressed
from archdsl.backends.torch.detection.dlib.configured import Configured, stated
from archdsl.backends.torch.detection.dlib.yolo_cost import predicted, yolo_cost
from archdsl.backends.torch.detection.values import Detections, Target
from archdsl.dlib.options import YOLO_OPTIONS
from archdsl.layers.dlib_options import AnchorBox, BoxOverlap, YoloOptions


class Yolo(Configured):
    """loss_yolo's detections from anchors on the maps of several tags (to_label)."""

    options: YoloOptions

    def __init__(
        self,
        maps: tuple[tuple[int, tuple[tuple[int, int], ...]], ...],
        threshold: float,
        nms: float,
        covered: float,
        classwise: bool,
        labels: tuple[str, ...] = (),
    ) -> None:
        """Maps are the number of a tag and the anchors there (width, height), if they are known."""
        options = YoloOptions(
            tuple((tag, tuple(AnchorBox(*each) for each in sizes)) for tag, sizes in maps if sizes),
            labels,
            overlaps_nms=BoxOverlap(nms, covered),
            classwise_nms=classwise,
        )
        super().__init__(options, YOLO_OPTIONS, threshold)
        self.tags = tuple(tag for tag, _ in maps)

    def label_names(self) -> tuple[str, ...]:
        return self.options.labels

    def name_labels(self, names: Sequence[str]) -> None:
        if not self.options.labels:
            self.options = replace(self.options, labels=tuple(names))

    def forward(
        self, maps: list[Tensor], seen: Any, targets: Sequence[Target] | None = None
    ) -> Detections:
        """A map N×C×h×w for each tag; ``seen`` is the network's input.

        In training ``targets`` have ``boxes``, ``labels``, and perhaps ``ignore``, true for what is
        neither to be found nor not.
        """
        anchors = dict(self.options.anchors)
        for tag, level in zip(self.tags, maps, strict=True):
            self._check(tag, anchors.get(tag, ()), level)
        size = (seen if isinstance(seen, Tensor) else seen.tensors).shape[-2:]
        if self.training:
            return self._learned("yolo", seen, self._cost(maps, seen, size, targets))
        return self._results(seen, lambda index: self._image([m[index] for m in maps], size))

    def _cost(self, maps: list[Tensor], seen: Any, size: Sequence[int], targets: Any) -> Tensor:
        """The loss, as compute_loss_value_and_gradient has it, and a mean of images' gradients.

        dlib's solver is given their sum; its learning rate is that of a single image.
        """
        anchors = dict(self.options.anchors)
        known = [pair for pair in zip(self.tags, maps, strict=True) if pair[0] in anchors]
        if not known:
            raise ValueError(
                "loss_yolo cannot learn without anchors: yolo_anchors<tag, width,height, ...>"
            )
        classes = known[0][1].shape[1] // len(anchors[known[0][0]]) - 5
        truth = self._truth(seen, targets, classes)
        total = maps[0].new_zeros(())
        for tag, level in known:
            images = level.detach().double().cpu()
            parts = [
                yolo_cost(self.options, tag, image, size, true)
                for image, true in zip(images, truth, strict=True)
            ]
            gradient = torch.stack([each for _, each in parts]) / len(images)
            total = total + stated(sum(cost for cost, _ in parts) / len(images), gradient, level)
        return total

    def _check(self, tag: int, anchors: Sequence[AnchorBox], level: Tensor) -> None:
        if not anchors:
            warnings.warn(
                f"loss_yolo finds nothing at tag{tag}: it has no anchors yet. They come with "
                "dlib's weights, or from yolo_anchors<...> in the spec",
                stacklevel=2,
            )
            return
        classes = len(self.options.labels) or level.shape[1] // len(anchors) - 5
        if level.shape[1] != len(anchors) * (5 + classes):
            raise ValueError(
                f"loss_yolo has {len(anchors)} anchors and {classes} classes at tag{tag} and needs "
                f"{len(anchors) * (5 + classes)} channels; the network gives {level.shape[1]}"
            )

    def _image(self, maps: list[Tensor], size: Sequence[int]) -> Target:
        anchors = dict(self.options.anchors)
        parts = [
            self._decoded(level, anchors[tag], size)
            for tag, level in zip(self.tags, maps, strict=True)
            if tag in anchors
        ]
        if not parts:
            nothing = maps[0].new_zeros(0)
            return found_boxes(nothing.reshape(0, 4), nothing.long(), nothing)
        boxes, labels, scores = (torch.cat(column) for column in zip(*parts, strict=True))
        best = scores.argsort(descending=True, stable=True)
        of_one = labels[best] if self.options.classwise_nms else None
        kept = best[suppressed(rounded(boxes[best]), of_one, self.options.overlaps_nms)]
        return found_boxes(boxes[kept], labels[kept], scores[kept])

    def _decoded(
        self, level: Tensor, anchors: Sequence[AnchorBox], size: Sequence[int]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Boxes, labels and scores of a map, whatever overlaps."""
        rows, columns = level.shape[1:]
        values = level.reshape(len(anchors), -1, rows, columns).double()
        confidences = values[:, 4:5] * values[:, 5:]
        scores, labels = confidences.max(1)
        at = ((values[:, 4] > self.threshold) & (scores > self.threshold)).nonzero(as_tuple=True)
        step = values.new_tensor([size[1] / columns, size[0] / rows])
        boxes = predicted(values, anchors, step)[at]
        return boxes, labels[at], scores[at]

    def extra_repr(self) -> str:
        tags = ", ".join(f"{len(boxes)} anchors at tag{tag}" for tag, boxes in self.options.anchors)
        return f"{tags or 'no anchors'}; above {self.threshold:g}"
