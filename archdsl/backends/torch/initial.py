"""Initial weights, drawn by the rules of :mod:`archdsl.layers.initial`.

Parts of a layer that are convolutions or fully connected start as the layer says; all others as
their own constructors do. Seed torch, or pass ``seed``, to have the same weights again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.linear import NonDynamicallyQuantizableLinear
from torch.overrides import TorchFunctionMode

from archdsl.ir.initial import Constant, Fan, Initial, Normal, Rule, VarianceScaling
from archdsl.layers.initial import TORCH

DRAWN = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
"""The classes of modules that are drawn here."""

UNDRAWN = (nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm, nn.GroupNorm, nn.ReLU)
"""The classes of many modules that no random number is drawn for."""

_RANDOM = frozenset({Tensor.uniform_, Tensor.normal_, nn.init.normal_, torch.rand, torch.randn})
"""The functions that modules draw with where they are made."""


class SkippedInitialisation(TorchFunctionMode):
    """While active, torch.nn modules leave the values of weights open instead of drawing them.

    They are drawn once, by :func:`initialise`; for large networks the second time is half of the
    time that construction takes. What other modules draw comes from ``generator``, if one is given:
    other threads, which may build networks too, have no part in it.
    """

    def __init__(self, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self._generator = generator

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[Any],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = dict(kwargs or {})
        if func in (nn.init.kaiming_uniform_, nn.init.uniform_):
            return given["tensor"] if "tensor" in given else args[0]
        if self._generator is not None and func in _RANDOM and given.get("generator") is None:
            given["generator"] = self._generator
        return func(*args, **given)


def initialise(
    module: nn.Module,
    initial: Initial = TORCH,
    *,
    filled: Container[str] = (),
    generator: torch.Generator | None = None,
) -> None:
    """Draw the initial weights of a module made under :class:`SkippedInitialisation`.

    ``filled`` are the names of those that have their values already, ``generator`` gives the random
    numbers, instead of torch's own.
    """
    for name, part in module.named_modules():
        if not isinstance(part, DRAWN):
            continue
        scope = f"{name}." if name else ""
        if f"{scope}weight" not in filled:
            _draw(initial.weight, part.weight, part, generator)
        # That of attention's output starts as its owner says.
        if part.bias is not None and not owned(part) and f"{scope}bias" not in filled:
            _draw(initial.bias, part.bias, part, generator)


def owned(part: nn.Module) -> bool:
    """True if a part's biases are given by the module that it is a part of."""
    return isinstance(part, NonDynamicallyQuantizableLinear)


def fan(rule: Fan, part: nn.Module) -> int:
    """Fan of a convolution or fully connected layer, by which an initial distribution is scaled."""
    weight = part.weight
    assert isinstance(weight, Tensor)
    inputs, outputs = weight[0].numel(), weight[:, 0].numel()
    groups = getattr(part, "groups", 1)
    if rule is Fan.BOTH:
        return inputs + outputs
    if rule is Fan.GROUP_OUTPUTS:
        return outputs // groups
    if rule is Fan.DLIB:  # its transposed filters are summed over the first axis
        turned = isinstance(part, nn.ConvTranspose2d)
        return outputs + part.out_channels if turned else inputs + weight.shape[0]  # type: ignore[operator,return-value]
    return inputs if rule is Fan.INPUTS else outputs


def spread(rule: VarianceScaling, part: nn.Module) -> float:
    """The standard deviation of values that are drawn for a module."""
    return math.sqrt(rule.scale / fan(rule.fan, part))


def _draw(rule: Rule, tensor: Tensor, part: nn.Module, generator: torch.Generator | None) -> None:
    with torch.no_grad():
        if isinstance(rule, Constant):
            tensor.fill_(rule.value)
        elif isinstance(rule, Normal):
            tensor.normal_(0, rule.deviation, generator=generator)
        else:
            deviation = spread(rule, part)
            if rule.uniform:
                bound = 3**0.5 * deviation
                tensor.uniform_(-bound, bound, generator=generator)
            else:
                tensor.normal_(0, deviation, generator=generator)
