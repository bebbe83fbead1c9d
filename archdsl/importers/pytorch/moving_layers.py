"""Layers for operations that move, cut out, copy and resize."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast

from archdsl.analysis.equivalence.labels import InputSlot
from archdsl.importers.made_layers import makes
from archdsl.importers.pytorch.proposals import Proposal, Proposals, Recogniser, Seen
from archdsl.layers.attention import (
    Attention,
    Token,
    Tokens,
)
from archdsl.layers.joins import (
    ResizeToMatch,
)
from archdsl.layers.padding import Pad, ReflectionPad, ReplicationPad, on_sides
from archdsl.layers.permutation import PixelShuffle, PixelUnshuffle, Reorg
from archdsl.layers.pooling import (
    ChannelsFirst,
    ChannelShuffle,
    ChannelsLast,
    Chunk,
)
from archdsl.layers.reshape import Flatten, ReshapeTo, Slice, Transpose
from archdsl.layers.resize import ResizeTo, Upsample, UpsampleNearest
from archdsl.layers.windows import MergePatches, WindowAttention, WindowPartition, WindowReverse


@makes(Attention, Token)
def _item(seen: Seen) -> Proposals:
    """Layers for indexing: the first of several results, a token."""
    index, source = seen["b"], seen.graph.nodes[seen.node.inputs[0]]
    if source.label.operation == "MultiheadAttention":
        parts = dict(cast("Any", source.label.value("module"))[0][3])
        yield Proposal(Attention(parts["num_heads"], parts["dropout"]), source.inputs[:1])
    elif isinstance(index, tuple) and len(index) == 2 and isinstance(index[1], int):
        yield Proposal(Token(index[1]), seen.node.inputs)


_COPIES = {"reflect": ReflectionPad, "replicate": ReplicationPad}


@makes(Pad, *_COPIES.values())
def _padding(seen: Seen) -> Proposals:
    left, right, top, bottom = (*seen["padding"], 0, 0)[:4]
    if len(seen["padding"]) > 4:
        return
    if seen["mode"] == "constant":
        yield Proposal(Pad(top, bottom, left, right, value=seen["value"]), seen.node.inputs)
    elif cls := _COPIES.get(seen["mode"]):
        yield Proposal(cls(*on_sides(top, bottom, left, right)), seen.node.inputs)


@makes(Chunk, Slice)
def _range(seen: Seen) -> Proposals:
    """Layers for a range along one dimension: one of equal parts of the channels, or a box."""
    axis, start, stop = seen["dimension"] - 1, seen["start"], seen["stop"]
    shape = seen.shape()
    if len(shape) != 3 or axis < 0:
        return
    length = stop - start
    if axis == 0 and start % length == 0 and (shape[0] or 0) % length == 0:
        yield Proposal(Chunk(start // length, (shape[0] or 0) // length), seen.node.inputs)
    first, sizes = [0, 0, 0], [int(size or 0) for size in shape]
    first[axis], sizes[axis] = start, length
    yield Proposal(Slice(*first, *sizes), seen.node.inputs)


@makes(ChannelsLast, ChannelsFirst, Tokens)
def _permutation(seen: Seen) -> Proposals:
    yield Proposal(ChannelsLast(), seen.node.inputs)
    yield Proposal(ChannelsFirst(), seen.node.inputs)
    if (rows := seen.behind("flatten")) is not None:
        yield Proposal(Tokens(), (rows,))


@makes(Transpose, WindowPartition, _permutation)
def _transposition(seen: Seen) -> Proposals:
    yield Proposal(Transpose(), seen.node.inputs)
    if (source := seen.behind("window_partition")) is not None:
        windows = seen.shape()[0] or 0
        yield Proposal(WindowPartition(math.isqrt(windows), grid=True), (source,))
    yield from _permutation(seen)


@makes(Flatten)
def _flattening(seen: Seen) -> Proposals:
    yield Proposal(Flatten(), seen.node.inputs)


@makes(ReshapeTo, Reorg)
def _reshape(seen: Seen) -> Proposals:
    sizes = seen["shape"]
    if len(sizes) == 4 and all(isinstance(size, int) for size in sizes[1:]):
        if 1 in (*seen.shape()[:1], *seen.shape()[2:]):  # of a map of one cell nothing moves
            yield Proposal(ChannelsLast(), seen.node.inputs)
            yield Proposal(ChannelsFirst(), seen.node.inputs)
        yield Proposal(ReshapeTo(*sizes[1:]), seen.node.inputs)
        source = seen.behind("permute", "reshape")
        if source is not None and (shape := seen.shapes.get(source)) and len(shape) == 3:
            rows, columns = (
                (whole or 0) // part for whole, part in zip(shape[1:], sizes[2:], strict=True)
            )
            yield Proposal(Reorg(rows, columns), (source,))


@makes(WindowPartition)
def _windows(seen: Seen) -> Proposals:
    yield Proposal(WindowPartition(seen["height"]), seen.node.inputs)


@makes(WindowReverse)
def _windows_put_together(seen: Seen) -> Proposals:
    plain, swapped = seen.node.inputs[0], seen.behind("transpose")
    for source, side, rows in ((plain, "height", "rows"), (swapped, "rows", "height")):
        shape = seen.shapes.get(source, ()) if source is not None else ()
        if source is not None and shape:
            given = 0 if seen[rows] ** 2 == shape[0] else seen[rows]
            grid = source == swapped
            yield Proposal(WindowReverse(seen[side], grid=grid, rows=given), (source,))


@makes(ChannelShuffle)
def _channel_shuffle(seen: Seen) -> Proposals:
    yield Proposal(ChannelShuffle(seen["groups"]), seen.node.inputs)


@makes(WindowAttention)
def _window_attention(seen: Seen) -> Proposals:
    side, shift = seen.pair("window_size")[0], seen.pair("shift_size")[0]
    yield Proposal(WindowAttention(seen["num_heads"], side, shift), seen.node.inputs[:1])


@makes(MergePatches)
def _merged_patches(seen: Seen) -> Proposals:
    yield Proposal(MergePatches(), seen.node.inputs)


@makes(PixelShuffle)
def _pixel_shuffle(seen: Seen) -> Proposals:
    yield Proposal(PixelShuffle(seen["upscale_factor"]), seen.node.inputs)


@makes(PixelUnshuffle)
def _pixel_unshuffle(seen: Seen) -> Proposals:
    yield Proposal(PixelUnshuffle(seen["downscale_factor"]), seen.node.inputs)


@makes(UpsampleNearest, Upsample, ResizeToMatch, ResizeTo)
def _resizing(seen: Seen) -> Proposals:
    nearest, corners = seen["mode"] == "nearest", bool(seen["align_corners"])
    factor, size = seen["scale_factor"], seen["size"]
    if factor is not None:
        rows, columns = factor if isinstance(factor, tuple) else (factor, factor)
        scales = int(rows), None if rows == columns else int(columns)
        yield Proposal(
            UpsampleNearest(*scales) if nearest else Upsample(*scales, align_corners=corners),
            seen.node.inputs,
        )
    elif len(seen.node.inputs) == 2:
        yield Proposal(ResizeToMatch(nearest, corners), seen.node.inputs)
    elif isinstance(size, tuple) and not any(isinstance(part, InputSlot) for part in size):
        yield Proposal(ResizeTo(*size), seen.node.inputs)


MOVING: Mapping[str, Recogniser] = {
    "getitem": _item,
    "part": _range,
    "pad": _padding,
    "permute": _permutation,
    "transpose": _transposition,
    "flatten": _flattening,
    "reshape": _reshape,
    "channel_shuffle": _channel_shuffle,
    "pixel_shuffle": _pixel_shuffle,
    "pixel_unshuffle": _pixel_unshuffle,
    "window_partition": _windows,
    "window_reverse": _windows_put_together,
    "shifted_window_attention": _window_attention,
    "merge_patches": _merged_patches,
    "interpolate": _resizing,
}
"""By the operation's name."""
