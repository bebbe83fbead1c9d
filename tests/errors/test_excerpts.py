"""What an error shows: the line, cut around its place, the marks below, and where it came from."""

from pathlib import Path

import pytest

from archdsl.diagnostics import ArchError, Diagnostic
from archdsl.diagnostics.foreign import parsing
from archdsl.diagnostics.lines import Lines
from archdsl.diagnostics.model import Frame
from archdsl.diagnostics.source import Source, Span

TEXT = "one\ntwo two\r\n\nfour\n"
LONG = "".join(f"{n:03}," for n in range(60))
"""Numbers in four characters each, so that one sees which part of the line is shown."""


def shown(text: str, start: int, end: int) -> tuple[str, str]:
    """The source line of an error and what is marked below it, without their margin."""
    lines = str(Diagnostic("no", Span(Source("x", text), start, end))).splitlines()
    assert lines[2][:8] == "      | "
    number, line = lines[1].split(" | ", 1)
    assert int(number) == text.count("\n", 0, start) + 1
    return line, lines[2][8:]


@pytest.mark.parametrize(
    ("start", "end", "line", "marks"),
    [
        (0, 3, "one", "^^^"),
        (8, 11, "two two", "    ^^^"),
        (8, 19, "two two", "    ^^^"),  # no further than the line
        (13, 13, "", "^"),
        (14, 18, "four", "^^^^"),
        (15, 15, "four", " ^"),
        (19, 19, "", "^"),
    ],
)
def test_the_line_of_a_place(start: int, end: int, line: str, marks: str) -> None:
    assert shown(TEXT, start, end) == (line, marks)


@pytest.mark.parametrize(
    ("size", "start", "end", "first", "last"),
    [
        (96, 90, 93, 0, 96),  # just short enough
        (97, 90, 93, 42, 97),  # from 48 characters before the place on
        (240, 0, 3, 0, 96),
        (240, 48, 51, 0, 96),
        (240, 49, 51, 1, 97),
        (240, 120, 123, 72, 168),
        (240, 144, 147, 96, 192),
        (240, 200, 203, 152, 240),
        (240, 120, 240, 72, 168),  # marked as far as it is shown
    ],
)
def test_long_lines_are_cut_around_the_place(
    size: int, start: int, end: int, first: int, last: int
) -> None:
    text = LONG[:size]
    before, after = "…" * (first > 0), "…" * (last < size)
    line, marks = shown(text, start, end)
    assert line == before + text[first:last] + after
    assert marks == " " * (len(before) + start - first) + "^" * (min(end, last) - start)


@pytest.mark.parametrize("count", [8, 9, 12])
def test_eight_expansions_are_shown(count: int) -> None:
    source = Source("x", "a\nb")
    frames = tuple(Frame(f"t{number}", Span(source, 2, 3)) for number in range(count))
    lines = str(Diagnostic("no", frames=frames)).splitlines()[1:]
    assert lines[:8] == [f"  in t{number}, expanded at x:2:1" for number in range(8)]
    more = [f"  ... and {count - 8} more expansions around it"] if count > 8 else []
    assert lines[8:] == more


def test_utf8_takes_as_many_bytes_as_python_writes() -> None:
    for character in map(chr, (0x7F, 0x80, 0x7FF, 0x800, 0xFFFF, 0x10000, 0x10FFFF)):
        lines = Lines(character + "é")
        for encoding, unit in (("utf-8", 1), ("utf-16-le", 2)):
            size = len(character.encode(encoding)) // unit
            assert lines.position(1, encoding.removesuffix("-le")).character == size


WORDS = "FILE is not a net that can be read"


@pytest.mark.parametrize(
    ("raised", "code", "message", "note"),
    [
        (ValueError("one\ntwo"), "E411", WORDS, "one"),
        (ValueError("y" * 300), "E411", WORDS, "y" * 200),
        (ValueError(" \n"), "E411", WORDS, "ValueError"),
        (KeyError("weight"), "E411", WORDS, "KeyError: 'weight'"),
        (IndexError("of list"), "E411", WORDS, "IndexError: of list"),
        (RecursionError("deep"), "E411", WORDS, "it nests too deeply"),
        (MemoryError(), "E411", WORDS, "it asks for more memory than there is"),
        (OSError("bad magic"), "E411", WORDS, "bad magic"),
        (FileNotFoundError(2, "No such file"), "E406", "cannot read FILE: No such file", None),
        (PermissionError(13, "Not allowed"), "E407", "cannot read FILE: Not allowed", None),
        (ArchError(Diagnostic("no net")), "E499", "no net", None),
        (ArchError(Diagnostic("no net", code="E301")), "E301", "no net", None),
    ],
)
def test_what_a_parser_raises(raised: Exception, code: str, message: str, note: str | None) -> None:
    with pytest.raises(ArchError) as caught, parsing("FILE", "a net", other="E499"):
        raise raised
    (found,) = caught.value.diagnostics
    assert (found.code, found.message) == (code, message)
    assert found.notes == (() if note is None else (note,))
    if code == "E411":
        assert caught.value.__cause__ is raised
    if code == "E301":
        assert caught.value is raised


def test_a_device_is_not_read() -> None:
    device = Path("/dev/null")
    with pytest.raises(ArchError, match="it is a device") as caught, parsing(device, "a net"):
        pytest.fail("read")
    assert caught.value.diagnostics[0].code == "E407"
