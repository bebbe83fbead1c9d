"""C++'s operators of two numbers: how tight each binds, and what it means."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

Number = int | float | bool


def _divided(a: Number, b: Number) -> Number:
    if isinstance(a, int) and isinstance(b, int):
        quotient = abs(a) // abs(b)  # C++ rounds towards zero
        return quotient if (a < 0) == (b < 0) else -quotient
    return a / b


def _remainder(a: Number, b: Number) -> Number:
    if isinstance(a, int) and isinstance(b, int):
        return a - b * int(_divided(a, b))
    return math.fmod(a, b)


OPERATORS: Mapping[str, tuple[int, Callable[[Any, Any], Number]]] = {
    "*": (9, lambda a, b: a * b),
    "/": (9, _divided),
    "%": (9, _remainder),
    "+": (8, lambda a, b: a + b),
    "-": (8, lambda a, b: a - b),
    "<<": (7, lambda a, b: a << b),
    ">>": (7, lambda a, b: a >> b),
    "<": (6, lambda a, b: a < b),
    ">": (6, lambda a, b: a > b),
    "<=": (6, lambda a, b: a <= b),
    ">=": (6, lambda a, b: a >= b),
    "==": (5, lambda a, b: a == b),
    "!=": (5, lambda a, b: a != b),
    "&": (4, lambda a, b: a & b),
    "^": (3, lambda a, b: a ^ b),
    "|": (2, lambda a, b: a | b),
    "&&": (1, lambda a, b: bool(a) and bool(b)),
    "||": (0, lambda a, b: bool(a) or bool(b)),
}
"""Precedence (larger binds tighter) and meaning of each operator; all group from the left."""
