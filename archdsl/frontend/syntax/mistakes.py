"""Syntax errors in the reader's terms: which bracket is missing, where, and what would mend it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from archdsl.diagnostics import Diagnostic, listing
from archdsl.diagnostics.source import Source, Span
from archdsl.frontend.syntax.foreign import foreign, stray
from archdsl.frontend.syntax.tokens import END, UNFINISHED, Token
from archdsl.frontend.syntax.tree import ANGLES, Tree

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


_NUMBER = re.compile(r"[ \t]*([-+]?\d[\d.]{0,40})[ \t]*(?:;|\n|\Z)")
_STARTS = {"HEAD", "NAME", "INTEGER", "FLOAT", "BOOLEAN", "CTYPE", "NOT", "MINUS"}
"""Kinds of tokens that a layer or value may begin with."""


def explain(
    token: Token, accepts: frozenset[str], source: Source, before: list[Token]
) -> Diagnostic:
    """The mistake in a token behind others, where only some kinds may stand."""
    # Nothing is missing behind the spaces at the end of a text.
    ended = token.kind == END
    at = len(source.text[: token.start].rstrip()) if ended else token.start
    if token.kind == UNFINISHED:
        span = Span(source, at, at + 2)
        return Diagnostic(
            "an unfinished comment", span, help="close the comment with */", code="E005"
        )
    if not ended:
        strange = foreign(token, source, before)
        if strange is not None:
            return strange
    end = at + len(token.text)
    tree = Tree([*before, Token(END, "", token.start, token.before)])
    running = bool(before) and before[-1].kind != "SEMICOLON"
    place = _Place(
        token.kind,
        "the end of the text" if ended else f"'{token.text.strip()}'",
        Span(source, at if end > at else max(0, at - 1), end),
        accepts,
        _last(before, source),
        before,
        tree,
        tree.statements[-1].first if running else len(before),
    )
    for judge in (_closers, _parenthesis, _definition, _argument):
        found = judge(place)
        if found is not None:
            return found
    note = f"expected {_spoken(place.accepts)}, found {place.found}"
    superfluous = place.kind == "SEMICOLON" and not running
    help = "one ';' too many" if superfluous else stray(place.span, place.tokens)
    return Diagnostic(f"unexpected {place.found}", place.span, (note,), help, code="E004")


class _Place(NamedTuple):
    """The place where the parser could not go on."""

    kind: str
    found: str
    span: Span
    accepts: frozenset[str]
    last: Span
    """The token before; the place itself where there is none."""
    tokens: list[Token]
    tree: Tree
    begun: int
    """The first token of the statement that has not ended; their number where there is none."""

    @property
    def open_heads(self) -> list[Token]:
        """The heads without a closer between the start of the statement and the error."""
        if self.begun == len(self.tokens):
            return []
        opened = self.tree.statements[-1].open
        return [self.tokens[b.opener] for b in opened if b.kind in ANGLES]


def _last(tokens: list[Token], source: Source) -> Span:
    if not tokens:
        return Span(source, 0, 1)
    return Span(source, tokens[-1].end - 1, tokens[-1].end)


def _closers(place: _Place) -> Diagnostic | None:
    """Too few or too many ``>``."""
    open_heads = place.open_heads
    if place.kind in _STATEMENT_ENDS and open_heads and "RPAR" not in place.accepts:
        # The next definition is not to blame: what is missing is missing behind the last token.
        span = place.span if place.kind == "SEMICOLON" else place.last
        return _missing_closers(open_heads, span)
    if place.kind == "CLOSE" and not open_heads:
        text, at = place.span.source.text, place.span.start
        extra = 1 + _closers_directly_behind(text, at + 1)
        return Diagnostic(
            f"{extra} '>' too many" if extra > 1 else "one '>' too many",
            Span(place.span.source, at, at + extra),
            ("every '<' before it is closed already",),
            help="leave it out" if extra == 1 else "leave them out",
            code="E002",
        )
    return None


def _missing_closers(open_heads: list[Token], span: Span) -> Diagnostic:
    """The net would end at ``span``; some heads on the way were never closed."""
    count = len(open_heads)
    missing = f"{count} '>' are missing" if count > 1 else "a '>' is missing"
    line, column = span.position
    still_open = listing(
        f"{head.text[:-1].strip()} ({span.source.locate(head.start)[0]})"
        for head in reversed(open_heads)
    )
    notes = (
        f"the definition would end here, at line {line}, column {column}",
        f"still open (line): {still_open}",
    )
    side = "before" if span.text == ";" else "behind"
    help = f"add {'>' * min(count, 60)} {side} this"
    return Diagnostic(missing, span, notes, help=help, code="E001")


def _parenthesis(place: _Place) -> Diagnostic | None:
    """A parenthesis that is not closed, or arguments of a layer in parentheses."""
    if place.kind == "LPAR" and place.tokens and place.tokens[-1].kind == "NAME":
        name = place.tokens[-1].text
        return Diagnostic(
            f"the arguments of '{name}' stand in parentheses",
            place.span,
            (f"expected {name}<...>, found {name}(...)",),
            help="the arguments of layers and templates stand between < and >",
            code="E014",
        )
    if "RPAR" in place.accepts and place.kind not in _STARTS:
        return Diagnostic(
            "a ')' is missing",
            place.last,
            (f"expected {_spoken(place.accepts)}, found {place.found}",),
            help="several numbers are several arguments, without parentheses"
            if place.kind == "COMMA"
            else "add ) behind this",
            code="E011",
        )
    return None


def _definition(place: _Place) -> Diagnostic | None:
    """A definition without its ``;``, its ``=`` or its ``using``."""
    lacking = {"EQUAL": "'='", "USING": "'using'", "NAME": "name", "CTYPE": "type"}
    only = {kind for kind in place.accepts if kind in lacking}
    heading = _heading(place)
    if place.kind == "EQUAL" and heading is None:
        message, help = "a definition lacks its 'using'", _for_value(place)
    elif place.kind == "NAME" and [t.kind for t in place.tokens[place.begun :]] == ["CTYPE"]:
        kind = place.tokens[-1].text
        name = place.span.text
        message = "a definition lacks its 'const' or 'param'"
        help = f"write const {kind} {name} = ...;, or param {kind} {name} = ...; to set it with -D"
    elif len(only) == 1 and heading is not None and place.kind != "EQUAL":
        message = f"a definition lacks its {lacking[only.pop()]}"
        help = _FORMS[heading]
    else:
        return _missing_semicolon(place)
    return Diagnostic(message, place.span, (f"found {place.found}",), help=help, code="E013")


def _for_value(place: _Place) -> str:
    """The definition that gives a name the value behind the ``=``, a number or a network."""
    value = _NUMBER.match(place.span.source.text, place.span.end)
    name = place.tokens[-1].text if place.tokens else "NAME"
    number = value[1] if value else None
    return (
        f"write const int {name} = {number}; or param int {name} = {number};, which -D sets"
        if number
        else "write using NAME = ...;"
    )


def _missing_semicolon(place: _Place) -> Diagnostic | None:
    behind_value = "SEMICOLON" in place.accepts and "COMMA" not in place.accepts
    ends = place.kind in _STATEMENT_ENDS or place.kind in _STARTS
    named = any(token.kind in _FORMS for token in place.tokens[place.begun :])
    if behind_value and ends and named:
        return Diagnostic(
            "a ';' is missing",
            place.last,
            (f"expected {_spoken(place.accepts)}, found {place.found}",),
            help="end the definition with ';'",
            code="E009",
        )
    return None


_FORMS = {
    "USING": "write using NAME = ...;",
    "TEMPLATE": "write template <int N, typename SUBNET> using NAME = ...;",
    "PARAM": "write param int NAME = 10;",
    "_CONST": "write const int NAME = 10;",
}
"""Spelling of each kind of definition, by the token that it begins with."""


def _heading(place: _Place) -> str | None:
    """First token of a definition, while its ``=`` has not come yet."""
    begun = range(place.begun, len(place.tokens))
    if any(place.tokens[i].kind == "EQUAL" and place.tree.inside[i] is None for i in begun):
        return None
    return next((place.tokens[i].kind for i in begun if place.tokens[i].kind in _FORMS), None)


def _argument(place: _Place) -> Diagnostic | None:
    """Two arguments without a comma, or a comma without an argument."""
    note = f"expected {_spoken(place.accepts)}, found {place.found}"
    if "COMMA" in place.accepts and place.kind in _STARTS:
        message, help = f"a ',' is missing before {place.found}", "separate arguments with ','"
        return Diagnostic(message, place.span, (note,), help=help, code="E008")
    if place.kind in ("COMMA", "CLOSE", "RPAR") and "HEAD" in place.accepts:
        message = f"an argument is missing before {place.found}"
        return Diagnostic(message, place.span, (note,), help="one ',' too many?", code="E010")
    return None


def _closers_directly_behind(text: str, at: int) -> int:
    end = at
    while end < len(text) and text[end] == ">":
        end += 1
    return end - at


def _spoken(terminals: Iterable[str]) -> str:
    order = ["'>'", "','", "';'"]
    names = {_SPOKEN[terminal] for terminal in terminals if terminal in _SPOKEN}
    if "a layer or value" in names:
        names.discard("a type")
    ranked = sorted(names, key=lambda n: (order.index(n) if n in order else len(order), n))
    return " or ".join(ranked)
