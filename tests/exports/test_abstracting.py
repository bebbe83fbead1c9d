"""The pattern of instances: constants, arguments and formulas give every instance back."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archdsl.analysis.anti_unification import Abstraction, Constant, Formula, abstract, same

RESNET = [  # in, out, kernel, stride, padding, of ResNet's convolutions
    (3, 64, 7, 2, 3),
    (64, 64, 1, 1, 0),
    (64, 64, 3, 1, 1),
    (64, 256, 1, 1, 0),
    (256, 128, 1, 1, 0),
    (128, 128, 3, 2, 1),
]


def test_equal_slots_are_constants_and_others_arguments() -> None:
    found = abstract([(3, 64, True), (64, 192, True)])
    assert found.terms == (Formula(0), Formula(1), Constant(True))
    assert [argument.values for argument in found.arguments] == [(3, 64), (64, 192)]


def test_slots_that_always_agree_share_an_argument() -> None:
    found = abstract([(8, 8, 5), (16, 16, 7)])
    assert found.terms == (Formula(0), Formula(0), Formula(1))
    assert len(found.arguments) == 2


def test_parameters_give_their_names_and_are_what_formulas_are_of() -> None:
    names = {"N": [r[1] for r in RESNET], "K": [r[2] for r in RESNET], "S": [r[3] for r in RESNET]}
    found = abstract(RESNET, names)
    by_name = {a.parameter: i for i, a in enumerate(found.arguments)}
    assert by_name.keys() == {None, "N", "K", "S"}
    into, out, kernel, stride, padding = found.terms
    assert into == Formula(by_name[None])
    assert (out, kernel, stride) == (Formula(by_name["N"]), Formula(by_name["K"]), Formula(3))
    assert padding == Formula(by_name["K"], over=2)
    assert padding.text("k") == "k // 2"


def test_a_multiple_of_a_parameter_needs_no_argument_of_its_own() -> None:
    found = abstract([(256, 64), (512, 128), (1024, 256)], {"N": [64, 128, 256]})
    (channels,) = found.arguments
    assert found.terms == (Formula(0, times=4), Formula(0))
    assert (channels.parameter, channels.slot) == ("N", 1)
    assert found.terms[0].text("n") == "4 * n"


def test_parameters_that_no_slot_needs_are_left_out() -> None:
    found = abstract([(1, 2), (1, 3)], {"UNUSED": [5, 6], "SAME": [1, 1]})
    assert [argument.parameter for argument in found.arguments] == [None]


def test_usual_neutral_values_are_defaults_and_come_last() -> None:
    found = abstract([(1, 8), (1, 16), (2, 24), (1, 32)])
    assert [a.default for a in found.arguments] == [None, Constant(1)]
    assert [found.arguments[1].given(row) for row in range(4)] == [False, False, True, False]
    assert found.terms == (Formula(1), Formula(0))
    sizes = abstract([(64,), (64,), (128,)])
    assert sizes.arguments[0].default is None


def test_equal_values_of_different_types_differ() -> None:
    found = abstract([(1, 1.0, True), (1.0, 1, 1)])
    assert not any(isinstance(term, Constant) for term in found.terms)
    assert found.row(0) == (1, 1.0, True)
    assert list(map(type, found.row(1))) == [float, int, int]
    assert not same((1, True), (1, 1))


def test_one_instance_is_all_constants() -> None:
    found = abstract([(3, (7, 7), "zeros", None)], {"N": [3]})
    assert found.arguments == ()
    assert found.row(0) == (3, (7, 7), "zeros", None)
    assert abstract([]) == Abstraction((), ())


VALUES = st.one_of(
    st.integers(-4, 70),
    st.booleans(),
    st.sampled_from([0.5, 1.0, None, "zeros", (1, 1), (1, True), (3, 5)]),
)
TABLES = st.integers(1, 5).flatmap(
    lambda width: st.lists(st.lists(VALUES, min_size=width, max_size=width), min_size=1, max_size=6)
)


@settings(max_examples=50, deadline=None)
@given(TABLES, st.data())
def test_every_instance_comes_back(rows: list[list[object]], data: st.DataObject) -> None:
    column = st.lists(VALUES, min_size=len(rows), max_size=len(rows))
    parameters = data.draw(st.dictionaries(st.sampled_from("NKS"), column))
    found = abstract(rows, parameters)
    for index, row in enumerate(rows):
        assert same(found.row(index), tuple(row))
    # None is there for nothing, and no two say the same.
    used = {term.argument for term in found.terms if isinstance(term, Formula)}
    assert used == set(range(len(found.arguments)))
    pairs = [(a, b) for i, a in enumerate(found.arguments) for b in found.arguments[:i]]
    assert not any(same(a.values, b.values) for a, b in pairs)


@pytest.mark.parametrize("transposed", [pytest.param(False, marks=pytest.mark.slow), True])
def test_large_tables_take_time_in_proportion(transposed: bool) -> None:
    def seconds(size: int) -> float:
        shape = (size, 4) if transposed else (4, size)
        rows = [[i * 7 + j * j for j in range(shape[1])] for i in range(shape[0])]
        start = time.process_time()
        abstract(rows)
        return time.process_time() - start

    seconds(1000)
    # Four times the size: a square would be 16 times the time.
    assert any(seconds(20_000) < 12 * max(seconds(5_000), 0.005) for _ in range(3))
