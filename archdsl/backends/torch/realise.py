"""Constructs made real: dotted names become classes and functions, calls become modules."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import cache
from typing import Any

from torch import nn

from archdsl.backends.torch.freeze import FROZEN
from archdsl.ir.lowering import PACKAGES, Construct

_LIBRARY = __package__
"""The package of the modules that archdsl brings along."""

_STAND_INS = {"torchvision.ops.StochasticDepth": "stochastic_depth.StochasticDepth"}
"""Modules of our own for those whose package takes long to import."""


@cache
def named(target: str) -> Any:
    """The class or function with a dotted name, as layers write them."""
    home = target if target.partition(".")[0] in PACKAGES else f"{_LIBRARY}.{target}"
    module, _, name = home.rpartition(".")
    return getattr(importlib.import_module(module), name)


def live(target: str) -> Any:
    """The class or function that is called: what :func:`named` gives, or a stand-in for it."""
    return named(_STAND_INS.get(target, target))


def real(value: Any, others: Mapping[str, Any]) -> Any:
    """A value with the constructs in it called; a construct of a module becomes that module.

    ``others`` are called in the place of what a dotted name means.
    """
    if isinstance(value, Construct):
        made = others[value.target] if value.target in others else live(value.target)
        arguments = [real(each, others) for each in value.arguments]
        return made(*arguments, **{key: real(each, others) for key, each in value.options})
    if type(value) in (tuple, list):
        return type(value)(real(each, others) for each in value)
    return value


def module_of(construct: Construct, *, frozen: bool = False) -> nn.Module:
    """The module that a construct describes, its weights as its class starts them.

    A frozen one keeps its parameters, and the statistics of norms, as they are in training.
    """
    module = real(construct, FROZEN if frozen else {})
    assert isinstance(module, nn.Module)
    if frozen:
        module.requires_grad_(False)
        module.train()  # which leaves norms out
    return module
