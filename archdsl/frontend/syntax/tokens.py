"""A text as its tokens: every one with its place, and with the spaces and comments before it.

This is the only place where texts are cut up. Nothing is lost: a text is the sum of its tokens and
of what stands before each, the end of the text being the last token. Nothing is refused either:
what the grammar has no token for becomes an ``OTHER``, so that editors read broken texts too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from archdsl.text.comments import COMMENT

OTHER = "OTHER"
"""The kind of what begins no token of the language."""
UNFINISHED = "UNFINISHED"
"""The kind of a ``/*`` without its ``*/``: the rest of the text belongs to it."""
END = "$END"
"""The kind of the last token, which has no text."""

_COMMENT = re.compile(COMMENT)
_COMMENT_OR_SEMICOLON = re.compile(rf"{_COMMENT.pattern}|;")
_DIRECTIVE = "archdsl:"


class Token(NamedTuple):
    """A token of the kind that the grammar calls it.

    ``start`` is the offset of its text; from ``before`` to there stands what belongs to no token:
    spaces and comments.
    """

    kind: str
    text: str
    start: int
    before: int

    @property
    def end(self) -> int:
        """The offset behind it."""
        return self.start + len(self.text)


class Comment(NamedTuple):
    """A comment with its slashes."""

    text: str
    start: int

    @property
    def end(self) -> int:
        """The offset behind it."""
        return self.start + len(self.text)

    @property
    def finished(self) -> bool:
        """True if the token is closed, as a comment is by ``*/``."""
        return self.text.startswith("//") or (len(self.text) > 3 and self.text.endswith("*/"))

    @property
    def lines(self) -> list[str]:
        """Its words, line by line."""
        if self.text.startswith("//"):
            return [self.text.lstrip("/").strip()]
        body = self.text.removeprefix("/*").removesuffix("*/").strip("*").strip()
        return [line.strip().removeprefix("*").strip() for line in body.split("\n")]


def comments(text: str, start: int, end: int) -> Iterator[Comment]:
    """The comments in a range that holds no tokens."""
    return (Comment(found[0], found.start()) for found in _COMMENT.finditer(text, start, end))


def semicolons(text: str, start: int = 0) -> Iterator[int]:
    """The offset of each ``;`` outside of comments, found without reading all other tokens."""
    for found in _COMMENT_OR_SEMICOLON.finditer(text, start):
        if found[0] == ";":
            yield found.start()


def comment_above(text: str, token: Token) -> tuple[str, ...]:
    """The words of the comment on the lines directly above a token, line by line."""
    words: list[str] = []
    at = token.start
    for comment in reversed(list(comments(text, token.before, token.start))):
        alone = comment.start == 0 or "\n" in text[token.before : comment.start]
        touches = text.count("\n", comment.end, at) == 1
        if not touches or not (alone or token.before == 0) or _DIRECTIVE in comment.text:
            break
        words[:0] = comment.lines
        at = comment.start
    return tuple(words)


def opening_comment(text: str) -> tuple[str, ...]:
    """The words of the comment with which a text begins, line by line."""
    words: list[str] = []
    at = 0
    for comment in comments(text, 0, len(text)):
        if comment.start != at or not comment.text.startswith("//"):
            break
        words += comment.lines
        at = comment.end + (2 if text.startswith("\r\n", comment.end) else 1)
    return tuple(words)
