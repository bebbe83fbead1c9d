"""Layers of the catalogue for the classes of Keras: a function for each.

Keras has the channels last; the catalogue's maps are channels×height×width throughout.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from archdsl.importers.draft import Draft
from archdsl.importers.keras.config import Entry
from archdsl.importers.keras.joins import JOINS, Handler
from archdsl.importers.made_layers import makes
from archdsl.importers.windows import Sides, avg_pool, convolve, known, max_pool, same
from archdsl.ir.layer import Layer, RuleError, image
from archdsl.layers import activation as act
from archdsl.layers.convolution import TransposedConvolution
from archdsl.layers.factors import LayerScale
from archdsl.layers.linear import (
    AddConstant,
    Dropout,
    FullyConnected,
    Multiply,
    SpatialDropout,
    StochasticDepth,
)
from archdsl.layers.normalization import BatchNorm, GroupNorm, LayerNormLast
from archdsl.layers.pooling import AvgPool, ChannelsFirst, ChannelsLast, MaxPool
from archdsl.layers.reshape import Flatten, Slice

ACTIVATIONS: dict[str, Layer | None] = {
    "linear": None,
    "relu": act.ReLU(),
    "relu6": act.ReLU6(),
    "sigmoid": act.Sigmoid(),
    "tanh": act.Tanh(),
    "softmax": act.Softmax(),
    "softplus": act.Softplus(),
    "swish": act.SiLU(),
    "silu": act.SiLU(),
    "gelu": act.GELU(),
    "mish": act.Mish(),
    "elu": act.ELU(),
    "hard_swish": act.Hardswish(),
    "hard_silu": act.Hardswish(),
    "leaky_relu": act.LeakyReLU(0.2),
}
_SINCE_3: dict[str, Layer | None] = {"hard_sigmoid": act.Hardsigmoid()}
"""Activations that Keras 2 computes differently: its hard_sigmoid has another slope."""


@makes(*ACTIVATIONS.values(), *_SINCE_3.values(), act.ClippedReLU, act.ELU)
def _activated(draft: Draft, entry: Entry, index: int) -> int:
    """The activation that a layer ends in: a function by its name, or a layer with settings."""
    value = entry.config.get("activation") or "linear"
    if isinstance(value, dict):
        kind, config = str(value.get("class_name")), value.get("config")
        if isinstance(config, dict) and kind in _AS_ACTIVATION:
            inner = Entry(kind, entry.name, config, entry.version)
            return _AS_ACTIVATION[kind](draft, inner, (index,))
        value = config
    names = ACTIVATIONS | (_SINCE_3 if entry.version >= 3 else {})
    if not isinstance(value, str) or value not in names:
        raise RuleError(f"there is no layer for the activation {str(value)[:40]}")
    layer = names[value]
    return index if layer is None else draft.add(layer, index)


def _tensors(draft: Draft, *keys: tuple[str, str]) -> dict[str, str]:
    """The layer's weights by our keys: ``part/layer/kernel``."""
    return {ours: f"{draft.part}/{theirs}" for ours, theirs in keys}


# ---- convolutions and dense layers ----


@makes(convolve)
def _convolution(
    draft: Draft, entry: Entry, index: int, theirs: str, filters: int, **arguments: Any
) -> int:
    kernel = entry.pair("kernel_size", 1)
    strides, dilation = entry.pair("strides", 1), entry.pair("dilation_rate", 1)
    if dilation[0] != dilation[1]:
        raise RuleError("a dilation that is not the same on both axes", f"found {dilation}")
    if min(*kernel, *strides, *dilation) < 1:
        raise RuleError("sizes, strides and dilations are 1 at least")
    sides = _sides(draft, entry, index, (kernel[0], kernel[1]), strides, dilation[0])
    settings = {
        "filters": filters,
        "kernel_h": kernel[0],
        "kernel_w": kernel[1],
        "stride_h": strides[0],
        "stride_w": strides[1],
        "dilation": dilation[0],
        "bias": entry.flag("use_bias", True),
        **arguments,
    }
    named = [("weight", theirs)] + [("bias", "bias")] * settings["bias"]
    return convolve(draft, index, sides, settings, _tensors(draft, *named))


def _sides(
    draft: Draft,
    entry: Entry,
    index: int,
    kernel: tuple[int, int],
    strides: tuple[int, int],
    dilation: int = 1,
) -> Sides:
    padding = entry.text("padding", "valid").lower()
    if padding == "valid":
        return Sides()
    if padding != "same":
        raise RuleError(f"the padding {padding} is not known", "expected valid or same")
    extent = tuple((k - 1) * dilation + 1 for k in kernel)
    if strides == (1, 1) and extent[0] % 2 and extent[1] % 2:  # whatever the size is
        return Sides(extent[0] // 2, extent[1] // 2, extent[0] // 2, extent[1] // 2)
    return same(known(draft, index), (extent[0], extent[1]), strides)


@makes(_convolution, _activated)
def _conv(draft: Draft, entry: Entry, inputs: Sequence[int]) -> int:
    groups = entry.integer("groups", 1)
    filters = entry.integer("filters")
    made = _convolution(draft, entry, inputs[0], "kernel", filters, groups=groups)
    return _activated(draft, entry, made)


@makes(_convolution, _activated)
def _depthwise(draft: Draft, entry: Entry, inputs: Sequence[int]) -> int:
    filters = _channels(draft, inputs[0]) * entry.integer("depth_multiplier", 1)
    theirs = "kernel" if entry.version >= 3 else "depthwise_kernel"
    made = _convolution(draft, entry, inputs[0], theirs, filters, groups=0)
    return _activated(draft, entry, made)


@makes(_convolution, _activated)
def _separable(draft: Draft, entry: Entry, inputs: Sequence[int]) -> int:
    filters = _channels(draft, inputs[0]) * entry.integer("depth_multiplier", 1)
    bias = entry.flag("use_bias", True)
    made = _convolution(draft, entry, inputs[0], "depthwise_kernel", filters, groups=0, bias=False)
    arguments = {
        "filters": entry.integer("filters"),
        "kernel_h": 1,
        "kernel_w": 1,
        "bias": bias,
    }
    named = [("weight", "pointwise_kernel")] + [("bias", "bias")] * bias
    made = convolve(draft, made, Sides(), arguments, _tensors(draft, *named))
    return _activated(draft, entry, made)


@makes(TransposedConvolution, Slice, _activated)
def _transposed(draft: Draft, entry: Entry, inputs: Sequence[int]) -> int:
    """TensorFlow cuts the output to stride × input, the odd row and column at the end."""
    entry.require(dilation_rate=[1, 1], output_padding=None, groups=1)
    kernel, strides = entry.pair("kernel_size", 1), entry.pair("strides", 1)
    over = [k - step for k, step in zip(kernel, strides, strict=True)]
    if min(over) < 0:
        raise RuleError("a transposed convolution with gaps", f"{kernel} at stride {strides}")
    cut = entry.text("padding", "valid") == "same"
    bias = entry.flag("use_bias", True)
    padding = [k // 2 if cut and k % 2 == 0 else 0 for k in over]
    filters = entry.integer("filters")
    layer = TransposedConvolution(filters, *kernel, *strides, padding[0], padding[1], bias=bias)
    height, width = known(draft, inputs[0])
    named = [("weight", "kernel")] + [("bias", "bias")] * bias
    made = draft.add(layer, inputs[0], tensors=_tensors(draft, *named))
    if cut and any(k % 2 for k in over):
        first = [k // 2 if k % 2 else 0 for k in over]
        rows, columns = height * strides[0], width * strides[1]
        made = draft.add(Slice(0, first[0], first[1], filters, rows, columns), made)
    return _activated(draft, entry, made)


@makes(FullyConnected, convolve, _activated)
def _dense(draft: Draft, entry: Entry, inputs: Sequence[int]) -> int:
    """On a map it works along the channels, as a 1×1 convolution does."""
    units, bias = entry.integer("units"), entry.flag("use_bias", True)
    named = _tensors(draft, ("weight", "kernel"), *([("bias", "bias")] * bias))
    if len(draft.shape(inputs[0])) == 1:
        made = draft.add(FullyConnected(units, bias=bias), inputs[0], tensors=named)
    else:
        arguments = {"filters": units, "kernel_h": 1, "kernel_w": 1, "bias": bias}
        made = convolve(draft, inputs[0], Sides(), arguments, named)
    return _activated(draft, entry, made)


def _channels(draft: Draft, index: int) -> int:
    return image(draft.shape(index), "a convolution")[0]


# ---- normalisation, activations, dropout ----


@makes(BatchNorm)
def _batch_norm(draft: Draft, entry: Entry, inputs: Sequence[int]) -> int:
    if not entry.channels_axis("axis", len(draft.shape(inputs[0]))):
        raise RuleError("batch norm along another axis than the channels")
    momentum = round(1 - entry.number("momentum", 0.99), 9)
    names = _factors(draft, entry)
    statistics = ("running_mean", "moving_mean"), ("running_var", "moving_variance")
    layer = BatchNorm(entry.number("epsilon", 1e-3), momentum)
    return draft.add(layer, inputs[0], tensors=_tensors(draft, *names, *statistics))


def _factors(draft: Draft, entry: Entry) -> list[tuple[str, str]]:
    """The names of a norm's factors and offsets, as far as Keras has them."""
    scale, center = entry.flag("scale", True), entry.flag("center", True)
    if not (scale and center):
        draft.note("Norms without a factor or an offset in Keras have both here.")
    return [("weight", "gamma")] * scale + [("bias", "beta")] * center


@makes(GroupNorm)
def _group_norm(draft: Draft, entry: Entry, inputs: Sequence[int]) -> int:
    shape = draft.shape(inputs[0])
    if not entry.channels_axis("axis", len(shape)):
        raise RuleError("group norm along another axis than the channels")
    channels = shape[0] or 1
    groups = entry.integer("groups", 32)
    layer = GroupNorm(channels if groups == -1 else groups, entry.number("epsilon", 1e-3))
    return draft.add(layer, inputs[0], tensors=_tensors(draft, *_factors(draft, entry)))


@makes(LayerNormLast, ChannelsLast, ChannelsFirst)
def _layer_norm(draft: Draft, entry: Entry, inputs: Sequence[int]) -> int:
    shape = draft.shape(inputs[0])
    if not entry.channels_axis("axis", len(shape)):
        raise RuleError("layer norm along another axis than the channels")
    entry.require(rms_scaling=False)
    layer = LayerNormLast(entry.number("epsilon", 1e-3))
    named = _tensors(draft, *_factors(draft, entry))
    if len(shape) != 3:
        return draft.add(layer, inputs[0], tensors=named)
    last = draft.add(ChannelsLast(), inputs[0])
    return draft.add(ChannelsFirst(), draft.add(layer, last, tensors=named))


@makes(act.ReLU, act.ReLU6, act.LeakyReLU, act.ClippedReLU)
def _relu(draft: Draft, entry: Entry, inputs: Sequence[int]) -> int:
    entry.require(threshold=0.0)
    slope = entry.number("negative_slope", 0.0) if entry.has("negative_slope") else 0.0
    if not entry.has("max_value"):
        return draft.add(act.LeakyReLU(slope) if slope else act.ReLU(), inputs[0])
    if slope:
        raise RuleError("a relu with both a limit and a slope")
    limit = entry.number("max_value", 6.0)
    return draft.add(act.ReLU6() if limit == 6 else act.ClippedReLU(limit), inputs[0])


@makes(act.LeakyReLU)
def _leaky(draft: Draft, entry: Entry, inputs: Sequence[int]) -> int:
    key = "negative_slope" if entry.has("negative_slope") else "alpha"
    return draft.add(act.LeakyReLU(round(entry.number(key, 0.3), 7)), inputs[0])


@makes(act.PReLU)
def _prelu(draft: Draft, entry: Entry, inputs: Sequence[int]) -> int:
    """A slope for each value, or for each channel where height and width share it."""
    shared = entry.config.get("shared_axes")
    if len(draft.shape(inputs[0])) != 1 and shared != [1, 2]:
        raise RuleError("slopes for every value", "expected shared_axes = [1, 2]")
    layer = act.PReLU(per_channel=True)
    return draft.add(layer, inputs[0], tensors=_tensors(draft, ("weight", "alpha")))


@makes(act.ELU)
def _elu(draft: Draft, entry: Entry, inputs: Sequence[int]) -> int:
    return draft.add(act.ELU(entry.number("alpha", 1.0)), inputs[0])


@makes(act.Softmax)
def _softmax(draft: Draft, entry: Entry, inputs: Sequence[int]) -> int:
    if not entry.channels_axis("axis", len(draft.shape(inputs[0]))):
        raise RuleError("softmax along another axis than the channels")
    return draft.add(act.Softmax(), inputs[0])


_AS_ACTIVATION: dict[str, Handler] = {
    "ReLU": _relu,
    "LeakyReLU": _leaky,
    "ELU": _elu,
    "Softmax": _softmax,
}
"""Layers without weights that others take as their activation."""


@makes(_activated)
def _activation(draft: Draft, entry: Entry, inputs: Sequence[int]) -> int:
    return _activated(draft, entry, inputs[0])


@makes(Dropout, StochasticDepth)
def _dropout(draft: Draft, entry: Entry, inputs: Sequence[int]) -> int:
    rate, noise = entry.number("rate", 0.5), entry.config.get("noise_shape")
    if noise is None:
        return draft.add(Dropout(rate), inputs[0])
    if noise != [None, *[1] * len(draft.shape(inputs[0]))]:
        raise RuleError("dropout of something else than single values or whole samples")
    return draft.add(StochasticDepth(rate), inputs[0])


@makes(SpatialDropout)
def _spatial_dropout(draft: Draft, entry: Entry, inputs: Sequence[int]) -> int:
    return draft.add(SpatialDropout(entry.number("rate", 0.5)), inputs[0])


@makes(StochasticDepth)
def _stochastic_depth(draft: Draft, entry: Entry, inputs: Sequence[int]) -> int:
    return draft.add(StochasticDepth(entry.number("drop_path_rate", 0.0)), inputs[0])


@makes(LayerScale)
def _layer_scale(draft: Draft, entry: Entry, inputs: Sequence[int]) -> int:
    layer = LayerScale(entry.number("init_values", 1e-6))
    return draft.add(layer, inputs[0], tensors=_tensors(draft, ("weight", "gamma")))


def _left_out(draft: Draft, entry: Entry, inputs: Sequence[int]) -> int:
    draft.note(f"{entry.kind} {entry.name}, which does nothing but in training, is left out.")
    return inputs[0]


@makes(Multiply, AddConstant)
def _before(draft: Draft, entry: Entry, inputs: Sequence[int]) -> int:
    """Preprocessing at the input is noted and left out; elsewhere a factor becomes a layer."""
    if inputs[0] == 0:
        draft.note(f"The input takes values as they are behind {entry.kind} {entry.name}.")
        return 0
    if entry.kind != "Rescaling":
        raise RuleError("the catalogue has no layer for it but at the input")
    scaled = draft.add(Multiply(entry.number("scale", 1.0)), inputs[0])
    offset = entry.number("offset", 0.0)
    return draft.add(AddConstant(offset), scaled) if offset else scaled


# ---- pooling ----


def _pool(pool: Callable[..., int], draft: Draft, entry: Entry, inputs: Sequence[int]) -> int:
    size = entry.pair("pool_size", 2)
    strides = entry.pair("strides", size) if entry.has("strides") else size
    if min(*size, *strides) < 1:
        raise RuleError("a pooling has a size and a stride from 1 on")
    return pool(draft, inputs[0], size, strides, _sides(draft, entry, inputs[0], size, strides))


@makes(MaxPool, AvgPool, Flatten)
def _global(draft: Draft, entry: Entry, inputs: Sequence[int]) -> int:
    kind = MaxPool if entry.kind.startswith("GlobalMax") else AvgPool
    pooled = draft.add(kind(0, 0, 1, 1, 0, 0), inputs[0])
    return pooled if entry.flag("keepdims", False) else draft.add(Flatten(), pooled)


KINDS: dict[str, Handler] = {
    "Conv2D": _conv,
    "Convolution2D": _conv,
    "DepthwiseConv2D": _depthwise,
    "SeparableConv2D": _separable,
    "Conv2DTranspose": _transposed,
    "Dense": _dense,
    "BatchNormalization": _batch_norm,
    "LayerNormalization": _layer_norm,
    "GroupNormalization": _group_norm,
    "ReLU": _relu,
    "LeakyReLU": _leaky,
    "PReLU": _prelu,
    "ELU": _elu,
    "Softmax": _softmax,
    "Activation": _activation,
    "Dropout": _dropout,
    "SpatialDropout2D": _spatial_dropout,
    "LayerScale": _layer_scale,
    "StochasticDepth": _stochastic_depth,
    "GaussianNoise": _left_out,
    "GaussianDropout": _left_out,
    "ActivityRegularization": _left_out,
    "Rescaling": _before,
    "Normalization": _before,
    "MaxPooling2D": makes(max_pool)(partial(_pool, max_pool)),
    "AveragePooling2D": makes(avg_pool)(partial(_pool, avg_pool)),
    "GlobalMaxPooling2D": _global,
    "GlobalAveragePooling2D": _global,
    **JOINS,
}
