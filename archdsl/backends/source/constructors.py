"""Constructor calls with every argument named, so that equal calls are equal."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from torch import nn

from archdsl.backends.torch.realise import named
from archdsl.ir.lowering import Construct

_PLACING = ("device", "dtype")

_PER_AXIS = frozenset(
    {"kernel_size", "stride", "padding", "dilation", "output_padding", "output_size", "size"}
)
"""Arguments of torch's modules in which one number stands for equal ones: the 3 of a 3×3 kernel."""


class ConstructorParameter(NamedTuple):
    """A parameter of a constructor. ``default`` is ``inspect.Parameter.empty`` without one."""

    name: str
    default: Any
    variadic: bool

    @property
    def required(self) -> bool:
        """True if the parameter has no default, so that every call gives it."""
        return self.default is inspect.Parameter.empty


class Construction(NamedTuple):
    """A callable, such as a module's class, and the values of all its parameters."""

    made: Callable[..., Any]
    parameters: tuple[ConstructorParameter, ...]
    values: tuple[Any, ...]

    @property
    def is_module(self) -> bool:
        """True if the callable is a class of modules, not of plain records."""
        return inspect.isclass(self.made) and issubclass(self.made, nn.Module)


@cache
def _signature(made: Callable[..., Any]) -> inspect.Signature:
    return inspect.signature(made)


@cache
def _parameters(made: Callable[..., Any]) -> tuple[ConstructorParameter, ...]:
    """The parameters of a constructor, without those for device and dtype."""
    found = []
    for name, parameter in _signature(made).parameters.items():
        if name in _PLACING or parameter.kind is inspect.Parameter.VAR_KEYWORD:
            continue
        variadic = parameter.kind is inspect.Parameter.VAR_POSITIONAL
        default = () if variadic else _hashable(parameter.default)
        found.append(ConstructorParameter(name, default, variadic))
    return tuple(found)


@cache
def construction(call: Construct) -> Construction:
    """A constructor call as layers write it, with the values of all parameters."""
    made = named(call.target)
    given = _signature(made).bind(*call.arguments, **dict(call.options)).arguments
    signature = _parameters(made)
    values = [_hashable(given.get(each.name, each.default)) for each in signature]
    if call.target.startswith("torch.nn."):
        values = [
            value[0]
            if each.name in _PER_AXIS and isinstance(value, tuple) and len(set(value)) == 1
            else value
            for each, value in zip(signature, values, strict=True)
        ]
    return Construction(made, signature, tuple(values))


def _hashable(value: Any) -> Any:
    """A value that can be a key: lists become tuples, constructs their constructions."""
    if isinstance(value, Construct):
        return construction(value)
    return tuple(map(_hashable, value)) if isinstance(value, (list, tuple)) else value
