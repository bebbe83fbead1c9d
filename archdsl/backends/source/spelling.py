"""Numbers of the network's class as expressions of the spec's parameters.

An expression is taken where it gives the number in every setting that was looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, product
from string import Formatter
from typing import Any, NamedTuple

from archdsl.analysis.anti_unification import Abstraction, Argument, Constant, Value, same
from archdsl.backends.source.layout import literal, tupled
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
    """An expression of parameters: a text in which ``{0}``, ``{1}`` stand for their names."""

    form: str

    @property
    def functions(self) -> tuple[Callable[..., Any], ...]:
        """The functions of archdsl's own that it calls."""
        return (make_divisible,) if make_divisible.__name__ in self.form else ()

    def text(self, names: Sequence[str] | Mapping[int, str]) -> str:
        """The expression with the names of the parameters that are in it."""
        return Formatter().vformat(self.form, names, {})  # type: ignore[arg-type]

    def values(self, settings: Sequence[Sequence[Value]]) -> Iterator[Value]:
        """Its value in each setting, given those of all parameters."""
        names = [f"p{index}" for index in range(len(settings[0]))]
        code = compile(self.text(names), "expression", "eval")
        for setting in settings:
            known = dict(zip(names, setting, strict=True))
            yield eval(code, {make_divisible.__name__: make_divisible}, known)


class _Known(NamedTuple):
    """A parameter: how it is written, its value in each setting, and where it alone is another."""

    form: str
    values: Sequence[Any]
    alone: int


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
    terms = [_term(tuple(column), known, settings) for column in zip(*rows, strict=True)]
    arguments = [
        Argument(tuple(values), name, None, Constant(values[0]))
        for name, values in parameters.items()
    ]
    return Abstraction(tuple(terms), tuple(arguments))  # type: ignore[arg-type]


def _term(
    column: tuple[Any, ...], known: Mapping[str, _Known], settings: Sequence[Sequence[Value]]
) -> Constant | Spelled:
    """The term of a slot."""
    if all(same(column[0], value) for value in column):
        return Constant(column[0])
    if all(type(value) is tuple and len(value) == len(column[0]) for value in column):
        parts = (_term(part, known, settings) for part in zip(*column, strict=True))
        return Spelled(tupled(p.form if isinstance(p, Spelled) else _form(p.value) for p in parts))
    used = [name for name, each in known.items() if not same(column[0], column[each.alone])]
    two = _of_two(column, *(known[name] for name in used)) if len(used) == 2 else ()
    # One that is rounded off may be the same where its parameter alone is another.
    one = (form for name in (*used, *known) for form in _of_one(column, known[name]))
    for guess in map(Spelled, chain(two, one)):
        if all(map(same, column, guess.values(settings))):
            return guess
    raise UnspelledError(used[-1] if used else [*known][-1])


def _form(value: Value) -> str:
    return literal(value).replace("{", "{{").replace("}", "}}")


def _of_one(column: Sequence[Any], known: _Known) -> Iterator[str]:
    """Expressions of one parameter that may be right."""
    name, base, value = known.form, known.values[0], column[0]
    other, there = known.values[known.alone], column[known.alone]
    yield name
    if isinstance(base, bool):
        yield f"not {name}"
        yes, no = map(_form, (value, there) if base else (there, value))
        yield f"{yes} if {name} else {no}"
    elif isinstance(base, int) and type(value) is int:
        slope, rest = divmod(there - value, other - base)
        if not rest and slope:
            yield _linear(slope, name, value - slope * base)
        for over in _DIVISORS if base > 0 else ():
            yield f"{_linear(-(-value * over // base), name, 0)} // {over}"
    elif isinstance(base, float) and type(value) is int and base:
        # Whole numbers that grow with a multiplier, rounded down or as papers round channels.
        yield f"int({round(value / base)} * {name})"
        for factor, scaled in product(_FACTORS, (name, f"max(1.0, {name})")):
            width = round(value / factor / base)
            scale = "" if factor == 1 else f"{factor} * "
            yield f"{scale}make_divisible({width} * {scaled}, {_ROUNDED_TO})"


def _of_two(column: Sequence[Any], first: _Known, second: _Known) -> Iterator[str]:
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
    shifts = (first, int(b / c) - x[0]), (second, int(a / c) - y[0])
    parts = [each.form if not s else f"({_linear(1, each.form, s)})" for each, s in shifts]
    yield " * ".join([*([] if c == 1 else [str(int(c))]), *parts])


def _linear(slope: int, name: str, offset: int) -> str:
    """``3 * (classes + 5)``, ``classes - 1``."""
    if slope not in (1, -1) and offset and offset % slope == 0:
        return f"{slope} * ({_linear(1, name, offset // slope)})"
    found = name if slope == 1 else f"{slope} * {name}"
    return found if not offset else f"{found} {'+' if offset > 0 else '-'} {abs(offset)}"
