"""Region proposals from files, for networks that do not make their own."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy
import torch
from torch import Tensor

from archdsl.diagnostics import coded, fail
from archdsl.diagnostics.foreign import DAMAGED, parsing
from archdsl.text.input import read_whole


@coded(DAMAGED)
def read_proposals(path: Path, images: int) -> list[Tensor]:
    """The boxes of a file for each of so many images: tensors n×4 of x1, y1, x2, y2 in pixels.

    JSON holds a list of boxes for one image, or a list of such lists, one for each image; an
    ``.npy`` file an array n×4, or images×n×4. Raises ArchError where it does not.
    """
    content = _content(path)
    single = images == 1 and _depth(content) == 2
    lists = [content] if single else content
    if not isinstance(lists, list) or len(lists) != images:
        found = f"{len(lists)} lists" if isinstance(lists, list) else "something else"
        raise fail(
            f"{path} does not hold proposals for the images",
            None,
            f"expected a list of boxes [x1, y1, x2, y2] for each of {images}, found {found}",
        )
    return [_boxes(each, f"{path}, image {number + 1}") for number, each in enumerate(lists)]


def _content(path: Path) -> Any:
    with parsing(path, "a file of proposals in JSON or .npy"):
        content = read_whole(path, 30)
        if path.suffix == ".npy":
            return numpy.load(io.BytesIO(content), allow_pickle=False).tolist()
        return json.loads(content)


def _depth(content: Any) -> int:
    depth = 0
    while isinstance(content, list) and depth < 3:
        depth += 1
        if not content:
            return 2 if depth == 1 else depth  # no boxes at all
        content = content[0]
    return depth


def _boxes(content: Any, where: str) -> Tensor:
    try:
        boxes = torch.tensor(content, dtype=torch.float32).reshape(len(content), -1)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        raise fail(f"{where}: expected boxes [x1, y1, x2, y2], four numbers each") from None
    if len(boxes) == 0:
        return torch.zeros(0, 4)
    if boxes.shape[1] != 4:
        raise fail(f"{where}: expected boxes of four numbers, found {boxes.shape[1]}")
    bad = ~(boxes.isfinite().all(1) & (boxes[:, 2:] > boxes[:, :2]).all(1))
    if bad.any():
        number = int(bad.nonzero()[0])
        raise fail(
            f"{where}: box {number + 1} is {boxes[number].tolist()}",
            None,
            "expected x1, y1, x2, y2 with x1 < x2 and y1 < y2",
        )
    return boxes
