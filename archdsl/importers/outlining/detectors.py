"""Detectors of an imported graph: layers made by combinators, which find the images themselves."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from archdsl.importers.imported_graph import Operation
from archdsl.importers.outlining.spelling import value_text
from archdsl.ir.block import Combinator
from archdsl.ir.layer import Layer
from archdsl.layers.yolo import (
    AnchorDetections,
    GridDetections,
    ReachingDetections,
    ScaleDetections,
    YoloHead,
    YoloV1,
    YoloV2,
    YoloV3,
    YoloV4,
)

_MADE_BY: dict[type[Layer], type[Combinator]] = {
    GridDetections: YoloV1,
    AnchorDetections: YoloV2,
    ScaleDetections: YoloV3,
    ReachingDetections: YoloV4,
}


def detector(layer: Layer) -> tuple[str, tuple[str, ...]] | None:
    """The combinator that makes a layer, and its arguments as texts; None for other layers."""
    combinator = _MADE_BY.get(type(layer))
    if combinator is None:
        return None
    texts: list[str] = []
    # What is named stands behind what goes by position.
    for argument in sorted(dataclasses.fields(combinator), key=lambda each: each.kw_only is True):
        if isinstance(layer, ReachingDetections) and argument.name == "heads":
            texts += _heads(layer)
            continue
        value = getattr(layer, argument.name)
        if argument.kw_only:
            if value != argument.default:
                texts.append(f"{argument.name}={value_text(value)}")
        else:
            texts += (_number(number) for number in _flat(value))
    return combinator.kind, tuple(texts)


def _heads(layer: ReachingDetections) -> Iterable[str]:
    """The heads of a fourth YOLO, each with its part of the anchors."""
    each = len(layer.anchors) // len(layer.reach)
    for number, reach in enumerate(layer.reach):
        sides = _flat(layer.anchors[number * each : (number + 1) * each])
        yield f"{YoloHead.kind}<{','.join(_number(value) for value in (reach, *sides))}>"


def _number(value: Any) -> str:
    return value_text(value).removesuffix(".0")


def _flat(value: Any) -> list[Any]:
    """The numbers of anchors, which are pairs; another value alone."""
    return [side for pair in value for side in pair] if isinstance(value, tuple) else [value]


def read_by_tags(operation: Operation) -> tuple[int, ...]:
    """The inputs of an operation but those that its combinator finds by itself."""
    if type(operation.layer) not in _MADE_BY:
        return operation.inputs
    places = enumerate(operation.inputs)
    return tuple(source for place, source in places if place not in operation.layer.locating)
