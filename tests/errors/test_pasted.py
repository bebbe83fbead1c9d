"""What pasting does to a text is told by name and place, and undone where it leaves no doubt."""

import time
from pathlib import Path

import pytest
from support.commands import run

import archdsl
from archdsl.diagnostics.source import Source
from archdsl.frontend.format import formatted
from archdsl.text.pasted import damages, repaired

NET = "fc<10,relu<input<1,28,28>>>"


def complaint(text: str) -> archdsl.Diagnostic:
    with pytest.raises(archdsl.ArchError) as raised:
        archdsl.load(text)
    (found,) = raised.value.diagnostics
    assert found.code == "E016"
    return found


@pytest.mark.parametrize(
    ("pasted", "meant", "character", "name"),
    [
        ("fc‹10,relu‹input‹1,28,28›››", NET, "‹", "single left-pointing angle quotation mark"),
        ("fc«10,relu«input«1,28,28»»»", NET, "«", "left-pointing double angle quotation mark"),
        ("fc≪10,relu≪input≪1,28,28≫≫≫", NET, "≪", "much less-than"),
        # What an editor makes of >> and > behind it: three are to be closed.
        ("fc<10,relu<input<1,28,28≫>", NET, "≫", "much greater-than"),
        ("fc<10,relu<input<1,28,28»>", NET, "»", "right-pointing double angle quotation mark"),
        ("fc⟨10,relu⟨input⟨1,28,28⟩⟩⟩", NET, "⟨", "mathematical left angle bracket"),
        ("fc＜10,relu＜input＜1,28,28＞＞＞", NET, "＜", "fullwidth less-than sign"),
        ("fc〈10,relu〈input〈1,28,28〉〉〉", NET, "〈", "left angle bracket"),
        ("fc<10，relu<input<1,28,28>>>", NET, "，", "fullwidth comma"),
        (f"using n = {NET}；", f"using n = {NET};", "；", "fullwidth semicolon"),
        ("relu<add_constant<–1,input<1,2,2>>>", None, "–", "en dash"),
        ("relu<add_constant<—1,input<1,2,2>>>", None, "—", "em dash"),
        ("relu<add_constant<−1,input<1,2,2>>>", None, "−", "minus sign"),
        ("fc<10,\u200brelu<input<1,28,28>>>", NET, "\u200b", "zero width space (U+200B)"),
        ("fc<10,\ufeffrelu<input<1,28,28>>>", NET, "\ufeff", "zero width no-break space (U+FEFF)"),
        ("fc<10,re\u00adlu<input<1,28,28>>>", NET, "\u00ad", "soft hyphen (U+00AD)"),
        ("fc&lt;10,relu&lt;input&lt;1,28,28&gt;&gt;&gt;", NET, "&lt;", "as HTML writes it"),
        ("fc&#60;10,relu&#x3C;input<1,28,28>>>", NET, "&#60;", "as HTML writes it"),
        (f"```\n{NET}\n```\n", f"{NET}\n", "```\n", "line of Markdown"),
        (f"~~~cpp\n{NET}\n~~~", f"{NET}\n", "~~~cpp\n", "line of Markdown"),
        (
            "1  fc<10,\n2  relu<input<1,28,28>>>",
            "  fc<10,\n  relu<input<1,28,28>>>",
            "1",
            "line number",
        ),
        ("1: fc<10,\n2: relu<input<1,2,2>>>", " fc<10,\n relu<input<1,2,2>>>", "1:", "line number"),
        ("template <typename… T> using a = relu<T…>;", None, "…", "horizontal ellipsis"),
    ],
)
def test_damage_is_named_and_undone(
    pasted: str, meant: str | None, character: str, name: str
) -> None:
    found = complaint(pasted)
    assert found.span is not None and found.span.text == character
    assert name in str(found)
    assert found.help == "archdsl fmt --fix repairs it"
    if meant is not None:
        assert repaired(pasted) == meant
        archdsl.load(repaired(pasted) + "\n").check()
    assert damages(repaired(pasted)) == []


def test_quotes_of_an_include_are_mended(tmp_path: Path) -> None:
    text = "#include “blocks/resnet.arch”\nrelu<input<1,2,2>>"
    assert complaint(text).span.text == "“"  # type: ignore[union-attr]
    archdsl.load(repaired(text)).check()


def test_what_can_be_read_in_two_ways_is_asked_about_and_left() -> None:
    """Three brackets are open, and two marks may be two or four closers."""
    text = "fc<10,relu<input<1,28,28»»"
    assert complaint(text).help == "write > or >>, as it is meant"
    assert repaired(text) == text


def test_comments_and_undamaged_texts_stay_as_they_are() -> None:
    for text in (f"// «old» – new, ‹x› &lt;\n{NET}", f"/* ``` …\n```\n*/ {NET}"):
        assert repaired(text) == text
        archdsl.load(text + "\n")


def test_how_often_each_was_met_is_told() -> None:
    assert "fullwidth comma (2)" in str(complaint("con<6，5，5,input<1,28,28>>"))


def test_damage_is_told_before_what_follows_from_it() -> None:
    """Without the comma there would be an argument too few, and a bracket too many."""
    assert "fullwidth comma" in str(complaint("fc<10，relu<input<1,28,28>>>>"))


def test_fmt_fixes_and_closes(tmp_path: Path) -> None:
    file = tmp_path / "net.arch"
    file.write_text("```\nfc‹10,relu<input<1,28,28\n```\n", encoding="utf-8")
    refused = run("fmt", str(file))
    assert refused.exit_code == 1 and "E016" in refused.stderr
    assert run("fmt", str(file), "--fix").exit_code == 1  # it lacks its closers still
    assert run("fmt", str(file), "--fix", "--close", "--check").exit_code == 1
    assert "‹" in file.read_text("utf-8")
    assert run("fmt", str(file), "--fix", "--close").exit_code == 0
    archdsl.load(file).check()


def test_fixing_leaves_the_bundled_specs_alone() -> None:
    from archdsl.frontend.bundled import specs_folder

    for path in specs_folder().rglob("*.arch"):
        text = path.read_text("utf-8")
        assert repaired(text) == text
        assert formatted(Source(path.name, text), fix=True) == text


@pytest.mark.parametrize(
    "text",
    [
        "a <" + " " * 200_000 + "b",
        "-" * 200_000,
        "a = 5" + " " * 200_000 + "x",
        "a " + "=" * 200_000,
        "relu<" + "&" * 200_000,
        "»" * 200_000,
        "‹" * 50_000 + "#" * 50_000,
        "```" * 100_000,
        "1\n" + "2 " * 100_000,
        "#\n" * 100_000 + "x",
        "w" * 200_000 + ":",
        "a | " * 50_000,
    ],
)
def test_hostile_texts_are_answered_in_linear_time(text: str) -> None:
    """Reading takes some 0.2 s here; a look at every pair of characters would take minutes."""
    begun = time.process_time()
    with pytest.raises(archdsl.ArchError):
        archdsl.load(text + "\n")
    assert time.process_time() - begun < 10
