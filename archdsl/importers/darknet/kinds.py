"""Layers made of each kind of section in a .cfg file: a function for each kind."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from archdsl.diagnostics import fail
from archdsl.importers.darknet.cfg import Section
from archdsl.importers.darknet.cfg_reader import HEAD, NORM, CfgReader, normalised, refuse, require
from archdsl.importers.darknet.heads import DETECTORS, detector
from archdsl.importers.made_layers import makes
from archdsl.importers.windows import Sides, avg_pool, max_pool
from archdsl.ir.layer import RuleError, image, shown
from archdsl.layers.activation import Softmax, SoftmaxAll
from archdsl.layers.convolution import Convolution, TransposedConvolution
from archdsl.layers.joins import Add, AddPadded, Concat, Gate, Mult
from archdsl.layers.linear import AddConstant, Dropout, FullyConnected, Multiply
from archdsl.layers.permutation import DarknetReorg, Reorg
from archdsl.layers.pooling import AvgPool, Chunk, MaxPool
from archdsl.layers.reshape import Slice
from archdsl.layers.resize import UpsampleNearest

_OTHER_CONVOLUTIONS = [
    "antialiasing",
    "assisted_excitation",
    "bin_output",
    "binary",
    "cbn",
    "coordconv",
    "deform",
    "flipped",
    "rotate",
    "share_index",
    "stretch",
    "stretch_sway",
    "sway",
    "xnor",
]


def _padding(section: Section, size: int) -> int:
    """``pad=1`` is half the size, whatever ``padding`` says."""
    padding = section.integer("padding", 0)
    return size // 2 if section.integer("pad", 0) else padding


@makes(Convolution, CfgReader.normalise)
def _convolutional(reading: CfgReader, section: Section) -> None:
    """The padding counts taps: with a dilation it is that many times as wide."""
    refuse(section, *_OTHER_CONVOLUTIONS)
    size = section.integer("size", 1)
    stride = section.integer("stride", 1)
    padding = _padding(section, size)
    dilation = section.integer("dilation", 1)
    if size == 1:
        dilation = 1
    if dilation != 1 and 2 * padding != size - 1:
        raise fail(
            "Darknet's size of this convolution and what it computes differ",
            section.where("dilation"),
            f"expected padding={(size - 1) // 2} for size={size} with a dilation, found {padding}",
        )
    padding *= dilation
    reading.add(
        Convolution(
            section.integer("filters", 1),
            size,
            size,
            section.integer("stride_y", stride),
            section.integer("stride_x", stride),
            padding,
            padding,
            dilation=dilation,
            groups=section.integer("groups", 1),
            bias=not normalised(section),
        )
    )
    reading.normalise(section)


@makes(TransposedConvolution, CfgReader.normalise)
def _deconvolutional(reading: CfgReader, section: Section) -> None:
    size, stride = section.integer("size", 1), section.integer("stride", 1)
    padding = _padding(section, size)
    filters = section.integer("filters", 1)
    reading.add(
        TransposedConvolution(
            filters, size, size, stride, stride, padding, padding, bias=not normalised(section)
        )
    )
    reading.normalise(section)


@makes(FullyConnected, CfgReader.normalise)
def _connected(reading: CfgReader, section: Section) -> None:
    reading.add(FullyConnected(section.integer("output", 1), bias=not normalised(section)))
    reading.normalise(section)


def _pool(pool: Callable[..., int], reading: CfgReader, section: Section) -> None:
    """``padding`` is that of both sides together, size - 1 unless given; half of it in front."""
    refuse(section, "maxpool_depth", "antialiasing")
    stride = section.integer("stride", 1)
    steps = section.integer("stride_y", stride), section.integer("stride_x", stride)
    size = section.integer("size", stride)
    if size < 1 or min(steps) < 1:
        raise RuleError("a pooling has a size and a stride from 1 on", f"found {size} and {steps}")
    padding = section.integer("padding", size - 1)
    first, last = padding // 2, padding - padding // 2
    sides = Sides(first, first, last, last)
    reading.at = pool(reading.draft, reading.at, (size, size), steps, sides)


@makes(AvgPool)
def _avgpool(reading: CfgReader, _: Section) -> None:
    reading.add(AvgPool(0, 0, 1, 1, 0, 0))


@makes(Dropout)
def _dropout(reading: CfgReader, section: Section) -> None:
    reading.add(Dropout(section.number("probability", 0.5)))


@makes(Chunk, Concat)
def _route(reading: CfgReader, section: Section) -> None:
    numbers = section.integers("layers")
    if not numbers:
        raise fail("[route] has no layers", section.span, "expected a line layers=...")
    ends = [reading.named(section, "layers", number) for number in numbers]
    groups, part = section.integer("groups", 1), section.integer("group_id", 0)
    if groups != 1:
        ends = [reading.draft.add(Chunk(part, groups), end) for end in ends]
    reading.at = ends[0] if len(ends) == 1 else reading.draft.add(Concat(), *ends)


@makes(Add, AddPadded, MaxPool, Slice, CfgReader.activate)
def _shortcut(reading: CfgReader, section: Section) -> None:
    refuse(section, "weights_type", "weights_normalization")
    others = [reading.named(section, "from", number) for number in section.integers("from")]
    if not others:
        raise fail("[shortcut] has no from", section.span, "expected a line from=...")
    shapes = {reading.draft.shape(index) for index in (reading.at, *others)}
    if len(shapes) == 1 or len(others) > 1:
        reading.add(Add(), *others)
    else:
        part = _sampled(reading, others[0])
        same = reading.draft.shape(part) == reading.draft.shape(reading.at)
        reading.add(Add() if same else AddPadded(), part)
    reading.activate(section, "linear")


def _sampled(reading: CfgReader, other: int) -> int:
    """The part of another map that Darknet adds in a shortcut.

    Every s-th cell of an s times larger map, or the first channels of a deeper one.
    """
    channels, height, width = image(reading.draft.shape(reading.at), "shortcut")
    wider, rows, columns = image(reading.draft.shape(other), "shortcut")
    assert height and width and rows and columns  # a .cfg gives the input's size
    step = columns // width
    if (-(-rows // (step or 1)), -(-columns // (step or 1))) != (height, width):
        raise RuleError(
            "a sum of tensors of different shapes",
            f"found {shown((channels, height, width))} and {shown((wider, rows, columns))}",
        )
    if wider > channels:
        other = reading.draft.add(Slice(0, 0, 0, channels, rows, columns), other)
    return other if step == 1 else reading.draft.add(MaxPool(1, 1, step, step, 0, 0), other)


@makes(Gate, CfgReader.activate)
def _scale_channels(reading: CfgReader, section: Section) -> None:
    refuse(section, "scale_wh")
    features = reading.named(section, "from", section.required("from"))
    reading.at = reading.draft.add(Gate(), features, reading.at)
    reading.activate(section, "linear")


@makes(Mult, CfgReader.activate)
def _sam(reading: CfgReader, section: Section) -> None:
    """Attention of every place: the features of another layer, times what is here."""
    features = reading.named(section, "from", section.required("from"))
    reading.at = reading.draft.add(Mult(), features, reading.at)
    reading.activate(section, "linear")


@makes(Slice, Multiply, AddConstant)
def _crop(reading: CfgReader, section: Section) -> None:
    """The middle, with values from -1 to 1 in place of those from 0 on, unless ``noadjust``."""
    channels, height, width = image(reading.draft.shape(reading.at), "crop")
    rows, columns = section.integer("crop_height", 1), section.integer("crop_width", 1)
    first = ((height or 1) - rows) // 2, ((width or 1) - columns) // 2
    reading.add(Slice(0, *first, channels, rows, columns))
    if not section.integer("noadjust", 0):
        reading.add(Multiply(2.0))
        reading.add(AddConstant(-1.0))


@makes(UpsampleNearest, Multiply)
def _upsample(reading: CfgReader, section: Section) -> None:
    reading.add(UpsampleNearest(section.integer("stride", 2)))
    factor = section.number("scale", 1.0)
    reading.add(Multiply(factor) if factor != 1 else None)


@makes(Reorg)
def _reorg3d(reading: CfgReader, section: Section) -> None:
    """Blocks of cells become channels, the channels of the first cell first."""
    refuse(section, "reverse")
    stride = section.integer("stride", 1)
    reading.add(Reorg(stride, stride))


@makes(DarknetReorg)
def _reorg(reading: CfgReader, section: Section) -> None:
    refuse(section, "reverse", "flatten", "extra")
    reading.add(DarknetReorg(section.integer("stride", 1)))


@makes(Softmax, SoftmaxAll, Multiply)
def _softmax(reading: CfgReader, section: Section) -> None:
    refuse(section, "tree")
    require(section, groups=(1, 1))
    temperature = section.number("temperature", 1.0)
    reading.add(Multiply(1 / temperature) if temperature not in (0, 1) else None)
    places = reading.draft.shape(reading.at)[1:]
    alone = section.number("spatial", 0) or places in ((), (1, 1))
    reading.add(Softmax() if alone else SoftmaxAll())


@makes(CfgReader.activate)
def _activation(reading: CfgReader, section: Section) -> None:
    reading.activate(section, "linear")


@makes(NORM)
def _batchnorm(reading: CfgReader, _: Section) -> None:
    reading.add(NORM)


def _cost(reading: CfgReader, _: Section) -> None:
    reading.draft.note("[cost], what Darknet trains with, is left out.")


@makes(detector)
def _head(reading: CfgReader, section: Section) -> None:
    reading.heads.append((reading.at, section))
    reading.at = HEAD


SECTIONS: dict[str, Callable[[CfgReader, Section], None]] = {
    "convolutional": _convolutional,
    "conv": _convolutional,
    "deconvolutional": _deconvolutional,
    "connected": _connected,
    "conn": _connected,
    "maxpool": makes(max_pool)(partial(_pool, max_pool)),
    "max": makes(max_pool)(partial(_pool, max_pool)),
    "local_avgpool": makes(avg_pool)(partial(_pool, avg_pool)),
    "avgpool": _avgpool,
    "avg": _avgpool,
    "dropout": _dropout,
    "route": _route,
    "shortcut": _shortcut,
    "scale_channels": _scale_channels,
    "sam": _sam,
    "crop": _crop,
    "upsample": _upsample,
    "reorg": _reorg,
    "reorg3d": _reorg3d,
    "softmax": _softmax,
    "soft": _softmax,
    "activation": _activation,
    "batchnorm": _batchnorm,
    "cost": _cost,
    **dict.fromkeys(DETECTORS, _head),
}


TRAINING = ("learning_rate", "momentum", "decay", "stopbackward", "burn_in", "clip")
"""Settings of any layer that only training reads."""

IDLE = {
    "convolutional": "dot grad_centr reverse angle stream wait_stream",
    "crop": "flip angle saturation exposure shift",
    "route": "stream wait_stream",
    "softmax": "noloss",
    "cost": "type scale ratio noobj thresh smooth",
    "dropout": "dropblock dropblock_size_rel dropblock_size_abs",
    "yolo": "num jitter random ignore_thresh truth_thresh iou_thresh max iou_loss iou_normalizer "
    "cls_normalizer obj_normalizer delta_normalizer max_delta resize label_smooth_eps map "
    "nms_kind beta_nms counters_per_class focal_loss objectness_smooth uc_normalizer",
    "region": "jitter random rescore object_scale noobject_scale class_scale coord_scale "
    "mask_scale absolute thresh bias_match max",
    "detection": "jitter random rescore object_scale noobject_scale class_scale coord_scale "
    "forced max reorg",
}


def idle(section: Section) -> list[str]:
    """The settings of a section that only training reads."""
    return [*TRAINING, *IDLE.get(section.kind, "").split()]
