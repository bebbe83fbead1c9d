"""Every bundled spec with one token changed: it loads, or the error is near the change."""

import random
import re
import time
from collections.abc import Callable
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import archdsl
from archdsl.diagnostics import ArchError, Diagnostic
from archdsl.diagnostics.source import Source
from archdsl.frontend.bundled import spec_names, specs_folder
from archdsl.frontend.elaborate import Limits
from archdsl.frontend.syntax.parser import parse

LIMITS = Limits(layers=3000)
TOKEN = re.compile(r"//[^\n]*|\s+|\w+|[^\w\s]")
INSERTED = ["<", ">", ",", ";", "(", ")", "=", "3", "relu", "using", "template", "-", "::", "."]
NUMBERS = ["0", "1", "2", "7", "64", "4096", "1000000", "99999999999", "0.5", "-1"]


class Spec(NamedTuple):
    parts: list[str]
    code: list[int]
    """Which parts are neither space nor comment."""


def read(name: str) -> Spec:
    parts = TOKEN.findall((specs_folder() / f"{name}.arch").read_text("utf-8"))
    return Spec(parts, [i for i, p in enumerate(parts) if not p.isspace() and p[:2] != "//"])


SPECS = {name: read(name) for name in spec_names()}
ACTIONS = ["delete", "insert", "swap", "number"]


def mutated(spec: Spec, action: str, place: int, choose: Callable[[list[str]], str]) -> str:
    """The text with a change at a token of the code."""
    parts, code = list(spec.parts), spec.code
    if action == "number":
        code = [i for i in code if parts[i].isdecimal()] or code
    at = code[place % len(code)]
    if action == "delete":
        parts[at] = ""
    elif action == "insert":
        parts.insert(at, choose(INSERTED) + " ")
    elif action == "number":
        parts[at] = choose(NUMBERS)
    else:
        other = code[(code.index(at) + 1) % len(code)]
        parts[at], parts[other] = parts[other], parts[at]
    return "".join(parts)


def survives(text: str) -> None:
    start = time.process_time()
    found: tuple[Diagnostic, ...] | None = None
    try:
        archdsl.load(text, limits=LIMITS).check()
    except ArchError as error:
        found = error.diagnostics
    # The limits of layers and of template instances stop it within seconds; more would be a loop.
    assert time.process_time() - start < 30
    if found is not None:
        assert found
        assert all(d.code is not None and str(d) for d in found)


@st.composite
def mutations(draw: st.DrawFn) -> str:
    spec = SPECS[draw(st.sampled_from(sorted(SPECS)))]
    place = draw(st.integers(0, len(spec.code) - 1))
    return mutated(
        spec, draw(st.sampled_from(ACTIONS)), place, lambda words: draw(st.sampled_from(words))
    )


QUIET = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}


@settings(max_examples=400, **QUIET)
@given(mutations())
def test_one_changed_token(text: str) -> None:
    survives(text)


@pytest.mark.slow
@settings(max_examples=5_100, **QUIET)
@given(mutations())
def test_many_changed_tokens(text: str) -> None:
    survives(text)


def is_near(diagnostic: Diagnostic, line: int) -> bool:
    return diagnostic.span is not None and abs(diagnostic.span.position[0] - line) <= 1


def test_syntax_errors_are_found_where_they_are() -> None:
    """In nine cases of ten the first error is on the changed line or beside it."""
    chance = random.Random(1)
    near = total = 0
    for _ in range(45):
        for name, spec in SPECS.items():
            place = chance.randrange(len(spec.code) - 1)
            text = mutated(spec, chance.choice(ACTIONS[:3]), place, chance.choice)
            line = 1 + "".join(spec.parts[: spec.code[place]]).count("\n")
            try:
                parse(Source(name, text))
            except ArchError as error:
                total += 1
                near += is_near(error.diagnostics[0], line)
    assert total > 2000
    assert near >= 0.9 * total, f"{near} of {total}"
