"""Kinds of dlib's normalisations, and of the affine layers that they become for inference."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from archdsl.dlib.kinds.definition import (
    Field,
    Kind,
    Values,
    alias,
    array,
    column,
    double,
    flag,
    integer,
    kind,
    rates,
    tensor,
)
from archdsl.dlib.stream import Floats
from archdsl.ir.layer import Layer
from archdsl.layers.factors import Affine as OurAffine

_CONVOLUTIONAL, _CONNECTED = 0, 1

_NORMALISED = (
    tensor("params"),
    alias("gamma"),
    alias("beta"),
    tensor("means", transient=True),
    tensor("invstds", transient=True),
)
"""The fields with which the records begin of what subtracts a mean."""


def _halves(values: Values) -> tuple[Floats, Floats]:
    """The parameters: first all factors (gamma), then all offsets (beta)."""
    params = values["params"].ravel()
    return params[: params.size // 2], params[params.size // 2 :]


def _norm(module: Any) -> Any:
    """The batch norm itself where a module flattens around it."""
    return next(part for part in module.modules() if hasattr(part, "running_mean"))


def _over_a_map(values: Values) -> bool:
    """True if a factor for every value, dlib's FC_MODE, may be more than one for each channel."""
    sizes = values["gamma"]  # XML has none
    return not any(sizes) or math.prod(sizes[2:]) > 1


def _per_value(layer: Layer) -> Layer:
    return replace(layer, per_value=True) if isinstance(layer, OurAffine) else layer


class _BatchNorm(Kind):
    """The record of bn_con and bn_fc; running statistics are a mean and a variance, as torch's."""

    fields: ClassVar[tuple[Field, ...]] = (
        *_NORMALISED,
        tensor("running_means"),
        tensor("running_variances"),
        integer("num_updates"),
        integer("running_stats_window_size", 100),
        *rates(0.0, 1.0),
        double("eps", 1e-4),
    )

    def state(self, values: Values, layer: Layer, module: Any) -> Mapping[str, Floats]:
        gamma, beta = _halves(values)
        mean, variance = values["running_means"].ravel(), values["running_variances"].ravel()
        if isinstance(layer, OurAffine):
            if mean.size != gamma.size:  # net_to_xml leaves the statistics out
                return {}
            factor = gamma / np.sqrt(variance + np.float32(values["eps"]))
            return {"weight": factor, "bias": beta - mean * factor}
        state = {"weight": gamma, "bias": beta, "running_mean": mean, "running_var": variance}
        return {**state, "num_batches_tracked": np.array(values["num_updates"], np.float32)}

    def settings(self, values: Values) -> Mapping[str, Any]:
        window = max(1, values["running_stats_window_size"])
        return {"eps": values["eps"], "momentum": 1 / window}

    def values(self, layer: Any, module: Any, inputs: Any = ()) -> Values:
        norm = _norm(module)
        window = max(1, round(1 / norm.momentum)) if norm.momentum else 100
        gamma, mean = array(norm.weight), array(norm.running_mean)
        shape = self.sizes(gamma.size, inputs)
        return {
            **self.defaults(),
            "params": column(gamma, array(norm.bias)),
            "gamma": shape,
            "beta": shape,
            "running_means": mean.reshape(shape),
            "running_variances": array(norm.running_var).reshape(shape),
            "num_updates": min(int(norm.num_batches_tracked), window),
            "running_stats_window_size": window,
            "eps": norm.eps,
        }

    def sizes(self, count: int, inputs: Any) -> tuple[int, ...]:
        """The sizes of its tensors: a value per channel."""
        return 1, count, 1, 1


@kind("bn_con2", name="bn_con")
class BatchNormConv(_BatchNorm):
    ours = ("bn_con", "batch_norm")
    also = ("affine",)


@kind("bn_fc2", name="bn_fc")
class BatchNormFc(_BatchNorm):
    ours = ("bn_fc",)
    also = ("affine",)

    def settled(self, layer: Layer, values: Values) -> Layer:
        return _per_value(layer) if _over_a_map(values) else layer

    def sizes(self, count: int, inputs: Any) -> tuple[int, ...]:
        shape = tuple(inputs[0])
        return 1, *shape, *(1,) * (3 - len(shape))


@kind("affine_", "affine_2")
class Affine(Kind):
    """``disabled``: dlib's fuse_layers moved it into the convolution before it."""

    ours = ("affine",)
    also = ("bn_con", "batch_norm", "bn_fc")
    xml_names = ("affine_con", "affine_fc")
    inplace = True
    fields: ClassVar[tuple[Field, ...]] = (
        tensor("params"),
        alias("gamma"),
        alias("beta"),
        integer("mode", _CONVOLUTIONAL),
        flag("disabled", False, since="affine_2"),
    )

    def state(self, values: Values, layer: Layer, module: Any) -> Mapping[str, Floats]:
        gamma, beta = _halves(values)
        if values["disabled"]:
            gamma, beta = np.ones_like(gamma), np.zeros_like(beta)
        state = {"weight": gamma, "bias": beta}
        if isinstance(layer, OurAffine):
            return state
        # As a batch norm whose statistics change nothing: a mean of 0, a deviation of 1.
        variance = np.full_like(gamma, 1 - _norm(module).eps)
        mean = np.zeros_like(beta)
        return {**state, "running_mean": mean, "running_var": variance}

    def values(self, layer: Any, module: Any, inputs: Any = ()) -> Values:
        gamma = array(module.weight)
        shape = (1, *gamma.shape, *(1,) * (3 - gamma.ndim))
        params = column(gamma, array(module.bias))
        # Of features both modes are the same; after a bn_fc, which they mostly are, it is this one.
        connected = gamma.ndim > 1 or len(inputs[0]) == 1
        mode = _CONNECTED if connected else _CONVOLUTIONAL
        return {**self.defaults(), "params": params, "gamma": shape, "beta": shape, "mode": mode}

    def settled(self, layer: Layer, values: Values) -> Layer:
        return _per_value(layer) if self._connected(values) else layer

    def spelling(self, values: Values) -> list[str]:
        return ["per_value=true"] if self._connected(values) else []

    def _connected(self, values: Values) -> bool:
        return bool(values["mode"] == _CONNECTED) and _over_a_map(values)


@kind("layer_norm_")
class LayerNorm(Kind):
    ours = ("layer_norm",)
    fields: ClassVar[tuple[Field, ...]] = (
        *_NORMALISED,
        *rates(0.0, 1.0),
        double("eps", 1e-5),
    )

    def state(self, values: Values, layer: Layer, module: Any) -> Mapping[str, Floats]:
        gamma, beta = _halves(values)
        return {"weight": gamma, "bias": beta}

    def settings(self, values: Values) -> Mapping[str, Any]:
        return {"eps": values["eps"]}

    def values(self, layer: Any, module: Any, inputs: Any = ()) -> Values:
        gamma = array(module.weight)
        shape = (1, gamma.size, 1, 1)
        params = column(gamma, array(module.bias))
        return {
            **self.defaults(),
            "params": params,
            "gamma": shape,
            "beta": shape,
            "eps": module.eps,
        }


@kind("rms_norm_")
class RmsNorm(Kind):
    ours = ("rms_norm",)
    fields: ClassVar[tuple[Field, ...]] = (
        tensor("params"),
        alias("gamma"),
        *rates(0.0, 1.0),
        double("eps", 1e-5),
    )

    def state(self, values: Values, layer: Layer, module: Any) -> Mapping[str, Floats]:
        return {"weight": values["params"].ravel()}

    def settings(self, values: Values) -> Mapping[str, Any]:
        return {"eps": values["eps"]}

    def values(self, layer: Any, module: Any, inputs: Any = ()) -> Values:
        gamma = array(module.weight)
        shape = (1, gamma.size, 1, 1)
        return {**self.defaults(), "params": column(gamma), "gamma": shape, "eps": module.eps}


@kind("l2normalize_")
class L2Normalize(Kind):
    ours = ("l2normalize",)
    inplace = needs_output = True
    fields: ClassVar[tuple[Field, ...]] = (double("eps", 1e-5),)

    def settings(self, values: Values) -> Mapping[str, Any]:
        return {"eps": values["eps"]}

    def values(self, layer: Any, module: Any, inputs: Any = ()) -> Values:
        return {"eps": module.eps}
