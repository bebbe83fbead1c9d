"""Damaged specs either load or are refused with a diagnostic; nothing else ever comes out."""

import re

import pytest
from fuzz.formats import EVERY_CONSTRUCT as ALL_KINDS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import archdsl
from archdsl.diagnostics import ArchError, render
from archdsl.frontend.bundled import spec_names, specs_folder
from archdsl.frontend.elaborate import Limits
from archdsl.frontend.syntax.parser import parse

LIMITS = Limits(layers=3000)
TOKEN = re.compile(r"\w+|\s+|//[^\n]*|[^\w\s]")
SPECS = {name: (specs_folder() / f"{name}.arch").read_text("utf-8") for name in spec_names()}
SMALL = [text for text in SPECS.values() if len(text) < 4000]
SNIPPETS = [
    *"<>,;=()+-*/%!&|.:#\"'\\0123456789_ \n\t{}[]\x00\x1b\u202eé",
    ">>", "<=", ">=", "==", "&&", "||", "...", "//", "/*", "*/", "::", "#include", '#include "x"',
    "template <", "typename", "class", "using", "using namespace dlib;", "param", "const", "int",
    "bool", "float", "unsigned char", "true", "false", "SUBNET", "input<", "input<3,8,8>", "relu",
    "relu<", "con<", "fc<", "tag1<", "tag1", "skip1<", "add_prev1<", "repeat<", "residual<",
    "parallel<", "outputs<", "branch<", "compose<", "when<", "scale<", "dense<", "concat2<",
    "add_tag_layer<", "add_layer<", "matrix<", "std::array<", "rgb_pixel", "N", "padding=", "1e9",
    "1e999", "99999999999999999999", "-1", "0", "round(", "max()", "net_type", "add", "mult",
]  # fmt: skip


def survives(text: str, **wanted: object) -> None:
    """Load a text: it gives a network or an ArchError that can be shown."""
    try:
        network = archdsl.load(text + "\n", limits=LIMITS).check()
    except ArchError as error:
        found = error.diagnostics
        assert found
        for diagnostic in found:
            shown = render(diagnostic)
            assert diagnostic.message in shown.splitlines()[0] or "\n" in diagnostic.message
            if diagnostic.span is not None:
                span = diagnostic.span
                assert 0 <= span.start <= span.end <= len(span.source.text)
    else:
        assert len(network.graph) > 0
        assert network.summary().parameters >= 0
        for warning in network.warnings:
            assert render(warning)


@st.composite
def damaged(draw: st.DrawFn, texts: list[str]) -> str:
    """A text with one to four of its tokens or characters deleted, doubled, moved or replaced."""
    parts = TOKEN.findall(draw(st.sampled_from(texts)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(parts) - 1))
        action = draw(st.sampled_from(["delete", "double", "replace", "insert", "swap", "cut"]))
        if action == "delete":
            del parts[at : at + draw(st.integers(1, 3))]
        elif action == "double":
            parts.insert(at, parts[at])
        elif action == "replace":
            parts[at] = draw(st.sampled_from(SNIPPETS))
        elif action == "insert":
            parts.insert(at, draw(st.sampled_from(SNIPPETS)))
        elif action == "swap":
            other = draw(st.integers(0, len(parts) - 1))
            parts[at], parts[other] = parts[other], parts[at]
        else:
            word, inside = parts[at], draw(st.integers(0, 20))
            parts[at] = word[:inside] + word[inside + 1 :]
        parts = parts or [" "]
    return "".join(parts)


QUIET = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}


def test_the_texts_load_undamaged() -> None:
    for text in [*SMALL, ALL_KINDS]:
        assert len(archdsl.load(text).check().graph) > 0
    assert len(SMALL) > 10


@settings(max_examples=400, **QUIET)
@given(damaged([ALL_KINDS]))
def test_a_damaged_text_of_every_construct(text: str) -> None:
    survives(text)


@settings(max_examples=150, **QUIET)
@given(damaged(SMALL))
def test_damaged_specs(text: str) -> None:
    survives(text)


@settings(max_examples=300, **QUIET)
@given(st.lists(st.sampled_from(SNIPPETS), max_size=25).map(" ".join))
def test_heaps_of_tokens(text: str) -> None:
    survives(text)


@settings(max_examples=200, **QUIET)
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
    before = len(parse(archdsl.load(ALL_KINDS).source).items)
    for broken in ("fc<", "fc<10,", "template <", '#include "', "/*"):
        survives(broken)
    assert len(parse(archdsl.load(ALL_KINDS).source).items) == before
