"""The slides' notation completed: the ``>`` and ``;`` that a text leaves out where a net ends."""

from __future__ import annotations

from archdsl.frontend.syntax.grammar import tokens_of
from archdsl.frontend.syntax.tokens import OTHER, UNFINISHED
from archdsl.frontend.syntax.tree import ANGLES, Tree

_DEFINES = frozenset({"USING", "TEMPLATE", "PARAM", "_CONST", "TYPEDEF"})


def closed(text: str) -> str:
    """The text with every open bracket closed before the next ``;``, definition, or its end.

    What is missing is added directly behind the last token of its net, before any comment. A text
    that has no tokens somewhere stays as it is, for the parser to say so.
    """
    tokens = tokens_of(text)
    if any(token.kind in (OTHER, UNFINISHED) for token in tokens):
        return text
    additions: list[tuple[int, str]] = []
    for statement in Tree(tokens).statements:
        last = statement.end - 1
        ended = tokens[last].kind == "SEMICOLON"
        places = [bracket.opener for bracket in statement.open if bracket.kind in ANGLES]
        cut = statement.cut or statement.first
        in_header = sum(place < cut for place in places)
        if in_header:
            additions.append((tokens[cut].before, ">" * in_header))
        end = ">" * (len(places) - in_header)
        if tokens[statement.first].kind in _DEFINES and not ended:
            end += ";"
        additions.append((tokens[last].before if ended else tokens[last].end, end))
    parts, start = [], 0
    for at, addition in additions:
        parts += [text[start:at], addition]
        start = at
    return "".join([*parts, text[start:]])
