"""The first YOLO: boxes and losses of a grid of cells."""

from __future__ import annotations

from collections.abc import Sequence

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


class YoloV1(YoloDetector):
    """Redmon et al. 2016, "You Only Look Once", section 2.

    Takes the grid N×S×S×(B·5+C): in each cell x and y within the cell, the square roots of width
    and height as fractions of the image, and the confidence of each box, then the classes'
    probabilities. Losses are the terms of equation 3. The confidence of the box that is responsible
    learns its intersection over union with the truth (section 2; Darknet's ``rescore``).
    Thresholds are those of Darknet's yolo.c.
    """

    def __init__(
        self,
        classes: int = 20,
        boxes: int = 2,
        side: int = 7,
        *,
        coordinate_weight: float = 5.0,
        no_object_weight: float = 0.5,
        score_threshold: float = 0.2,
        nms_threshold: float = 0.4,
        max_detections: int = 100,
    ) -> None:
        super().__init__(classes, score_threshold, nms_threshold, max_detections)
        self.boxes = boxes
        self.side = side
        self.coordinate_weight = coordinate_weight
        self.no_object_weight = no_object_weight

    def forward(
        self, grid: Tensor, size: Size, targets: Sequence[Target] | None = None
    ) -> list[Target] | Losses:
        if self.training:
            return self.loss(grid, size, targets)
        return self.detections(*self.decode(grid, size), size)

    def decode(self, grid: Tensor, size: Size) -> tuple[Tensor, Tensor]:
        """All boxes N×P×4, and their scores N×P×C: confidence times probability (equation 1)."""
        predicted, probabilities = self._split(grid)
        corners = box_convert(self._fractions(predicted), "cxcywh", "xyxy")
        scores = predicted[..., 4:] * probabilities[..., None, :]
        return (corners * _scale(corners, size)).flatten(1, 3), scores.flatten(1, 3)

    def target_grid(self, targets: Sequence[Target], size: Size) -> Tensor:
        """The grid that predicts the targets: every box of a cell alike, with a confidence of 1.

        A cell can have one object only; the first in the list stays.
        """
        return self._encoded(self.checked(targets, len(targets)), size)

    def _encoded(self, truths: Sequence[tuple[Tensor, Tensor]], size: Size) -> Tensor:
        depth = 5 * self.boxes + self.classes
        device = truths[0][0].device if truths else None
        grid = torch.zeros(len(truths), self.side, self.side, depth, device=device)
        for cells, (boxes, labels) in zip(grid, truths, strict=True):
            fractions = box_convert(boxes.float(), "xyxy", "cxcywh")
            fractions = fractions / _scale(fractions, size)
            centres = fractions[:, :2] * self.side
            # A centre on the far edge of the image belongs to the last cell.
            corners = centres.floor().clamp(0, self.side - 1)
            column, row = corners.long().unbind(1)
            ones = torch.ones_like(centres[:, :1])
            box = torch.cat([centres - corners, fractions[:, 2:].sqrt(), ones], 1)
            classes = functional.one_hot(labels, self.classes).float()
            values = torch.cat([box.repeat(1, self.boxes), classes], 1)
            first = first_of_each(row * self.side + column)
            cells[row[first], column[first]] = values[first]
        return grid

    def loss(self, grid: Tensor, size: Size, targets: Sequence[Target] | None) -> Losses:
        """The terms of equation 3, weighted."""
        target = self._encoded(self.checked(targets, len(grid)), size)
        wanted, wanted_classes = self._split(target.to(grid))
        predicted, probabilities = self._split(grid)
        present = wanted[..., :1, 4]
        overlaps, responsible = self._responsible(predicted.detach(), wanted)
        responsible = responsible * present
        confidence = predicted[..., 4]
        off = (predicted[..., :4] - wanted[..., :4]).square().sum(-1)
        missed = (probabilities - wanted_classes).square()
        terms = {
            "loss_box": self.coordinate_weight * responsible * off,
            "loss_object": responsible * (confidence - overlaps).square(),
            "loss_no_object": self.no_object_weight * (1 - responsible) * confidence.square(),
            "loss_class": present * missed,
        }
        return {name: term.sum() / len(grid) for name, term in terms.items()}

    def _responsible(self, predicted: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
        """Each box's overlap with the truth of its cell, and 1 for the best of a cell, else 0."""
        guess, truth = self._fractions(predicted), self._fractions(wanted)
        overlaps = overlap(*(box_convert(box, "cxcywh", "xyxy") for box in (guess, truth)))
        # As in Darknet the nearest box is responsible where none overlaps.
        distance = (guess - truth).square().sum(-1)
        closeness = torch.where(overlaps.amax(-1, keepdim=True) > 0, overlaps, -distance)
        return overlaps, functional.one_hot(closeness.argmax(-1), self.boxes).to(predicted)

    def _split(self, grid: Tensor) -> tuple[Tensor, Tensor]:
        """The boxes N×S×S×B×5 and the classes N×S×S×C."""
        expected = self.side, self.side, 5 * self.boxes + self.classes
        if grid.shape[1:] != expected:
            raise ValueError(f"expected a grid N×{expected}, found {list(grid.shape)}")
        boxes = grid[..., : 5 * self.boxes].reshape(*grid.shape[:3], self.boxes, 5)
        return boxes, grid[..., 5 * self.boxes :]

    def _fractions(self, predicted: Tensor) -> Tensor:
        """Centre, width and height as fractions of the image."""
        steps = torch.arange(self.side, device=predicted.device)
        rows, columns = torch.meshgrid(steps, steps, indexing="ij")
        corners = torch.stack([columns, rows], -1)[:, :, None]
        return torch.cat(
            [(predicted[..., :2] + corners) / self.side, predicted[..., 2:4].square()], -1
        )


def _scale(like: Tensor, size: Size) -> Tensor:
    height, width = size
    return like.new_tensor([width, height, width, height])
