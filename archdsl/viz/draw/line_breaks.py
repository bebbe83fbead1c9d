"""Text broken into lines of limited width."""

from __future__ import annotations

import re

from archdsl.viz.draw.font_metrics import width


def wrapped(text: str, size: float, limit: float, *, bold: bool = False) -> list[str]:
    """The text in lines no wider than ``limit``, broken at spaces and behind commas.

    A word that is longer is cut.
    """
    lines: list[str] = []
    for word in _pieces(text):
        if lines and width(lines[-1] + word, size, bold=bold) <= limit:
            lines[-1] += word
        else:
            lines.append(cut(word.strip(), size, limit, bold=bold))
    return lines


def _pieces(text: str) -> list[str]:
    """Pieces of a text that stay on one line: breaks are before a space and behind a comma."""
    return re.findall(r"\s*[^\s,]*,?", " ".join(text.split()))[:-1]


def cut(text: str, size: float, limit: float, *, bold: bool = False) -> str:
    """The text, or as much of it as fits with an ellipsis behind it."""
    if width(text, size, bold=bold) <= limit:
        return text
    room = limit - width("…", size, bold=bold)
    kept = []
    for character in text:
        room -= width(character, size, bold=bold)
        if room < 0:
            break
        kept.append(character)
    return f"{''.join(kept).rstrip()}…"
