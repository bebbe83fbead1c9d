"""Where a cursor stands: in which brackets, at which argument, behind what."""

from __future__ import annotations

import re

from archdsl.editor.files import File, Target, View
from archdsl.editor.outline import Bracket, Formal, Reader, Use
from archdsl.ir.layer import Definition, lookup

_WORD = re.compile(r"[A-Za-z_]\w*$")
_INITIAL = re.compile(r"//\s*init:\s")
_INCLUDE = re.compile(r'\s*#\s*include\s*"([^"]*)$')


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
        self._reader = Reader(text[start : self.word])
        line, _ = self.file.places.line(self.file.places.line_at(offset))
        self._line = text[line:offset]

    @property
    def in_comment(self) -> bool:
        text = self.file.text
        opened = text.rfind("/*", 0, self.offset)
        return "//" in self._line or opened > text.rfind("*/", 0, self.offset)

    @property
    def in_initial_fact(self) -> bool:
        """Whether the fact is being written that says how weights start."""
        return _INITIAL.match(self._line) is not None

    @property
    def include(self) -> str | None:
        """The part of a path that is written behind ``#include "``."""
        found = _INCLUDE.match(self._line)
        return None if found is None else found.group(1)

    @property
    def at_start(self) -> bool:
        """Whether a statement may begin here."""
        return not self._reader.running or self._reader.previous is None

    @property
    def in_header(self) -> bool:
        """Whether template parameters are being declared."""
        return self._reader.header > 0 and not self._reader.brackets

    @property
    def after_header(self) -> bool:
        return self._reader.continues

    @property
    def behind(self) -> str | None:
        """The kind of the token before the word."""
        previous = self._reader.previous
        return None if previous is None else previous.type

    @property
    def bracket(self) -> Bracket | None:
        """The innermost open bracket."""
        return self._reader.brackets[-1] if self._reader.brackets else None

    def call(self) -> tuple[Definition | Target, Bracket] | None:
        """The layer or template in whose brackets the cursor stands, parentheses passed over."""
        for bracket in reversed(self._reader.brackets):
            if bracket.head is not None:
                callee = self._callee(self._reader.uses[bracket.head])
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
        if self.at_start or not self._reader.statements:
            return ()
        declared = self._reader.statements[-1].declared
        return declared.formals if declared is not None else ()
