"""Descriptions that tell two modules of one unknown type apart."""

from __future__ import annotations

import enum
import inspect
import types
from collections.abc import Hashable

import torch
import torch.fx
from torch import nn

from archdsl.importers.trace.values import (
    leaves,
)


def description(module: nn.Module) -> tuple[Hashable, ...]:
    """Everything visible that may tell two modules of the same unknown type apart."""
    return tuple(
        (name, type(part).__name__, part.extra_repr(), _settings(part))
        for name, part in module.named_modules()
    )


def fitted(module: nn.Module) -> tuple[Hashable, ...]:
    """The same without what modules declare to be no matter for weights, by ``fitted_to``."""
    names = getattr(module, "fitted_to", None)
    if names is None:
        return description(module)
    return (type(module).__name__, *((name, getattr(module, name)) for name in names))


def _settings(module: nn.Module) -> tuple[Hashable, ...]:
    made_of = None
    if type(module).__module__.startswith("torchvision.ops."):
        # MultiScaleRoIAlign keeps the scales of the images that it saw last.
        made_of = inspect.signature(type(module)).parameters
    return tuple(
        (name, setting)
        for name, value in sorted(vars(module).items())
        if not name.startswith("_") and name not in ("training", "inplace")
        if made_of is None or name in made_of
        if (setting := _setting(value)) is not None
    )


def _setting(value: object) -> Hashable:
    """A setting as it is compared; None for what is no plain value, nor made of such."""
    if isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (types.FunctionType, types.BuiltinFunctionType)):
        return f"{value.__module__}.{value.__qualname__}"
    if isinstance(value, (torch.dtype, enum.Enum)):
        return str(value)
    plain = (bool, int, float, str, type(None))
    if isinstance(value, (tuple, list, dict)) and all(isinstance(x, plain) for x in leaves(value)):
        return value if isinstance(value, tuple) and not any(map(_nested, value)) else repr(value)
    return None


def _nested(value: object) -> bool:
    return isinstance(value, (tuple, list, dict))
