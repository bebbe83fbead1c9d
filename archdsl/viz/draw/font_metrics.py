"""Widths of text in the font of drawings, without the font.

The widths are those of Arimo, and of the fonts that are as wide: Liberation Sans, Arial, Helvetica.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from unicodedata import combining

ASCENT = 0.905
DESCENT = 0.212
"""Reach of the font above and below its baseline, as shares of its size (its ``hhea`` table)."""
CAPITALS = 0.688
"""Height of capital letters and digits, as a share of the size; centred text is moved by half."""

_UNKNOWN = 1.3
"""Characters of other fonts: emoji are that wide, and others less."""


def width(text: str, size: float, *, bold: bool = False) -> float:
    """The width of one line of text in the unit of ``size``, never less than what is drawn.

    Without kerning, which only draws characters nearer to each other.
    """
    table = _table(bold)
    return size * sum(table[c] if c in table else _other(c) for c in text)


def known(characters: Iterable[str]) -> bool:
    """True if the font of drawings has all these characters."""
    return _table(False).keys() >= set(characters)


def _other(character: str) -> float:
    return 0.0 if combining(character) else _UNKNOWN


@cache
def _table(bold: bool) -> dict[str, float]:
    """The width of each character as a share of the font's size."""
    from archdsl.viz.draw.font_widths import BOLD, REGULAR

    groups = BOLD if bold else REGULAR
    return {c: units / 2048 for units, characters in groups.items() for c in characters}
