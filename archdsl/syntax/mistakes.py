"""Syntax errors in the reader's terms: which bracket is missing, where, and what would mend it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from lark import Token
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from archdsl.diagnostics import Diagnostic, listing
from archdsl.source import Source, Span

# Terminals as a person would name them; several share a name, since the reader does not care
# which way of writing an argument the parser had in mind.
_SPOKEN = {
    "CLOSE": "'>'",
    "COMMA": "','",
    "SEMICOLON": "';'",
    "EQUAL": "'='",
    "LPAR": "a layer or value",
    "RPAR": "')'",
    "USING": "a definition",
    "TEMPLATE": "a definition",
    "PARAM": "a definition",
    "_CONST": "a definition",
    "INCLUDE": "an include",
    "HEAD": "a layer or value",
    "NAME": "a layer or value",
    "INTEGER": "a layer or value",
    "FLOAT": "a layer or value",
    "BOOLEAN": "a layer or value",
    "CTYPE": "a type",
    "TYPENAME": "'typename'",
    "ELLIPSIS": "'...'",
    "NOT": "a layer or value",
    "OPERATOR": "an operator",
    "$END": "the end of the text",
}
_STATEMENT_ENDS = {"SEMICOLON", "$END", "USING", "TEMPLATE", "PARAM", "_CONST", "INCLUDE"}


Tokens = Callable[[int], Iterator[Token]]


def explain(error: UnexpectedInput, source: Source, before: Tokens) -> tuple[Diagnostic, int]:
    """What a syntax error means, and the offset at which the text stopped making sense.

    ``before`` gives the tokens of the text that was read, up to an offset.
    """
    if isinstance(error, UnexpectedToken):
        return _unexpected_token(error, source, before)
    assert isinstance(error, UnexpectedCharacters)
    at = error.pos_in_stream
    assert at is not None
    character = source.text[at]
    help = None
    if character in "\"'":
        help = "names and values are written without quotes"
    message = f"the character {character!r} has no meaning here"
    return Diagnostic(message, Span(source, at, at + 1), help=help), at


def _unexpected_token(
    error: UnexpectedToken, source: Source, before: Tokens
) -> tuple[Diagnostic, int]:
    token = error.token
    if token.type == "$END":
        at = len(source.text.rstrip())
        span = Span(source, max(0, at - 1), at)
    else:
        at = int(token.start_pos or 0)
        span = Span(source, at, at + len(token))
    open_heads = _open_heads(before(at))
    if token.type in _STATEMENT_ENDS and open_heads:
        return _missing_closers(open_heads, span), at
    if token.type == "CLOSE" and not open_heads:
        extra = 1 + _closers_directly_behind(source.text, at + 1)
        closers = f"{extra} '>' too many" if extra > 1 else "one '>' too many"
        where = Span(source, at, at + extra)
        note = "every '<' before it is closed already"
        return Diagnostic(closers, where, (note,), help="leave it out"), at
    if source.text.startswith("/*", at):
        span = Span(source, at, at + 2)
        return Diagnostic("an unfinished comment", span, help="close the comment with */"), at
    found = "the end of the text" if token.type == "$END" else f"'{token.strip()}'"
    note = f"expected {_spoken(error.accepts or error.expected)}, found {found}"
    help = "separate arguments with ','" if "COMMA" in (error.accepts or ()) else None
    if token.type == "$END" and "SEMICOLON" in (error.accepts or ()):
        help = "end the definition with ';'"
    return Diagnostic(f"unexpected {found}", span, (note,), help=help), at


def _missing_closers(open_heads: list[Token], span: Span) -> Diagnostic:
    """The net would end at ``span``; some heads on the way were never closed."""
    count = len(open_heads)
    missing = f"{count} '>' are missing" if count > 1 else "a '>' is missing"
    line, column = span.position
    still_open = listing(
        f"{head[:-1].strip()} ({span.source.locate(int(head.start_pos or 0))[0]})"
        for head in reversed(open_heads)
    )
    notes = (
        f"the definition would end here, at line {line}, column {column}",
        f"still open (line): {still_open}",
    )
    return Diagnostic(missing, span, notes, help=f"add {'>' * min(count, 60)} before this")


def _open_heads(tokens: Iterator[Token]) -> list[Token]:
    """The heads without a closer between the start of the statement and the error."""
    heads: list[Token] = []
    for token in tokens:
        if token.type in ("HEAD", "TEMPLATE"):
            heads.append(token)
        elif token.type == "CLOSE" and heads:
            heads.pop()
        elif token.type == "SEMICOLON":
            heads.clear()
    return heads


def _closers_directly_behind(text: str, at: int) -> int:
    end = at
    while end < len(text) and text[end] == ">":
        end += 1
    return end - at


def _spoken(terminals: Iterable[str]) -> str:
    order = ["'>'", "','", "';'"]
    names = {_SPOKEN[terminal] for terminal in terminals if terminal in _SPOKEN}
    ranked = sorted(names, key=lambda n: (order.index(n) if n in order else len(order), n))
    return " or ".join(ranked)
