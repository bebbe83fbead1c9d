"""Definitions and uses of names in a text, read from its concrete syntax alone.

A text that is being written is wrong most of the time, and its names are to be found all the same.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from typing import Literal, NamedTuple

from archdsl.frontend.syntax import tree as syntax
from archdsl.frontend.syntax.grammar import tokens_of
from archdsl.frontend.syntax.tokens import Token, comment_above
from archdsl.frontend.syntax.tree import Bracket, Tree

Kind = Literal["template", "network", "constant", "parameter"]
Role = Literal["head", "name", "key", "function"]


class Formal(NamedTuple):
    """A parameter of a template; ``text`` is all of it, as in ``int N = 64``."""

    name: str
    start: int
    end: int
    text: str
    type: str


class Declared(NamedTuple):
    """A definition of a statement; ``start`` and ``end`` are those of the name."""

    name: str
    start: int
    end: int
    kind: Kind
    formals: tuple[Formal, ...] = ()


class Included(NamedTuple):
    """An include; ``target`` is the path between its quotes, ``start`` that of its line."""

    target: str
    start: int
    end: int


class Use(NamedTuple):
    """A name that is used.

    ``callee`` is the index of the use in whose brackets it stands, ``place`` the argument there. A
    "key" is the name of a named argument.
    """

    name: str
    start: int
    end: int
    role: Role
    statement: int
    callee: int | None
    place: int
    written: int
    """Start of the name with its qualification: the ``d`` of ``dlib::relu``."""


@dataclass
class Statement:
    """One statement of a text, from its first token to behind its last."""

    start: int
    end: int
    doc: tuple[str, ...]
    """The comment above it, line by line."""
    declared: Declared | None = None
    included: Included | None = None


@dataclass(frozen=True, eq=False)
class Outline:
    """The statements and uses of a text, in its order."""

    statements: list[Statement]
    uses: list[Use]

    @cached_property
    def named(self) -> dict[str, list[Use]]:
        """The uses of each name."""
        found: dict[str, list[Use]] = {}
        for use in self.uses:
            found.setdefault(use.name, []).append(use)
        return found

    def statement_at(self, offset: int) -> Statement | None:
        """The last statement that begins at or before an offset."""
        index = bisect_right(self.statements, offset, key=lambda s: s.start)
        return self.statements[index - 1] if index else None

    def use_at(self, offset: int) -> Use | None:
        """The use whose name an offset is in, or directly behind."""
        index = bisect_right(self.uses, offset, key=lambda u: u.start)
        use = self.uses[index - 1] if index else None
        return use if use is not None and offset <= use.end else None


def outline(text: str, tree: Tree | None = None) -> Outline:
    """The outline of a text, of which there may be a tree already."""
    tree = tree or Tree(tokens_of(text))
    found = Outline([], [])
    for statement in tree.statements:
        _Reader(text, tree, statement, found).read()
    return found


class _Reader:
    """Reads one statement, not those in its braces."""

    def __init__(self, text: str, tree: Tree, statement: syntax.Statement, found: Outline) -> None:
        self._text = text
        self._tree = tree
        self._tokens = tree.tokens
        self._inside = tree.inside
        self._whole = statement
        self._found = found
        first, last = self._tokens[statement.first], self._tokens[statement.end - 1]
        self._statement = Statement(first.start, last.end, comment_above(text, first))
        self._heads: dict[int, int] = {}  # the uses by their tokens
        self._formals = tuple(self._read_formals())

    def read(self) -> None:
        self._found.statements.append(self._statement)
        first = self._tokens[self._whole.first]
        if first.kind == "INCLUDE":
            parts = first.text.split('"')
            target = parts[1] if len(parts) > 1 else ""
            self._statement.included = Included(target, first.start, first.end)
        index, blocks = self._whole.first, iter(self._whole.blocks)
        block = next(blocks, None)
        while index < self._whole.end:
            if block is not None and index == block[0]:
                index, block = block[1], next(blocks, None)
            elif self._tokens[index].kind in ("NAME", "HEAD"):
                self._name(index)
            index += 1

    def _kind(self, index: int) -> str:
        """The kind of a token of the statement, nothing outside of it."""
        within = self._whole.first <= index < self._whole.end
        return self._tokens[index].kind if within else ""

    def _name(self, index: int) -> None:
        token, bracket = self._tokens[index], self._inside[index]
        if token.kind == "NAME":
            before = self._kind(index - 1)
            if bracket is not None and bracket.kind == "TEMPLATE":
                if not self._in_default(index, bracket):
                    return
            elif bracket is None and before == "USING":
                self._declare(token, "template" if self._formals else "network")
                return
            elif bracket is None and before == "CTYPE" and self._statement.declared is None:
                own = self._kind(self._whole.first) == "PARAM"
                self._declare(token, "parameter" if own else "constant")
                return
            elif bracket is None and before == "NAMESPACE":
                return
        self._use(index, token, bracket)

    def _in_default(self, index: int, bracket: Bracket) -> bool:
        """True if a name stands in the value of a template parameter, not in its declaration."""
        start = bracket.opener + 1 if bracket is self._whole.header else index
        start = max([start, *(comma for comma in bracket.commas if comma < index)])
        return any(self._kind(i) == "EQUAL" for i in range(start, index))

    def _declare(self, token: Token, kind: Kind) -> None:
        name = token.text.rpartition("::")[2].strip()
        self._statement.declared = Declared(name, token.start, token.end, kind, self._formals)

    def _use(self, index: int, token: Token, bracket: Bracket | None) -> None:
        role: Role = "name"
        written = token.text
        if token.kind == "HEAD":
            written, role = token.text[:-1].rstrip(), "head"
            self._heads[index] = len(self._found.uses)
        elif self._kind(index + 1) == "LPAR":
            role = "function"
        elif self._kind(index + 1) == "EQUAL" and bracket is not None and bracket.kind == "HEAD":
            role = "key"
        name = written.rpartition("::")[2].strip() if ":" in written else written
        end = token.start + len(written)
        callee, place = None, 0
        if bracket is not None and bracket.kind != "TEMPLATE":
            callee, place = self._heads.get(bracket.opener), bisect_right(bracket.commas, index)
        number = len(self._found.statements) - 1
        use = Use(name, end - len(name), end, role, number, callee, place, token.start)
        self._found.uses.append(use)

    def _read_formals(self) -> Iterator[Formal]:
        header = self._whole.header
        if header is None:
            return
        end = self._whole.cut if header.closer is None else header.closer
        if end is None:
            return
        for start, stop in zip(header.arguments, [*header.commas, end], strict=False):
            declares = takewhile(lambda i: self._kind(i) != "EQUAL", range(start, stop))
            names = [i for i in declares if self._inside[i] is header and self._kind(i) == "NAME"]
            if not names or self._kind(start) not in ("CTYPE", "TYPENAME", "TEMPLATE"):
                continue
            first, name = self._tokens[start].start, self._tokens[names[-1]]
            text = self._text[first : self._tokens[stop].start].strip()
            kind = self._text[first : name.start].strip()
            yield Formal(name.text, name.start, name.end, text, kind)
