"""The layers of the catalogue that each function of a format's table makes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from archdsl.ir.layer import Layer

_Function = TypeVar("_Function", bound=Callable[..., Any])
_MADE = "made_layers"


def makes(*parts: object) -> Callable[[_Function], _Function]:
    """Decorator: the layers that a function makes, as classes or by the functions that it calls.

    The first is the one that the row stands for; others may come with it.
    """

    def mark(function: _Function) -> _Function:
        setattr(function, _MADE, made_by(parts))
        return function

    return mark


def made_by(parts: Iterable[object]) -> tuple[type[Layer], ...]:
    """All layers that some functions make; classes of layers, and layers, stand for themselves.

    Each is there once, in the order in which they are named first.
    """
    return tuple(dict.fromkeys(layer for part in parts for layer in _made(part)))


def _made(part: object) -> Iterable[type[Layer]]:
    if isinstance(part, Layer):
        return (type(part),)
    if isinstance(part, type) and issubclass(part, Layer):
        return (part,)
    found: tuple[type[Layer], ...] = getattr(part, _MADE, ())
    return found
