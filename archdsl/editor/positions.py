"""Offsets in a text, and positions as the language server protocol counts them."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable

from lsprotocol import types

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
"""How many units of its line a character takes, by the encoding that editor and server agree on."""


class Places:
    """The lines of a text; a column counts units of ``encoding``, by default UTF-16's."""

    def __init__(self, text: str, encoding: str = "utf-16") -> None:
        self._text = text
        self._units = _UNITS[encoding]
        self._starts = [0, *(end.end() for end in _LINE_END.finditer(text))]

    @property
    def lines(self) -> int:
        return len(self._starts)

    def line_at(self, offset: int) -> int:
        """The line, from 0, in which a character stands."""
        return bisect_right(self._starts, offset) - 1

    def line(self, number: int) -> tuple[int, int]:
        """Where a line starts and where it ends, its line end left out."""
        start = self._starts[number]
        end = self._starts[number + 1] if number + 1 < len(self._starts) else len(self._text)
        return start, start + len(self._text[start:end].rstrip("\r\n"))

    def position(self, offset: int) -> types.Position:
        number = self.line_at(offset)
        before = self._text[self._starts[number] : offset]
        units = len(before) if before.isascii() else sum(map(self._units, before))
        return types.Position(number, units)

    def range(self, start: int, end: int) -> types.Range:
        return types.Range(self.position(start), self.position(end))

    def offset(self, position: types.Position) -> int:
        """The character at a position; beyond the end of its line, that end."""
        if position.line >= len(self._starts):
            return len(self._text)
        start, end = self.line(position.line)
        line = self._text[start:end]
        if line.isascii():
            return min(start + position.character, end)
        units = 0
        for index, character in enumerate(line):
            units += self._units(character)
            if units > position.character:
                return start + index
        return end


class Moved:
    """Where the characters of an earlier text are in a later one.

    The texts are taken to differ in one region; what stands before and behind it has moved.
    """

    def __init__(self, old: str, new: str) -> None:
        self._before = _agreeing(len(old), len(new), lambda n: old[:n] == new[:n])
        rest = len(old) - self._before, len(new) - self._before
        behind = _agreeing(*rest, lambda n: old[len(old) - n :] == new[len(new) - n :])
        self._behind = len(old) - behind
        self._shift = len(new) - len(old)

    def old(self, offset: int) -> int | None:
        """The earlier offset of a character, ``None`` in the region that differs."""
        if offset < self._before:
            return offset
        moved = offset - self._shift
        return moved if moved >= self._behind else None

    def new(self, offset: int) -> int | None:
        """The later offset of a character, ``None`` in the region that differs."""
        if offset < self._before:
            return offset
        return offset + self._shift if offset >= self._behind else None


def _agreeing(one: int, other: int, agree: Callable[[int], bool]) -> int:
    """The largest number of characters for which two texts agree, found by bisection."""
    low, high = 0, min(one, other)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if agree(middle) else (low, middle - 1)
    return low
