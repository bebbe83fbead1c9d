"""Calls of Python constructors in normal form, by their signatures."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from archdsl.backends.plan import Call, Slot
from archdsl.backends.torch.realise import named
from archdsl.ir.lowering import Construct

_PLACING = ("device", "dtype")
_PER_AXIS = frozenset(
    {"kernel_size", "stride", "padding", "dilation", "output_padding", "output_size", "size"}
)
"""Arguments of torch's modules in which one number stands for equal ones: the 3 of a 3×3 kernel."""


class _Parameter(NamedTuple):
    """A parameter of a constructor; ``default`` is ``...`` where it has to be given."""

    name: str
    default: Any
    variadic: bool


@cache
def opened(call: Construct) -> Call:
    """A constructor call with a slot for every parameter, so that equal calls are equal.

    A construct that is an argument is opened as well: two that are made alike are not one.
    """
    made = named(call.target)
    given = inspect.signature(made).bind(*call.arguments, **dict(call.options)).arguments
    arguments: list[Any] = []
    options: list[tuple[str, Any]] = []
    for name, default, variadic in _parameters(made):
        value = _hashable(given.get(name, default))
        if call.target.startswith("torch.nn.") and name in _PER_AXIS:
            value = value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value
        if variadic:
            arguments += [_slot(name, each, ...) for each in value]
        elif default is ...:
            arguments.append(_slot(name, value, ...))
        else:
            options.append((name, _slot(name, value, default)))
    return Call(made, tuple(arguments), tuple(options))


def _slot(name: str, value: Any, default: Any) -> Any:
    """An argument: a slot, or calls with slots in them."""
    if isinstance(value, Construct):
        return opened(value)
    if not _plain(value):
        return tuple(_slot(name, each, ...) for each in value)
    return Slot(name, value, default)


def _plain(value: Any) -> bool:
    return all(map(_plain, value)) if isinstance(value, tuple) else not isinstance(value, Construct)


@cache
def _parameters(made: Callable[..., Any]) -> tuple[_Parameter, ...]:
    """The parameters of a constructor, without those for device and dtype."""
    found = []
    for name, each in inspect.signature(made).parameters.items():
        variadic = each.kind is each.VAR_POSITIONAL
        default = ... if each.default is each.empty else _hashable(each.default)
        if name not in _PLACING and each.kind is not each.VAR_KEYWORD:
            found.append(_Parameter(name, () if variadic else default, variadic))
    return tuple(found)


def _hashable(value: Any) -> Any:
    return tuple(map(_hashable, value)) if isinstance(value, (list, tuple)) else value
