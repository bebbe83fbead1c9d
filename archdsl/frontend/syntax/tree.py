"""The concrete syntax of a text: its statements, and the brackets in them.

No grammar stands behind this. A text that is being written is wrong most of the time, and most of a
C++ program is outside the language; where its statements begin and end can be told all the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from archdsl.frontend.syntax.tokens import END, Token

ANGLES = frozenset({"HEAD", "TEMPLATE", "MEMBER_HEAD"})
OPENERS = ANGLES | {"LPAR"}
_KEYWORDS = frozenset({"USING", "TEMPLATE", "TYPEDEF", "NAMESPACE", "INCLUDE"})
"""They begin a statement wherever they stand."""
_OWN_KEYWORDS = frozenset({"PARAM", "_CONST"})
"""In texts of the language these do, too; C++ has its ``const`` everywhere."""
_STRUCT = frozenset({"STRUCT", "TYPENAME"})
_WORDS = 8  # of the type of a constant
_GOES_ON = frozenset({"SEMICOLON", "MEMBER", "MEMBER_HEAD"})


@dataclass(slots=True, eq=False)
class Bracket:
    """A bracket: the index of its opening token, those of its commas, and that of its end.

    ``closer`` is ``None`` where it is never closed.
    """

    opener: int
    kind: str
    commas: list[int] = field(default_factory=list)
    closer: int | None = None

    @property
    def arguments(self) -> list[int]:
        """Index of the first token of its arguments."""
        if self.closer == self.opener + 1:
            return []
        return [self.opener + 1, *(comma + 1 for comma in self.commas)]


@dataclass(slots=True, eq=False)
class Statement:
    """The tokens from ``first`` up to ``end``, those of the statements in its braces too."""

    first: int
    outer: Statement | None
    end: int = 0
    header: Bracket | None = None
    """The parameters of a template."""
    cut: int | None = None
    """The ``using`` that ends them where their closer is missing."""
    open: list[Bracket] = field(default_factory=list)
    """Brackets that are not closed when it ends."""
    blocks: list[tuple[int, int]] = field(default_factory=list)
    """The indices of its braces that hold statements; the last one may lack its end."""
    body: int | None = None
    """The first of them that is not in parentheses."""
    key: int | None = None
    """The ``struct`` or ``class`` of a definition of one."""
    base: int | None = None
    """The colon before the classes that it derives from."""


class Tree:
    """The statements of a text in the order in which they begin, and where each token stands."""

    def __init__(self, tokens: list[Token], *, cpp: bool = False) -> None:
        self.tokens = tokens
        self.statements: list[Statement] = []
        self.inside: list[Bracket | None] = []
        """By token: the innermost bracket around it; an opener is outside of its own."""
        self.opened: dict[int, Bracket] = {}
        self._cpp = cpp
        self._running: Statement | None = None
        self._stack: list[Bracket] = []
        self._inner = {"LPAR": 0, "_OPEN": 0}  # how many of these the stack holds
        self._outer: list[tuple[Statement, list[Bracket], dict[str, int]]] = []
        for index, token in enumerate(tokens):
            self._take(index, token.kind)
        while self._outer:
            self._running, self._stack, self._inner = self._outer.pop()
            self._end(len(tokens) - 1)

    def _take(self, index: int, kind: str) -> None:
        if kind == END or self._begins(index, kind):
            self._end(index)
        if kind == "_SHUT" and not self._inner["_OPEN"]:
            self.inside.append(None)
            self._leave(index)
            return
        if self._running is None and kind != END:
            outer = self._outer[-1][0] if self._outer else None
            self._running = Statement(index, outer)
            self.statements.append(self._running)
        self.inside.append(self._stack[-1] if self._stack else None)
        if kind in OPENERS:
            self._open(index, kind)
        elif kind == "COMMA" and self._stack:
            self._stack[-1].commas.append(index)
        elif kind == "CLOSE":
            self._close(index)
        elif kind == "RPAR" and self._inner["LPAR"]:
            self._pop("LPAR", index)
        elif kind == "_OPEN":
            self._enter(index)
        elif kind == "_SHUT":
            self._pop("_OPEN", index)
        elif self._ends(index, kind):
            self._end(index + 1)

    # ---- statements ----

    def _begins(self, index: int, kind: str) -> bool:
        """True if a token begins a statement though the one before it has not ended."""
        statement, before = self._running, self.tokens[index - 1].kind
        if statement is None or kind == "INCLUDE":
            return True
        if kind not in _KEYWORDS and (self._cpp or kind not in _OWN_KEYWORDS):
            return False
        if self._in_parentheses():
            return False
        if kind == "TEMPLATE":
            return not (self._stack and self._stack[-1].kind == "TEMPLATE")
        if kind == "USING" and statement.header is not None:
            if self._stack and self._stack[0] is statement.header:  # its closer is missing
                statement.open += self._drop()
                statement.cut = index
                return False
            return statement.header.closer != index - 1
        if kind == "NAMESPACE":
            return before != "USING"
        return kind != "_CONST" or before not in ("_CONST", "CTYPE")

    def _end(self, index: int) -> None:
        if self._running is not None:
            self._running.end = index
            self._running.open += self._drop()
        self._running = None

    def _ends(self, index: int, kind: str) -> bool:
        """True if a statement ends with a token that is no bracket."""
        if kind == "SEMICOLON":
            return not self._in_parentheses()
        if kind == "COLON":
            return self._is_label(index)
        return kind == "INCLUDE" or self._is_network(index, kind)

    def _is_label(self, index: int) -> bool:
        statement = self._running
        return statement is not None and (
            statement.first == index - 1 and self.tokens[index - 1].kind == "_ACCESS"
        )

    def _is_network(self, index: int, kind: str) -> bool:
        """True if a network without a name, which needs no semicolon, ends with a token."""
        statement = self._running
        if self._cpp or self._stack or statement is None:
            return False
        first, behind = self.tokens[statement.first].kind, self.tokens[index + 1].kind
        if kind == "NAME":
            return index == statement.first and behind in ("HEAD", "NAME")
        return kind == "CLOSE" and first in ("HEAD", "NAME") and behind not in _GOES_ON

    # ---- brackets ----

    def _in_parentheses(self) -> bool:
        """True if a semicolon or keyword can stand in parentheses, as in a C++ ``for``."""
        return self._cpp and self._inner["LPAR"] > 0

    def _open(self, index: int, kind: str) -> None:
        bracket = self.opened[index] = Bracket(index, kind)
        if kind == "TEMPLATE" and self._running is not None and self._running.first == index:
            self._running.header = bracket
        if kind in self._inner:
            self._inner[kind] += 1
        self._stack.append(bracket)

    def _shut(self) -> Bracket:
        bracket = self._stack.pop()
        if bracket.kind in self._inner:
            self._inner[bracket.kind] -= 1
        return bracket

    def _drop(self) -> list[Bracket]:
        """All that is open, which is so no more."""
        dropped, self._stack, self._inner = self._stack, [], {"LPAR": 0, "_OPEN": 0}
        return dropped

    def _pop(self, kind: str, index: int) -> None:
        while (bracket := self._shut()).kind != kind:
            pass
        bracket.closer = index

    def _close(self, index: int) -> None:
        # In the language nothing but brackets has a ">": the ")" before it is missing.
        while self._stack and self._stack[-1].kind not in ANGLES:
            if self._cpp:
                return
            self._shut()
        if self._stack:
            self._stack.pop().closer = index
            if self._is_network(index, "CLOSE"):
                self._end(index + 1)

    # ---- braces ----

    def _enter(self, index: int) -> None:
        statement = self._running
        assert statement is not None
        if self._is_constant(statement, index):
            self._open(index, "_OPEN")
            return
        while self._stack and self._stack[-1].kind in ANGLES:
            statement.open.append(self._stack.pop())
        if statement.body is None and not self._inner["LPAR"]:
            statement.body = index
            self._find_class(statement, index)
        statement.blocks.append((index, len(self.tokens)))
        self._outer.append((statement, self._stack, self._inner))
        self._running, self._inner = None, dict.fromkeys(self._inner, 0)
        self._stack = []

    def _is_constant(self, statement: Statement, brace: int) -> bool:
        """True if a brace holds the value of a constant: ``const int n{4};``."""
        if brace - statement.first > _WORDS or self.tokens[brace - 1].kind != "NAME":
            return False
        words = {token.kind for token in self.tokens[statement.first : brace - 1]}
        return bool(words) and words <= {"CTYPE", "_CONST"}

    def _leave(self, index: int) -> None:
        """The statement whose brace is closed goes on, if it is a class, or in parentheses."""
        self._end(index)
        if not self._outer:
            return
        statement, self._stack, self._inner = self._outer.pop()
        statement.blocks[-1] = statement.blocks[-1][0], index
        self._running = statement
        followed = self.tokens[index + 1].kind == "SEMICOLON"
        if not (followed or self._stack or statement.key is not None):
            self._end(index + 1)

    def _find_class(self, statement: Statement, brace: int) -> None:
        """Note whether ``struct name<...> : bases`` stands before a brace."""
        at = statement.first
        if statement.header is not None:
            at = (statement.header.closer or at) + 1
        elif self.tokens[at].kind == "TYPEDEF":
            at += 1
        if self.tokens[at].kind not in _STRUCT:
            return
        key, at = at, at + 1
        while self.tokens[at].kind in ("NAME", "HEAD"):
            closer = self.opened[at].closer if at in self.opened else at
            if closer is None:
                return
            at = closer + 1
        if at == brace or self.tokens[at].kind == "COLON":
            statement.key = key
            statement.base = at if at < brace else None
