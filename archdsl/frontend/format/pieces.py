"""A text as pieces: its tokens, each with what stood before it, in statements."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from archdsl.frontend.syntax.grammar import tokens_of
from archdsl.frontend.syntax.tokens import Token, comments
from archdsl.frontend.syntax.tree import Statement, Tree

_NAME_SPACE = re.compile(r"(?<!\btemplate) ")
_INCLUDE = re.compile(r"#[ \t]*include[ \t]*")
# What scopes.lark adds: structs, namespaces and their members are laid out by their authors.
_SCOPES = frozenset({"_OPEN", "_SHUT", "MEMBER", "MEMBER_HEAD", "STRUCT", "TYPEDEF", "_ACCESS"})


class Comment(NamedTuple):
    """A comment; ``column`` is where it stood, ``blank`` tells of an empty line before it."""

    text: str
    column: int
    blank: bool


@dataclass(slots=True)
class Gap:
    """Spaces, line breaks and comments between two tokens.

    ``trailing`` comments are on the first token's line with nothing behind them, ``own`` ones on
    lines of their own, ``inline`` ones on the second token's line. ``column`` is the indentation of
    that line, where there was a ``newline``; without newline and comments ``spaces`` counts.
    """

    trailing: list[Comment]
    own: list[Comment]
    inline: list[Comment]
    newline: bool = False
    blank: bool = False
    column: int = 0
    spaces: int = 0

    @property
    def forces(self) -> bool:
        """True if the second token has to start a line."""
        return bool(self.trailing or self.own)


@dataclass(slots=True)
class Piece:
    """A token; its text has no whitespace that it need not have."""

    kind: str
    text: str
    gap: Gap

    @property
    def shown(self) -> str:
        """The text with the comments directly before it."""
        if not self.gap.inline:
            return self.text
        comments = " ".join(comment.text for comment in self.gap.inline)
        return comments + ("" if self.kind in _TIGHT else " ") + self.text


_TIGHT = frozenset({"COMMA", "CLOSE", "SEMICOLON", "RPAR"})


class Written(NamedTuple):
    """A statement: its pieces, and the tree in which the first of them is the token ``first``."""

    pieces: list[Piece]
    tree: Tree
    first: int


def split(text: str) -> tuple[list[Written], Gap]:
    """The statements of a text that parses, and what stands behind the last one."""
    tree = Tree(tokens_of(text))
    outermost = (statement for statement in tree.statements if statement.outer is None)
    statements = [Written(_pieces(text, tree, s), tree, s.first) for s in outermost]
    return statements, _gap(text, tree.tokens[-1])


def _pieces(text: str, tree: Tree, statement: Statement) -> list[Piece]:
    """A statement with scopes as a single piece, others token by token."""
    tokens = tree.tokens[statement.first : statement.end]
    if not any(token.kind in _SCOPES for token in tokens):
        return [Piece(token.kind, _tidy(token), _gap(text, token)) for token in tokens]
    lines = text[tokens[0].start : tokens[-1].end].split("\n")
    written = "\n".join(line.rstrip() for line in lines)
    return [Piece("WRITTEN", written, _gap(text, tokens[0]))]


def _tidy(token: Token) -> str:
    kind, text = token.kind, token.text
    if kind == "INCLUDE":
        return _INCLUDE.sub("#include ", text, count=1).rstrip()
    if kind == "CTYPE":
        return " ".join(text.split())
    if kind == "TEMPLATE":
        return "template <"
    # "::template f" is the one name with a space in it.
    return _NAME_SPACE.sub("", " ".join(text.split()))


def _gap(text: str, token: Token) -> Gap:
    """Spaces, line breaks and comments before a token."""
    gap = Gap([], [], [], newline=token.before == 0)
    if token.before == token.start:
        return gap
    pending: list[Comment] = []  # since the last line end
    blank = False  # before what comes next
    at = token.before
    for comment in comments(text, token.before, token.start):
        blank = _space(gap, text[at : comment.start], pending) or blank
        lines = "\n".join(line.rstrip() for line in comment.text.split("\n"))
        column = comment.start - (text.rfind("\n", 0, comment.start) + 1)
        pending.append(Comment(lines, column, blank))
        blank, at = False, comment.end
    blank = _space(gap, text[at : token.start], pending) or blank
    if any("\n" in comment.text or comment.text.startswith("//") for comment in pending):
        _settle(gap, pending)
        gap.newline = True
    gap.inline = pending
    gap.blank = blank or any(comment.blank for comment in pending)
    if gap.newline or gap.inline:
        gap.spaces = 0
    return gap


def _space(gap: Gap, space: str, pending: list[Comment]) -> bool:
    """Take note of spaces; whether an empty line is among them."""
    if "\n" not in space:
        gap.spaces = len(space.expandtabs(4)) if space else gap.spaces
        return False
    _settle(gap, pending)
    gap.newline = True
    gap.column = len(space.rpartition("\n")[2].expandtabs(8))
    return space.count("\n") > 1


def _settle(gap: Gap, pending: list[Comment]) -> None:
    """Comments behind which the line ends; one of several lines is no trailing comment."""
    for comment in pending:
        first_line = not gap.newline and not gap.own and "\n" not in comment.text
        (gap.trailing if first_line else gap.own).append(comment)
    pending.clear()
