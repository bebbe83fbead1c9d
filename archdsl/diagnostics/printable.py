"""Text of users and files made safe to show on a terminal, in pictures and in pages."""

from __future__ import annotations


def printable(text: str) -> str:
    """Text with a mark in place of every character that has no picture, such as a control code.

    A tab becomes a space.
    """
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() else " " if c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in text
    )


def printable_lines(text: str) -> str:
    """The same for a text of several lines, which stay lines."""
    return text if text.isprintable() else "\n".join(map(printable, text.split("\n")))
