"""Kinds of dlib's convolutions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from archdsl.dlib.kinds.definition import (
    Field,
    Kind,
    Values,
    alias,
    array,
    column,
    fitted,
    flag,
    integer,
    kind,
    rates,
    spelled_value,
    tensor,
)
from archdsl.dlib.stream import Floats
from archdsl.ir.layer import Layer

WINDOW = (
    integer("nr"),
    integer("nc"),
    integer("stride_y", 1),
    integer("stride_x", 1),
    integer("padding_y"),
    integer("padding_x"),
)
"""Window fields of dlib's convolutions and poolings, in the order of their records."""


def window(values: Values) -> dict[str, int]:
    """The window by the names of our arguments."""
    return {
        "kernel_h": values["nr"],
        "kernel_w": values["nc"],
        "stride_h": values["stride_y"],
        "stride_w": values["stride_x"],
        "padding_h": values["padding_y"],
        "padding_w": values["padding_x"],
    }


def window_meant(layer: Any, padding: tuple[int, int]) -> dict[str, int]:
    """The window of a layer of ours, whose padding is computed."""
    return {
        "kernel_h": layer.kernel_h,
        "kernel_w": layer.kernel_w,
        "stride_h": layer.stride_h,
        "stride_w": layer.stride_w,
        "padding_h": padding[0],
        "padding_w": padding[1],
    }


def window_values(layer: Any, padding: tuple[int, int]) -> Values:
    return {
        "nr": layer.kernel_h,
        "nc": layer.kernel_w,
        "stride_y": layer.stride_h,
        "stride_x": layer.stride_w,
        "padding_y": padding[0],
        "padding_x": padding[1],
    }


def window_spelling(values: Values) -> list[str]:
    """The arguments; padding is left out where it is dlib's own choice."""
    found = window(values)
    sides = ("h", "w")
    usual = [found[f"kernel_{s}"] // 2 if found[f"stride_{s}"] == 1 else 0 for s in sides]
    padding = [found[f"padding_{s}"] for s in sides]
    return [spelled_value(each) for each in list(found.values())[: 4 if padding == usual else 6]]


class _Filters(Kind):
    """Base of dlib's convolutions; the parameters are the filters, and behind them the biases."""

    def arguments(self, values: Values) -> Mapping[str, Any]:
        return {"filters": values["num_filters"], **window(values)}

    def meant(self, layer: Any, module: Any) -> Mapping[str, Any]:
        return {"filters": layer.filters, **window_meant(layer, module.padding)}

    def spelling(self, values: Values) -> list[str]:
        bias = [] if values["use_bias"] else ["bias=false"]
        return [spelled_value(values["num_filters"]), *window_spelling(values), *bias]

    def state(self, values: Values, layer: Layer, module: Any) -> Mapping[str, Floats]:
        params = values["params"].ravel()
        biases = values["num_filters"] if values["use_bias"] else 0
        split = params.size - biases
        state = {"weight": fitted(params[:split], module.weight)}
        if biases:
            state["bias"] = params[split:]
        return state

    def values(self, layer: Any, module: Any, inputs: Any = ()) -> Values:
        weight = array(module.weight)
        biased = module.bias is not None
        parts = (weight, array(module.bias)) if biased else (weight,)
        return {
            **self.defaults(),
            "params": column(*parts),
            "num_filters": layer.filters,
            **window_values(layer, module.padding),
            "filters": weight.shape,
            "biases": (1, layer.filters, 1, 1) if biased else (0, 0, 0, 0),
            "use_bias": biased,
        }

    def obstacle(self, layer: Any, module: Any, inputs: Any = ()) -> str | None:
        if module.groups != 1:
            return f"convolution in groups (here {module.groups})"
        if math.prod(module.dilation) != 1:
            return "dilated convolution"
        if math.prod(1 + side for side in module.output_padding) != 1:
            return "output padding"
        return None


@kind("con_4", "con_5", "con_6")
class Con(_Filters):
    """``use_relu``: dlib's fuse_layers moved the ReLU behind into the convolution."""

    ours = ("con",)
    fields: ClassVar[tuple[Field, ...]] = (
        tensor("params"),
        integer("num_filters", 1),
        *WINDOW,
        alias("filters"),
        alias("biases"),
        *rates(),
        flag("use_bias", True, since="con_5"),
        flag("use_relu", False, since="con_6"),
    )


@kind("cont_1", "cont_2")
class Cont(_Filters):
    ours = ("cont",)
    fields: ClassVar[tuple[Field, ...]] = (
        tensor("params"),
        integer("num_filters", 1),
        *WINDOW,
        alias("filters"),
        alias("biases"),
        *rates(),
        flag("use_bias", True, since="cont_2"),
    )
