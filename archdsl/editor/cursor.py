"""The place of a cursor: its brackets, its argument, and the tokens before it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from archdsl.editor.files import File, Target, View
from archdsl.editor.outline import Formal, Outline, Use, outline
from archdsl.frontend.syntax import tree as syntax
from archdsl.frontend.syntax.grammar import tokens_of
from archdsl.frontend.syntax.tokens import UNFINISHED, comments
from archdsl.frontend.syntax.tree import Tree
from archdsl.ir.layer import Definition, lookup

_WORD = re.compile(r"\b[A-Za-z_]\w*+$")
_INITIAL = re.compile(r"//\s*init:\s")
_INCLUDE = re.compile(r'\s*#\s*include\s*"([^"]*)$')


class Bracket(NamedTuple):
    """An open bracket: the offset of its name, ``None`` for parentheses; the argument in it.

    ``keys`` are the names of the arguments that are given by name, ``key`` that of the last one.
    """

    head: int | None
    place: int
    key: str | None
    keys: frozenset[str]


class Cursor:
    """The text before an offset, read from the start of its statement; it may be broken."""

    def __init__(self, view: View, offset: int) -> None:
        self.file: File = view.file
        self.offset = offset
        self._view = view
        text = self.file.text
        word = _WORD.search(text, max(0, offset - 200), offset)
        self.word = word.start() if word is not None else offset
        statements = self.file.outline.statements
        statement = self.file.outline.statement_at(self.word)
        self.start = start = statement.start if statement is not None else 0
        self._index = statements.index(statement) if statement is not None else 0
        self._text = text[start : self.word]
        self._tree = Tree(tokens_of(self._text))
        self._last = self._tree.statements[-1] if self._tree.statements else None
        line, _ = self.file.places.lines.range(self.file.places.lines.at(offset))
        self._line = text[line:offset]

    @cached_property
    def _outline(self) -> Outline:
        return outline(self._text, self._tree)

    @property
    def in_comment(self) -> bool:
        read = self.file.text[self.start : self.offset]
        *_, last, end = [None, *tokens_of(read)]
        behind = list(comments(read, end.before, end.start)) if end is not None else []
        open_line = bool(behind) and behind[-1].end == len(read) and behind[-1].text[1] == "/"
        return open_line or (last is not None and last.kind == UNFINISHED)

    @property
    def in_initial_fact(self) -> bool:
        """True while the fact on initial weights is being written."""
        return _INITIAL.match(self._line) is not None

    @property
    def include(self) -> str | None:
        """The part of a path that is written behind ``#include "``."""
        found = _INCLUDE.match(self._line)
        return None if found is None else found.group(1)

    @property
    def _running(self) -> syntax.Statement | None:
        """The statement that has begun and not ended."""
        ended = self.behind in ("SEMICOLON", "INCLUDE")
        return None if ended else self._last

    @property
    def at_start(self) -> bool:
        """True if a statement may begin here."""
        return self._running is None

    @property
    def in_header(self) -> bool:
        """True while template parameters are being declared."""
        running = self._running
        if running is None or running.cut is not None:
            return False
        return bool(running.open) and running.open[-1].kind == "TEMPLATE"

    @property
    def after_header(self) -> bool:
        """True right behind the parameters of a template."""
        header = self._running.header if self._running is not None else None
        return header is not None and header.closer == len(self._tree.tokens) - 2

    @property
    def behind(self) -> str | None:
        """The kind of the token before the word."""
        return self._tree.tokens[-2].kind if len(self._tree.tokens) > 1 else None

    @property
    def bracket(self) -> Bracket | None:
        """The innermost open bracket."""
        return next(self._brackets(), None)

    def _brackets(self) -> Iterator[Bracket]:
        """The open brackets from the innermost one outwards, headers left out."""
        tokens = self._tree.tokens
        for opened in reversed(self._running.open if self._running is not None else []):
            if opened.kind == "TEMPLATE":
                return
            named = {
                i: tokens[i].text
                for i in opened.arguments
                if tokens[i].kind == "NAME" and tokens[i + 1].kind == "EQUAL"
            }
            head = tokens[opened.opener].start if opened.kind == "HEAD" else None
            key = named.get(opened.arguments[-1])
            yield Bracket(head, len(opened.commas), key, frozenset(named.values()))

    def call(self) -> tuple[Definition | Target, Bracket] | None:
        """The layer or template in whose brackets the cursor stands, parentheses passed over."""
        for bracket in self._brackets():
            if bracket.head is not None:
                use = next(u for u in self._outline.uses if u.written == bracket.head)
                callee = self._callee(use)
                return None if callee is None else (callee, bracket)
        return None

    def _callee(self, use: Use) -> Definition | Target | None:
        target = None
        if self.file.outline.statements:
            target = self._view.resolve(self.file, use._replace(statement=self._index))
        if target is not None:
            return target if target.formal is None else None
        return lookup(use.name)

    def formals(self) -> tuple[Formal, ...]:
        """The parameters of the template in which the cursor stands."""
        if self.at_start:
            return ()
        statements = self._outline.statements
        declared = statements[-1].declared if statements else None
        return declared.formals if declared is not None else ()
