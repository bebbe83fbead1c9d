"""Declarations of C++ rewritten, token by token, as the grammar of the language has them.

Integer types have many names and numbers many spellings, a declaration may define several names,
and an enumeration is a list of constants. Tokens that are put in stand where their cause does, so
every position stays true. Each pass is a loop that looks at every token a bounded number of times.
"""

from __future__ import annotations

import re

from archdsl.frontend.syntax.arrays import array, indexed
from archdsl.frontend.syntax.comparisons import compared, in_parentheses
from archdsl.frontend.syntax.functions import function
from archdsl.frontend.syntax.nodes import PACK_SIZE
from archdsl.frontend.syntax.tokens import END, Token

_INTEGERS = frozenset(
    f"{sign}int{kind}{bits}_t"
    for sign in ("", "u")
    for kind in ("", "_least", "_fast")
    for bits in (8, 16, 32, 64)
) | {"ptrdiff_t", "ssize_t", "intmax_t", "uintmax_t", "intptr_t", "uintptr_t", "uint", "ulong"}
_DROPPED = frozenset({"extern", "thread_local", "constinit", "consteval", "volatile"})
_NUMBER = re.compile(
    r"(?:0[xX][0-9a-fA-F]+|0[bB][01]+|\d+)(?:[uU]?(?:[lL]{0,2}|[zZ])|[lL]{1,2}[uU]|[zZ][uU])"
)
_OPENS = frozenset({"LPAR", "_OPEN", "HEAD", "MEMBER_HEAD", "TEMPLATE"})
_SHUTS = frozenset({"RPAR", "_SHUT", "CLOSE"})
_CONSTANT = frozenset({"const", "constexpr", "consteval"})
_ATTRIBUTES = frozenset({"__attribute__", "__declspec", "alignas"})
_MAX_ATTRIBUTE = 64  # tokens
_WORDS = {
    "and": Token("OPERATOR", "&&", 0, 0),
    "or": Token("OPERATOR", "||", 0, 0),
    "not": Token("NOT", "!", 0, 0),
    "not_eq": Token("OPERATOR", "!=", 0, 0),
    "bitand": Token("OPERATOR", "&", 0, 0),
    "bitor": Token("OPERATOR", "|", 0, 0),
    "xor": Token("OPERATOR", "^", 0, 0),
    "compl": Token("NOT", "~", 0, 0),
}
"""Operators that C++ has words for."""
_BEFORE = frozenset({"SEMICOLON", "_OPEN", "_SHUT", "INCLUDE", "COLON", END})
"""The kinds of tokens behind which a statement may begin."""


def rewritten(tokens: list[Token]) -> list[Token]:
    """The tokens of a C++ text with its numbers, types and declarations as the grammar has them."""
    tokens = in_parentheses(_sizes(_without_attributes([_plain(token) for token in tokens])))
    found: list[Token] = []
    at = 0
    while at < len(tokens):
        if not found or found[-1].kind in _BEFORE:
            end = _statement(tokens, at, found)
            if end > at:
                at = end
                continue
        found.append(tokens[at])
        at += 1
    return indexed(found)


def _without_attributes(tokens: list[Token]) -> list[Token]:
    """The tokens without ``[[...]]`` and ``__attribute__((...))``, which name no type or number."""
    found: list[Token] = []
    at, last = 0, len(tokens) - 1
    while at <= last:
        token, behind = tokens[at], tokens[min(at + 1, last)]
        end = at
        if token.text == behind.text == "[" and token.end == behind.start:
            end = _behind(tokens, at, "[", "]")
        elif token.text in _ATTRIBUTES and behind.kind == "LPAR":
            end = _behind(tokens, at + 1, "(", ")")
        if end == at:
            found.append(token)
            end += 1
        at = end
    return found


def _behind(tokens: list[Token], start: int, opens: str, shuts: str) -> int:
    """The place behind the bracket that closes one, or the next where none does soon."""
    depth = 0
    for at in range(start, min(start + _MAX_ATTRIBUTE, len(tokens))):
        depth += (tokens[at].text == opens) - (tokens[at].text == shuts)
        if not depth:
            return at + 1
    return start + 1


def _sizes(tokens: list[Token]) -> list[Token]:
    """The tokens with ``sizeof...`` before ``(T)`` as one of them."""
    found: list[Token] = []
    for at, token in enumerate(tokens):
        counts = token.kind == "ELLIPSIS" and bool(found) and found[-1].text == "sizeof"
        if counts and [t.kind for t in tokens[at + 1 : at + 4]] == ["LPAR", "NAME", "RPAR"]:
            found[-1] = found[-1]._replace(text=PACK_SIZE)
        else:
            found.append(token)
    return found


def _plain(token: Token) -> Token:
    """A number or the name of a type by the kind that the grammar has for it."""
    if token.kind == "NAME":
        name = token.text.removeprefix("std::")
        if name in _INTEGERS or token.text == "auto":
            return token._replace(kind="CTYPE")
        if name in _WORDS:
            return _WORDS[name]._replace(start=token.start, before=token.before)
    elif token.kind == "OTHER" and _NUMBER.fullmatch(token.text):
        return token._replace(kind="INTEGER")
    return token


def _statement(tokens: list[Token], at: int, found: list[Token]) -> int:
    """Add a declaration in the form that the grammar has; the place behind it, or ``at``."""
    token = tokens[at]
    if token.text == "enum":
        return _enumeration(tokens, at, found)
    if token.kind == "TEMPLATE":
        return function(tokens, at, found)
    if token.kind == "TYPEDEF":
        return _list(tokens, at, at + 1, [token], found)
    if token.kind not in ("_CONST", "CTYPE") and token.text not in _DROPPED:
        return at
    start = at
    while tokens[at].kind in ("_CONST", "CTYPE") or tokens[at].text in _DROPPED:
        at += 1
    words = tokens[start:at]
    types = [word for word in words if word.kind == "CTYPE"]
    constant = next((word for word in words if word.text in _CONSTANT), None)
    if tokens[at].kind == "NAME" and tokens[at + 1].kind == "LPAR" and constant and types:
        return function(tokens, start, found)
    indexes = tokens[at].kind == "NAME" and tokens[at + 1].text == "["
    if constant is not None and (tokens[at].kind == "HEAD" or indexes):
        return array(tokens, start, at, found)
    valued = tokens[at].kind == "NAME" and tokens[at + 1].kind in ("EQUAL", "_OPEN")
    if not types or constant is None or not valued:
        return start
    exact = (word for word in types if {"float", "double", "bool"} & set(word.text.split()))
    prefix = [constant, next(exact, types[0])]
    return _list(tokens, start, at, prefix, found)


def _list(tokens: list[Token], start: int, at: int, prefix: list[Token], found: list[Token]) -> int:
    """Add a declaration of several names as one for each; the place behind it, or ``start``."""
    typed = tokens[start].kind == "TYPEDEF"
    parts: list[list[Token]] = [[]]
    depth = 0
    end = at
    while tokens[end].kind != "SEMICOLON":
        if tokens[end].kind in (END, "_CONST", "TYPEDEF"):  # nothing is read twice
            return start
        end += 1
    behind, semicolon = end + 1, tokens[end]
    tokens = tokens[at:end] if typed else compared(tokens[at:end])
    for token in tokens:
        depth += (token.kind in _OPENS) - (token.kind in _SHUTS)
        if token.kind == "COMMA" and not depth:
            parts.append([])
        else:
            parts[-1].append(token)
    if depth:
        return start
    shared = parts[0][:-1] if typed else []
    for index, part in enumerate(parts):
        named = len(part) == 1 if typed else len(part) > 1
        if (index or not typed) and not named:
            return start
    for index, part in enumerate(parts):
        found += [*prefix, *(shared if index else []), *part, semicolon]
    return behind


def _enumeration(tokens: list[Token], at: int, found: list[Token]) -> int:
    """Add an enumeration as constants, in a struct of its name too; its end, or ``at``."""
    start, keyword = at, tokens[at]
    at += 1
    scoped = tokens[at].kind in ("STRUCT", "TYPENAME")
    at += scoped
    name = tokens[at] if tokens[at].kind == "NAME" else None
    at += name is not None
    if tokens[at].kind == "COLON":
        at += 1
        while tokens[at].kind in ("CTYPE", "NAME"):
            at += 1
    if tokens[at].kind != "_OPEN":
        return start
    opener, constants, before = tokens[at], list[Token](), None
    at += 1
    while tokens[at].kind == "NAME":
        entry = tokens[at]
        semicolon = Token("SEMICOLON", ";", entry.start, entry.start)
        here = entry.start
        constants += [
            Token("_CONST", "const", here, here),
            Token("CTYPE", "int", here, here),
            entry,
            Token("EQUAL", "=", here, here),
        ]
        at += 1
        if tokens[at].kind == "EQUAL":
            at += 1
            depth = 0
            while depth or tokens[at].kind not in ("COMMA", "_SHUT"):
                if tokens[at].kind in (END, "SEMICOLON", "_OPEN"):
                    return start
                depth += (tokens[at].kind in _OPENS) - (tokens[at].kind in _SHUTS)
                constants.append(tokens[at])
                at += 1
        elif before is None:
            constants.append(Token("INTEGER", "0", here, here))
        else:
            constants += [
                before,
                Token("OPERATOR", "+", here, here),
                Token("INTEGER", "1", here, here),
            ]
        constants.append(semicolon)
        before = entry
        at += tokens[at].kind == "COMMA"
    if tokens[at].kind != "_SHUT" or tokens[at + 1].kind != "SEMICOLON":
        return start
    closer, end = tokens[at], tokens[at + 1]
    if not scoped:
        found += constants
    if name is not None:
        struct = keyword._replace(kind="STRUCT")
        found += [struct, name, opener, *constants, closer, end]
    return at + 2
