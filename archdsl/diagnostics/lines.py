"""The lines of a text, and its places as people and editors count them."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from typing import NamedTuple

_LINE_END = re.compile(r"\r\n|\n|\r")
_MAX_BMP = 0xFFFF


def _utf8(character: str) -> int:
    code = ord(character)
    return 1 + (code > 0x7F) + (code > 0x7FF) + (code > _MAX_BMP)


_UNITS: dict[str, Callable[[str], int]] = {
    "utf-8": _utf8,
    "utf-16": lambda character: 1 + (ord(character) > _MAX_BMP),
    "utf-32": lambda _: 1,
}
"""The units of its line that a character takes, by the encoding that columns are counted in."""


class Position(NamedTuple):
    """A line and a unit in it, both from 0, as the Language Server Protocol has it."""

    line: int
    character: int


class Lines:
    """Index of the lines of a text; all numbers are from 0."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0, *(end.end() for end in _LINE_END.finditer(text))]

    def __len__(self) -> int:
        return len(self._starts)

    def at(self, offset: int) -> int:
        """The line in which a character stands."""
        return bisect_right(self._starts, offset) - 1

    def range(self, number: int) -> tuple[int, int]:
        """The offsets at which a line starts and ends, its line end left out."""
        start = self._starts[number]
        end = self._starts[number + 1] if number + 1 < len(self._starts) else len(self._text)
        return start, start + len(self._text[start:end].rstrip("\r\n"))

    def position(self, offset: int, encoding: str = "utf-16") -> Position:
        """The line of a character, and the units of an encoding before it there."""
        number = self.at(offset)
        before = self._text[self._starts[number] : offset]
        units = len(before) if before.isascii() else sum(map(_UNITS[encoding], before))
        return Position(number, units)

    def offset(self, line: int, character: int, encoding: str = "utf-16") -> int:
        """The character at a position; beyond the end of its line, that end."""
        if line >= len(self._starts):
            return len(self._text)
        start, end = self.range(line)
        text = self._text[start:end]
        if text.isascii():
            return min(start + character, end)
        units = 0
        for index, one in enumerate(text):
            units += _UNITS[encoding](one)
            if units > character:
                return start + index
        return end
