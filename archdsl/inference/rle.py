"""Masks as COCO's run lengths, uncompressed: short enough for JSON, read by pycocotools."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor


def run_lengths(mask: Tensor) -> dict[str, Any]:
    """A mask (height, width) of booleans as ``{"size": [height, width], "counts": [...]}``.

    The counts are the lengths of runs from the top down, column by column, beginning with what lies
    outside; the first is 0 where the first pixel is inside. ``pycocotools.mask.frPyObjects`` reads
    them. Source: https://cocodataset.org/#format-data.
    """
    pixels = mask.cpu().bool().T.flatten()
    before = torch.cat([torch.zeros(1, dtype=torch.bool), pixels[:-1]])
    starts = (pixels != before).nonzero().flatten().tolist()
    edges = [0, *starts, pixels.numel()]
    counts = [end - start for start, end in pairwise(edges)]
    return {"size": list(mask.shape), "counts": counts}
