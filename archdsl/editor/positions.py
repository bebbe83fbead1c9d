"""Places in a text as the language server protocol has them, and where they were before an edit."""

from __future__ import annotations

from collections.abc import Callable

from lsprotocol import types

from archdsl.diagnostics.lines import Lines


class Places:
    """The lines of a text; a column counts units of ``encoding``, by default UTF-16's."""

    def __init__(self, text: str, encoding: str = "utf-16") -> None:
        self.lines = Lines(text)
        self._encoding = encoding

    def position(self, offset: int) -> types.Position:
        return types.Position(*self.lines.position(offset, self._encoding))

    def range(self, start: int, end: int) -> types.Range:
        return types.Range(self.position(start), self.position(end))

    def offset(self, position: types.Position) -> int:
        """The character at a position; beyond the end of its line, that end."""
        return self.lines.offset(position.line, position.character, self._encoding)


class Moved:
    """Places of the characters of an earlier text in a later one.

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

    def nearest(self, offset: int) -> int:
        """The earlier offset of a character; where the region began that differs, for one in it."""
        old = self.old(offset)
        return self._before if old is None else old

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
