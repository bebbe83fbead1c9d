"""Numbers in arguments: exact integers, C++'s division, precedence, and the functions."""

import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torchvision.models._utils import _make_divisible

import archdsl
from archdsl.diagnostics import ArchError

NET = "relu<input<1,2,2>>"
many = settings(max_examples=150, deadline=None)
numbers = st.integers(-(10**9), 10**9)


def value(expression: str, kind: str = "long", **given_: Any) -> Any:
    """What an expression is worth, read back as the default of a parameter."""
    names = ""
    for name, number in given_.items():
        names += f"const {'long' if isinstance(number, int) else 'double'} {name} = {number};"
    network = archdsl.load(f"{names} param {kind} v = {expression};\n{NET}")
    parameters = network.check().checked.parameters
    assert parameters is not None
    return parameters["v"]


def truncated(a: int, b: int) -> int:
    """C++: towards zero."""
    return math.trunc(Fraction(a, b))


@many
@given(numbers, numbers)
def test_two_numbers(a: int, b: int) -> None:
    assert value("a + b", a=a, b=b) == a + b
    assert value("a - b", a=a, b=b) == a - b
    assert value("a * b", a=a, b=b) == a * b
    for symbol, truth in (("==", a == b), ("!=", a != b), ("<=", a <= b), (">=", a >= b)):
        assert value(f"a {symbol} b", "bool", a=a, b=b) is truth


@many
@given(numbers, st.integers(-50, 50).filter(bool))
def test_division_goes_towards_zero(a: int, b: int) -> None:
    quotient = value("a / b", a=a, b=b)
    assert quotient == truncated(a, b)
    assert value("a % b", a=a, b=b) == a - b * quotient == int(math.fmod(a, b))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("7/2", 3), ("-7/2", -3), ("7/-2", -3), ("-7/-2", 3), ("-7%3", -1), ("7%-3", 1), ("1/2*2", 0)],
)
def test_division_by_hand(text: str, expected: int) -> None:
    assert value(text) == expected


@many
@given(st.lists(st.tuples(st.sampled_from("+-*"), st.integers(0, 999)), max_size=12))
def test_precedence_is_that_of_python(parts: list[tuple[str, int]]) -> None:
    text = "1" + "".join(f" {symbol} {number}" for symbol, number in parts)
    assert value(text) == eval(text)


@many
@given(st.lists(st.tuples(st.sampled_from("+*/%"), st.integers(1, 99)), max_size=8))
def test_division_has_the_precedence_of_products(parts: list[tuple[str, int]]) -> None:
    """Without negative numbers Python's // is C++'s /."""
    text = "100" + "".join(f"{symbol}{number}" for symbol, number in parts)
    divisions = [symbol for symbol, _ in parts if symbol in "/%"]
    try:
        expected = eval(text.replace("/", "//"))
    except ZeroDivisionError:
        assert divisions
        with pytest.raises(ArchError, match="division by zero"):
            value(text)
        return
    assert value(text) == expected


trees = st.recursive(
    st.integers(0, 99).map(lambda n: (str(n), n)),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from("+-*"), inner, inner).map(
            lambda t: (
                f"({t[1][0]}{t[0]}{t[2][0]})",
                {"+": t[1][1] + t[2][1], "-": t[1][1] - t[2][1], "*": t[1][1] * t[2][1]}[t[0]],
            )
        ),
        st.tuples(inner, inner.filter(lambda t: t[1] != 0)).map(
            lambda t: (f"({t[0][0]}/{t[1][0]})", truncated(t[0][1], t[1][1]))
        ),
        inner.map(lambda t: (f"-{t[0]}", -t[1])),
        st.tuples(inner, inner).map(
            lambda t: (f"max({t[0][0]}, {t[1][0]}, 3)", max(t[0][1], t[1][1], 3))
        ),
        inner.map(lambda t: (f"abs({t[0]})", abs(t[1]))),
    ),
    max_leaves=12,
)


@many
@given(trees)
def test_nested_expressions(tree: tuple[str, int]) -> None:
    text, expected = tree
    assert value(text) == expected


@many
@given(st.lists(st.booleans(), min_size=1, max_size=6), st.data())
def test_logic(truths: list[bool], data: st.DataObject) -> None:
    """&& binds tighter than ||, and ! tighter than both; as in Python."""
    text = python = ""
    for index, truth in enumerate(truths):
        if index:
            both = data.draw(st.booleans())
            text += " && " if both else " || "
            python += " and " if both else " or "
        negated = data.draw(st.booleans())
        text += ("!" if negated else "") + str(truth).lower()
        python += ("(not " if negated else "(") + f"{truth})"
    assert value(text, "bool") is eval(python)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 1 == 2 && 2 * 2 >= 4", True),
        ("1 == 2 || 3 != 4", True),
        ("1 <= 2 == true", True),  # comparisons of order bind tighter than equality
        ("2 == 1 + 1", True),
        ("!(1 == 1)", False),
        ("!0", True),
        ("true + true == 2", True),
        ("false || true && false", False),
        ("(1 << 2 + 3) == 32", True),
        ("(1 & 2 == 2) == 1", True),
    ],
)
def test_precedence_by_hand(text: str, expected: bool) -> None:
    assert value(text, "bool") is expected


def test_integers_are_exact() -> None:
    assert value("9007199254740993 + 2") == 9007199254740995
    assert value("4294967295 * 4294967297") == 2**64 - 1


@many
@given(st.floats(-1e6, 1e6).map(abs), st.floats(1e-3, 1e6), st.integers(-1000, 1000))
def test_fractions(a: float, b: float, n: int) -> None:
    assert value(f"{a!r} / {b!r} + n", "double", n=n) == a / b + n
    assert value(f"n * {a!r}", "double", n=n) == n * a
    assert value(f"floor({a!r})") == math.floor(a)
    assert value(f"ceil({a!r})") == math.ceil(a)
    assert value(f"sqrt({b!r})", "float") == math.sqrt(b)


def test_a_fraction_makes_the_division_one_of_fractions() -> None:
    assert value("7 / 2.0", "float") == 3.5
    assert value("7 / 2", "float") == 3.0
    assert value("7.0 % 4", "float") == 3.0


@pytest.mark.parametrize(
    ("x", "expected"), [("0.4", 0), ("0.5", 1), ("1.5", 2), ("2.5", 3), ("3.2", 3), ("7", 7)]
)
def test_round_takes_halves_up(x: str, expected: int) -> None:
    assert value(f"round({x})") == expected


@many
@example(10, 9, 0.5)  # 9 is nine tenths of 10: enough
@given(st.integers(1, 4000), st.sampled_from([1, 4, 8, 16, 32]), st.sampled_from([0.25, 0.5, 1.4]))
def test_make_divisible_is_that_of_mobilenet(x: int, divisor: int, width: float) -> None:
    assert value(f"make_divisible({x}, {divisor})") == _make_divisible(x, divisor)
    assert value(f"make_divisible({x} * {width}, {divisor})") == _make_divisible(x * width, divisor)


def test_min_and_max() -> None:
    assert value("max(3)") == 3
    assert value("max(1, 4 - 2, min(9, 5))") == 5
    assert value("min(2.5, 3)", "float") == 2.5


def test_arithmetic_wherever_a_number_stands() -> None:
    text = (
        "const int n = 3; template <int N = n * 2, typename SUBNET> using c = con<N+1,n,n,SUBNET>;"
        "repeat<n-1,c<n%2>,c<input<n-2,n*n,8/n+6>>>"
    )
    shapes = [row.shape for row in archdsl.load(text).summary().rows]
    assert shapes == [(1, 9, 8), (7, 9, 8), (2, 9, 8), (2, 9, 8)]
