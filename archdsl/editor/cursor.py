"""The place of a cursor: its brackets, its argument, and the tokens before it."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from archdsl.editor.files import File, Target, View
from archdsl.editor.outline import Formal
from archdsl.frontend.syntax import tree as syntax
from archdsl.frontend.syntax.tokens import UNFINISHED, Token, comments
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
    """The part of a statement before an offset, whatever follows; the text may be broken."""

    def __init__(self, view: View, offset: int) -> None:
        self.file: File = view.file
        self.offset = offset
        self.view = view
        text = self.file.text
        word = _WORD.search(text, max(0, offset - 200), offset)
        self.word = word.start() if word is not None else offset
        self._tree = self.file.tree
        self._next = bisect_left(self._tree.tokens, self.word, key=lambda token: token.start)
        """Index of the first token behind those that count."""
        if self._next and _end(self._tree.tokens[self._next - 1]) > self.word:
            self._next -= 1  # the cursor stands in it
        self._index = bisect_left(self._tree.statements, self._next, key=lambda s: s.first) - 1
        line, _ = self.file.places.lines.range(self.file.places.lines.at(offset))
        self._line = text[line:offset]

    @property
    def typed(self) -> str:
        """The part of a word before the cursor."""
        return self.file.text[self.word : self.offset]

    @property
    def start(self) -> int:
        """The offset at which the statement begins."""
        running = self._running
        return self.word if running is None else self._tree.tokens[running.first].start

    @property
    def in_comment(self) -> bool:
        text, before = self.file.text, self._tree.tokens[self._next - 1] if self._next else None
        if before is not None and before.kind == UNFINISHED:
            return True
        gap = comments(text, 0 if before is None else _end(before), self.offset)
        last = next(iter(deque(gap, 1)), None)
        if last is None or last.end != self.offset:
            return False
        return not last.finished or last.text[1] == "/"

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
        if self._index < 0 or self.behind in ("SEMICOLON", "INCLUDE"):
            return None
        return self._tree.statements[self._index]

    @property
    def at_start(self) -> bool:
        """True if a statement may begin here."""
        return self._running is None

    @property
    def in_header(self) -> bool:
        """True while template parameters are being declared."""
        return next((bracket.kind for bracket in self._open()), None) == "TEMPLATE"

    @property
    def after_header(self) -> bool:
        """True right behind the parameters of a template."""
        header = self._running.header if self._running is not None else None
        return header is not None and header.closer == self._next - 1

    @property
    def behind(self) -> str | None:
        """The kind of the token before the word."""
        return self._tree.tokens[self._next - 1].kind if self._next else None

    @property
    def bracket(self) -> Bracket | None:
        """The innermost open bracket."""
        return next(self._brackets(), None)

    def _open(self) -> Iterator[syntax.Bracket]:
        """The brackets that have begun and not ended, from the innermost one outwards."""
        last, tree = self._next - 1, self._tree
        if self._running is None:
            return
        bracket = tree.opened.get(last) or tree.inside[last]
        if tree.tokens[last].kind in ("CLOSE", "RPAR", "_SHUT"):
            while bracket is not None and bracket.closer != last:  # what it ends with its own
                bracket = tree.inside[bracket.opener]
            bracket = bracket and tree.inside[bracket.opener]
        while bracket is not None:
            yield bracket
            bracket = tree.inside[bracket.opener]

    def _brackets(self) -> Iterator[Bracket]:
        """The open brackets from the innermost one outwards, headers left out."""
        tokens = self._tree.tokens
        for opened in self._open():
            if opened.kind == "TEMPLATE":
                return
            commas = opened.commas[: bisect_left(opened.commas, self._next)]
            arguments = [opened.opener + 1, *(comma + 1 for comma in commas)]
            named = {
                i: tokens[i].text
                for i in arguments
                if i + 1 < self._next and tokens[i].kind == "NAME" and tokens[i + 1].kind == "EQUAL"
            }
            head = tokens[opened.opener].start if opened.kind == "HEAD" else None
            yield Bracket(head, len(commas), named.get(arguments[-1]), frozenset(named.values()))

    def call(self) -> tuple[Definition | Target, Bracket] | None:
        """The layer or template in whose brackets the cursor stands, parentheses passed over."""
        for bracket in self._brackets():
            if bracket.head is not None:
                callee = self._callee(bracket.head)
                return None if callee is None else (callee, bracket)
        return None

    def _callee(self, written: int) -> Definition | Target | None:
        uses = self.file.outline.uses
        use = uses[bisect_left(uses, written, key=lambda use: use.written)]
        target = self.view.resolve(self.file, use)
        if target is not None:
            return target if target.formal is None else None
        return lookup(use.name)

    def formals(self) -> tuple[Formal, ...]:
        """The parameters of the template in which the cursor stands."""
        if self.at_start:
            return ()
        declared = self.file.outline.statements[self._index].declared
        return declared.formals if declared is not None else ()


def _end(token: Token) -> int:
    return token.start + len(token.text)
