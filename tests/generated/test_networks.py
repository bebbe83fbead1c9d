"""Random networks of the whole catalogue are what is said of them, in every form."""

import pytest
from hypothesis import given
from modules import cases
from properties import PROPERTIES
from support.random_networks import networks

CHEAP = ("summary", "optimised", "dlib")


@cases(100)
@given(networks())
def test_what_is_said_optimised_and_written_for_dlib(text: str) -> None:
    for name in CHEAP:
        PROPERTIES[name](text)


@pytest.mark.slow
@cases(40)
@given(networks())
def test_source(text: str) -> None:
    PROPERTIES["source"](text)


@pytest.mark.slow
@cases(40)
@given(networks())
def test_torchscript(text: str) -> None:
    PROPERTIES["torchscript"](text)


@pytest.mark.slow
@cases(30)
@given(networks())
def test_programs_of_torch_export(text: str) -> None:
    PROPERTIES["exported programs"](text)


@pytest.mark.slow
@cases(30)
@given(networks())
def test_onnx(text: str) -> None:
    PROPERTIES["onnx"](text)


def test_every_property_is_tested() -> None:
    tested = {*CHEAP, "source", "torchscript", "exported programs", "onnx"}
    assert tested == set(PROPERTIES)
