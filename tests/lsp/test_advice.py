"""An editor shows the warnings of ``archdsl check``, at the same places."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from editor import Editor, session
from lsprotocol import types

from archdsl.cli import main
from archdsl.diagnostics.codes import explanations
from archdsl.editor import diagnostics as diagnosing

BIAS = "template <int N, typename S> using b = relu<bn_con<con<N,3,3,1,1,padding=1,S>>>;\n"
NET = "using net_type = fc<3,b<8,b<9,input<3,8,8>>>>;\n"
TEXTS = [
    BIAS + NET,
    "const int n = 3;\nconst int m = n + 1;\n" + BIAS + NET,
    "/* 😀 */ const int n = 3; /* 😀😀 */ const int m = 4;\n" + BIAS + NET,
    "relu<tap<p,con<3,1,1,input<8,4,4>>>>",
    "fc<3,max_pool<2,2,2,2,input<4,8,7>>>",
    "loss_multiclass_log<softmax<fc<3,input<1,2,2>>>>",
    "add_prev1<max_pool<2,2,2,2,tag1<input<3,8,8>>>>",
    "// archdsl: allow W099\nfc<3,input<1,2,2>>",
    # What comments allow: all, a definition, the one before on the line, the wrong code, a frame.
    "// archdsl: allow W006, as published\n" + BIAS + "const int n = 3;\n" + NET,
    "const int n = 1;\n// archdsl: allow W006\n" + BIAS + NET,
    "const int n = 1; // archdsl: allow W001\n" + BIAS + NET,
    "const int n = 1; // archdsl: allow W002\n" + BIAS + NET,
    BIAS + "// archdsl: allow W006\n" + NET,
    # Braces hold several statements: such a text is one part.
    "const int n = 3;\nnamespace c { template <typename S> using b = relu<tag1<S>>; }\n"
    "fc<2,c::b<input<1,2,2>>>",
]
EXPLAINED = [
    example.text
    for code, explained in explanations().items()
    for example in (explained.wrong, explained.right)
    if code.startswith("W") and example is not None and not example.options
]

Found = list[tuple[str, str | int | None, Any]]


def checked(path: Path, text: str) -> Found:
    """The warnings of the command line: message, code and range."""
    path.write_text(text, encoding="utf-8")
    done = CliRunner().invoke(main, ["check", "--json", str(path)])
    (document,) = json.loads(done.stdout)["files"]
    assert document["ok"]
    return sorted((w["message"], w["code"], _numbers(w["range"])) for w in document["warnings"])


def shown(found: list[types.Diagnostic]) -> Found:
    """The same of what an editor was sent."""
    assert all(d.severity is types.DiagnosticSeverity.Warning for d in found)
    return sorted((d.message.split("\n")[0], d.code, _numbers(d.range)) for d in found)


def _numbers(range: Any) -> tuple[int, ...]:
    if isinstance(range, types.Range):
        return range.start.line, range.start.character, range.end.line, range.end.character
    return tuple(range[end][key] for end in ("start", "end") for key in ("line", "character"))


def test_the_warnings_of_an_editor_are_those_of_check(tmp_path: Path) -> None:
    path = tmp_path / "net.arch"

    async def script(editor: Editor) -> None:
        await editor.open("")
        told = set()
        for text in (*TEXTS, *EXPLAINED):
            expected = checked(path, text)
            assert shown(await editor.type(text)) == expected, text
            # A line more above it: the statements are kept, and stand elsewhere now.
            moved = f"\n{text}"
            assert shown(await editor.type(moved)) == checked(path, moved), moved
            told.update(code for _, code, _ in expected)
        assert {f"W00{n}" for n in range(1, 9)} <= told

    session(path, script)


def diagnosed(opened: Any, text: str) -> list[tuple[str | int | None, str]]:
    """The code and the marked text of each finding."""
    document, _ = opened(text)
    places = document.file.places
    return [
        (d.code, text[places.offset(d.range.start) : places.offset(d.range.end)])
        for d in diagnosing.diagnostics(document)
    ]


def test_advice_on_what_is_written_stays_where_shapes_are_wrong(opened: Any) -> None:
    text = "const int n = 3;\nresidual<con<8,3,3>,relu<tag1<input<4,9,9>>>>"
    assert sorted(diagnosed(opened, text)) == [
        ("E301", "residual"),
        ("W001", "n"),
        ("W002", "tag1"),
    ]


def test_an_unknown_name_hides_advice_that_may_depend_on_it(opened: Any) -> None:
    text = "const int n = 3;\nfc<m,input<4,9,9>>"
    assert diagnosed(opened, text) == [("E101", "m")]


def test_advice_on_an_included_file_is_not_shown_here(opened: Any, tmp_path: Path) -> None:
    block = "template <typename S> using b = relu<tag1<bn_con<con<4,3,3,S>>>>;\n"
    (tmp_path / "b.arch").write_text(block)
    net = "const int n = 3;\nfc<3,b<input<3,8,8>>>"
    assert diagnosed(opened, f'#include "b.arch"\n{net}') == [("W001", "n")]
    assert {code for code, _ in diagnosed(opened, block + net)} == {"W001", "W002", "W006"}


@pytest.mark.parametrize("text", ["", "template <typename S> using a = relu<sig<S>>;\n"])
def test_an_unknown_name_in_a_template_that_nothing_uses(opened: Any, text: str) -> None:
    block = "template <typename S> using b = rellu<S>;\n"
    for behind in ("", "using net_type = fc<3,input<3,8,8>>;"):
        assert ("E101", "rellu") in diagnosed(opened, text + block + behind)
