"""Kinds of dlib's activations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from archdsl.dlib.kinds.definition import (
    Field,
    Kind,
    Values,
    array,
    column,
    fitted,
    flag,
    kind,
    single,
    single_digits,
    tensor,
)
from archdsl.dlib.stream import Floats
from archdsl.ir.layer import Layer


class _OverInput(Kind):
    """Activations that dlib applies in place; their gradient is computed from the output."""

    inplace = needs_output = True


@kind("relu_", "relu_2")
class Relu(_OverInput):
    """``disabled``: dlib's fuse_layers moved it into the convolution before it."""

    ours = ("relu",)
    fields: ClassVar[tuple[Field, ...]] = (flag("disabled", False, since="relu_2"),)


@kind("prelu_")
class PRelu(Kind):
    ours = ("prelu",)
    fields: ClassVar[tuple[Field, ...]] = (tensor("params"), single("initial_param_value", 0.25))

    def spelling(self, values: Values) -> list[str]:
        return []

    def state(self, values: Values, layer: Layer, module: Any) -> Mapping[str, Floats]:
        return {"weight": fitted(values["params"], module.weight)}

    def values(self, layer: Any, module: Any, inputs: Any = ()) -> Values:
        return {"params": column(array(module.weight)), "initial_param_value": layer.initial}

    def obstacle(self, layer: Any, module: Any, inputs: Any = ()) -> str | None:
        return "prelu with a slope for every channel" if layer.per_channel else None


class _Scalar(_OverInput):
    """An activation with one number, and the attribute of the torch module that holds it."""

    attribute: ClassVar[str]
    argument: ClassVar[str] = ""
    """The argument of the catalogue's layer, if it has another name."""

    def _only(self) -> str:
        return self.fields[0].name

    def arguments(self, values: Values) -> Mapping[str, Any]:
        return {self.attribute: values[self._only()]}

    def settings(self, values: Values) -> Mapping[str, Any]:
        return {self.attribute: values[self._only()]}

    def numbers(self, values: Values) -> Mapping[str, Any]:
        return {self.argument or self.attribute: single_digits(values[self._only()])}

    def values(self, layer: Any, module: Any, inputs: Any = ()) -> Values:
        return {self._only(): getattr(module, self.attribute)}


@kind("leaky_relu_")
class LeakyRelu(_Scalar):
    ours = ("leaky_relu",)
    attribute = "negative_slope"
    argument = "slope"
    fields: ClassVar[tuple[Field, ...]] = (single("alpha", 0.01),)


@kind("clipped_relu_")
class ClippedRelu(_Scalar):
    ours = ("clipped_relu",)
    attribute = "max_val"
    argument = "ceiling"
    fields: ClassVar[tuple[Field, ...]] = (single("ceiling", 6.0),)


@kind("elu_")
class Elu(_Scalar):
    ours = ("elu",)
    attribute = "alpha"
    fields: ClassVar[tuple[Field, ...]] = (single("alpha", 1.0),)


@kind("smelu_")
class Smelu(_Scalar):
    ours = ("smelu",)
    attribute = "beta"
    fields: ClassVar[tuple[Field, ...]] = (single("beta", 1.0),)


@kind("sig_")
class Sig(_OverInput):
    ours = ("sig",)


@kind("htan_")
class Htan(_OverInput):
    ours = ("htan",)


@kind("mish_")
class Mish(Kind):
    ours = ("mish",)


@kind("gelu_")
class Gelu(Kind):
    ours = ("gelu",)


@kind("silu_")
class Silu(Kind):
    ours = ("silu",)


@kind("softmax_")
class Softmax(_OverInput):
    """dlib's softmax and softmaxm; its files do not say which, its XML does, as ``mode``."""

    ours = ("softmax", "softmaxm")

    def spelled(self, values: Values) -> str:
        return "softmaxm" if values.get("mode") == "plane_wise" else "softmax"


@kind("softmax_all_")
class SoftmaxAll(_OverInput):
    ours = ("softmax_all",)
