"""Names of initial distributions, and the arguments with which a layer chooses one.

``con``, ``cont``, ``fc`` and ``linear`` start as dlib's ``setup()`` starts them, unless a spec asks
for another rule.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NewType, cast

from archdsl.ir.initial import Constant, Fan, Initial, Normal, VarianceScaling
from archdsl.ir.layer import Layer, arg

Scheme = NewType("Scheme", str)
"""The name of a distribution, a key of :data:`SCHEMES`."""


_SPREAD = VarianceScaling(1 / 3, Fan.INPUTS, uniform=True)
TORCH = Initial(_SPREAD, _SPREAD)
"""``reset_parameters`` of torch.nn.Conv2d and torch.nn.Linear: within ±1/√fan_in."""
DLIB = Initial(VarianceScaling(2.0, Fan.DLIB, uniform=True))
"""dlib/dnn/utilities.h, ``randomize_parameters``: within ±√(6 / (inputs + outputs))."""

SCHEMES: Mapping[str, Initial] = {
    "dlib": DLIB,
    "torch": TORCH,
    "glorot": Initial(VarianceScaling(2.0, Fan.BOTH, uniform=True)),
    "he_fan_in": Initial(VarianceScaling(2.0, Fan.INPUTS)),
    "he_fan_out": Initial(VarianceScaling(2.0, Fan.OUTPUTS)),
    "he_fan_out_group": Initial(VarianceScaling(2.0, Fan.GROUP_OUTPUTS)),
    "he_uniform": Initial(VarianceScaling(2.0, Fan.INPUTS, uniform=True)),
    "lecun": Initial(VarianceScaling(1.0, Fan.INPUTS)),
    "lecun_uniform": Initial(VarianceScaling(1.0, Fan.INPUTS, uniform=True)),
    "lecun_uniform_fan_out": Initial(VarianceScaling(1.0, Fan.OUTPUTS, uniform=True)),
    "uniform_fan_out": Initial(VarianceScaling(1 / 3, Fan.OUTPUTS, uniform=True)),
    "zeros": Initial(Constant(0.0)),
}
"""Distributions by the names that specs use.

Glorot and Bengio 2010, He et al. 2015, LeCun et al. 1998.
"""


@dataclass(frozen=True, kw_only=True)
class Initialised:
    """The arguments of layers whose weights are drawn."""

    init: Scheme = arg(
        "how the weights start, and the biases with them: " + ", ".join(SCHEMES),
        Scheme("dlib"),
        positional=False,
    )
    deviation: float | None = arg(
        "standard deviation of normal initial weights, in place of init",
        None,
        minimum=0,
        positional=False,
        shown="by init",
    )
    bias_init: Scheme | None = arg(
        "how the biases start", None, positional=False, shown="by init; 0 with a deviation"
    )
    bias_deviation: float | None = arg(
        "standard deviation of normal initial biases, in place of bias_init",
        None,
        minimum=0,
        positional=False,
        shown="by bias_init",
    )
    prior: float | None = arg(
        "probability that the outputs, logits, start with (Lin et al. 2017, Focal Loss, 4.1)",
        None,
        minimum=1e-6,
        maximum=1 - 1e-6,
        positional=False,
        shown="by bias_init",
    )

    def effective(self) -> dict[str, Any]:
        """Arguments in normal form, without those for initial weights, which compute nothing."""
        counting: dict[str, Any] = super().effective()  # type: ignore[misc]
        return {k: v for k, v in counting.items() if k not in Initialised.__dataclass_fields__}

    def with_bias(self) -> Layer | None:
        """The layer with a bias; ``None`` where it has one already."""
        biased = replace(self, bias=True)  # type: ignore[call-arg]
        return None if biased == self else cast("Layer", biased)

    @property
    def initial_values(self) -> Initial:
        """The distributions that the arguments choose."""
        start = SCHEMES[self.init]
        if self.deviation is not None:
            start = Initial(Normal(self.deviation))
        if self.bias_init is not None:
            start = start._replace(bias=SCHEMES[self.bias_init].bias)
        if self.bias_deviation is not None:
            start = start._replace(bias=Normal(self.bias_deviation))
        if self.prior is not None:
            start = start._replace(bias=Constant(-math.log((1 - self.prior) / self.prior)))
        return start
