"""The nodes of an ONNX graph that move values, cut them out, pad and resize them."""

from __future__ import annotations

from math import prod

import numpy as np

from archdsl.importers.made_layers import makes
from archdsl.importers.onnx.activations import round_off
from archdsl.importers.onnx.graph import OnnxGraphReader
from archdsl.importers.onnx.nodes import Node, reshaped
from archdsl.importers.onnx.rows import Row
from archdsl.importers.onnx.values import Signal
from archdsl.ir.layer import Layer, RuleError, image, shown
from archdsl.layers.attention import Token
from archdsl.layers.joins import ResizeToMatch
from archdsl.layers.padding import Pad, ReflectionPad, ReplicationPad, on_sides
from archdsl.layers.permutation import PixelShuffle, Reorg
from archdsl.layers.pooling import Chunk
from archdsl.layers.reshape import Slice
from archdsl.layers.resize import ResizeTo, Upsample, UpsampleNearest


def _reshape(reader: OnnxGraphReader, node: Node) -> Signal:
    return reader.rearranged(
        node.signal(), lambda order: order.reshape(reshaped(node, order.shape))
    )


def _flatten(reader: OnnxGraphReader, node: Node) -> Signal:
    axis = int(node.get("axis"))
    rank = len(node.signal().shape) + 1
    if not -rank <= axis <= rank:
        raise RuleError("there is no such axis", f"axis = {axis} of {rank}")
    front = axis + rank if axis < 0 else axis
    return reader.rearranged(
        node.signal(), lambda order: order.reshape(prod(order.shape[:front]), -1)
    )


def _transpose(reader: OnnxGraphReader, node: Node) -> Signal:
    axes = node.get("perm")
    return reader.rearranged(node.signal(), lambda order: order.transpose(axes))


def _squeeze(reader: OnnxGraphReader, node: Node) -> Signal:
    axes = node.axes(1, len(node.signal().shape) + 1)
    if axes is None:
        raise RuleError("a squeeze of the batch", help="name the axes in the file")
    return reader.rearranged(node.signal(), lambda order: np.squeeze(order, tuple(axes)))


def _unsqueeze(reader: OnnxGraphReader, node: Node) -> Signal:
    count = len(node.numbers("axes", 1) or ())
    axes = node.axes(1, len(node.signal().shape) + 1 + count) or []
    return reader.rearranged(node.signal(), lambda order: np.expand_dims(order, tuple(axes)))


# ---- parts ----


@makes(Chunk, Slice)
def _split(reader: OnnxGraphReader, node: Node) -> tuple[Signal, ...]:
    shape = node.signal().shape
    axis = int(node.get("axis"))
    channels = image(shape, "Split")[0]
    if axis not in (1, -3):
        raise RuleError("a split along another axis than the channels", f"axis {axis}")
    parts = len(node.proto.output)
    if node.get("num_outputs", parts) != parts:
        raise RuleError("a split of other parts", f"num_outputs = {node.get('num_outputs')}")
    largest = -(-channels // parts)
    rest = [min(largest, channels - largest * place) for place in range(parts)]
    sizes = node.numbers("split", 1) or rest
    if len(sizes) != parts or sum(sizes) != channels:
        raise RuleError("a split of other sizes than its input", f"{sizes} of {channels} channels")
    firsts = [sum(sizes[:place]) for place in range(parts)]
    return tuple(
        _channels(reader, node.signal(), first, first + size)
        for first, size in zip(firsts, sizes, strict=True)
    )


@makes(Chunk, Slice)
def _slice(reader: OnnxGraphReader, node: Node) -> Signal:
    signal = node.signal()
    starts, ends = node.numbers("starts", 1) or [], node.numbers("ends", 2) or []
    axes = node.axes(3, 4)
    axes = list(range(len(starts))) if axes is None else axes
    steps = node.numbers("steps", 4) or [1] * len(starts)
    if any(step != 1 for step in steps):
        raise RuleError("a slice with steps", f"found {steps}")
    if not len(starts) == len(ends) == len(axes) == len(steps):
        raise RuleError("starts, ends and axes are not as many", f"{starts}, {ends}, {axes}")
    box = list(image(signal.shape, "Slice"))
    cuts = [slice(0, size) for size in box]
    for start, end, axis in zip(starts, ends, axes, strict=True):
        size = box[axis - 1]
        if axis == 0 or size is None:
            raise RuleError("a slice of the batch, or of an open size")
        first, last, _ = slice(int(start), int(end)).indices(size)
        cuts[axis - 1] = slice(first, last)
    rows, columns = cuts[1:]
    if cuts[1:] == [slice(0, size) for size in box[1:]]:
        return _channels(reader, signal, cuts[0].start, cuts[0].stop)
    return reader.add(_box(cuts[0], rows, columns), signal)


def _channels(reader: OnnxGraphReader, signal: Signal, first: int, last: int) -> Signal:
    """Some channels: one of several equal parts where they are that."""
    channels, rows, columns = image(signal.shape, "Slice")
    size = last - first
    if size == channels:
        return signal
    if size > 0 and channels % size == 0 and first % size == 0:
        return reader.add(Chunk(first // size, channels // size), signal)
    return reader.add(_box(slice(first, last), slice(0, rows), slice(0, columns)), signal)


def _box(channels: slice, rows: slice, columns: slice) -> Slice:
    cuts = (channels, rows, columns)
    if any(cut.stop is None or cut.stop <= cut.start for cut in cuts):
        raise RuleError("a slice of nothing, or of an open size")
    firsts, sizes = [cut.start for cut in cuts], [cut.stop - cut.start for cut in cuts]
    return Slice(*firsts, *sizes)


@makes(Token)
def _gather(reader: OnnxGraphReader, node: Node) -> Signal:
    chosen = node.weight(1)
    moved, axis = node.signal().moved, int(node.get("axis"))
    if moved is not None and chosen.size == moved.order.shape[axis]:
        indices = chosen.array.astype(np.int64)
        return reader.rearranged(node.signal(), lambda order: np.take(order, indices, axis))
    if len(node.signal().shape) != 2 or axis not in (1, -2) or chosen.shape != ():
        raise RuleError("only one token of a sequence can be chosen")
    tokens, index = node.signal().shape[0], int(chosen.array)
    if tokens is None or not -tokens <= index < tokens:
        raise RuleError("there is no such token", f"{index} of {tokens}")
    return reader.add(Token(index % tokens), node.signal())


# ---- borders and sizes ----


@makes(PixelShuffle)
def _depth_to_space(reader: OnnxGraphReader, node: Node) -> Signal:
    if node.get("mode") != "CRD":
        raise RuleError(
            "blocks are made of channels in another order than pixel_shuffle's", "mode = DCR"
        )
    return reader.add(PixelShuffle(int(node.get("blocksize"))), node.signal())


@makes(Reorg)
def _space_to_depth(reader: OnnxGraphReader, node: Node) -> Signal:
    size = int(node.get("blocksize"))
    return reader.add(Reorg(size, size), node.signal())


_COPIES = {"reflect": ReflectionPad, "edge": ReplicationPad}


@makes(Pad, *_COPIES.values())
def _pad(reader: OnnxGraphReader, node: Node) -> Signal:
    mode = node.get("mode")
    if mode != "constant" and mode not in _COPIES:
        raise RuleError(f"padding of the kind {mode}", f"expected constant, {', '.join(_COPIES)}")
    pads = [int(pad) for pad in node.numbers("pads", 1) or ()]
    (value,) = node.numbers("value", 2) or [0.0]
    axes = node.axes(3, 4)
    if axes is not None and len(pads) == 2 * len(axes):
        every = [0] * 8
        for place, axis in enumerate(axes):
            every[axis], every[axis + 4] = pads[place], pads[place + len(axes)]
        pads = every
    if len(pads) != 8 or pads[0] or pads[1] or pads[4] or pads[5] or min(pads) < 0:
        raise RuleError("only the height and width of a picture can be padded", f"found {pads}")
    sides = pads[2], pads[6], pads[3], pads[7]
    layer: Layer
    if mode == "constant":
        layer = Pad(*sides, value=round_off(float(value)))
    else:
        layer = _COPIES[mode](*on_sides(*sides))
    return reader.add(layer, node.signal()) if any(pads) else node.signal()


@makes(UpsampleNearest, Upsample, ResizeTo, ResizeToMatch)
def _resize(reader: OnnxGraphReader, node: Node) -> Signal:
    index = reader.settled(node.signal())
    shape = reader.draft.shape(index)
    _, height, width = image(shape, "Resize")
    if height is None or width is None:
        raise RuleError("the size has to be known where it changes", f"found {shown(shape)}")
    rows, columns = _wanted(node, height, width)
    nearest, aligned = _way(node)
    factors = rows / height, columns / width
    layer: Layer
    if min(factors) >= 1 and factors[0].is_integer() and factors[1].is_integer():
        by = int(factors[0]), int(factors[1])
        second = by[1] if by[1] != by[0] else None
        if nearest:
            layer = UpsampleNearest(by[0], second)
        else:
            layer = Upsample(by[0], second, align_corners=aligned)
        return reader.of(reader.draft.add(layer, index))
    if nearest and node.get("coordinate_transformation_mode", "asymmetric") != "asymmetric":
        raise RuleError("the nearest cell of a fractional factor", f"{factors}")
    if aligned:
        return reader.of(reader.draft.add(ResizeTo(rows, columns), index))
    other = reader.draft.first_of_size(rows, columns)
    if other is None:
        raise RuleError("no layer resizes to a size that nothing else has", f"{rows}×{columns}")
    return reader.of(reader.draft.add(ResizeToMatch(nearest, False), index, other))


def _wanted(node: Node, height: int, width: int) -> tuple[int, int]:
    """The size as written, or from factors, which are the second input of older versions."""
    sizes = node.numbers("sizes", 3)
    if sizes:
        if len(sizes) != 4:
            raise RuleError("a picture has four sizes", f"found {sizes}")
        return int(sizes[-2]), int(sizes[-1])
    scales = node.numbers("scales", 1 if node.type == "Upsample" or len(node.inputs) < 3 else 2)
    if not scales or len(scales) != 4:
        raise RuleError("neither a size nor factors are given")
    if any(scale != 1 for scale in scales[:-2]):
        raise RuleError("only height and width are resized", f"scales = {scales}")
    found = np.array([height, width], np.float32) * np.array(scales[-2:], np.float32)
    if not np.array_equal(found, np.round(found)):
        raise RuleError("factors give a fraction of a cell", f"scales = {scales}")
    return int(found[0]), int(found[1])


def _way(node: Node) -> tuple[bool, bool]:
    """Two truth values: the nearest cell is taken, and corners are aligned."""
    mode = node.get("mode")
    modern = node.type == "Resize" and len(node.inputs) > 2
    place = node.get("coordinate_transformation_mode", "half_pixel" if modern else "asymmetric")
    rounding = node.get("nearest_mode", "round_prefer_floor" if modern else "floor")
    halves = ("half_pixel", "pytorch_half_pixel", "half_pixel_symmetric")
    if mode == "nearest":
        if (place, rounding) == ("asymmetric", "floor"):
            return True, False
        if place in halves and rounding == "round_prefer_floor":
            return True, False
    elif mode == "linear" and place in (*halves, "align_corners"):
        return False, place == "align_corners"
    raise RuleError("the catalogue does not resize like this", f"{mode}, {place}, {rounding}")


MOVING: dict[str, Row] = {
    "Reshape": Row(_reshape, 25, "allowzero"),
    "Flatten": Row(_flatten, 25, "axis"),
    "Transpose": Row(_transpose, 25, "perm"),
    "Squeeze": Row(_squeeze, 25, "axes"),
    "Unsqueeze": Row(_unsqueeze, 25, "axes"),
    "Split": Row(_split, 18, "axis split num_outputs"),
    "Slice": Row(_slice, 13, "axes starts ends"),
    "Gather": Row(_gather, 13, "axis"),
    "Pad": Row(_pad, 25, "mode pads value"),
    "DepthToSpace": Row(_depth_to_space, 13, "blocksize mode"),
    "SpaceToDepth": Row(_space_to_depth, 13, "blocksize"),
    "Resize": Row(_resize, 19, "mode coordinate_transformation_mode nearest_mode"),
    "Upsample": Row(_resize, 10, "mode scales"),
}
"""By the operator's name."""
