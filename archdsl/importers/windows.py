"""Convolution and pooling windows whose padding differs between opposite sides.

``con`` and the poolings pad opposite sides alike. Other formats do not: TensorFlow's "same" adds
the odd cell below and on the right, Darknet's pooling likewise.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from archdsl.importers.draft import Draft
from archdsl.importers.made_layers import makes
from archdsl.ir.layer import RuleError, image
from archdsl.layers.convolution import Convolution, Pair
from archdsl.layers.padding import Pad
from archdsl.layers.pooling import AvgPool, MaxPool
from archdsl.layers.reshape import Slice


class Sides(NamedTuple):
    """Cells added on each side of a feature map."""

    top: int = 0
    left: int = 0
    bottom: int = 0
    right: int = 0

    @property
    def first(self) -> Pair:
        return self.top, self.left

    @property
    def last(self) -> Pair:
        return self.bottom, self.right


def same(sizes: tuple[int, int], kernel: Pair, stride: Pair, *, upper: bool = True) -> Sides:
    """TensorFlow's padding "same": ceil(size / stride) positions, the odd cell at the end.

    ``upper`` is ONNX's word; without it the odd cell is at the front. ``kernel`` counts the gaps of
    dilation.
    """
    first, last = [], []
    for size, k, step in zip(sizes, kernel, stride, strict=True):
        total = max((-(-size // step) - 1) * step + k - size, 0)
        less, more = total // 2, total - total // 2
        first.append(less if upper else more)
        last.append(more if upper else less)
    return Sides(first[0], first[1], last[0], last[1])


def known(draft: Draft, index: int) -> tuple[int, int]:
    """The height and width of a feature map; RuleError where they are open."""
    _, height, width = image(draft.shape(index), "a window")
    if height is None or width is None:
        raise RuleError(
            "the size of the input has to be known here",
            help="give it with --input CxHxW",
        )
    return height, width


@makes(Convolution, Pad)
def convolve(
    draft: Draft,
    index: int,
    sides: Sides,
    arguments: Mapping[str, Any],
    tensors: Mapping[str, str],
) -> int:
    """A convolution with its padding; a layer of its own pads where opposite sides differ."""
    if sides.first != sides.last:
        index = draft.add(Pad(sides.top, sides.bottom, sides.left, sides.right), index)
        sides = Sides()
    layer = Convolution(padding_h=sides.top, padding_w=sides.left, **arguments)
    return draft.add(layer, index, tensors=tensors)


@makes(MaxPool, Slice)
def max_pool(
    draft: Draft, index: int, kernel: Pair, stride: Pair, sides: Sides, *, ceil: bool = False
) -> int:
    """A maximum in which padding never wins, whatever it is on each side."""
    if ceil and _half(kernel, sides):
        return draft.add(MaxPool(*kernel, *stride, *sides.first, ceil_mode=True), index)
    return _pool(draft, index, MaxPool, kernel, stride, sides, ceil)


@makes(AvgPool, Pad, Slice)
def avg_pool(
    draft: Draft,
    index: int,
    kernel: Pair,
    stride: Pair,
    sides: Sides,
    *,
    ceil: bool = False,
    counts: bool = False,
) -> int:
    """A mean: of the cells inside the image, or with ``counts`` of padding as well."""
    if _half(kernel, sides) or (sides.first == sides.last and not ceil):
        layer = AvgPool(*kernel, *stride, *sides.first, ceil_mode=ceil, count_include_pad=counts)
        return draft.add(layer, index)
    if counts:
        if ceil:
            sides = _without_dropped(known(draft, index), kernel, stride, sides)
        index = draft.add(Pad(sides.top, sides.bottom, sides.left, sides.right), index)
        return avg_pool(draft, index, kernel, stride, Sides(), ceil=ceil)
    return _pool(draft, index, AvgPool, kernel, stride, sides, ceil)


def _half(kernel: Pair, sides: Sides) -> bool:
    """True if opposite sides are padded alike, and by half a window at most."""
    return sides.first == sides.last and all(
        2 * pad <= k for pad, k in zip(sides.first, kernel, strict=True)
    )


def _positions(size: int, kernel: int, step: int, first: int, last: int, *, ceil: bool) -> int:
    """Number of windows; with ``ceil`` none that starts in the padding at the end."""
    room = size + first + last - kernel
    if not ceil:
        return room // step + 1
    count = -(-room // step) + 1
    return count - 1 if (count - 1) * step >= size + first else count


def _without_dropped(sizes: Pair, kernel: Pair, stride: Pair, sides: Sides) -> Sides:
    """Less padding at the end where a window that starts in it is left out."""
    last = []
    for size, k, step, first, end in zip(
        sizes, kernel, stride, sides.first, sides.last, strict=True
    ):
        count = _positions(size, k, step, first, end, ceil=True)
        dropped = count == -(-(size + first + end - k) // step)
        last.append(max(0, (count - 1) * step + k - size - first) if dropped else end)
    return Sides(*sides.first, *last)


def _pool(
    draft: Draft,
    index: int,
    kind: type[MaxPool] | type[AvgPool],
    kernel: Pair,
    stride: Pair,
    sides: Sides,
    ceil: bool,
) -> int:
    """A pooling that leaves padding out, by equal padding, rounding up, or cutting windows off."""
    sizes = known(draft, index)
    rows, columns = (
        _positions(size, k, step, first, last, ceil=ceil)
        for size, k, step, first, last in zip(
            sizes, kernel, stride, sides.first, sides.last, strict=True
        )
    )
    counts = rows, columns
    channels = draft.shape(index)[0]
    assert channels is not None
    for window, front in ((kernel, sides.first), _alone(kernel, sides.first, sizes, counts)):
        for ceil_mode in (False, True):
            pooled = kind(*window, *stride, *front, ceil_mode=ceil_mode)
            # A window may be larger than the map and its padding in front.
            with suppress(RuleError):
                if pooled.shape((draft.shape(index),))[1:] == counts:
                    return draft.add(pooled, index)
    # More padding in front moves the windows by whole strides; those in front are cut off.
    moved = [
        -(-max(last - first, 0) // step)
        for first, last, step in zip(sides.first, sides.last, stride, strict=True)
    ]
    top, left = sides.top + stride[0] * moved[0], sides.left + stride[1] * moved[1]
    index = draft.add(kind(*kernel, *stride, top, left), index)
    return draft.add(Slice(0, moved[0], moved[1], channels, rows, columns), index)


def _alone(
    kernel: Pair, first: Pair, sizes: tuple[int, int], counts: tuple[int, ...]
) -> tuple[Pair, Pair]:
    """A window and its padding in front, cut to the map on axes with a single position."""
    cut = [
        (max(min(k - before, size), 1), 0) if count == 1 and k > before else (k, before)
        for k, before, size, count in zip(kernel, first, sizes, counts, strict=True)
    ]
    return (cut[0][0], cut[1][0]), (cut[0][1], cut[1][1])
