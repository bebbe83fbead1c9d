"""Constructs made real: dotted names become classes and functions, calls become modules."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any

from torch import nn

from archdsl.ir.lowering import PACKAGES, Construct

_LIBRARY = __package__
"""The package of the modules that archdsl brings along."""


@cache
def named(target: str) -> Any:
    """The class or function with a dotted name, as layers write them."""
    home = target if target.partition(".")[0] in PACKAGES else f"{_LIBRARY}.{target}"
    module, _, name = home.rpartition(".")
    return getattr(importlib.import_module(module), name)


def real(value: Any) -> Any:
    """A value with the constructs in it called; a construct of a module becomes that module."""
    if isinstance(value, Construct):
        arguments = [real(each) for each in value.arguments]
        return named(value.target)(*arguments, **{key: real(each) for key, each in value.options})
    if type(value) in (tuple, list):
        return type(value)(map(real, value))
    return value


def module_of(construct: Construct) -> nn.Module:
    """The module that a construct describes, its weights as its class starts them."""
    module = real(construct)
    assert isinstance(module, nn.Module)
    return module
