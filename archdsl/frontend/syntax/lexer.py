"""Text to tokens, by the terminals of the grammar."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lark import Token
from lark.common import LexerConf
from lark.exceptions import UnexpectedCharacters
from lark.lexer import Lexer as LarkLexer


def _token(kind: str, text: str, start: int) -> Token:
    """``Token(kind, text, start)``, less the three calls that it is passed through."""
    token = str.__new__(Token, text)
    token.type = kind
    token.value = text
    token.start_pos = start
    token.line = token.column = token.end_line = token.end_column = token.end_pos = None
    return token


class Lexer(LarkLexer):
    """Lark's basic lexer, less what nobody here asks of it.

    A token knows its offset alone: lines and columns are found where a message needs them, and
    counting them for every token takes longer than finding the tokens.
    """

    def __init__(self, conf: LexerConf) -> None:
        # Lark's own order of trying terminals.
        ranked = sorted(
            conf.terminals,
            key=lambda t: (-t.priority, -t.pattern.max_width, -len(t.pattern.value), t.name),
        )
        self._pattern = re.compile(
            "|".join(f"(?P<{t.name}>{t.pattern.to_regexp()})" for t in ranked)
        )
        self._ignored = frozenset(conf.ignore)

    def lex(self, text: str) -> Iterator[Token]:  # type: ignore[override]
        """The tokens of a text; raises UnexpectedCharacters where none begins."""
        end = 0
        for found in self._pattern.finditer(text):
            start = found.start()
            if start != end:
                break
            end = found.end()
            kind = found.lastgroup
            assert kind is not None
            if kind not in self._ignored:
                yield _token(kind, found.group(), start)
        if end != len(text):
            raise UnexpectedCharacters(text, end, 0, 0)  # type: ignore[no-untyped-call]

    def readable(self, text: str) -> Iterator[Token]:
        """The tokens of a text that need not be right; what begins no token is passed over."""
        for found in self._pattern.finditer(text):
            kind = found.lastgroup
            assert kind is not None
            if kind not in self._ignored:
                yield _token(kind, found.group(), found.start())
