"""Cut off specs, and texts of any characters: a network or an error that can be shown.

Damaged specs of every kind are among the formats of tests/fuzz.
"""

import pytest
from fuzz.formats import EVERY_CONSTRUCT
from fuzz.oracle import Fault, judged
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import archdsl
from archdsl.diagnostics import render
from archdsl.frontend.bundled import spec_names, specs_folder
from archdsl.frontend.elaborate import Limits
from archdsl.frontend.syntax.parser import parse

LIMITS = Limits(layers=3000)
SPECS = {name: (specs_folder() / f"{name}.arch").read_text("utf-8") for name in spec_names()}


def survives(text: str) -> None:
    """Load a text: it gives a network, with warnings that can be shown, or an error."""

    def check() -> None:
        network = archdsl.load(text + "\n", limits=LIMITS).check()
        assert len(network.graph) > 0
        assert network.summary().parameters >= 0
        assert all(render(warning) for warning in network.warnings)

    found = judged(check)
    assert not isinstance(found, Fault), found.story


def test_the_text_of_every_construct_loads() -> None:
    assert len(archdsl.load(EVERY_CONSTRUCT).check().graph) > 0


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=60))
def test_any_text(text: str) -> None:
    survives(text)


@pytest.mark.parametrize("name", ["lenet", "googlenet", "mobilenet_v2"])
def test_every_beginning_of_a_spec(name: str) -> None:
    """A text that is cut off anywhere is refused, and its error lies within it."""
    text = SPECS[name]
    for end in range(0, len(text), max(1, len(text) // 60)):
        survives(text[:end])


def test_parsing_again_gives_the_same_after_errors() -> None:
    """The parser is shared; what it met before must not show."""
    before = len(parse(archdsl.load(EVERY_CONSTRUCT).source).items)
    for broken in ("fc<", "fc<10,", "template <", '#include "', "/*"):
        survives(broken)
    assert len(parse(archdsl.load(EVERY_CONSTRUCT).source).items) == before
