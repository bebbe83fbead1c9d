"""Darknet's detectors: what all heads of a .cfg give together is one layer of the catalogue."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from archdsl.diagnostics import fail, listing
from archdsl.importers.darknet.cfg import Section
from archdsl.importers.darknet.cfg_reader import CfgReader, refuse, refused, require
from archdsl.importers.draft import Draft, step
from archdsl.importers.made_layers import makes
from archdsl.ir.layer import RuleError, image
from archdsl.layers.permutation import YoloGrid
from archdsl.layers.pyramids import Collect
from archdsl.layers.yolo import (
    AnchorDetections,
    GridDetections,
    ReachingDetections,
    ScaleDetections,
    YoloV1,
    YoloV2,
    YoloV3,
)


@makes(Collect, YoloGrid, ReachingDetections, ScaleDetections, AnchorDetections, GridDetections)
def detector(reading: CfgReader) -> int:
    """The detections that all heads give together, as one layer of the catalogue."""
    kinds = {section.kind for _, section in reading.heads}
    section = reading.heads[-1][1]
    if len(kinds) > 1 or (len(reading.heads) > 1 and section.kind != "yolo"):
        raise fail("heads that do not go together", section.span, f"found {listing(sorted(kinds))}")
    reading.draft.part = section.kind
    with step(partial(refused, section)):
        return _HEADS[section.kind](reading)


class _Level(NamedTuple):
    """A map of the third or fourth YOLO: its rows, its operation, and what its head says."""

    rows: int
    end: int
    sides: tuple[float, ...]
    reach: float
    squared: bool


@makes(Collect, ReachingDetections, ScaleDetections)
def _yolo(reading: CfgReader) -> int:
    """Each map has some of all anchors; the catalogue takes the finest map first."""
    draft = reading.draft
    levels = [_level(draft, end, section) for end, section in reading.heads]
    for level, (_, section) in zip(levels, reading.heads, strict=True):
        if len(level.sides) != len(levels[0].sides):
            raise fail(
                "heads with different numbers of anchors",
                section.where("mask"),
                f"expected {len(levels[0].sides) // 2} as in the head before, "
                f"found {len(level.sides) // 2}",
            )
        if level.squared != levels[0].squared:
            raise fail("heads with different forms of boxes", section.where("new_coords"))
    levels.sort(key=lambda level: -level.rows)
    height = draft.shape(0)[1] or 1
    names = tuple(f"stride{height // level.rows}" for level in levels)
    if len(set(names)) < len(names):
        raise RuleError("two heads on maps of the same size", f"found {listing(names)}")
    ends = [level.end for level in levels]
    maps = ends[0] if len(ends) == 1 else draft.add(Collect(names), *ends)
    sides = tuple(side for level in levels for side in level.sides)
    reach = tuple(level.reach for level in levels)
    squared = levels[0].squared
    found = YoloV3(sides).layer()
    if squared or set(reach) != {1.0}:
        pairs = tuple(zip(sides[::2], sides[1::2], strict=True))
        found = ReachingDetections(pairs, reach, squared=squared)
    return draft.add(found, maps, 0)


def _level(draft: Draft, end: int, section: Section) -> _Level:
    sizes = section.numbers("anchors")
    pairs = list(zip(sizes[::2], sizes[1::2], strict=False))
    mask = section.integers("mask") or range(section.integer("num", 1))
    if not all(0 <= number < len(pairs) for number in mask):
        raise fail(
            "mask names an anchor that is not there",
            section.where("mask"),
            f"expected numbers from 0 to {len(pairs) - 1}",
        )
    _check_classes(draft, end, section, len(mask) * (5 + section.integer("classes", 20)))
    return _Level(
        image(draft.shape(end), "yolo")[1] or 1,
        end,
        tuple(side for number in mask for side in pairs[number]),
        section.number("scale_x_y", 1.0),
        section.integer("new_coords", 0) != 0,
    )


@makes(AnchorDetections)
def _region(reading: CfgReader) -> int:
    """Anchors in cells of the map."""
    draft, ((end, section),) = reading.draft, reading.heads
    refuse(section, "tree", "background")
    require(section, softmax=(0, 1), coords=(4, 4))
    count = section.integer("num", 1)
    sizes = section.numbers("anchors")[: 2 * count]
    _check_classes(draft, end, section, count * (5 + section.integer("classes", 20)))
    if len(sizes) < 2 * count or not sizes:
        raise fail(
            "[region] has too few anchors",
            section.where("anchors"),
            f"expected width and height of {count}, found {len(sizes)} numbers",
        )
    _, rows, columns = image(draft.shape(end), "region")
    _, height, width = image(draft.shape(0), "region")
    cell = (width or 1) // (columns or 1), (height or 1) // (rows or 1)
    anchors = tuple(round(side * cell[place % 2], 6) for place, side in enumerate(sizes))
    return draft.add(YoloV2(anchors).layer(), end, 0)


@makes(YoloGrid, GridDetections)
def _detection(reading: CfgReader) -> int:
    """A grid of cells, whose numbers Darknet has in an order of its own."""
    draft, ((end, section),) = reading.draft, reading.heads
    require(section, softmax=(0, 0), coords=(1, 4), sqrt=(0, 1))
    boxes, classes = section.integer("num", 1), section.integer("classes", 1)
    grid = draft.add(YoloGrid(section.integer("side", 7), boxes, classes), end)
    return draft.add(YoloV1(boxes).layer(), grid, 0)


_HEADS = {"yolo": _yolo, "region": _region, "detection": _detection}

DETECTORS = tuple(_HEADS)


def _check_classes(draft: Draft, end: int, section: Section, expected: int) -> None:
    channels = image(draft.shape(end), section.kind)[0]
    if channels != expected:
        raise RuleError(
            f"[{section.kind}] and the layer before it do not fit",
            f"expected {expected} filters, found {channels}",
            help="filters are anchors × (5 + classes)",
        )
