"""Blocks of cells that become channels, and back, spelled as a regrouping and an exchange."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.analysis.equivalence.labels import Label


def moved_blocks(
    before: Sequence[int], grouped: Sequence[int], order: object, after: Sequence[int]
) -> Label | None:
    """The shuffle of cells that a regrouping, an exchange and a regrouping amount to, if any.

    Sizes are those of the tensor, of the first regrouping, and of the last one.
    """
    if len(before) != 4 or len(after) != 4 or len(grouped) != 6:
        return None
    samples, channels, height, width = before
    if order == (0, 1, 3, 5, 2, 4):
        factor = grouped[3]
        high, wide = height // factor, width // factor
        parts = (samples, channels, high, factor, wide, factor)
        whole = (samples, channels * factor**2, high, wide)
        label = Label.of("pixel_unshuffle", {"downscale_factor": factor})
    elif order == (0, 1, 4, 2, 5, 3):
        factor = grouped[2]
        parts = (samples, channels // factor**2, factor, factor, height, width)
        whole = (samples, channels // factor**2, height * factor, width * factor)
        label = Label.of("pixel_shuffle", {"upscale_factor": factor})
    else:
        return None
    return label if tuple(grouped) == parts and tuple(after) == whole else None
