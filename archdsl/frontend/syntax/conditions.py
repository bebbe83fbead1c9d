"""Conditions of ``#if``: whole numbers of 64 bits, as C++ evaluates them before compiling."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from archdsl.frontend.syntax.operators import OPERATORS

_DIGITS = re.compile(r"(0[xX][0-9a-fA-F]+|0[bB][01]+|\d+)[uUlLzZ]*")
_MAX_DIGITS = 40
_BITS = 64


def _shifted(a: int, left: int) -> int:
    """Shifted by so many bits, as g++ does where there are none or too many of them."""
    return a << min(left, _BITS) if left >= 0 else a >> min(-left, _BITS)


_BINARY: Mapping[str, tuple[int, Callable[[Any, Any], Any]]] = {
    **OPERATORS,
    "<<": (OPERATORS["<<"][0], _shifted),
    ">>": (OPERATORS[">>"][0], lambda a, b: _shifted(a, -b)),
}
_UNARY: dict[str, Callable[[int], int]] = {
    "!": lambda a: not a,
    "~": lambda a: ~a,
    "-": lambda a: -a,
    "+": lambda a: a,
}
_OPENERS = ("(", "?", ":")
"""Marks on the stack that wait for an operand and are no operators of two numbers."""


def evaluate(words: Sequence[str]) -> int | None:
    """The value of a condition whose macros are replaced; ``None`` where it is not one.

    Names that are left are 0, as in C++, but for ``true``.
    """
    values: list[int] = []
    waiting: list[str] = []  # operators, those of one number with a blank in front

    def reduce(least: int) -> None:
        while waiting and waiting[-1] not in _OPENERS:
            name = waiting[-1]
            if name[0] == " ":
                values.append(_wrapped(_UNARY[name[1:]](values.pop())))
            elif _BINARY[name][0] >= least:
                right, left = values.pop(), values.pop()
                dead = right == 0 and name in "/%"  # an error only where it counts
                values.append(0 if dead else _wrapped(_BINARY[name][1](left, right)))
            else:
                return
            waiting.pop()

    def choose() -> None:
        """Reduce ``c ? a : b`` on top of the stacks."""
        while waiting and waiting[-1] == ":":
            otherwise, then, condition = values.pop(), values.pop(), values.pop()
            values.append(then if condition else otherwise)
            del waiting[-2:]
            reduce(0)

    operand = True
    for word in words:
        if operand:
            if word in _UNARY:
                waiting.append(" " + word)
            elif word == "(":
                waiting.append(word)
            else:
                value = _operand(word)
                if value is None:
                    return None
                values.append(value)
                operand = False
        elif word in _BINARY:
            reduce(_BINARY[word][0])
            waiting.append(word)
            operand = True
        elif word == "?":
            reduce(0)
            waiting.append(word)
            operand = True
        elif word in (":", ")"):
            reduce(0)
            choose() if word == ")" or waiting[-1:] != ["?"] else None
            if waiting[-1:] != ["?" if word == ":" else "("]:
                return None
            if word == ":":
                waiting.append(word)
                operand = True
            else:
                waiting.pop()
        else:
            return None
    if operand:
        return None
    reduce(0)
    choose()
    return values[0] if not waiting else None


def _operand(word: str) -> int | None:
    if word.isidentifier():
        return int(word == "true")
    number = _DIGITS.fullmatch(word)
    if number is None or len(word) > _MAX_DIGITS:
        return None
    digits = number[1]
    if digits[:2].lower() in ("0x", "0b"):
        return _wrapped(int(digits, 0))
    octal = digits[0] == "0" and not {"8", "9"} & set(digits)
    return _wrapped(int(digits, 8 if octal else 10))


def _wrapped(value: int) -> int:
    """The value in 64 bits, with a sign."""
    half = 1 << (_BITS - 1)
    return (int(value) + half) % (2 * half) - half
