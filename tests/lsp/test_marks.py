"""Tags and named places lead to where they are given, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types

from archdsl.editor import hover as hovering
from archdsl.editor import navigation as navigating
from archdsl.editor.files import Files

TEXT = """\
template <typename S> using b = add_prev1<relu<tag1<S>>>;
template <typename S> using c = concat2<tag1,tag2,tag2<sig<tag1<S>>>>;
using net_type = outputs<score=fc<2>,
    at<p, relu<skip1<relu<tap<p,tag1<b<input<4,8,8>>>>>>>>>;
"""


def marked(document: Any, at: types.Location) -> tuple[int, int, str]:
    """The line and column from 1 of a place, and its text."""
    places = document.file.places
    start, end = places.offset(at.range.start), places.offset(at.range.end)
    return at.range.start.line + 1, at.range.start.character + 1, document.text[start:end]


@pytest.mark.parametrize(
    ("at", "found"),
    [
        ("add_|prev1", (1, 48, "tag1")),
        ("ta|g1<S>>>;\ntemplate", (1, 48, "tag1")),
        ("concat2<ta|g1", (2, 60, "tag1")),
        ("tag1,ta|g2,", (2, 51, "tag2")),
        ("sk|ip1", (4, 33, "tag1")),
        ("at<|p", (4, 31, "p")),
    ],
)
def test_definitions(opened: Any, files: Files, at: str, found: tuple[int, int, str]) -> None:
    document, offset = opened(TEXT.replace(at.replace("|", ""), at, 1))
    place = navigating.definition(document, files, offset)
    assert place is not None and marked(document, place) == found


@pytest.mark.parametrize(
    ("at", "found"),
    [
        ("ta|g1<S>>>;\ntemplate", ["add_prev1", "tag1"]),
        ("concat2<ta|g1", ["tag1", "tag1"]),
        ("sk|ip1", ["skip1", "tag1"]),
        ("tap<|p", ["p", "p"]),
        ("sc|ore=", ["score"]),
    ],
)
def test_references(opened: Any, files: Files, at: str, found: list[str]) -> None:
    document, offset = opened(TEXT.replace(at.replace("|", ""), at, 1))
    places = navigating.references(document, files, offset)
    assert [marked(document, place)[2] for place in places] == found


def test_hover_says_which_place_is_meant(opened: Any) -> None:
    found = hovering.hover(*opened(TEXT.replace("at<p", "at<|p")))
    assert found is not None and "the place p, named at line 4" in str(found.contents)
    found = hovering.hover(*opened(TEXT.replace("add_prev1", "add|_prev1")))
    assert found is not None and "the place tag1, named at line 1" in str(found.contents)


def test_a_place_of_an_included_file(opened: Any, files: Files, tmp_path: Path) -> None:
    (tmp_path / "b.arch").write_text("template <typename S> using b = tap<c4,relu<S>>;\n")
    document, offset = opened('#include "b.arch"\nat<|c4,sig<b<input<4,8,8>>>>')
    place = navigating.definition(document, files, offset)
    assert place is not None and place.uri.endswith("b.arch")
    assert place.range.start == types.Position(0, 36)
