"""Arithmetic in the terms of sums and products: ``x / 2`` is half of x, ``1 - x`` is -x + 1."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from archdsl.importers.trace.operation_entries import OperationEntry
from archdsl.importers.trace.operations import BY_METHOD
from archdsl.importers.trace.values import Cell

Bound = dict[str, object]
"""The arguments of an operation by name."""
Made = Callable[[OperationEntry, Bound], Cell]
"""Adds an operation to the graph, and gives its result."""
Rewritten = tuple[OperationEntry, Bound]


def in_sums_and_products(entry: OperationEntry, bound: Bound, made: Made) -> Rewritten:
    """The same operation as a sum or product where it is one, else as it is.

    ``made`` adds what stands before it.
    """
    rule = _RULES.get(entry.name)
    return (rule and rule(bound, made)) or (entry, bound)


def _sum(first: object, second: object) -> Rewritten:
    return BY_METHOD["add"], {"input": first, "other": second, "alpha": 1}


def _product(first: object, second: object) -> Rewritten:
    return BY_METHOD["mul"], {"input": first, "other": second}


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _quotient(bound: Bound, _: Made) -> Rewritten | None:
    first, other = bound["input"], bound["other"]
    exact = bound.get("rounding_mode") is None
    if exact and isinstance(first, Cell) and _number(other) and other != 0:
        return _product(first, 1 / cast("float", other))
    return None


def _difference(bound: Bound, made: Made) -> Rewritten | None:
    first, other, alpha = bound["input"], bound["other"], cast("float", bound["alpha"])
    if isinstance(first, Cell) and _number(other):
        return _sum(first, -alpha * cast("float", other))
    if not isinstance(other, Cell) or not (isinstance(first, Cell) or _number(first)):
        return None
    minus = made(*_product(other, -alpha))
    return _sum(first, minus) if isinstance(first, Cell) else _sum(minus, first)


def _negative(bound: Bound, _: Made) -> Rewritten | None:
    return _product(bound["input"], -1) if isinstance(bound["input"], Cell) else None


def _square(bound: Bound, _: Made) -> Rewritten | None:
    first = bound["input"]
    if isinstance(first, Cell) and bound.get("exponent", 2) == 2:
        return _product(first, first)
    return None


_RULES: Mapping[str, Callable[[Bound, Made], Rewritten | None]] = {
    "div": _quotient,
    "sub": _difference,
    "neg": _negative,
    "square": _square,
    "pow": _square,
}
"""By the operation's name."""
