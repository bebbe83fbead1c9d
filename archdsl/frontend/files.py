"""Reading of sources: from a path, ``-``, a bundled spec's name, or a text itself."""

from __future__ import annotations

import codecs
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import IO, NamedTuple

from archdsl.diagnostics import fail, nearest
from archdsl.diagnostics.source import CPP_SUFFIXES, Source
from archdsl.frontend.bundled import spec_names, spec_path
from archdsl.text.pasted import LIKE_BRACKETS
from archdsl.text.paths import exists, is_file, is_folder, resolved

_TEXT = re.compile(rf"[<\n]|{LIKE_BRACKETS}", re.IGNORECASE)
_MAX_BYTES = 64 * 2**20


class Stamp(NamedTuple):
    """State of a file for detecting changes: modification time, size and inode number."""

    written: int
    size: int
    number: int


_NOTED: ContextVar[dict[Path, Stamp | None] | None] = ContextVar("_NOTED", default=None)


def stamp(path: Path) -> Stamp | None:
    """The state of a file now; ``None`` for one that is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return Stamp(found.st_mtime_ns, found.st_size, found.st_ino)


@contextmanager
def noting_files() -> Iterator[dict[Path, Stamp | None]]:
    """Context manager that records the files read inside, with the state of each before reading."""
    noted: dict[Path, Stamp | None] = {}
    token = _NOTED.set(noted)
    try:
        yield noted
    finally:
        _NOTED.reset(token)
        around = _NOTED.get()
        if around is not None:
            around.update(noted)


def read_source(
    path: Path, *, name: str | None = None, root: Path | None = None, line_ends: bool = False
) -> Source:
    """The source in a file; ``root`` defaults to the file's folder.

    Lines end with a newline, unless ``line_ends`` asks for those of the file. Raises ArchError
    where the file cannot be read as text.
    """
    shown = name or _shown(path)
    noted = _NOTED.get()
    if noted is not None:
        noted[resolved(path)] = stamp(path)
    try:
        with path.open("rb") as file:
            text = _text(file, shown, line_ends=line_ends)
    except OSError as error:
        raise fail(f"cannot read {shown}: {error.strerror or error}", code="E407") from None
    place = resolved(path)
    return Source(shown, text, place, root or place.parent)


def open_source(file: str) -> Source:
    """The source that a command line argument names: a path, ``-``, or a bundled spec.

    Raises ArchError where there is none.
    """
    if file == "-":
        return standard_input()
    path = Path(file)
    bundled = spec_path(file)
    if bundled is not None and not is_file(path):
        return read_source(bundled)
    if not exists(path):
        beside = [str(p) for p in _beside(path)]
        help = nearest(file, [*beside, *spec_names()]) or "archdsl specs lists the bundled ones"
        raise fail(f"there is no file or bundled spec '{file}'", help=help, code="E406")
    return read_source(path, name=file)


def standard_input(*, line_ends: bool = False) -> Source:
    """Standard input as a source; ``line_ends`` keeps those of the text."""
    if sys.stdin is None:  # closed by the one who started us
        raise fail("cannot read standard input: it is closed", code="E407")
    try:
        text = _text(sys.stdin.buffer, "standard input", line_ends=line_ends)
    except (OSError, ValueError) as error:
        raise fail(f"cannot read standard input: {error}", code="E407") from None
    return Source("<stdin>", text)


def _text(file: IO[bytes], shown: str, *, line_ends: bool) -> str:
    """The content of an open file as text; raises ArchError for what is none, and for too much."""
    content = file.read(_MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        raise fail(f"{shown} is larger than {_MAX_BYTES >> 20} MiB", code="E407")
    # A comment of a C++ program may be in any encoding; what it says does not matter.
    errors = "replace" if shown.lower().endswith(CPP_SUFFIXES) else "strict"
    try:
        text = content.decode("utf-8-sig", errors)
    except UnicodeDecodeError as error:
        utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        help = "it is UTF-16: save it as UTF-8" if utf16 else None
        raise fail(
            f"{shown} is not UTF-8 text (byte {error.start})", help=help, code="E407"
        ) from None
    return text if line_ends else text.replace("\r\n", "\n").replace("\r", "\n")


def _beside(path: Path) -> list[Path]:
    """The specs in the folder of a path, or in the current one if there is no such folder."""
    try:
        return list((path.parent if is_folder(path.parent) else Path()).glob("*.arch"))
    except OSError:
        return []


def source_of(path_or_text: str | Path) -> Source:
    """The source that the Python API is given: also a text, known by its angle brackets.

    Those may have got lost on the text's way here.
    """
    if isinstance(path_or_text, str) and _TEXT.search(path_or_text):
        return Source("<text>", path_or_text)
    return open_source(str(path_or_text))


def beside(target: str, source: Source) -> tuple[Path, Path] | None:
    """A file by its place beside a C++ source, and the folder that it may not leave.

    ``None`` where there is none, and where it lies outside of that folder.
    """
    if source.path is None or source.root is None:
        return None
    path = resolved(source.path.parent / target)
    inside = path.is_relative_to(source.root) and is_file(path)
    return (path, source.root) if inside else None


def _shown(path: Path) -> str:
    """The path as seen from the current folder, where it lies below that."""
    place, here = resolved(path), Path.cwd()
    return str(place.relative_to(here)) if place.is_relative_to(here) else str(path)
