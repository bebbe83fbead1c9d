"""The distributions that weights and biases are drawn from before training, as data.

:mod:`archdsl.backends.torch.initial` draws from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple


class Fan(Enum):
    """Divisor of the variance of initial weights: kernel area times the channels it counts."""

    INPUTS = "inputs"
    """torch's fan_in: the number of products that an output value is the sum of."""
    OUTPUTS = "outputs"
    """torch's fan_out: filters times kernel area, whatever the groups."""
    GROUP_OUTPUTS = "outputs of a group"
    """Filters of a group times kernel area."""
    BOTH = "inputs and outputs"
    """The sum of torch's fan_in and fan_out."""
    DLIB = "inputs and filters"
    """dlib's ``num_inputs + num_outputs``: the kernel area counts for the inputs alone."""


@dataclass(frozen=True)
class VarianceScaling:
    """Values of mean 0 and variance ``scale`` / fan, normal or uniform."""

    scale: float
    fan: Fan
    uniform: bool = False


@dataclass(frozen=True)
class Normal:
    """Normal values of mean 0."""

    deviation: float


@dataclass(frozen=True)
class Constant:
    """The same value everywhere."""

    value: float


Rule = VarianceScaling | Normal | Constant


class Initial(NamedTuple):
    """Distributions of the initial weights and biases of a layer.

    A fan is computed from the shape of the weights in both.
    """

    weight: Rule
    bias: Rule = Constant(0.0)
