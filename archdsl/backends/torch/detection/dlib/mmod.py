"""loss_mmod: a window wherever a score is high enough (dlib dnn/loss.h).

Places are computed in double precision and rounded where dlib rounds them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from archdsl.backends.torch.detection.dlib.boxes import (
    found_boxes,
    middles,
    overlaps,
    rounded,
    suppressed,
)
from archdsl.backends.torch.detection.dlib.configured import Configured, batch_of, stated
from archdsl.backends.torch.detection.dlib.mmod_cost import Candidates, MmodCost, best_window
from archdsl.backends.torch.detection.dlib.pyramid import PyramidBatch, to_image, to_tile
from archdsl.backends.torch.detection.values import Detections, Target
from archdsl.dlib.options import MMOD_OPTIONS
from archdsl.layers.dlib_options import BoxOverlap, DetectorWindow, MmodOptions


class Mmod(Configured):
    """loss_mmod's detections: a window wherever a score is above the threshold (to_label)."""

    options: MmodOptions

    def __init__(
        self,
        windows: tuple[tuple[int, int, str], ...],
        threshold: float,
        nms: float,
        covered: float,
        regression: bool,
        stride: tuple[float, float],
        first: tuple[float, float],
    ) -> None:
        """Windows are width, height and label of each channel.

        ``stride`` and ``first``, in rows and columns, give the positions of the scores in pixels of
        the network's input. Boxes are suppressed by an intersection above ``nms``, or above
        ``covered`` of either.
        """
        options = MmodOptions(
            tuple(DetectorWindow(*window) for window in windows),
            overlaps_nms=BoxOverlap(nms, covered),
            use_bounding_box_regression=regression,
        )
        super().__init__(options, MMOD_OPTIONS, threshold)
        self.stride, self.first = stride, first

    def label_names(self) -> tuple[str, ...]:
        names = dict.fromkeys(window.label for window in self.options.detector_windows)
        return tuple(names) if any(names) else ()

    def name_labels(self, names: Sequence[str]) -> None:
        if not self.label_names() and len(names) == 1:
            windows = (replace(w, label=names[0]) for w in self.options.detector_windows)
            self.options = replace(self.options, detector_windows=tuple(windows))

    def forward(
        self, scores: Tensor, seen: Any, targets: Sequence[Target] | None = None
    ) -> Detections:
        """Scores N×C×h×w; ``seen`` is the network's input: a tensor, or a batch of images.

        In training ``targets`` have ``boxes``, ``labels`` by :meth:`label_names`, and perhaps
        ``ignore``, true for what is neither to be found nor not.
        """
        windows = len(self.options.detector_windows)
        wanted = windows * (5 if self.options.use_bounding_box_regression else 1)
        if scores.shape[1] != wanted:
            raise ValueError(
                f"loss_mmod has {windows} detector windows and needs {wanted} channels; "
                f"the network gives {scores.shape[1]}"
            )
        if self.training:
            return self._learned("mmod", seen, self._cost(scores, seen, targets))
        return self._results(seen, lambda index: self._image(scores[index], seen, index))

    def _cost(self, scores: Tensor, seen: Any, targets: Any) -> Tensor:
        """The loss, as compute_loss_value_and_gradient has it."""
        truth = self._truth(seen, targets, len(self._names()))
        maps = scores.detach().double().cpu()
        cost = MmodCost(self.options, maps.shape[1:], len(maps))
        total, gradients = 0.0, []
        for index, (each, true) in enumerate(zip(maps, truth, strict=True)):
            true = true._replace(boxes=rounded(true.boxes))
            found = self._candidates(each, seen, index, cost.threshold)

            def cell(box: Tensor, label: int, index: int = index) -> tuple[int, int, int] | None:
                return self._cell(box, label, seen, index, maps.shape[2:])

            value, gradient = cost.image(each, found, true, cell)
            total += value
            gradients.append(gradient)
        return stated(total / len(maps), torch.stack(gradients), scores)

    def _cell(
        self, box: Tensor, label: int, seen: Any, index: int, size: Sequence[int]
    ) -> tuple[int, int, int] | None:
        """The place that is to see a true box; ``None`` where none can (image_rect_to_feat_coord).

        A box with a centre outside of the image is as one that no window can find.
        """
        options = self.options
        channel = best_window(options, box, self._names(), label)
        window = options.detector_windows[channel]
        sides = (box[2:] - box[:2] + 1).tolist()
        height, width = batch_of(seen).image_sizes[index]
        middle = ((box[:2] + box[2:] + 1) / 2).floor()
        if not (0 <= middle[0] < width and 0 <= middle[1] < height):
            return None
        mapped = box
        if isinstance(seen, PyramidBatch):
            scale = 1.0
            if options.assume_image_pyramid:
                scale = min(1.0, max(window.width / sides[0], window.height / sides[1]))
            mapped = rounded(to_tile(box, scale, seen.tilings[index].tiles, seen.n))
        middle = ((mapped[:2] + mapped[2:] + 1) / 2).floor()
        start = middle - middle.new_tensor([window.width // 2, window.height // 2])
        placed = torch.cat([start, start + start.new_tensor([window.width, window.height]) - 1])
        if isinstance(seen, PyramidBatch):
            placed = rounded(to_image(placed[None], seen.tilings[index].tiles, seen.n)[0])
        if overlaps(box, placed) <= options.truth_match_iou_threshold:
            return None
        column, row = (
            math.floor((middle[axis].item() - self.first[1 - axis]) / self.stride[1 - axis] + 0.5)
            for axis in (0, 1)
        )
        inside = 0 <= row < size[0] and 0 <= column < size[1]
        return (channel, row, column) if inside else None

    def _names(self) -> tuple[str, ...]:
        return self.label_names() or ("",)

    def _candidates(self, maps: Tensor, seen: Any, index: int, threshold: float) -> Candidates:
        """The windows of an image with a score above a threshold (tensor_to_dets)."""
        names, windows = self._names(), self.options.detector_windows
        scores = maps[: len(windows)]
        at = (scores > threshold).nonzero()
        sizes = maps.new_tensor([(w.width, w.height) for w in windows], dtype=torch.double)
        labels = at.new_tensor([names.index(w.label) for w in windows])
        middle = torch.stack(
            [at[:, axis] * self.stride[axis - 1] + self.first[axis - 1] for axis in (2, 1)],
            1,
        ).double()
        if isinstance(seen, PyramidBatch):
            # Pictures that are smaller than others of the batch are padded; nothing is there.
            tiling = seen.tilings[index]
            end = middle.new_tensor([tiling.width, tiling.height])
            whole = seen.tensors.shape[-1] == tiling.width, seen.tensors.shape[-2] == tiling.height
            inside = ((middle < end) | middle.new_tensor(whole, dtype=torch.bool)).all(1)
            at, middle = at[inside], middle[inside]
        half = (sizes[at[:, 0]] - 1) / 2
        boxes = torch.cat([middle - half, middle + half], 1)
        if isinstance(seen, PyramidBatch):
            boxes = to_image(boxes, seen.tilings[index].tiles, seen.n)
        moved = boxes
        if self.options.use_bounding_box_regression:
            moved = _regressed(boxes, self._deltas(maps, at))
        found = scores[at[:, 0], at[:, 1], at[:, 2]]
        best = found.argsort(descending=True, stable=True)
        rows = at, rounded(boxes), rounded(moved), labels[at[:, 0]], found
        return Candidates(*(each[best] for each in rows))

    def _image(self, maps: Tensor, seen: Any, index: int) -> Target:
        found = self._candidates(maps, seen, index, self.threshold)
        kept = suppressed(found.moved, None, self.options.overlaps_nms)
        return found_boxes(found.moved[kept], found.labels[kept], found.scores[kept])

    def _deltas(self, maps: Tensor, at: Tensor) -> Tensor:
        first = len(self.options.detector_windows) + 4 * at[:, 0]
        deltas = [maps[first + part, at[:, 1], at[:, 2]] for part in range(4)]
        return torch.stack(deltas, 1).double()

    def extra_repr(self) -> str:
        windows = ", ".join(
            f"{w.width}×{w.height} {w.label}".strip() for w in self.options.detector_windows
        )
        return f"{windows}; above {self.threshold:g}"


def _regressed(boxes: Tensor, deltas: Tensor) -> Tensor:
    """Boxes moved by parts of their sides, which are stretched by exponents."""
    sides = boxes[:, 2:] - boxes[:, :2]
    middle = middles(boxes) + deltas[:, :2] * sides
    half = sides * deltas[:, 2:].exp() / 2
    return torch.cat([middle - half, middle + half], 1)
