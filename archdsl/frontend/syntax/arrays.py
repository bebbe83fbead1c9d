"""Arrays of constants of C++ rewritten, token by token, as functions of an index."""

from __future__ import annotations

from archdsl.frontend.syntax.comparisons import compared
from archdsl.frontend.syntax.functions import unread
from archdsl.frontend.syntax.tokens import END, Token

_MAX_VALUES = 256
_STOPS = frozenset({END, "SEMICOLON"})


def array(tokens: list[Token], start: int, at: int, found: list[Token]) -> int:
    """Add ``constexpr int name[] = {3, 4};`` as ``name(i) = i == 0 ? 3 : ...``.

    Gives the place behind it, or ``start`` where there is none.

    Before ``at`` stands what says that it is constant, and the type if it is no ``std::array``.
    """
    types = [token for token in tokens[start:at] if token.kind == "CTYPE"]
    if tokens[at].kind == "HEAD" and tokens[at].text.removeprefix("std::").startswith("array"):
        at += 1
        types = [tokens[at]] if tokens[at].kind == "CTYPE" else []
        while tokens[at].kind != "CLOSE":
            if tokens[at].kind in _STOPS:
                return start
            at += 1
        if tokens[at + 1].kind != "NAME":
            return start
        at, name = at + 2, tokens[at + 1]
    else:
        name = tokens[at]
        if name.kind != "NAME" or tokens[at + 1].text != "[":
            return start
        at += 1
        while tokens[at].text != "]":
            if tokens[at].kind in _STOPS:
                return start
            at += 1
        at += 1
    at += tokens[at].kind == "EQUAL"
    nested = [token.kind for token in tokens[at : at + 2]] == ["_OPEN", "_OPEN"]
    if not types or tokens[at].kind != "_OPEN":
        return start
    at += 1 + nested
    values: list[list[Token]] = [[]]
    depth = 0
    while tokens[at].kind != "_SHUT":
        token = tokens[at]
        if token.kind in _STOPS or token.kind == "_OPEN" or len(values) > _MAX_VALUES:
            return start
        depth += (token.kind == "LPAR") - (token.kind == "RPAR")
        if token.kind == "COMMA" and not depth:
            values.append([])
        else:
            values[-1].append(token)
        at += 1
    if nested and tokens[at + 1].kind != "_SHUT":
        return start
    at += 1 + nested
    if tokens[at].kind != "SEMICOLON":
        return start
    if all(token.text != "constexpr" for token in tokens[start:at]):
        # Of a const array no compiler knows the values.
        found += unread(name, tokens[at])
        return at + 1
    values = [compared(value) for value in values if value]
    here = name.start

    def put(*kinds: tuple[str, str]) -> list[Token]:
        return [Token(kind, text, here, here) for kind, text in kinds]

    index = "NAME", "index"
    found += [*put(("_CONST", "const")), types[0], name]
    found += put(("LPAR", "("), ("CTYPE", "long"), index, ("RPAR", ")"), ("EQUAL", "="))
    for number, value in enumerate(values):
        found += put(("LPAR", "("), index, ("OPERATOR", "=="), ("INTEGER", str(number)))
        found += put(("QMARK", "?"), ("LPAR", "(")) + value
        found += put(("RPAR", ")"), ("COLON", ":"))
    # No name is like that, and so it has no value.
    found += put(("NAME", f"element {len(values)} or later of {name.text}"))
    found += put(*[("RPAR", ")")] * len(values))
    found.append(tokens[at])
    return at + 1


def indexed(tokens: list[Token]) -> list[Token]:
    """The tokens with ``name[i]`` as ``name(i)``."""
    found: list[Token] = []
    opened: list[int] = []  # places in what is found of "[" behind names, -1 for others
    for token in tokens:
        if token.kind == "OTHER" and token.text == "[":
            behind = bool(found) and found[-1].kind in ("NAME", "MEMBER")
            opened.append(len(found) if behind else -1)
        elif token.kind in ("SEMICOLON", "_OPEN", "_SHUT"):
            opened.clear()
        elif token.kind == "OTHER" and token.text == "]" and opened:
            place = opened.pop()
            if 0 <= place < len(found) - 1:
                inner = compared(found[place + 1 :])
                del found[place + 1 :]
                found[place] = found[place]._replace(kind="LPAR")
                found += inner
                token = token._replace(kind="RPAR")
        found.append(token)
    return found
