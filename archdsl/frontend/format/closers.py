"""The slides' notation completed: the ``>`` and ``;`` that a text leaves out where a net ends."""

from __future__ import annotations

from lark import Token
from lark.exceptions import UnexpectedCharacters

from archdsl.frontend.syntax.parser import tokens_before

_BEGINNINGS = frozenset({"USING", "TEMPLATE", "PARAM", "_CONST", "INCLUDE", "TYPEDEF"})


def closed(text: str) -> str:
    """The text with every open bracket closed before the next ``;``, definition, or its end.

    What is missing is added directly behind the last token of its net, before any comment. A text
    that has no tokens somewhere stays as it is, for the parser to say so.
    """
    try:
        tokens = list(tokens_before(text, len(text)))
    except UnexpectedCharacters:
        return text
    scan = _Scan()
    for token in tokens:
        scan.take(token)
    scan.end_statement()
    return scan.patched(text)


class _Scan:
    """One walk over the tokens that notes what to add, and where."""

    def __init__(self) -> None:
        self._additions: list[tuple[int, str]] = []
        self._depth = 0
        self._in_formals = False
        self._needs_semicolon = False
        self._before = ""
        self._end = 0

    def take(self, token: Token) -> None:
        kind = token.type
        if kind == "SEMICOLON":
            self._close()
            self._needs_semicolon = False
        elif kind == "TEMPLATE" and self._in_formals:
            self._depth += 1
        elif kind == "USING" and self._in_formals:
            self._close()
            self._in_formals = False
        elif kind in _BEGINNINGS and not kind == self._before == "_CONST":
            self.end_statement()
            self._needs_semicolon = kind != "INCLUDE"
            self._in_formals = kind == "TEMPLATE"
            self._depth = int(self._in_formals)
        elif kind in ("HEAD", "MEMBER_HEAD"):
            self._depth += 1
        elif kind == "_SHUT":
            self._close()
        elif kind == "CLOSE" and self._depth:
            self._depth -= 1
        self._before = kind
        self._end = int(token.start_pos or 0) + len(token)

    def end_statement(self) -> None:
        """Complete the statement that ends with the last token."""
        self._close()
        if self._needs_semicolon:
            self._additions.append((self._end, ";"))
        self._needs_semicolon = False

    def _close(self) -> None:
        if self._depth:
            self._additions.append((self._end, ">" * self._depth))
        self._depth = 0

    def patched(self, text: str) -> str:
        parts, start = [], 0
        for at, addition in self._additions:
            parts += [text[start:at], addition]
            start = at
        return "".join([*parts, text[start:]])
