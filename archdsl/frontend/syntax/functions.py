"""Constant functions of C++ rewritten, token by token, as the one value that they return.

``if``, constants of the function's own and changes of its variables become nested ``c ? a : b``;
loops are not read. Tokens that are put in stand where their cause does.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from archdsl.frontend.syntax.comparisons import compared
from archdsl.frontend.syntax.tokens import END, Token
from archdsl.ir.trampoline import Task, run

_MAX_TOKENS = 5_000  # of the value of a function
_MAX_READ = 1_000  # tokens of a function
_WORDS = frozenset({"constexpr", "consteval", "const", "static", "inline"})
_BEHIND = frozenset({"noexcept", "const"})  # between the parameters and the body
_STEPS = frozenset({"+", "-", "*", "/", "%", "&", "|", "^"})  # before the "=" of an assignment
_STOPS = frozenset({END, "SEMICOLON", "_OPEN", "_SHUT"})
_OPENS = frozenset({"LPAR", "HEAD", "MEMBER_HEAD", "TEMPLATE"})
_SHUTS = frozenset({"RPAR", "CLOSE"})
_NESTS = frozenset({"LPAR", "_OPEN"})
_ENDS = frozenset({"RPAR", "_SHUT"})


class _UnreadError(Exception):
    """A function has something that is not read."""


class _Return(NamedTuple):
    value: list[Token]
    word: Token


class _Set(NamedTuple):
    """A variable gets a value; with a ``ctype`` it is declared."""

    name: Token
    value: list[Token]
    ctype: Token | None


class _If(NamedTuple):
    condition: list[Token]
    then: list[_Statement]
    otherwise: list[_Statement]
    word: Token


class _Block(NamedTuple):
    statements: list[_Statement]


_Statement = _Return | _Set | _If | _Block


def function(tokens: list[Token], start: int, found: list[Token]) -> int:
    """Add ``constexpr type name(...) {...}`` as ``name(...) = value``; its end, or ``start``.

    A template keeps its parameters that are numbers. A function that is not read, and one that
    has a specialisation, is added as a name without a meaning.
    """
    header, at = _header(tokens, start)
    if at is None:
        return start
    types = {t.text for b, t in pairwise(header) if b.kind == "TYPENAME"}
    first = at
    while tokens[at].kind in ("_CONST", "CTYPE") or tokens[at].text in _WORDS | types:
        at += 1
    words, name = tokens[first:at], tokens[at]
    constant = {"constexpr", "consteval"} if header else {"constexpr", "consteval", "const"}
    returned = next((t for t in words if t.kind == "CTYPE" or t.text in types), None)
    special = name.kind == "HEAD" and bool(header)
    if returned is None or constant.isdisjoint(t.text for t in words):
        return start
    if name.kind != "NAME" and not special:
        return start
    while special and tokens[at].kind != "CLOSE":
        if tokens[at].kind in _STOPS:
            return start
        at += 1
    opener = at + 1
    closer = _closer(tokens, opener, "LPAR", "RPAR") if tokens[opener].kind == "LPAR" else None
    if closer is None:
        return start
    body = closer + 1
    while tokens[body].text in _BEHIND:
        body += 1
    if [t.text for t in tokens[body : body + 2]] == ["-", ">"] and tokens[body + 2].kind == "CTYPE":
        returned = tokens[body + 2] if returned.text == "auto" else returned
        body += 3
    end = _closer(tokens, body, "_OPEN", "_SHUT") if tokens[body].kind == "_OPEN" else None
    if end is None:
        return start
    here = name.start
    semicolon = Token("SEMICOLON", ";", tokens[end].start, tokens[end].start)
    try:
        if special:
            raise _UnreadError
        value = run(_value(_Body(tokens[body + 1 : end]).statements(), {}, [0]))
        formals = _formals(tokens[opener + 1 : closer], types)
        of_template = _numbers(header, types)
    except _UnreadError:
        found += unread(name, semicolon)
    else:
        word = Token("_CONST", "const", tokens[first].start, tokens[first].before)
        equal = Token("EQUAL", "=", here, here)
        found += [*of_template, word, _number_type(returned, types), name, tokens[opener]]
        found += [*formals, tokens[closer], equal, *value, semicolon]
    return end + 1 + (tokens[end + 1].kind == "SEMICOLON")


def unread(name: Token, semicolon: Token) -> list[Token]:
    """The definition of a name whose meaning is not read, as an alias of what is no type."""
    here = name.start
    plain = name._replace(kind="NAME", text=name.text.rstrip(" <"))
    kinds = ("USING", "using"), ("EQUAL", "="), ("OTHER", "{")
    using, equal, brace = (Token(kind, text, here, here) for kind, text in kinds)
    return [using, plain, equal, brace, semicolon]


# ---- the head ----


def _header(tokens: list[Token], start: int) -> tuple[list[Token], int | None]:
    """The ``template <...>`` at a place and where it ends, ``None`` where it does not."""
    if tokens[start].kind != "TEMPLATE":
        return [], start
    at = start + 1
    while tokens[at].kind != "CLOSE":
        if tokens[at].kind in _STOPS or tokens[at].kind == "TEMPLATE":
            return [], None
        at += 1
    return tokens[start : at + 1], at + 1


def _closer(tokens: list[Token], opener: int, opens: str, shuts: str) -> int | None:
    """The place of the token that closes a parenthesis or brace, if it does."""
    depth = 0
    for at in range(opener, min(len(tokens), opener + _MAX_READ)):
        kind = tokens[at].kind
        depth += (kind == opens) - (kind == shuts)
        if not depth:
            return at
        if kind == END or (opens == "LPAR" and kind in _STOPS):
            return None
    return None


def _number_type(token: Token, types: set[str]) -> Token:
    """The type of a number; one that a call decides is that of its value."""
    return token._replace(kind="CTYPE", text="auto") if token.text in types else token


def _numbers(header: list[Token], types: set[str]) -> list[Token]:
    """The header of a template with its parameters that are numbers."""
    if not header:
        return []
    kept = [
        part
        for part in _parts(header[1:-1])
        if not any(t.kind == "TYPENAME" for t in part) and not types & {t.text for t in part}
    ]
    listed = [
        t for part in kept for t in (*part, Token("COMMA", ",", part[0].start, part[0].start))
    ]
    return [header[0], *listed[:-1], header[-1]]


def _formals(tokens: list[Token], types: set[str]) -> list[Token]:
    """The parameters of a function, each a type and a name."""
    found: list[Token] = []
    for part in _parts(tokens):
        kept = [
            _number_type(token, types)
            for token in part
            if token.text not in ("&", "&&") and token.kind != "_CONST"
        ]
        if not kept or kept[0].kind != "CTYPE":
            raise _UnreadError
        found += [*kept, Token("COMMA", ",", part[0].start, part[0].start)]
    return found[:-1]


def _parts(tokens: list[Token]) -> list[list[Token]]:
    """The parts between commas outside of parentheses."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += (token.kind in _OPENS) - (token.kind in _SHUTS)
        if token.kind == "COMMA" and not depth:
            parts.append([])
        else:
            parts[-1].append(token)
    return [part for part in parts if part]


# ---- the body ----


class _Body:
    """Reads the statements between the braces of a function."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = [*tokens, Token(END, "", 0, 0)]
        self._at = 0

    def statements(self) -> list[_Statement]:
        """All of them; raises _UnreadError where one is of another kind."""
        return run(self._block(END))

    def _block(self, end: str) -> Task[list[_Statement]]:
        found: list[_Statement] = []
        while self._kind != end:
            found += yield self._statement()
        self._at += 1
        return found

    def _statement(self) -> Task[list[_Statement]]:
        token = self._tokens[self._at]
        self._at += 1
        if token.kind == "_OPEN":
            inner: list[_Statement] = yield self._block("_SHUT")
            return [_Block(inner)]
        if token.kind == "SEMICOLON":
            return []
        if token.text == "return":
            return [_Return(self._expression("SEMICOLON"), token)]
        if token.text == "if":
            self._at += self._tokens[self._at].text == "constexpr"
            condition = self._parenthesis()
            then: list[_Statement] = yield self._statement()
            otherwise: list[_Statement] = []
            if self._tokens[self._at].text == "else":
                self._at += 1
                otherwise = yield self._statement()
            return [_If(condition, then, otherwise, token)]
        if token.text == "static_assert":
            self._parenthesis()
            return []
        self._at -= 1
        return self._assignment()

    def _assignment(self) -> list[_Statement]:
        """``const long m = n * 2, k{3};``, ``m = 3;``, ``m *= 2;`` or ``++m;``."""
        ctype: Token | None = None
        while self._kind in ("_CONST", "CTYPE"):
            if self._kind == "CTYPE":
                ctype = self._tokens[self._at]
            self._at += 1
        if ctype is not None:
            return self._declarations(ctype)
        tokens = self._expression("SEMICOLON")
        texts = [token.text for token in tokens[:3]]
        one = Token("INTEGER", "1", tokens[0].start, tokens[0].start) if tokens else None
        if one is not None and len(tokens) == 3:
            for name, steps in ((tokens[2], texts[:2]), (tokens[0], texts[1:])):
                if name.kind == "NAME" and steps in (["+", "+"], ["-", "-"]):
                    sign = tokens[1]._replace(kind="MINUS" if steps[0] == "-" else "OPERATOR")
                    return [_Set(name, [name, sign, one], None)]
        if len(tokens) < 3 or tokens[0].kind != "NAME":
            raise _UnreadError
        name, value = tokens[0], tokens[2:]
        if tokens[1].kind == "EQUAL":
            return [_Set(name, value, None)]
        if texts[1] in _STEPS and tokens[2].kind == "EQUAL" and tokens[3:]:
            return [_Set(name, [name, tokens[1], *_grouped(tokens[3:])], None)]
        raise _UnreadError

    def _declarations(self, ctype: Token) -> list[_Statement]:
        """The variables of a type, each with its value."""
        found: list[_Statement] = []
        while True:
            start, depth = self._at, 0
            while depth or self._kind not in ("COMMA", "SEMICOLON"):
                depth += (self._kind in _NESTS) - (self._kind in _ENDS)
                if self._kind in (END, "SEMICOLON"):
                    raise _UnreadError
                self._at += 1
            part = self._tokens[start : self._at]
            self._at += 1
            name, value = part[:1], part[2:]
            if part[1:2] and part[1].kind == "_OPEN" and part[-1].kind == "_SHUT":
                value = part[2:-1]
            elif not part[1:2] or part[1].kind != "EQUAL":
                raise _UnreadError
            if name[0].kind != "NAME" or not value or {"_OPEN", "_SHUT"} & {t.kind for t in value}:
                raise _UnreadError
            found.append(_Set(name[0], compared(value), ctype))
            if self._tokens[self._at - 1].kind == "SEMICOLON":
                return found

    @property
    def _kind(self) -> str:
        return self._tokens[self._at].kind

    def _expression(self, end: str) -> list[Token]:
        start = self._at
        while self._kind != end:
            if self._kind in (END, "_OPEN", "_SHUT", "SEMICOLON"):
                raise _UnreadError
            self._at += 1
        self._at += 1
        return compared(self._tokens[start : self._at - 1])

    def _parenthesis(self) -> list[Token]:
        start = self._at
        closer = _closer(self._tokens, start, "LPAR", "RPAR") if self._kind == "LPAR" else None
        if closer is None:
            raise _UnreadError
        self._at = closer + 1
        return compared(self._tokens[start + 1 : closer])


def _grouped(tokens: list[Token]) -> list[Token]:
    """The tokens in parentheses."""
    if not tokens:
        raise _UnreadError
    first, last = tokens[0], tokens[-1]
    opener = Token("LPAR", "(", first.start, first.start)
    return [opener, *tokens, Token("RPAR", ")", last.end, last.end)]


def _value(
    statements: list[_Statement], known: dict[str, list[Token]], size: list[int]
) -> Task[list[Token]]:
    """The value that statements return, as one expression; ``known`` are variables' values."""
    rest = statements[::-1]
    while rest:
        statement = rest.pop()
        if isinstance(statement, _Block):
            names = [s.name.text for s in statement.statements if type(s) is _Set and s.ctype]
            if not known.keys().isdisjoint(names):  # one that hides another
                raise _UnreadError
            rest += reversed(statement.statements)
        elif isinstance(statement, _Return):
            return _grouped(_put_in(statement.value, known, size))
        elif isinstance(statement, _Set):
            value = _grouped(_put_in(statement.value, known, size))
            if statement.ctype is not None:
                value = [statement.ctype, *value]
            known = {**known, statement.name.text: value}
        else:
            condition = _grouped(_put_in(statement.condition, known, size))
            after = rest[::-1]
            then = yield _value([*statement.then, *after], known, size)
            otherwise = yield _value([*statement.otherwise, *after], known, size)
            at = statement.word.start
            mark, colon = Token("QMARK", "?", at, at), Token("COLON", ":", at, at)
            return _grouped([*condition, mark, *then, colon, *otherwise])
    raise _UnreadError


def _put_in(tokens: list[Token], known: dict[str, list[Token]], size: list[int]) -> list[Token]:
    """The tokens with the values of variables in place of their names."""
    found = [t for token in tokens for t in known.get(token.text, [token])]
    size[0] += len(found) + 1
    if size[0] > _MAX_TOKENS:
        raise _UnreadError
    return found
