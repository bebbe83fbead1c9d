"""Kinds of dlib's fully connected layers, dropout, multiplication, and layers on tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from archdsl.dlib.kinds.definition import (
    Field,
    Kind,
    Values,
    alias,
    array,
    double,
    fitted,
    flag,
    integer,
    kind,
    rates,
    single,
    single_digits,
    spelled_value,
    tensor,
)
from archdsl.dlib.stream import Floats
from archdsl.ir.layer import Layer

_HAS_BIAS, _NO_BIAS = 0, 1

_ROWS = (
    integer("num_outputs", 1),
    integer("num_inputs"),
    tensor("params"),
    alias("weights"),
    alias("biases"),
    integer("bias_mode", _HAS_BIAS),
)
"""The fields with which the records of ``fc`` and ``linear`` begin."""


class _Rows(Kind):
    """Base of ``fc`` and ``linear``: a row of weights for each input, the biases last."""

    def biased(self, values: Values) -> bool:
        return bool(values["bias_mode"] == _HAS_BIAS and values.get("use_bias", True))

    def arguments(self, values: Values) -> Mapping[str, Any]:
        return {"outputs": values["num_outputs"]}

    def meant(self, layer: Any, module: Any) -> Mapping[str, Any]:
        return {"outputs": layer.outputs}

    def spelling(self, values: Values) -> list[str]:
        return [
            spelled_value(values["num_outputs"]),
            *([] if self.biased(values) else ["bias=false"]),
        ]

    def state(self, values: Values, layer: Layer, module: Any) -> Mapping[str, Floats]:
        outputs = max(1, values["num_outputs"])
        params = values["params"].ravel()
        rows = params[: params.size // outputs * outputs].reshape(-1, outputs)
        weight = rows[:-1] if self.biased(values) else rows
        state = {"weight": np.ascontiguousarray(weight.T)}
        if self.biased(values):
            state["bias"] = rows[-1]
        return state

    def values(self, layer: Any, module: Any, inputs: Any = ()) -> Values:
        weight = array(module.weight).T
        inputs, outputs = weight.shape
        biased = module.bias is not None
        params = np.vstack([weight, array(module.bias)[None]]) if biased else weight
        return {
            **self.defaults(),
            "num_outputs": outputs,
            "num_inputs": inputs,
            "params": params[:, :, None, None],
            "weights": (inputs, outputs, 1, 1),
            "biases": (1, outputs, 1, 1) if biased else (0, 0, 0, 0),
            "bias_mode": _HAS_BIAS if biased else _NO_BIAS,
        }


@kind("fc_2", "fc_3")
class Fc(_Rows):
    """dlib's fc_no_bias is the same class with another ``bias_mode``."""

    ours = ("fc",)
    xml_names = ("fc", "fc_no_bias")
    fields: ClassVar[tuple[Field, ...]] = (
        *_ROWS,
        *rates(),
        flag("use_bias", True, since="fc_3"),
    )


@kind("linear_")
class Linear(_Rows):
    ours = ("linear",)
    fields: ClassVar[tuple[Field, ...]] = (
        *_ROWS,
        double("learning_rate_multiplier", 1.0, xml="learning_rate_mult"),
    )


@kind("dropout_")
class Dropout(Kind):
    """Drops in training and does not rescale; dlib turns it into multiply<1 - rate> for use.

    dlib reads the record of a dropout into a multiply as well. For a dropout of ours the factor
    moves into weights nearby, see ``archdsl.dlib.dropout_scale``.
    """

    ours = ("dropout", "dropout_rate")
    also = ("multiply",)
    rescaled = True
    inplace = True
    fields: ClassVar[tuple[Field, ...]] = (
        single("drop_rate", 0.5),
        tensor("mask", transient=True),
    )

    def spelling(self, values: Values) -> list[str]:
        return [f"{100 * values['drop_rate']:.4g}"]

    def spelled(self, values: Values) -> str:
        return "dropout_rate"

    def settings(self, values: Values) -> Mapping[str, Any]:
        rate = round(values["drop_rate"], 7)
        return {"p": rate, "factor": 1 - rate}

    def values(self, layer: Any, module: Any, inputs: Any = ()) -> Values:
        return {**self.defaults(), "drop_rate": module.p}


@kind("multiply_")
class Multiply(Kind):
    ours = ("multiply",)
    inplace = True
    fields: ClassVar[tuple[Field, ...]] = (single("val", 0.5),)

    def arguments(self, values: Values) -> Mapping[str, Any]:
        return {"factor": values["val"]}

    def settings(self, values: Values) -> Mapping[str, Any]:
        return {"factor": values["val"]}

    def numbers(self, values: Values) -> Mapping[str, Any]:
        return {"factor": single_digits(values["val"])}

    def values(self, layer: Any, module: Any, inputs: Any = ()) -> Values:
        return {"val": module.factor}


@kind("embeddings_")
class Embeddings(Kind):
    ours = ("embeddings",)
    fields: ClassVar[tuple[Field, ...]] = (
        tensor("embs"),
        integer("num_embeddings", 1),
        integer("embedding_dim", 1),
        double("learning_rate_multiplier", 1.0, xml="learning_rate_mult"),
        flag("scale_by_freq", True),
    )

    def state(self, values: Values, layer: Layer, module: Any) -> Mapping[str, Floats]:
        return {"weight": fitted(values["embs"], module.weight)}

    def spelling(self, values: Values) -> list[str]:
        return [spelled_value(values["num_embeddings"]), spelled_value(values["embedding_dim"])]

    def values(self, layer: Any, module: Any, inputs: Any = ()) -> Values:
        weight = array(module.weight)
        return {
            **self.defaults(),
            "embs": weight[:, :, None, None],
            "num_embeddings": weight.shape[0],
            "embedding_dim": weight.shape[1],
        }


@kind("positional_encodings_")
class PositionalEncodings(Kind):
    ours = ("positional_encodings",)


@kind("act_", name="act")
class AdaptiveComputationTime(Kind):
    ours = ("adaptive_computation_time",)
    fields: ClassVar[tuple[Field, ...]] = (
        integer("max_steps", 8, xml="steps"),
        single("halt_threshold", 0.99, xml="threshold"),
        single("ponder_penalty", 0.01, xml="ponder_penalty"),
        flag("enable_depth_scaling", False),
        integer("batch_size", transient=True),
        integer("seq_len"),
        integer("d_model"),
        integer("num_channels"),
        integer("feature_dim"),
        tensor("params"),
    )

    def arguments(self, values: Values) -> Mapping[str, Any]:
        return {"steps": values["max_steps"]}

    def state(self, values: Values, layer: Layer, module: Any) -> Mapping[str, Floats]:
        params = values["params"].ravel()
        return {"weight": params[:-1], "bias": params[-1:]}

    def settings(self, values: Values) -> Mapping[str, Any]:
        return {"steps": values["max_steps"], "threshold": values["halt_threshold"]}

    def values(self, layer: Any, module: Any, inputs: Any = ()) -> Values:
        channels, rows, columns = inputs[0]
        params = np.append(array(module.weight), array(module.bias)).reshape(1, 1, -1, 1)
        return {
            **self.defaults(),
            "max_steps": module.steps,
            "halt_threshold": module.threshold,
            "seq_len": rows,
            "d_model": columns,
            "num_channels": channels,
            "feature_dim": channels * columns,
            "params": params,
        }
