"""Numbers of the network's class as expressions of the spec's parameters.

An expression is taken where it gives the number in every setting that was looked at.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from typing import Any, NamedTuple

from archdsl.analysis.anti_unification import Abstraction, Argument, Constant, Value, same
from archdsl.backends.source.layout import literal
from archdsl.frontend.elaborate.arithmetic import make_divisible

_FACTORS = (1, 2, 3, 4, 6, 8)
_DIVISORS = (2, 3, 4, 6, 8, 16)
_ROUNDED_TO = 8
"""The multiple that papers round channels to under a width multiplier."""


class UnspelledError(Exception):
    """A number follows from a parameter in no way that is known."""

    def __init__(self, parameter: str) -> None:
        super().__init__(parameter)
        self.parameter = parameter


class Spelled(NamedTuple):
    """An expression of parameters: a text in which ``{0}``, ``{1}`` stand for their names.

    ``functions`` are those that it calls.
    """

    form: str
    functions: tuple[Callable[..., Any], ...] = ()

    def text(self, names: Sequence[str]) -> str:
        """The expression with the names of all parameters."""
        return self.form.format(*names)

    def uses(self, index: int) -> bool:
        """True if a parameter is in it."""
        return f"{{{index}}}" in self.form


class _Known(NamedTuple):
    """A parameter: how it is written, its value in each setting, and where it alone is another."""

    form: str
    values: Sequence[Any]
    alone: int


_Guess = tuple[str, Callable[..., Value]] | tuple[str, Callable[..., Value], Callable[..., Any]]
"""An expression that may be right, its value for the parameters in it, and what it calls."""


def spelled(
    rows: Sequence[Sequence[Value]], parameters: Mapping[str, Sequence[Value]]
) -> Abstraction:
    """The slots of the network's class, a row for each setting; parameters are its arguments.

    Raises UnspelledError where a slot is no known expression of them.
    """
    settings = list(zip(*parameters.values(), strict=True))
    changed = [
        [not same(*pair) for pair in zip(settings[0], each, strict=True)] for each in settings
    ]
    known = {}
    for index, (name, values) in enumerate(parameters.items()):
        alone = next(s for s, each in enumerate(changed) if each[index] and sum(each) == 1)
        known[name] = _Known(f"{{{index}}}", values, alone)
    terms = [_term(tuple(column), known) for column in zip(*rows, strict=True)]
    arguments = [
        Argument(tuple(values), name, None, Constant(values[0]))
        for name, values in parameters.items()
    ]
    return Abstraction(tuple(terms), tuple(arguments))  # type: ignore[arg-type]


def _term(column: tuple[Any, ...], known: Mapping[str, _Known]) -> Constant | Spelled:
    """The term of a slot."""
    if all(same(column[0], value) for value in column):
        return Constant(column[0])
    if all(type(value) is tuple and len(value) == len(column[0]) for value in column):
        parts = [_term(part, known) for part in zip(*column, strict=True)]
        functions = [f for part in parts if isinstance(part, Spelled) for f in part.functions]
        ending = "," if len(parts) == 1 else ""
        return Spelled(f"({', '.join(map(_form, parts))}{ending})", tuple(functions))
    used = [name for name, each in known.items() if not same(column[0], column[each.alone])]
    two = [tuple(known[name] for name in used)] if len(used) == 2 else []
    # One that is rounded off may be the same where its parameter alone is another.
    for taken in (*two, *((known[name],) for name in (*used, *known))):
        given = list(zip(*(each.values for each in taken), strict=True))
        for form, value, *functions in _guesses(column, *taken):
            if all(same(wanted, value(*each)) for wanted, each in zip(column, given, strict=True)):
                return Spelled(form, tuple(functions))
    raise UnspelledError(used[-1] if used else [*known][-1])


def _form(term: Constant | Spelled) -> str:
    if isinstance(term, Spelled):
        return term.form
    return literal(term.value).replace("{", "{{").replace("}", "}}")


def _guesses(column: Sequence[Any], *known: _Known) -> Iterator[_Guess]:
    return _of_one(column, *known) if len(known) == 1 else _of_two(column, *known)


def _of_one(column: Sequence[Any], known: _Known) -> Iterator[_Guess]:
    """Expressions of one parameter."""
    name, base, value = known.form, known.values[0], column[0]
    other, there = known.values[known.alone], column[known.alone]
    yield name, lambda p: p
    if isinstance(base, bool):
        yes, no = (value, there) if base else (there, value)
        if (yes, no) == (False, True):
            yield f"not {name}", lambda p: not p
        yield f"{literal(yes)} if {name} else {literal(no)}", lambda p: yes if p else no
    elif isinstance(base, int) and type(value) is int:
        slope, rest = divmod(there - value, other - base)
        if not rest and slope:
            offset = value - slope * base
            yield _linear(slope, name, offset), lambda p: slope * p + offset
        for over in _DIVISORS if base > 0 else ():
            times = -(-value * over // base)
            yield f"{_linear(times, name, 0)} // {over}", partial(_part, times, over)
    elif isinstance(base, float) and type(value) is int and base:
        # Whole numbers that grow with a multiplier, rounded down or as papers round channels.
        yield f"int({round(value / base)} * {name})", partial(_floored, round(value / base))
        for factor, least in product(_FACTORS, (0.0, 1.0)):
            width = round(value / factor / base)
            scale = "" if factor == 1 else f"{factor} * "
            multiplier = f"max({least}, {name})" if least else name
            form = f"{scale}make_divisible({width} * {multiplier}, {_ROUNDED_TO})"
            yield form, partial(_rounded, factor, width, least), make_divisible


def _part(times: int, over: int, whole: int) -> int:
    return times * whole // over


def _floored(width: int, multiplier: float) -> int:
    return math.floor(width * multiplier)


def _rounded(factor: int, width: int, least: float, multiplier: float) -> int:
    return factor * make_divisible(width * max(least, multiplier), _ROUNDED_TO)


def _of_two(column: Sequence[Any], first: _Known, second: _Known) -> Iterator[_Guess]:
    """Products of two whole numbers, each with something added."""
    start, (x, y) = column[0], (first.values, second.values)
    both = next((i for i, p in enumerate(x) if p != x[0] and y[i] != y[0]), None)
    if both is None or not all(type(value) is int for value in (start, x[0], y[0])):
        return
    # start + a·p + b·q + c·p·q, for differences p and q from the first setting.
    a = (column[first.alone] - start) / (x[first.alone] - x[0])
    b = (column[second.alone] - start) / (y[second.alone] - y[0])
    p, q = x[both] - x[0], y[both] - y[0]
    c = (column[both] - start - a * p - b * q) / (p * q)
    if not c or any(each % 1 for each in (a, b, c, a / c, b / c)):
        return
    # c (x + s) (y + t), for the parameters themselves.
    s, t, factor = int(b / c) - x[0], int(a / c) - y[0], int(c)
    parts = [
        each.form if not shift else f"({_linear(1, each.form, shift)})"
        for each, shift in ((first, s), (second, t))
    ]
    times = "" if factor == 1 else f"{factor} * "
    yield f"{times}{' * '.join(parts)}", lambda x, y: factor * (x + s) * (y + t)


def _linear(slope: int, name: str, offset: int) -> str:
    """``3 * (classes + 5)``, ``classes - 1``."""
    if slope not in (1, -1) and offset and offset % slope == 0:
        return f"{slope} * ({_linear(1, name, offset // slope)})"
    found = name if slope == 1 else f"{slope} * {name}"
    return found if not offset else f"{found} {'+' if offset > 0 else '-'} {abs(offset)}"
