"""What a text defines and uses, read from its tokens alone.

No grammar stands behind this: a text that is being written is wrong most of the time, and its
names are to be found all the same. A statement ends at its semicolon, or where a word begins the
next one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from lark import Token

from archdsl.frontend.syntax.parser import readable_tokens

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
    """What a statement defines; ``start`` and ``end`` are those of the name."""

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
    """Where it starts with its qualification: the ``d`` of ``dlib::relu``."""


@dataclass
class Statement:
    """One statement of a text, from its first token to behind its last."""

    start: int
    end: int
    declared: Declared | None = None
    included: Included | None = None


@dataclass
class Bracket:
    """An open bracket: ``head`` is the use that it belongs to, ``None`` for parentheses."""

    head: int | None
    place: int = 0
    key: str | None = None
    keys: set[str] = field(default_factory=set)


@dataclass(frozen=True, eq=False)
class Outline:
    """The statements and uses of a text, in its order."""

    statements: list[Statement]
    uses: list[Use]

    def statement_at(self, offset: int) -> Statement | None:
        """The last statement that begins at or before an offset."""
        index = bisect_right(self.statements, offset, key=lambda s: s.start)
        return self.statements[index - 1] if index else None

    def use_at(self, offset: int) -> Use | None:
        """The use whose name an offset is in, or directly behind."""
        index = bisect_right(self.uses, offset, key=lambda u: u.start)
        use = self.uses[index - 1] if index else None
        return use if use is not None and offset <= use.end else None


def outline(text: str) -> Outline:
    """The outline of a text."""
    reader = Reader(text)
    return Outline(reader.statements, reader.uses)


class Reader:
    """Reads tokens one by one; what is open at the end of the text is left for whoever asks."""

    def __init__(self, text: str) -> None:
        self.statements: list[Statement] = []
        self.uses: list[Use] = []
        self.brackets: list[Bracket] = []
        self.header = 0
        """How many brackets of template parameters are open."""
        self.previous: Token | None = None
        self._text = text
        self._formals: list[Formal] = []
        self._formal: Token | None = None  # the first token of the one that is being read
        self._formal_name: Token | None = None
        self._in_default = False
        self.continues = False
        """Whether the parameters of a template have just ended, so that ``using`` goes on."""
        self.running = False
        """Whether a statement has begun and not ended."""
        for token in readable_tokens(text):
            _READ.get(token.type, Reader._other)(self, token)
            if self.running:
                self.statements[-1].end = _end(token)
            if token.type in ("SEMICOLON", "INCLUDE"):
                self.running = False
            self.previous = token

    # ---- statements ----

    def _begin(self, token: Token) -> None:
        self.brackets.clear()
        self.header = 0
        self._formals, self._formal, self._formal_name = [], None, None
        self.continues = self._in_default = False
        self.statements.append(Statement(_start(token), _end(token)))
        self.running = True

    def _other(self, token: Token) -> None:
        if not self.running:
            self._begin(token)

    def _include(self, token: Token) -> None:
        self._begin(token)
        parts = token.split('"')
        target = parts[1] if len(parts) > 1 else ""
        self.statements[-1].included = Included(target, _start(token), _end(token))

    def _keyword(self, token: Token) -> None:
        if token.type == "USING" and self.continues:
            self.continues = False
        elif not (token.type == "_CONST" and self._follows("_CONST")):
            self._begin(token)

    def _semicolon(self, token: Token) -> None:
        self._other(token)
        self.brackets.clear()
        self.header = 0

    def _declare(self, token: Token, kind: Kind) -> None:
        name = token.rpartition("::")[2].strip()
        formals = tuple(self._formals)
        self.statements[-1].declared = Declared(name, _start(token), _end(token), kind, formals)

    # ---- template parameters ----

    def _template(self, token: Token) -> None:
        if self.header and not self.brackets:
            self._formal = self._formal or token
            self.header += 1
        else:
            self._begin(token)
            self.header = 1

    def _type(self, token: Token) -> None:
        self._other(token)
        if self.header == 1 and self._formal is None:
            self._formal = token

    def _end_formal(self, token: Token) -> None:
        if self._formal is not None and self._formal_name is not None:
            name = self._formal_name
            text = self._text[_start(self._formal) : _start(token)].strip()
            kind = self._text[_start(self._formal) : _start(name)].strip()
            self._formals.append(Formal(str(name), _start(name), _end(name), text, kind))
        self._formal = self._formal_name = None
        self._in_default = False

    # ---- expressions ----

    def _name(self, token: Token) -> None:
        self._other(token)
        if self.header and not self.brackets and not self._in_default:
            if self.header == 1 and self._formal is not None:
                self._formal_name = token
            return None
        if not self.brackets and not self.header and self.previous is not None:
            before = self.previous.type
            if before == "USING":
                return self._declare(token, "template" if self._formals else "network")
            if before == "CTYPE" and self.statements[-1].declared is None:
                first = self._text.startswith("param", self.statements[-1].start)
                return self._declare(token, "parameter" if first else "constant")
            if before == "NAMESPACE":
                return None
        return self._use(token, str(token), "name")

    def _head(self, token: Token) -> None:
        self._other(token)
        self._use(token, token[:-1].rstrip(), "head")
        self.brackets.append(Bracket(len(self.uses) - 1))

    def _use(self, token: Token, written: str, role: Role) -> None:
        name = written.rpartition("::")[2].strip() if ":" in written else written
        end = _start(token) + len(written)
        top = self.brackets[-1] if self.brackets else None
        callee, place = (top.head, top.place) if top is not None else (None, 0)
        statement = len(self.statements) - 1
        span = end - len(name), end
        self.uses.append(Use(name, *span, role, statement, callee, place, _start(token)))

    def _equal(self, token: Token) -> None:
        self._other(token)
        if self.header == 1 and not self.brackets:
            self._in_default = True
        elif self.brackets and self._follows("NAME") and self.brackets[-1].head is not None:
            self.uses[-1] = self.uses[-1]._replace(role="key")
            self.brackets[-1].key = self.uses[-1].name
            self.brackets[-1].keys.add(self.uses[-1].name)

    def _parenthesis(self, token: Token) -> None:
        self._other(token)
        if self._follows("NAME") and self.uses:
            self.uses[-1] = self.uses[-1]._replace(role="function")
        self.brackets.append(Bracket(None))

    def _end_parenthesis(self, token: Token) -> None:
        self._other(token)
        if self.brackets and self.brackets[-1].head is None:
            self.brackets.pop()

    def _comma(self, token: Token) -> None:
        self._other(token)
        if self.brackets:
            self.brackets[-1].place += 1
            self.brackets[-1].key = None
        elif self.header == 1:
            self._end_formal(token)

    def _close(self, token: Token) -> None:
        self._other(token)
        while self.brackets and self.brackets[-1].head is None:  # a ")" is missing
            self.brackets.pop()
        if self.brackets:
            self.brackets.pop()
        elif self.header:
            if self.header == 1:
                self._end_formal(token)
                self.continues = True
            self.header -= 1

    def _follows(self, kind: str) -> bool:
        return self.previous is not None and self.previous.type == kind


_READ: dict[str, Callable[[Reader, Token], None]] = {
    "INCLUDE": Reader._include,
    "USING": Reader._keyword,
    "PARAM": Reader._keyword,
    "_CONST": Reader._keyword,
    "SEMICOLON": Reader._semicolon,
    "TEMPLATE": Reader._template,
    "CTYPE": Reader._type,
    "TYPENAME": Reader._type,
    "NAME": Reader._name,
    "HEAD": Reader._head,
    "EQUAL": Reader._equal,
    "LPAR": Reader._parenthesis,
    "RPAR": Reader._end_parenthesis,
    "COMMA": Reader._comma,
    "CLOSE": Reader._close,
}
"""What each kind of token does; all others only belong to the statement that they stand in."""


def _start(token: Token) -> int:
    assert token.start_pos is not None
    return token.start_pos


def _end(token: Token) -> int:
    return _start(token) + len(token)
