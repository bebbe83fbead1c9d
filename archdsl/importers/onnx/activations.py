"""Activations, however an exporter spells them, told by what they do to sample values.

``x * sigmoid(x)``, ``clip(x + 3, 0, 6) / 6`` and ``0.5 x (1 + erf(x / sqrt 2))`` are layers that
most exporters write as formulas. Every node that works value by value is therefore computed for
some samples; the layer of the catalogue that gives the same is meant.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from archdsl.importers.made_layers import makes
from archdsl.importers.onnx.values import GRID, NEAR
from archdsl.ir.layer import Layer
from archdsl.layers import activation
from archdsl.layers.linear import AddConstant, Multiply

if TYPE_CHECKING:
    from archdsl.importers.onnx.file import Array

_POINTWISE = (
    "Abs Add Celu Clip Div Elu Erf Exp Gelu Greater HardSigmoid HardSwish LeakyRelu Less Log Max "
    "Min Mish Mul Neg Pow Reciprocal Relu Sigmoid Softplus Softsign Sqrt Sub Swish Tanh Where"
)
POINTWISE = frozenset(_POINTWISE.split())
"""Nodes that work value by value; scalars may stand beside the values."""

_FIXED = (
    activation.ReLU,
    activation.ReLU6,
    activation.SiLU,
    activation.Hardswish,
    activation.Hardsigmoid,
    activation.Sigmoid,
    activation.Tanh,
    activation.GELU,
    activation.Mish,
    activation.Softplus,
)


def is_input(values: Array) -> bool:
    """True if a function returns its samples unchanged."""
    return _equal(values, GRID)


@makes(*_FIXED, activation.LeakyReLU, activation.ClippedReLU, activation.ELU, Multiply, AddConstant)
def recognised(values: Array) -> Layer | None:
    """The layer that makes these of the samples."""
    if values.shape != GRID.shape or values.dtype == bool or not np.isfinite(values[NEAR]).all():
        return None
    return next((layer for layer in _candidates(values) if _equal(values, _made(layer))), None)


def _candidates(values: Array) -> Iterator[Layer]:
    """Every activation; what has an argument takes it from the place that shows it."""
    yield from (cls() for cls in _FIXED)
    at = dict(zip(GRID.tolist(), values.tolist(), strict=True))
    yield activation.LeakyReLU(round_off(-at[-1.0]))
    bound = max(value for value in values.tolist() if np.isfinite(value))
    if bound > 0:
        yield activation.ClippedReLU(round_off(bound))
    yield activation.ELU(round_off(-at[-30.0]))
    yield Multiply(round_off(at[1.0]))
    yield AddConstant(round_off(at[0.0]))


def round_off(value: float) -> float:
    """A number without what its 32 bits added: 0.01 for 0.009999999776."""
    return float(f"{value:.7g}")


@cache
def _made(layer: Layer) -> Array:
    import torch

    from archdsl.backends.torch.realise import module_of

    with torch.no_grad():
        made: Array = module_of(layer.module(((1,),)))(torch.from_numpy(GRID.copy())).numpy()
    return made


def _equal(found: Array, wanted: Array) -> bool:
    """True if samples are those wanted, wherever the formula that gave them does not overflow."""
    if found.shape != wanted.shape or not np.isfinite(found[NEAR]).all():
        return False
    kept = np.isfinite(found)
    return np.allclose(found[kept], wanted[kept], rtol=2e-6, atol=2e-6)
