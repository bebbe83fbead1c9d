"""Source texts and positions in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from archdsl.diagnostics.lines import Lines, Position

CPP_SUFFIXES = (".cpp", ".cc", ".cxx", ".cu", ".h", ".hh", ".hpp", ".hxx", ".cuh")


class Expanded(NamedTuple):
    """A stretch of a C++ text that stands elsewhere too: the body of a macro, at its ``uses``.

    Where the body lies in another text, the stretch is the macro's name where it is used.
    """

    start: int
    end: int
    name: str
    uses: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Source:
    """A text, the name that messages give it, and the file that it came from.

    ``name`` is what messages show. ``root`` is the folder that the text's includes may not leave;
    ``None`` for texts that did not come from a file, which may include bundled files only.
    """

    name: str
    text: str = field(repr=False)
    path: Path | None = None
    root: Path | None = None
    expanded: list[Expanded] = field(default_factory=list, repr=False)
    """The macros of a C++ text, known once it has been preprocessed."""

    @property
    def is_cpp(self) -> bool:
        """True for a C++ file: only its definitions are read, the program is skipped."""
        return self.name.lower().endswith(CPP_SUFFIXES)

    def outer(self, start: int, end: int) -> Span:
        """A span of this text, in the coordinates of the whole text where this is a part of one."""
        return Span(self, start, end)

    def expansions(self, offset: int) -> list[tuple[str, Span]]:
        """The macros that a place lies in, innermost first, and where each is used first."""
        found: dict[Expanded, tuple[str, Span]] = {}
        while (at := self._expanded(offset)) is not None and at not in found:
            offset = at.uses[0]
            more = f" and {len(at.uses) - 1} more" if len(at.uses) > 1 else ""
            found[at] = f"{at.name}{more}", Span(self, offset, offset)
        return list(found.values())

    def _expanded(self, offset: int) -> Expanded | None:
        around = (e for e in self.expanded if e.start <= offset < e.end)
        return min(around, key=lambda e: e.end - e.start, default=None)

    def locate(self, offset: int) -> tuple[int, int]:
        """The 1-based line and column of a character offset."""
        line, column = self.lines.position(offset, "utf-32")
        return line + 1, column + 1

    def line(self, number: int) -> str:
        """The text of a 1-based line, without its line end."""
        start, end = self.lines.range(number - 1)
        return self.text[start:end]

    @cached_property
    def lines(self) -> Lines:
        """Its lines, found on first use: a text without errors never needs them."""
        return Lines(self.text)


class Span(NamedTuple):
    """The characters ``start`` (inclusive) to ``end`` (exclusive) of a source."""

    source: Source
    start: int
    end: int

    @property
    def position(self) -> tuple[int, int]:
        """The 1-based line and column where the span starts."""
        return self.source.locate(self.start)

    @property
    def range(self) -> tuple[Position, Position]:
        """The positions in UTF-16 at which it starts and ends, the end exclusive."""
        whole, start, end = self.outer
        return whole.lines.position(start), whole.lines.position(end)

    @property
    def where(self) -> str:
        """``file:line:column``, as editors and terminals make it clickable."""
        line, column = self.position
        return f"{self.source.name}:{line}:{column}"

    @property
    def outer(self) -> Span:
        """The same characters in the whole text, where the source is a part of one."""
        return self.source.outer(self.start, self.end)

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]
