"""The cost that loss_mmod's detectors learn by (King 2015, Max-Margin Object Detection).

Value and gradient are those of compute_loss_value_and_gradient in dlib's dnn/loss.h.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from archdsl.backends.torch.detection.dlib.boxes import (
    TrueBoxes,
    middles,
    overlapping,
    overlaps,
    remaining,
)
from archdsl.layers.dlib_options import MmodOptions


class Candidates(NamedTuple):
    """The windows of an image with a score above a threshold, the best first."""

    at: Tensor
    """Channel, row and column of each."""
    boxes: Tensor
    """In the image, rounded, before regression."""
    moved: Tensor
    """The same after regression, by which they suppress."""
    labels: Tensor
    scores: Tensor


class MmodCost:
    """loss_mmod's cost of a batch, image by image.

    ``size`` is channels, rows and columns of the map, ``images`` their number, ``cell`` finds the
    place (channel, row, column) that is to see a true box, or ``None`` where there is none.
    """

    def __init__(self, options: MmodOptions, size: Sequence[int], images: int) -> None:
        windows = len(options.detector_windows)
        self._options = options
        self._scale = 1 / (size[1] * size[2] * images * windows)
        self._raised = 0.0
        """Added to the threshold where there are too many candidates."""

    @property
    def threshold(self) -> float:
        """The score above which windows are candidates."""
        return self._raised - self._options.loss_per_false_alarm

    def image(
        self,
        maps: Tensor,
        found: Candidates,
        truth: TrueBoxes,
        cell: Callable[[Tensor, int], tuple[int, int, int] | None],
    ) -> tuple[float, Tensor]:
        """The cost of an image and its gradient, by the map C×h×w and its candidates."""
        options, count = self._options, len(truth.boxes)
        most = 50 + 5 * count
        if len(found.scores) > 100 * most:
            best = found.scores[100 * most].item() + options.loss_per_false_alarm
            self._raised = max(self._raised, best)
        gradient = torch.zeros_like(maps)
        cells = _cells(truth, cell)
        loss = 0.0
        for seen in filter(None, cells):
            loss += options.loss_per_missed_target - maps[seen].item()
            gradient[seen] = -self._scale
        matches = overlaps(found.boxes[:, None], truth.boxes)
        counts = (found.labels[:, None] == truth.labels) & ~truth.ignored
        matches = torch.where(counts, matches, 0.0)
        hits, gains = self._gains(found, matches, most)
        for index in range(count):
            if not hits[index] and not truth.ignored[index]:
                hidden = cells[index]
                if hidden is not None and self._in_the_way(truth, index):
                    loss -= options.loss_per_missed_target - maps[hidden].item()
                    gradient[hidden] = 0
        for at, matched, again in self._violations(found, matches, truth, gains, most):
            place = tuple(found.at[at].tolist())
            loss += maps[place].item()
            gradient[place] += self._scale
            if matched is None or again:
                loss += options.loss_per_false_alarm
                continue
            loss -= options.loss_per_missed_target
            if options.use_bounding_box_regression:
                loss += self._moved(maps, gradient, place, found.boxes[at], truth.boxes[matched])
        return loss, gradient

    def _gains(
        self, found: Candidates, matches: Tensor, most: int
    ) -> tuple[list[bool], list[float]]:
        """For each true box, if a window hits it, and the cost in all of allowing those that do."""
        options = self._options
        hits, gains = [False] * matches.shape[1], [0.0] * matches.shape[1]
        alive = torch.ones(len(found.scores), dtype=torch.bool)
        for kept, index in enumerate(remaining(alive)):
            if kept == most:
                break
            alive &= ~overlapping(found.boxes[index], found.moved, options.overlaps_nms)
            match, target = _best(matches[index].tolist(), hits)
            if match > options.truth_match_iou_threshold:
                again = options.loss_per_false_alarm if hits[target] else 0.0
                gains[target] += found.scores[index].item() + again
                hits[target] = True
        return hits, gains

    def _in_the_way(self, truth: TrueBoxes, index: int) -> bool:
        """True if a box cannot be found beside the true one that it overlaps most."""
        matches = torch.where(truth.ignored, 0.0, overlaps(truth.boxes[index], truth.boxes))
        matches[index] = 0
        other = int(matches.argmax())
        if other == index or truth.ignored[other]:
            return False
        test = self._options.overlaps_nms
        return bool(overlapping(truth.boxes[other], truth.boxes[index], test))

    def _violations(
        self, found: Candidates, matches: Tensor, truth: TrueBoxes, gains: list[float], most: int
    ) -> list[tuple[int, int | None, bool]]:
        """The windows that cost most together: index, the true box, and whether it was hit before.

        Allowing a window that is right makes the cost smaller at first, and may let it grow by all
        that hit the same.
        """
        options = self._options
        ignored = overlapping(
            found.boxes[:, None], truth.boxes[truth.ignored], options.overlaps_ignore
        ).any(1)
        hits = [False] * matches.shape[1]
        alive = torch.ones(len(found.scores), dtype=torch.bool)
        kept: list[tuple[int, int | None, bool]] = []
        for index in remaining(alive):
            if len(kept) == most:
                break
            match, target = _best(matches[index].tolist(), hits)
            if match > options.truth_match_iou_threshold:
                if gains[target] <= options.loss_per_missed_target:
                    continue
                kept.append((index, target, hits[target]))
                hits[target] = True
            elif ignored[index]:
                continue
            else:
                kept.append((index, None, False))
            alive &= ~overlapping(found.boxes[index], found.moved, options.overlaps_nms)
        return kept

    def _moved(
        self, maps: Tensor, gradient: Tensor, place: tuple[int, ...], box: Tensor, true: Tensor
    ) -> float:
        """The smooth L1 cost of a window's regression; adds to the gradient."""
        sides, wanted = box[2:] - box[:2], true[2:] - true[:2]
        target = torch.cat([(middles(true) - middles(box)) / sides, (wanted / sides).log()])
        first = len(self._options.detector_windows) + 4 * place[0]
        part = slice(first, first + 4), place[1], place[2]
        apart = maps[part] - target
        weight = self._options.bbr_lambda
        gradient[part] += self._scale * weight * apart.clamp(-1, 1)
        size = apart.abs()
        return weight * torch.where(size < 1, size.square() / 2, size - 0.5).sum().item()


def _best(matches: list[float], hits: list[bool]) -> tuple[float, int]:
    """The true box that a window matches best, first of those that no other has hit."""
    free = [0.0 if hit else match for match, hit in zip(matches, hits, strict=True)]
    best = max(free, default=0.0)
    if best > 0:
        return best, free.index(best)
    best = max(matches, default=0.0)
    return best, matches.index(best) if matches else 0


def _cells(
    truth: TrueBoxes, cell: Callable[[Tensor, int], tuple[int, int, int] | None]
) -> list[tuple[int, int, int] | None]:
    """The place that is to see each true box; a second box at a place counts for nothing."""
    taken: dict[tuple[int, int, int], int] = {}
    for index, (box, label) in enumerate(zip(truth.boxes, truth.labels.tolist(), strict=True)):
        place = None if truth.ignored[index] else cell(box, label)
        if place is not None:
            taken.setdefault(place, index)
    of = {index: place for place, index in taken.items()}
    return [of.get(index) for index in range(len(truth.boxes))]


def best_window(options: MmodOptions, box: Tensor, names: Sequence[str], label: int) -> int:
    """The channel whose window is most like a true box (find_best_detection_window)."""
    pyramid = options.assume_image_pyramid
    shape = _at_origin((box[2:] - box[:2] + 1).tolist(), pyramid)
    best, most = 0, -math.inf
    for index, window in enumerate(options.detector_windows):
        if window.label == names[label]:
            match = overlaps(shape, _at_origin((window.width, window.height), pyramid)).item()
            if match > most:
                best, most = index, match
    return best


def _at_origin(sides: Sequence[float], pyramid: bool) -> Tensor:
    """A box of such sides at the origin; under a pyramid one of its shape, of 400×400 pixels."""
    factor = math.sqrt(400 * 400 / (sides[0] * sides[1])) if pyramid else 1
    return torch.tensor([0, 0, *(math.floor(side * factor + 0.5) - 1 for side in sides)]).double()
