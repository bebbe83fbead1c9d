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
from archdsl.backends.source.code_style import literal
from archdsl.frontend.elaborate.arithmetic import make_divisible

_FACTORS = (1, 2, 3, 4, 6, 8)
_DIVISORS = (2, 3, 4, 6, 8, 16)
_ROUNDED_TO = 8
"""What papers round channels to under a width multiplier."""


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


class _Guess(NamedTuple):
    """An expression that may be right, and its value for the parameters in it."""

    form: str
    value: Callable[..., Value]
    functions: tuple[Callable[..., Any], ...] = ()


def spelled(
    rows: Sequence[Sequence[Value]], parameters: Mapping[str, Sequence[Value]]
) -> Abstraction:
    """The slots of the network's class, a row for each setting; parameters are its arguments.

    Raises UnspelledError where a slot is no known expression of them.
    """
    speller = _Speller(parameters)
    terms = [speller.term(tuple(column)) for column in zip(*rows, strict=True)]
    arguments = [
        Argument(tuple(values), name, None, Constant(values[0]))
        for name, values in parameters.items()
    ]
    return Abstraction(tuple(terms), tuple(arguments))  # type: ignore[arg-type]


class _Speller:
    def __init__(self, parameters: Mapping[str, Sequence[Value]]) -> None:
        self._names = list(parameters)
        self._vectors = list(parameters.values())
        settings = list(zip(*self._vectors, strict=True))
        changed = [
            [i for i, value in enumerate(row) if not same(value, settings[0][i])]
            for row in settings
        ]
        self._alone = [
            [s for s, places in enumerate(changed) if places == [i]]
            for i in range(len(self._names))
        ]
        """For each parameter the settings in which it alone is not at its own value."""

    def term(self, column: tuple[Any, ...]) -> Constant | Spelled:
        """The term of a slot."""
        if all(same(column[0], value) for value in column):
            return Constant(column[0])
        if all(type(value) is tuple and len(value) == len(column[0]) for value in column):
            parts = [self.term(part) for part in zip(*column, strict=True)]
            forms = [_form(part) for part in parts]
            functions = [f for part in parts if isinstance(part, Spelled) for f in part.functions]
            ending = "," if len(parts) == 1 else ""
            return Spelled(f"({', '.join(forms)}{ending})", tuple(functions))
        used = [
            index
            for index, settings in enumerate(self._alone)
            if any(not same(column[0], column[s]) for s in settings)
        ]
        vectors = [self._vectors[index] for index in used]
        names = [f"{{{index}}}" for index in used]
        guesses: Iterator[_Guess] = iter(())
        if len(used) == 1:
            guesses = _of_one(names[0], vectors[0], column, self._alone[used[0]][0])
        elif len(used) == 2:
            both = next((s for s in range(len(column)) if self._changes(s, used)), None)
            places = [0, *(self._alone[index][0] for index in used), both]
            guesses = _of_two(names, vectors, column, places) if both is not None else guesses
        for guess in guesses:
            given = zip(*vectors, strict=True)
            if all(map(same, column, (guess.value(*each) for each in given))):
                return Spelled(guess.form, guess.functions)
        raise UnspelledError(self._names[used[-1] if used else -1])

    def _changes(self, setting: int, used: Sequence[int]) -> bool:
        return all(
            not same(self._vectors[index][0], self._vectors[index][setting]) for index in used
        )


def _form(term: Constant | Spelled) -> str:
    if isinstance(term, Spelled):
        return term.form
    return literal(term.value).replace("{", "{{").replace("}", "}}")


def _of_one(name: str, given: Sequence[Any], column: Sequence[Any], other: int) -> Iterator[_Guess]:
    """Expressions of one parameter; ``other`` is a setting in which it alone is another."""
    yield _Guess(name, lambda p: p)
    base, value = given[0], column[0]
    if isinstance(base, bool):
        yes, no = (value, column[other]) if base else (column[other], value)
        if (yes, no) == (False, True):
            yield _Guess(f"not {name}", lambda p: not p)
        yield _Guess(f"{literal(yes)} if {name} else {literal(no)}", lambda p: yes if p else no)
    elif isinstance(base, int) and isinstance(value, int):
        slope, rest = divmod(column[other] - value, given[other] - base)
        if not rest and slope:
            offset = value - slope * base
            yield _Guess(_linear(slope, name, offset), lambda p: slope * p + offset)
        for over in _DIVISORS if base > 0 else ():
            times = -(-value * over // base)
            yield _Guess(f"{_linear(times, name, 0)} // {over}", partial(_part, times, over))
    elif isinstance(base, float) and isinstance(value, int) and base:
        yield from _scaled(name, base, value)


def _part(times: int, over: int, whole: int) -> int:
    return times * whole // over


def _scaled(name: str, base: float, value: int) -> Iterator[_Guess]:
    """Whole numbers that grow with a multiplier, rounded down or as papers round channels."""
    width = round(value / base)
    yield _Guess(f"int({width} * {name})", lambda p: math.floor(width * p))
    for factor, least in product(_FACTORS, (0.0, 1.0)):
        if value % factor:
            continue
        each = round(value / factor / base)
        multiplier = f"max({least}, {name})" if least else name
        times = "" if factor == 1 else f"{factor} * "
        yield _Guess(
            f"{times}make_divisible({each} * {multiplier}, {_ROUNDED_TO})",
            partial(_rounded, factor, each, least),
            (make_divisible,),
        )


def _rounded(factor: int, width: int, least: float, multiplier: float) -> int:
    return factor * make_divisible(width * max(least, multiplier), _ROUNDED_TO)


def _of_two(
    names: Sequence[str],
    given: Sequence[Sequence[Any]],
    column: Sequence[Any],
    places: Sequence[Any],
) -> Iterator[_Guess]:
    """Products of two whole numbers, each with something added.

    ``places`` are the settings in which none is changed, one, the other, both.
    """
    first, second = given
    if not all(type(value) is int for value in (first[0], second[0], column[0])):
        return
    none, one, other, both = (column[place] for place in places)
    p, q = first[places[1]] - first[0], second[places[2]] - second[0]
    p2, q2 = first[places[3]] - first[0], second[places[3]] - second[0]
    # none + a·p + b·q + c·p·q, for differences from the first setting.
    a, b = (one - none) / p, (other - none) / q
    c = (both - none - a * p2 - b * q2) / (p2 * q2)
    if not c or any(each % 1 for each in (a, b, c, a / c, b / c)):
        return
    # c (p + s)(q + t), for the parameters themselves.
    s, t, factor = int(b / c) - first[0], int(a / c) - second[0], int(c)
    parts = [
        name if not shift else f"({_linear(1, name, shift)})"
        for name, shift in zip(names, (s, t), strict=True)
    ]
    times = "" if factor == 1 else f"{factor} * "
    yield _Guess(f"{times}{' * '.join(parts)}", lambda x, y: factor * (x + s) * (y + t))


def _linear(slope: int, name: str, offset: int) -> str:
    """``3 * (classes + 5)``, ``classes - 1``."""
    if slope not in (1, -1) and offset and offset % slope == 0:
        return f"{slope} * ({_linear(1, name, offset // slope)})"
    found = name if slope == 1 else f"{slope} * {name}"
    if not offset:
        return found
    return f"{found} {'+' if offset > 0 else '-'} {abs(offset)}"
