"""``<``, ``>`` and ``>>`` of C++ in numbers, where they compare and shift and enclose nothing."""

from __future__ import annotations

from archdsl.frontend.syntax.tokens import END, Token

_OPERANDS = frozenset({"NAME", "INTEGER", "FLOAT", "BOOLEAN", "HEAD"})
_BEFORE_NUMBER = frozenset({"HEAD", "MEMBER_HEAD", "COMMA", "EQUAL", "OPERATOR", "MINUS", "NOT"})
"""Before a parenthesis that holds a number and not the parameters of a function."""


def compared(tokens: list[Token]) -> list[Token]:
    """The tokens of a number, with ``<`` and ``>`` as operators where they enclose no arguments."""
    opened: list[int] = []  # places of "<" that wait for their ">", and of "("
    enclosing: set[int] = set()
    for at, token in enumerate(tokens):
        if token.kind in ("HEAD", "MEMBER_HEAD", "LPAR"):
            opened.append(at)
        elif token.kind == "RPAR":
            while opened and tokens[opened.pop()].kind != "LPAR":
                pass
        elif token.kind == "CLOSE" and opened and tokens[opened[-1]].kind != "LPAR":
            behind = tokens[at + 1].kind if at + 1 < len(tokens) else "SEMICOLON"
            head = opened.pop()
            if behind not in _OPERANDS:
                enclosing |= {head, at}
    found: list[Token] = []
    for at, token in enumerate(tokens):
        if at in enclosing or token.kind not in ("HEAD", "CLOSE"):
            found.append(token._replace(kind="OPERATOR") if token.text == "<" else token)
            continue
        if token.kind == "HEAD":
            name = token._replace(kind="NAME", text=token.text[:-1].rstrip())
            found.append(name)
            token = Token("OPERATOR", "<", token.end - 1, name.end)
        before = found[-1] if found else token
        shifts = before.kind == "OPERATOR" and before.text == token.text == ">"
        if shifts and before.end == token.start:
            found[-1] = before._replace(text=">>")
            continue
        found.append(token._replace(kind="OPERATOR"))
    return found


def in_parentheses(tokens: list[Token]) -> list[Token]:
    """The tokens with operators for ``<`` and ``>`` in the parentheses among template arguments."""
    found: list[Token] = []
    at = 0
    while at < len(tokens):
        found.append(tokens[at])
        at += 1
        if tokens[at - 1].kind != "LPAR" or at < 2 or tokens[at - 2].kind not in _BEFORE_NUMBER:
            continue
        start, depth = at, 1
        while depth and tokens[at].kind not in (END, "SEMICOLON", "_OPEN"):
            depth += (tokens[at].kind == "LPAR") - (tokens[at].kind == "RPAR")
            at += 1
        found += compared(tokens[start:at])
    return found
