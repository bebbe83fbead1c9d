"""Labels of volumes: widths of texts, and line breaks."""

from __future__ import annotations

from itertools import accumulate, combinations, takewhile

from archdsl.diagnostics.printable import printable
from archdsl.ir.edges import shown
from archdsl.viz.draw.font_metrics import width
from archdsl.viz.volumes.figure import Volume

FONT = 11.0
LINE = 13.5
"""Pixels from line to line."""

_STAYS = "\N{NO-BREAK SPACE}"
_MOST_OPERATIONS = 3
_NO_COMMA = 8.0
"""Pixels that a line may be wider to end with a comma."""
_ONE_LINE, _TWO_LINES = 14, 24
"""Characters up to which a text has one line, or two."""


def width_of(text: str, *, bold: bool = False) -> float:
    """Width of a text, in pixels, at most."""
    return width(text, FONT, bold=bold)


def cut(text: str, room: float, *, bold: bool = False, larger: float = 1.0) -> str:
    """A text, or as much of its beginning as has room at so many times the font's size."""
    if width_of(text, bold=bold) * larger <= room:
        return text
    left = room - width_of("…", bold=bold) * larger
    kept = takewhile(
        lambda wide: wide <= left,
        accumulate(width_of(character, bold=bold) * larger for character in text),
    )
    return f"{text[: len(list(kept))]}…"


def labels_of(volume: Volume) -> tuple[str, ...]:
    """The lines at a volume: its size, and below it what makes it."""
    lines = [shown(volume.shape)]
    for words, times in volume.operations[:_MOST_OPERATIONS]:
        several = f"{_STAYS}×{times}" if times > 1 else ""
        lines += broken(printable(words) + several)
    if len(volume.operations) > _MOST_OPERATIONS:
        lines.append("…")
    return tuple(lines)


def broken(text: str) -> list[str]:
    """A text in up to three lines of about equal width, broken at spaces, best behind commas."""
    words = text.split(" ")
    wanted = 1 if len(text) <= _ONE_LINE else 2 if len(text) <= _TWO_LINES else 3
    ways = combinations(range(1, len(words)), min(wanted, len(words)) - 1)
    return min((_cut(words, way) for way in ways), key=_ugliness)


def _cut(words: list[str], places: tuple[int, ...]) -> list[str]:
    ends = (*places, len(words))
    return [" ".join(words[a:b]) for a, b in zip((0, *places), ends, strict=True)]


def _ugliness(lines: list[str]) -> float:
    rough = sum(not line.endswith(",") for line in lines[:-1])
    return max(map(width_of, lines)) + _NO_COMMA * rough
