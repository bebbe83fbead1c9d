"""The cost that loss_yolo's detectors learn by.

Value and gradient are those of compute_loss_value_and_gradient in dlib's dnn/loss.h.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from archdsl.backends.torch.detection.dlib.boxes import TrueBoxes, areas, middles, overlaps
from archdsl.layers.dlib_options import AnchorBox, YoloOptions


def predicted(values: Tensor, anchors: Sequence[AnchorBox], step: Tensor) -> Tensor:
    """The boxes of every anchor and cell, A×h×w×4, by A×(5 + classes)×h×w.

    ``step`` is a cell's width and height in pixels. Centres may lie half a cell outside of their
    own, so that borders are reached.
    """
    rows, columns = values.shape[2:]
    x, y, w, h = values[:, :4].unbind(1)
    across = torch.arange(columns, device=values.device)
    down = torch.arange(rows, device=values.device)[:, None]
    middle = torch.stack([(2 * x - 0.5 + across) * step[0], (2 * y - 0.5 + down) * step[1]], -1)
    sides = values.new_tensor([(each.width, each.height) for each in anchors])[:, None, None]
    half = (torch.stack([w / (1 - w), h / (1 - h)], -1) * sides - 1) / 2
    return torch.cat([middle - half, middle + half], -1)


def yolo_cost(
    options: YoloOptions,
    tag: int,
    level: Tensor,
    size: Sequence[int],
    truth: TrueBoxes,
) -> tuple[float, Tensor]:
    """loss_yolo's cost of an image by the map at a tag, (anchors × (5 + classes))×h×w in double.

    ``size`` is rows and columns of the network's input. The gradient is what dlib states; the cost
    is half of its square. Of objects with a centre outside of the picture dlib learns nothing; it
    takes rows for columns there, which is not repeated.
    """
    anchors = dict(options.anchors)[tag]
    rows, columns = level.shape[1:]
    values = level.reshape(len(anchors), -1, rows, columns)
    gradient = torch.zeros_like(values)
    step = level.new_tensor([size[1] / columns, size[0] / rows])
    middle = middles(truth.boxes)
    inside = ((middle >= 0) & (middle <= middle.new_tensor([size[1] - 1, size[0] - 1]))).all(1)
    counts = inside & ~truth.ignored
    boxes, labels = truth.boxes[counts], truth.labels[counts].tolist()
    seen = predicted(values, anchors, step)
    best = overlaps(seen[..., None, :], boxes).amax(-1) if len(boxes) else seen.new_zeros(())
    empty = best < options.iou_ignore_threshold
    object_cost = options.lambda_obj * _absent(values[:, 4], options.gamma_obj)
    gradient[:, 4] = torch.where(empty, object_cost, 0.0)
    for box, label in zip(boxes, labels, strict=True):
        _learn(options, tag, values, gradient, box, label, size, step)
    return gradient.square().sum().item() / 2, gradient.reshape(level.shape)


def _learn(
    options: YoloOptions,
    tag: int,
    values: Tensor,
    gradient: Tensor,
    box: Tensor,
    label: int,
    size: Sequence[int],
    step: Tensor,
) -> None:
    """Set the gradient of the anchors that are to find a true box."""
    found, limit, matches = _anchors_of(options, box)
    middle = middles(box)
    column, row = (int(at) for at in (middle / step).tolist())
    offset = middle / step - middle.new_tensor([column, row])
    sides = box[2:] - box[:2] + 1
    weight = options.lambda_box * (2 - (areas(box) / (size[0] * size[1])).item())
    for index, anchor in enumerate(dict(options.anchors)[tag]):
        if found != (tag, index) and (limit >= 1 or matches[tag, index] < limit):
            continue
        cell = values[index, :, row, column]
        wanted = sides / (middle.new_tensor([anchor.width, anchor.height]) + sides)
        made = gradient[index, :, row, column]
        made[:2] = weight * 2 * (2 * cell[:2] - 0.5 - offset).clamp(-1, 1)
        made[2:4] = weight * (cell[2:4] - wanted).clamp(-1, 1)
        made[4] = options.lambda_obj * _present(cell[4], options.gamma_obj)
        made[5:] = options.lambda_cls * _absent(cell[5:], options.gamma_cls)
        made[5 + label] = options.lambda_cls * _present(cell[5 + label], options.gamma_cls)


def _anchors_of(
    options: YoloOptions, box: Tensor
) -> tuple[tuple[int, int], float, dict[tuple[int, int], float]]:
    """The anchor that fits a box best, the overlap from which others learn too, and all overlaps.

    A limit of 0 stands for one by the overlaps (Zhang et al. 2020, adaptive training sample
    selection); dlib takes those that were the best one so far.
    """
    best, most = (0, 0), 0.0
    so_far: list[float] = []
    matches = {}
    middle = middles(box)
    for tag, anchors in sorted(options.anchors):
        for index, anchor in enumerate(anchors):
            half = (middle.new_tensor([anchor.width, anchor.height]) - 1) / 2
            match = overlaps(box, torch.cat([middle - half, middle + half])).item()
            matches[tag, index] = match
            if match > most:
                best, most = (tag, index), match
                so_far.append(match)
    limit = options.iou_anchor_threshold
    if limit == 0:
        mean = sum(so_far) / max(1, len(so_far))
        squares = sum((match - mean) ** 2 for match in so_far)
        limit = mean + math.sqrt(squares / max(1, len(so_far) - 1))
    return best, limit, matches


def _log(values: Tensor) -> Tensor:
    """The logarithm of what is at least 1e-10 (safe_log)."""
    return values.clamp(min=1e-10).log()


def _absent(p: Tensor, gamma: float) -> Tensor:
    """The gradient of the focal loss with respect to a logit of probability p that should be 0."""
    return p**gamma * (gamma * (1 - p) * _log(1 - p) + p)


def _present(p: Tensor, gamma: float) -> Tensor:
    """The same for one that should be 1."""
    return (1 - p) ** gamma * (gamma * p * _log(p) + p - 1)
