"""Anti-unification: the pattern that instances share, and the few arguments that differ.

Two calls ``conv(3, 64, 7)`` and ``conv(64, 192, 7)`` are instances of one pattern with three slots:
the last is a constant, the others take arguments (Plotkin 1970, "A Note on Inductive
Generalization", the least general generalisation of terms, here of rows of equal length). Slots
that always agree share an argument; a slot that is always four times another is written so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

Value = Hashable
"""An int, a float, a bool, a string, None, or a tuple of such."""

NEUTRAL: frozenset[Value] = frozenset({0, 1, None})
"""Values that may become defaults; 0 and 1 stand for False and True as well."""

_DIVISORS = (2, 3, 4, 6, 8, 16)
_MOST_COMPARED = 24
"""Largest number of arguments a column is compared with, which keeps the work linear."""


class Constant(NamedTuple):
    """A slot that has one value in every instance."""

    value: Value


class Formula(NamedTuple):
    """A slot that follows from an argument: ``argument * times // over``, plain where both are 1.

    ``argument`` is an index into the arguments of the abstraction.
    """

    argument: int
    times: int = 1
    over: int = 1

    @property
    def plain(self) -> bool:
        """True if the slot is the argument itself."""
        return self.times == self.over == 1

    def uses(self, argument: int) -> bool:
        """True if it follows from this argument."""
        return argument == self.argument

    def value(self, argument: Value) -> Value:
        """The slot's value where the argument has this one."""
        if self.plain:
            return argument
        assert isinstance(argument, int)
        return argument * self.times // self.over

    def text(self, name: str) -> str:
        """The formula with the argument's name, as Python and archdsl's language both write it."""
        factor = "" if self.times == 1 else f"{self.times} * "
        return f"{factor}{name}" + ("" if self.over == 1 else f" // {self.over}")


Term = Constant | Formula


class Argument(NamedTuple):
    """An argument of the pattern, with its value in each instance.

    ``parameter`` is the parameter that has these values, if one has; ``slot`` the first slot that
    is this argument as it is. One of the two is always there. ``default`` is a constant where the
    argument may go without saying.
    """

    values: tuple[Value, ...]
    parameter: str | None
    slot: int | None
    default: Constant | None

    def given(self, row: int) -> bool:
        """True if an instance has to state the argument, which differs from the default there."""
        return self.default is None or not same(self.default.value, self.values[row])


@dataclass(frozen=True)
class Abstraction:
    """A term for each slot, and the arguments: those that have defaults come last."""

    terms: tuple[Term, ...]
    arguments: tuple[Argument, ...]

    def row(self, index: int) -> tuple[Value, ...]:
        """The values of the slots in an instance, which are those that it was made from."""
        return tuple(
            term.value
            if isinstance(term, Constant)
            else term.value(self.arguments[term.argument].values[index])
            for term in self.terms
        )


def same(first: Value, second: Value) -> bool:
    """True if values are equal and of one type: True, 1 and 1.0 are three values here."""
    if type(first) is not type(second):
        return False
    if isinstance(first, tuple) and isinstance(second, tuple):
        return len(first) == len(second) and all(map(same, first, second))
    return first == second


def abstract(
    rows: Sequence[Sequence[Value]], parameters: Mapping[str, Sequence[Value]] | None = None
) -> Abstraction:
    """The pattern of instances, each a row of as many slots as the others.

    ``parameters`` are columns with a value per instance that have names already: an argument is
    one of them where it can be, in its order of first use by a slot. The work is linear in the
    number of values.
    """
    if not rows:
        return Abstraction((), ())
    known = {name: tuple(column) for name, column in (parameters or {}).items()}
    search = _Search({name: values for name, values in known.items() if _varies(values)})
    columns = [tuple(column) for column in zip(*rows, strict=True)]
    terms = [search.term(index, column) for index, column in enumerate(columns)]
    return _ordered(terms, search.found)


class _Column(NamedTuple):
    values: tuple[Value, ...]
    parameter: str | None
    slot: int | None


class _Search:
    """Terms for columns, one after the other, over a growing list of arguments."""

    def __init__(self, parameters: Mapping[str, tuple[Value, ...]]) -> None:
        self.found: list[_Column] = []
        self._parameters = parameters
        self._numbered: dict[str, int] = {}
        self._equal: dict[tuple[Value, ...], int] = {}

    def term(self, slot: int, column: tuple[Value, ...]) -> Term:
        if not _varies(column):
            return Constant(column[0])
        key = _typed(column)
        if key in self._equal:
            return self._plain(self._equal[key], slot)
        for name, values in self._parameters.items():
            if _typed(values) == key:
                return self._plain(self._parameter(name), slot)
        if all(type(value) is int for value in column):
            for source, times, over in self._related(column):
                index = self._parameter(source) if isinstance(source, str) else source
                return Formula(index, times, over)
        self.found.append(_Column(column, None, slot))
        self._equal[key] = len(self.found) - 1
        return Formula(len(self.found) - 1)

    def _plain(self, index: int, slot: int) -> Formula:
        if self.found[index].slot is None:
            self.found[index] = self.found[index]._replace(slot=slot)
        return Formula(index)

    def _parameter(self, name: str) -> int:
        if name not in self._numbered:
            values = self._parameters[name]
            self._numbered[name] = len(self.found)
            self._equal.setdefault(_typed(values), len(self.found))
            self.found.append(_Column(values, name, None))
        return self._numbered[name]

    def _related(self, column: tuple[Value, ...]) -> Iterator[tuple[str | int, int, int]]:
        """Parameters and arguments that the column is a multiple or a part of."""
        named = list(self._parameters.items())[:_MOST_COMPARED]
        candidates: list[tuple[str | int, tuple[Value, ...]]] = [*named]
        candidates += [(i, c.values) for i, c in enumerate(self.found[:_MOST_COMPARED])]
        for name, values in candidates:
            if all(type(value) is int for value in values):
                ratio = _ratio(column, values)
                if ratio is not None:
                    yield name, *ratio


def _ratio(column: tuple[Value, ...], values: tuple[Value, ...]) -> tuple[int, int] | None:
    """``times`` and ``over`` that make ``column`` of ``values``: a multiple, else a part."""
    pairs = dict.fromkeys(zip(column, values, strict=True))
    first, base = next(iter(pairs))
    assert isinstance(first, int) and isinstance(base, int)
    if base and first % base == 0:
        times = first // base
        if times > 1 and all(c == v * times for c, v in pairs):  # type: ignore[operator]
            return times, 1
    for over in _DIVISORS:
        if all(c * over == v for c, v in pairs):  # type: ignore[operator]
            return 1, over
    # Inexact parts are mere chance, but for the padding that keeps a size: of odd kernels.
    if all(c * 2 + 1 == v for c, v in pairs):  # type: ignore[operator]
        return 1, 2
    return None


def _varies(column: tuple[Value, ...]) -> bool:
    return not all(same(column[0], value) for value in column)


def _typed(column: tuple[Value, ...]) -> tuple[Value, ...]:
    """A key that tells True from 1 and 1 from 1.0, which are equal."""
    return tuple(map(_key, column))


def _key(value: Value) -> Value:
    if isinstance(value, tuple):
        return ("tuple", *map(_key, value))
    return type(value).__name__, value


def _ordered(terms: list[Term], found: list[_Column]) -> Abstraction:
    """The abstraction with its arguments reordered: those without defaults first."""
    arguments = [Argument(*column, default=_default(column.values)) for column in found]
    order = sorted(range(len(found)), key=lambda index: arguments[index].default is not None)
    place = {index: position for position, index in enumerate(order)}
    moved = [
        term._replace(argument=place[term.argument]) if isinstance(term, Formula) else term
        for term in terms
    ]
    return Abstraction(tuple(moved), tuple(arguments[index] for index in order))


def _default(values: tuple[Value, ...]) -> Constant | None:
    """The default of an argument: a neutral value that most instances have, or ``None``."""
    key, count = Counter(_typed(values)).most_common(1)[0]
    value = values[_typed(values).index(key)]
    neutral = isinstance(value, (int, type(None))) and value in NEUTRAL
    return Constant(value) if neutral and 2 * count > len(values) else None
