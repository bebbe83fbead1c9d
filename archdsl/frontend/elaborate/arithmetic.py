"""Numbers in arguments: C++ arithmetic, and the functions that width multipliers need."""

from __future__ import annotations

import math
from collections.abc import Callable

from archdsl.diagnostics import fail, listing, nearest
from archdsl.diagnostics.source import Span
from archdsl.frontend.elaborate.arguments import in_parentheses
from archdsl.frontend.syntax import nodes
from archdsl.frontend.syntax.operators import OPERATORS, Number
from archdsl.ir.layer import lookup
from archdsl.ir.trampoline import Task

_LEAST, _MOST = -(2**63), 2**64 - 1
"""The range of whole numbers: those of C++'s signed and unsigned types of 64 bits."""


def make_divisible(x: float, divisor: int) -> int:
    """``x`` rounded to a multiple of ``divisor``, but never down by more than a tenth.

    The rule of the MobileNet papers' reference code for channels under a width multiplier.
    """
    rounded = max(divisor, int(x + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * x else rounded


def _round(x: float) -> int:
    return math.floor(x + 0.5)  # halves up, as a reader expects, not to even


FUNCTIONS: dict[str, tuple[int | None, Callable[..., Number]]] = {
    "round": (1, _round),
    "floor": (1, math.floor),
    "ceil": (1, math.ceil),
    "abs": (1, abs),
    "sqrt": (1, math.sqrt),
    "max": (None, lambda *numbers: max(numbers)),
    "min": (None, lambda *numbers: min(numbers)),
    "make_divisible": (2, make_divisible),
}
"""Number of arguments (``None``: one or more) and meaning of each function."""


def apply_operator(operator: str, a: Number, b: Number, span: Span) -> Number:
    """One operation on two numbers; raises ArchError on division by zero and overflow."""
    if operator in "/%" and b == 0:
        raise fail("division by zero", span, code="E121")
    if operator in ("<<", ">>", "&", "^", "|") and not (isinstance(a, int) and isinstance(b, int)):
        raise fail(f"'{operator}' takes whole numbers", span, code="E115")
    if operator in ("<<", ">>") and not 0 <= b < 64:
        raise fail(f"a number cannot be shifted by {b} bits", span, code="E006")
    try:
        return bounded(OPERATORS[operator][1](a, b), span)
    except OverflowError:
        raise fail("the result of this arithmetic is too large", span, code="E006") from None


def bounded(value: Number, span: Span) -> Number:
    """The value itself; raises ArchError where it is too large for any network, or infinite."""
    small = math.isfinite(value) if isinstance(value, float) else _LEAST <= value <= _MOST
    if not small:
        raise fail(
            "this number is too large",
            span,
            "whole numbers have 64 bits: from -2^63 to 2^64 - 1",
            code="E006",
        )
    return value


def operation(
    node: nodes.Operation, evaluate: Callable[[nodes.Expression], Task[Number]]
) -> Task[Number]:
    """The value of a flat list of operands and operators, by precedence."""
    values: list[Number] = [(yield evaluate(node.operands[0]))]
    waiting: list[str] = []
    for symbol, operand in zip(node.operators, node.operands[1:], strict=True):
        while waiting and OPERATORS[waiting[-1]][0] >= OPERATORS[symbol][0]:
            right = values.pop()
            values.append(apply_operator(waiting.pop(), values.pop(), right, node.span))
        waiting.append(symbol)
        values.append((yield evaluate(operand)))
    while waiting:
        right = values.pop()
        values.append(apply_operator(waiting.pop(), values.pop(), right, node.span))
    return values[0]


def function_of(node: nodes.Call) -> tuple[int | None, Callable[..., Number]]:
    """Number of arguments of a function (``None``: one or more), and the Python function for it.

    Raises ArchError where no function has the name.
    """
    name = node.name.text
    if name in FUNCTIONS:
        return FUNCTIONS[name]
    if lookup(name) is not None:
        raise in_parentheses(node)
    raise fail(
        f"unknown function '{name}'",
        node.name.span,
        f"the functions are {listing(FUNCTIONS)}",
        help=nearest(name, FUNCTIONS),
        code="E122",
    )


def call(node: nodes.Call, arguments: list[Number]) -> Number:
    """The value of a numeric function."""
    name = node.name.text
    arity, function = function_of(node)
    if len(arguments) != arity if arity is not None else not arguments:
        wanted = (
            f"{arity} argument{'s' if arity != 1 else ''}" if arity else "at least one argument"
        )
        raise fail(f"{name} takes {wanted}, found {len(arguments)}", node.span, code="E123")
    try:
        return bounded(function(*arguments), node.span)
    except (ValueError, OverflowError, ZeroDivisionError) as error:
        raise fail(f"{name} cannot be computed: {error}", node.span, code="E123") from None
