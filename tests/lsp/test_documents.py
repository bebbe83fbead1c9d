"""What the language server knows of a text, right or broken."""

from __future__ import annotations

import asyncio
import random
import re
import time
from pathlib import Path
from typing import Any

import pytest
from editor import Editor, session
from lsprotocol import types

import archdsl
from archdsl.api import load_source
from archdsl.diagnostics.source import Source
from archdsl.editor import (
    completion as completing,
)
from archdsl.editor import (
    diagnostics as diagnosing,
)
from archdsl.editor import (
    hover as hovering,
)
from archdsl.editor import (
    navigation as navigating,
)
from archdsl.editor.document import LIVE_CHARACTERS, MOST_CHARACTERS, Document
from archdsl.editor.files import Files
from archdsl.editor.positions import Moved, Places
from archdsl.editor.stages import Checker
from archdsl.frontend.bundled import specs_folder

NET = """\
// A convolution and what follows it.
template <int N, typename SUBNET>
using unit = relu<con<N,3,3,2,2,padding=1,SUBNET>>;
const int width = 8;
using net_type =
    fc<10,
    unit<width,
    input<3,32,32>>>;
"""


def hovered(opened: Any, text: str) -> str:
    found = hovering.hover(*opened(text))
    assert found is not None and isinstance(found.contents, types.MarkupContent)
    return found.contents.value


def labels(opened: Any, text: str) -> list[str]:
    return [item.label for item in completing.completions(*opened(text)).items]


def edited(document: Document, edit: types.WorkspaceEdit) -> str:
    """The text of a document after an edit."""
    assert edit.changes is not None
    text, places = document.text, document.file.places
    for change in sorted(edit.changes[document.uri], key=lambda e: -places.offset(e.range.start)):
        start, end = places.offset(change.range.start), places.offset(change.range.end)
        text = text[:start] + change.new_text + text[end:]
    return text


def first_error(text: str) -> str | None:
    """The first error that the command line finds in a text, if it has a network."""
    try:
        load_source(Source("net.arch", text)).check()
    except archdsl.ArchError as error:
        message = error.diagnostics[0].message
        return None if "defines no" in message else message
    return None


# ---- positions ----


def test_columns_count_utf_16_units_by_default() -> None:
    text = "a\n😀b\r\n\u2028c"  # U+2028 ends a line for Python, not in the protocol
    places = Places(text)
    assert len(places.lines) == 3
    assert places.position(text.index("b")) == types.Position(1, 2)
    assert places.position(text.index("c")) == types.Position(2, 1)
    assert places.offset(types.Position(1, 2)) == text.index("b")
    assert places.offset(types.Position(1, 99)) == text.index("\r")
    assert Places(text, "utf-8").position(text.index("b")) == types.Position(1, 4)
    assert Places(text, "utf-32").position(text.index("b")) == types.Position(1, 1)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_offsets_survive_the_way_there_and_back(encoding: str) -> None:
    dice = random.Random(1)
    text = "".join(dice.choice("aé✓😀\n") for _ in range(300))
    places = Places(text, encoding)
    assert [places.offset(places.position(i)) for i in range(len(text))] == list(range(len(text)))


def test_moved_knows_what_stayed() -> None:
    old, new = "abc def ghi", "abc defdef ghi"
    moved = Moved(old, new)
    assert new[moved.new(old.index("g")) or 0] == "g" and moved.new(0) == 0
    assert moved.old(new.index("g")) == old.index("g")
    assert Moved("abc", "aXc").old(1) is None


# ---- diagnostics ----


@pytest.mark.parametrize("name", ["resnet50", "googlenet", "mask_rcnn_resnet50_fpn"])
def test_bundled_specs_have_no_errors_and_the_network_that_compiles(name: str) -> None:
    path = (specs_folder() / f"{name}.arch").resolve()
    document = Document(Files(), path.as_uri(), path, path.read_text())
    assert diagnosing.diagnostics(document) == []
    network = document.checked.network
    assert network is not None
    assert set(network.graph) == set(archdsl.load(name).graph)


def test_blocks_alone_are_no_error() -> None:
    path = (specs_folder() / "blocks" / "resnet.arch").resolve()
    document = Document(Files(), path.as_uri(), path, path.read_text())
    assert diagnosing.diagnostics(document) == []


def test_every_statement_has_its_own_errors(opened: Any) -> None:
    document, _ = opened("using a = relu<con<8,3,3>;\nusing b = relu<,>;\nusing c = fc<10,a;\n")
    found = diagnosing.diagnostics(document)
    assert [d.range.start.line for d in found] == [0, 1, 2]
    assert "line 3" in found[2].message  # not the first line of its statement


def test_the_same_errors_as_check_after_any_edit(opened: Any) -> None:
    """Kept statements must never show: what is found equals what a new start finds."""
    dice = random.Random(7)
    document, _ = opened(NET)
    text = NET
    for _ in range(60):
        at = dice.randrange(len(text))
        change = dice.choice(["", ">", ",", ";", "3", "relu<", "\n"])
        text = text[:at] + change + text[at + dice.randrange(3) :]
        if dice.random() < 0.2:
            text = NET
        document.change(text)
        fresh = Checker(Files()).check(document.file)
        assert [d.message for d in document.checked.findings] == [d.message for d in fresh.findings]
        assert [d.notes for d in document.checked.findings] == [d.notes for d in fresh.findings]
        first = next((d.message for d in document.checked.findings), None)
        assert first == first_error(text)


def test_frames_are_related_information(opened: Any) -> None:
    bad = "template <typename S> using two = residual<con<4,3,3,2,2>,S>;\n"
    document, _ = opened(bad + "using n = two<input<4,8,8>>;")
    (found,) = diagnosing.diagnostics(document)
    assert found.related_information is not None
    assert [r.location.range.start.line for r in found.related_information] == [1]
    assert found.severity == types.DiagnosticSeverity.Error and found.range.start.line == 0
    assert "4×3×3" in found.message and "4×8×8" in found.message  # (8 - 3) / 2 + 1


def test_errors_of_an_include_stand_at_the_include(opened: Any, tmp_path: Path) -> None:
    (tmp_path / "part.arch").write_text("using a = relu<,>;\n")
    document, _ = opened('// first\n#include "part.arch"\nusing n = relu<input<1,4,4>>;')
    (found,) = diagnosing.diagnostics(document)
    assert found.range.start.line == 1
    assert found.related_information is not None
    assert found.related_information[0].location.uri == (tmp_path / "part.arch").as_uri()


def test_unsaved_includes_count(opened: Any, tmp_path: Path) -> None:
    (tmp_path / "part.arch").write_text("template <typename S> using a = relu<S>;\n")
    document, _ = opened('#include "part.arch"\nusing n = a<input<1,4,4>>;')
    part, _ = opened("template <typename S> using b = relu<S>;\n", name="part.arch")
    document.recheck()
    assert "unknown" in diagnosing.diagnostics(document)[0].message
    part.change("template <typename S> using a = relu<S>;\n")
    document.recheck()
    assert diagnosing.diagnostics(document) == []


def test_what_is_too_large_is_said_not_built(opened: Any) -> None:
    document, _ = opened("using n = repeat<900000, relu, input<1,4,4>>;")
    (found,) = diagnosing.diagnostics(document)
    assert found.severity == types.DiagnosticSeverity.Information and "900,001" in found.message


# ---- hover and hints ----


def test_hover_tells_what_the_network_has_here(opened: Any) -> None:
    # fc of 8×16×16 to 10; a 3×3 convolution of 3 channels to 8 at stride 2 of 32×32
    assert f"{8 * 16 * 16 * 10 + 10:,} parameters" in hovered(opened, NET.replace("fc<", "f|c<"))
    con = hovered(opened, NET.replace("con<N", "c|on<N"))
    assert "**8×16×16**" in con and f"{3 * 8 * 9 + 8} parameters" in con and "sees 3×3" in con
    assert f"{3 * 8 * 9 * 16 * 16:,} MACs" in con
    assert "con<filters, kernel_h" in con


def test_hover_on_templates_arguments_and_constants(opened: Any) -> None:
    unit = hovered(opened, NET.replace("unit<w", "un|it<w"))
    assert "A convolution and what follows it." in unit and "using unit = relu<con" in unit
    assert "**8×16×16**" in unit and f"{3 * 8 * 9 + 8} parameters" in unit
    assert "at once" in hovered(opened, NET.replace("padding", "pad|ding"))
    assert "const int width = 8;" in hovered(opened, NET.replace("unit<w", "unit<w|"))
    assert "int N" in hovered(opened, NET.replace("con<N", "con<N|"))


def test_hover_of_a_qualified_name(opened: Any) -> None:
    assert "**1×4×4**" in hovered(opened, "using n = dlib::re|lu<input<1,4,4>>;")


def test_hover_outlives_an_error_elsewhere(opened: Any) -> None:
    document, _ = opened(NET)
    assert not document.checked.findings
    document.change("// 😀 longer\n" + NET.replace("fc<10,", "fc<10,relu<"))
    assert document.checked.findings
    found = hovering.hover(document, document.text.index("unit<w"))
    assert found is not None and "8×16×16" in str(found.contents)


def test_the_output_of_a_template_that_ends_in_a_side_branch(opened: Any) -> None:
    text = (
        "template <typename S> using body = branch<aux, fc<3>, con<8,3,3,2,2,S>>;\n"
        "using n = fc<10,bo|dy<input<1,9,9>>>;"
    )
    assert "**8×4×4**" in hovered(opened, text)


def test_hints_stand_at_line_ends(opened: Any) -> None:
    document, _ = opened(NET)
    hints = hovering.inlay_hints(document, 0, len(document.text))
    lines = NET.splitlines()
    assert [(h.position.line, h.label) for h in hints] == [
        (2, "8×16×16"),
        (5, "10"),
        (6, "8×16×16"),
        (7, "3×32×32"),
    ]
    assert all(h.position.character == len(lines[h.position.line]) for h in hints)


def test_hostile_text_cannot_leave_its_block_of_code(opened: Any) -> None:
    text = "// <img src=x> [a](b)\nusing evil = /* ``` */ relu;\nusing n = ev|il<input<1,2,2>>;"
    found = hovered(opened, text)
    assert re.search(r"(?<!\\)[<\[]", found.replace("input<", "")) is None
    assert found.startswith("````arch\n")


# ---- completion and signatures ----


def test_arguments_layers_templates_and_parameters_are_completed(opened: Any) -> None:
    found = labels(opened, NET.replace("padding=1,SUBNET", "padding=1,|"))
    assert {"bias=", "groups=", "relu", "N", "SUBNET"} <= set(found)
    assert not {"padding=", "filters=", "stride_w="} & set(found)  # given
    assert "unit" not in found  # not defined before itself
    assert "unit" in labels(opened, NET.replace("fc<10,", "fc<10,|"))
    assert {"N=", "width"} <= set(labels(opened, NET.replace("unit<width", "unit<|")))


def test_ways_of_starting_weights_are_completed(opened: Any) -> None:
    words = {"torch", "dlib", "he_fan_out", "lecun_uniform"}
    assert words <= set(labels(opened, "using net_type = fc<10,init=|,input<1,8,8>>;"))
    assert {*words, "con", "fc"} <= set(labels(opened, "// A net.\n// init: con |\n"))
    assert labels(opened, "// A net: init is |\n") == []


def test_completion_in_broken_text(opened: Any) -> None:
    assert "padding=" in labels(opened, "using a = relu<;\nusing n = fc<10,con<8,3,3,pad|")
    assert "true" in labels(opened, "using n = con<8,3,3,bias=|")
    assert labels(opened, "using na|") == []
    assert labels(opened, "// fc<|") == []
    assert "using" in labels(opened, "us|")
    assert "typename" in labels(opened, "template <|")
    assert "c4" in labels(opened, "using n = at<|, tap<c4, input<1,2,2>>>;")


def test_includes_are_completed(opened: Any, tmp_path: Path) -> None:
    (tmp_path / "mine.arch").write_text("")
    found = labels(opened, '#include "|')
    assert "mine.arch" in found and "blocks/resnet.arch" in found


@pytest.mark.parametrize(
    ("text", "parameter"),
    [
        ("using n = con<8,|", "kernel_h"),
        ("using n = con<8,3,3,padding=|", "padding="),
        ("using n = fc<10,relu<|", "SUBNET"),
        ("using n = con<(4+|", "filters"),
        (NET.replace("unit<width,", "unit<width,|"), "typename SUBNET"),
    ],
)
def test_signature_help_points_at_the_argument(opened: Any, text: str, parameter: str) -> None:
    found = completing.signature_help(*opened(text))
    assert found is not None and found.active_parameter is not None
    (signature,) = found.signatures
    assert signature.parameters is not None
    start, end = signature.parameters[found.active_parameter].label
    assert isinstance(start, int) and isinstance(end, int)
    assert signature.label[start:end].startswith(parameter)


# ---- names ----


@pytest.mark.parametrize(
    ("marked", "line"),
    [("un|it<w", 2), ("|width,", 3), ("con<|N", 1), ("S|UBNET>>", 1)],
)
def test_definitions(opened: Any, files: Files, marked: str, line: int) -> None:
    document, offset = opened(NET.replace(marked.replace("|", ""), marked))
    found = navigating.definition(document, files, offset)
    assert found is not None and found.range.start.line == line


def test_includes_and_what_is_in_them_are_found(opened: Any, files: Files, tmp_path: Path) -> None:
    part = tmp_path / "part.arch"
    part.write_text("\ntemplate <typename S> using a = relu<S>;\n")
    for text, line in (
        ('#include "pa|rt.arch"\nusing n = a<input<1,4,4>>;', 0),
        ('#include "part.arch"\nusing n = |a<input<1,4,4>>;', 1),
    ):
        document, offset = opened(text)
        found = navigating.definition(document, files, offset)
        assert found is not None and found.uri == part.as_uri()
        assert found.range.start.line == line


def test_a_later_definition_shadows_for_later_uses(opened: Any, files: Files) -> None:
    text = (
        "template <typename S> using a = relu<S>;\nusing x = a<a<input<1,2,2>>>;\n"
        "template <typename S> using a = tanh<S>;\nusing y = |a<input<1,2,2>>;"
    )
    found = navigating.references(*opened(text)[:1], files, text.index("|"))
    assert [r.range.start.line for r in found] == [2, 3]
    first = navigating.references(opened(text)[0], files, text.index("using a") + 6)
    assert [r.range.start.line for r in first] == [0, 1, 1]


def test_rename_keeps_the_network_and_leaves_comments_alone(opened: Any, files: Files) -> None:
    for marked, name in (("un|it<w", "block"), ("con<|N", "COUNT"), ("|width,", "size")):
        document, offset = opened(NET.replace(marked.replace("|", ""), marked))
        old = marked.replace("|", "")
        text = edited(document, navigating.rename(document, files, offset, name))
        assert name in text and text != NET and old not in text
        assert text.splitlines()[0] == NET.splitlines()[0]
        assert archdsl.load(text).summary().totals() == archdsl.load(NET).summary().totals()


def test_rename_of_a_parameter_renames_named_arguments(opened: Any, files: Files) -> None:
    document, offset = opened(NET.replace("int N", "int |N").replace("unit<width", "unit<N=width"))
    assert not document.checked.findings
    text = edited(document, navigating.rename(document, files, offset, "COUNT"))
    assert "unit<COUNT=width" in text and "con<COUNT," in text
    assert archdsl.load(text).summary().outputs == {"output": (10,)}


def test_rename_goes_through_all_files_of_the_folder(
    opened: Any, files: Files, tmp_path: Path
) -> None:
    part, other = tmp_path / "part.arch", tmp_path / "other.arch"
    part.write_text("template <typename S> using a = relu<S>;\n")
    other.write_text('#include "part.arch"\nusing m = a<a<input<1,4,4>>>;')
    document, offset = opened('#include "part.arch"\nusing n = |a<input<1,4,4>>;')
    edit = navigating.rename(document, files, offset, "activated")
    assert edit.changes is not None
    counts = {Path(uri).name: len(edits) for uri, edits in edit.changes.items()}
    assert counts == {"net.arch": 1, "part.arch": 1, "other.arch": 2}


@pytest.mark.parametrize(
    ("marked", "name", "words"),
    [
        ("re|lu", "block", "built in"),
        ("un|it<w", "relu", "built in"),
        ("un|it<w", "9lives", "not a name"),
        ("un|it<w", "using", "not a name"),
        ("un|it<w", "int", "not a name"),
        ("un|it<w", "a b", "not a name"),
        ("un|it<w", "width", "defined already"),
        ("un|it<w", "N", "has a parameter"),
        ("con<|N", "SUBNET", "already"),
        ("con<|N", "width", "defined already"),
        ("// |A", "x", "no name"),
    ],
)
def test_what_cannot_be_renamed(
    opened: Any, files: Files, marked: str, name: str, words: str
) -> None:
    document, offset = opened(NET.replace(marked.replace("|", ""), marked, 1))
    with pytest.raises(archdsl.ArchError, match=words):
        navigating.rename(document, files, offset, name)


def test_what_an_installed_spec_defines_keeps_its_name(opened: Any, files: Files) -> None:
    document, offset = opened('#include "blocks/resnet.arch"\nusing n = |stem<input<3,64,64>>;')
    with pytest.raises(archdsl.ArchError, match="outside"):
        navigating.rename(document, files, offset, "start")


def test_symbols(opened: Any) -> None:
    document, _ = opened(NET + "fc<10,input<1,2,2>>")
    found = [(s.name, s.range.start.line, s.range.end.line) for s in navigating.symbols(document)]
    assert found == [("unit", 1, 2), ("width", 3, 3), ("net_type", 4, 7), ("network", 8, 8)]


@pytest.mark.parametrize("seed", range(4))
def test_no_request_fails_on_any_text(opened: Any, files: Files, seed: int) -> None:
    dice = random.Random(seed)
    source = (specs_folder() / "googlenet.arch").read_text() + NET
    pieces = ["template <", "using", "<", ">", ";", "(", "=", '#include "', "::", "/*", "{", "😀"]
    for _ in range(25):
        at = dice.randrange(len(source))
        text = source[:at] + dice.choice(pieces) + source[at + dice.randrange(9) :]
        document, _ = opened(text)
        diagnosing.diagnostics(document)
        navigating.symbols(document)
        hovering.inlay_hints(document, 0, len(text))
        for offset in (at, dice.randrange(len(text)), len(text)):
            hovering.hover(document, offset)
            completing.completions(document, offset)
            completing.signature_help(document, offset)
            navigating.definition(document, files, offset)
            navigating.references(document, files, offset)


def long_text(characters: int) -> str:
    """A network at the end of so many characters of templates, of which it uses the last."""
    line = "template <int N, typename SUBNET> using b{} = relu<con<N,3,3,1,1,SUBNET>>;\n"
    count = characters // len(line)
    network = f"using net_type = b{count - 1}<8,input<3,9,9>>;\n"
    return "".join(map(line.format, range(count))) + network


def test_long_texts_stand_as_they_were_read(opened: Any) -> None:
    text = long_text(2 * LIVE_CHARACTERS)
    document, _ = opened(text)
    assert (
        document.behind
        and hovering.hover(document, 0) is None
        and diagnosing.diagnostics(document) == []
    )
    document.take(document.read())
    assert not document.behind
    at = text.rindex("b") + 1
    found = hovering.hover(document, at)
    assert found is not None and "8×9×9" in str(found.contents)
    unread = text.replace("using net_type = ", "using net_type = fc<7,")
    document.change(unread)
    assert document.behind
    for place in (unread.index("b0"), unread.rindex("<8,")):
        where = Places(unread).position(place)
        assert document.text[document.file.offset(where)] == unread[place]
    assert "8×9×9" in str(
        hovering.hover(document, document.file.offset(Places(unread).position(at + 5)))
    )
    document.take(document.read())
    (error,) = [
        d for d in diagnosing.diagnostics(document) if d.severity is types.DiagnosticSeverity.Error
    ]
    assert error.range.start.line == text.count("\n") - 1  # a '>' is missing
    document.change("using net_type = fc<3,input<1,2,2>>;")
    assert not document.behind and diagnosing.diagnostics(document) == []
    document.change("x" * (MOST_CHARACTERS + 1))
    assert not document.behind
    assert "too many" in diagnosing.diagnostics(document)[0].message


@pytest.mark.slow
def test_a_megabyte_is_answered_while_it_is_read(tmp_path: Path) -> None:
    """Measured: 30 ms for a hover on an idle machine, 15 s for all that a text of 1 MB says."""

    async def script(editor: Editor) -> None:
        text = long_text(MOST_CHARACTERS * 9 // 10)
        opening = asyncio.ensure_future(editor.open(text))
        await asyncio.sleep(0)
        marked = types.HoverParams(**editor.at("template <int N, typename SUBNET> using b|7 "))
        start = time.perf_counter()
        assert await editor.client.text_document_hover_async(marked) is None
        assert time.perf_counter() - start < 2
        await opening
        start = time.perf_counter()
        found = await editor.client.text_document_hover_async(marked)
        assert found is not None and "b7" in str(found.contents)
        assert time.perf_counter() - start < 2

    session(tmp_path / "net.arch", script)
