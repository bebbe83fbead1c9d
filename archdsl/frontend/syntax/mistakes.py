"""Syntax errors in the reader's terms: which bracket is missing, where, and what would mend it."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

from archdsl.diagnostics import Diagnostic, listing
from archdsl.diagnostics.source import Source, Span
from archdsl.frontend.syntax import nodes
from archdsl.frontend.syntax.tokens import END, OTHER, UNFINISHED, Token
from archdsl.frontend.syntax.tree import ANGLES, Tree
from archdsl.ir.layer import lookup

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


# What people write who come from another language, and how it is written here.
_FOREIGN = {
    **dict.fromkeys("\"'“”‘’", "names and values are written without quotes"),
    **dict.fromkeys("[]{}", "arguments stand between < and >"),
    ".": "a network is layers inside layers: fc<10,relu<input<1,28,28>>>",
    "#": "comments begin with //",
    "×": "the two sides of a window are two arguments: con<64,3,3,...>",
    "<": "there is no 'less than'; a < b is written b >= a + 1",
    "\\": "a line may end anywhere; there is nothing to continue it with",
    "^": "there are no powers; 2**3 is 2*2*2",
    "@": "a layer or template is used by its name; matrices are multiplied by multm_prev1",
}
_PYTHON = "this is Python; archdsl import FILE.py:NAME makes a spec of a PyTorch module"
_PYTHON_WORDS = {
    *("import", "from", "def", "class", "self", "return", "lambda", "model"),
    *("nn", "torch", "F", "keras", "tf", "layers", "np"),
}
_ARROW = re.compile(r"\s*(?:-+>|=+>|[→⟶⇒➔➜⟹▶])\s*")
_STEP = re.compile(r"(\w+)\s*(?:<([^<>]*(?:<[^<>]*>[^<>]*)*)>)?")
_NUMBER = re.compile(r"(\d+)[xX×](\d+)$|(\d{1,3}(?:[_'\u2019]\d{3})+)$|(\d+)[kK]$")
_SHOWN_STEPS, _SHOWN_CHARACTERS = 12, 100
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
    arrow = None if ended else _ARROW.match(source.text, at)
    if arrow:
        return _flow(Span(source, at, at + len(arrow[0].rstrip())))
    line = source.text.rfind("\n", 0, at) + 1
    of_line = before[bisect_left(before, line, key=lambda t: t.start) :]
    first = of_line[0] if of_line else token
    if first.text in _PYTHON_WORDS and not ended:
        span = Span(source, first.start, first.end)
        return Diagnostic(f"'{span.text}' has no meaning here", span, help=_PYTHON, code="E003")
    if token.kind == OTHER and token.text[0].isdigit():
        return _no_number(Span(source, at, at + len(token.text)))
    if source.text.startswith("...", at):
        message, help = "'...' stands for nothing", "write out what is left out here"
        return Diagnostic(message, Span(source, at, at + 3), help=help, code="E003")
    if token.kind == OTHER or (token.text[:1] in _FOREIGN and not ended):
        return _foreign(token.text[0], Span(source, at, at + 1))
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
    stray = "one ';' too many" if place.kind == "SEMICOLON" and not running else _stray(place)
    return Diagnostic(f"unexpected {place.found}", place.span, (note,), stray, code="E004")


def _stray(place: _Place) -> str | None:
    """A hint for an operator where none belongs: of a power, or in the middle of a name."""
    last = place.tokens[-1] if place.tokens else None
    if last is not None and last.text == place.span.text == "*":
        return _FOREIGN["^"]
    rest = place.span.source.text[place.span.end :]
    following = re.match(r"\w+", rest)
    if place.span.text == "-" and last is not None and last.kind == "NAME" and following:
        joined = f"{last.text}_{following[0]}"
        if lookup(joined) is not None:
            return f"did you mean '{joined}'?"
    return None


def side_by_side(items: Iterable[nodes.Item]) -> Diagnostic | None:
    """The mistake in two names on a line with nothing between them, of which one is no layer.

    It is a name with a space in it, a variable of a program, or another language.
    """
    for first, second in pairwise(items):
        if not isinstance(first, nodes.NetworkExpression):
            continue
        if not isinstance(second, nodes.NetworkExpression):
            continue
        bodies = first.body, second.body
        names = [
            b.text if isinstance(b, nodes.Name) else b.name.text
            for b in bodies
            if isinstance(b, nodes.Name | nodes.Apply)
        ]
        if len(names) < 2 or not any(isinstance(body, nodes.Name) for body in bodies):
            continue
        start, end = bodies[0].span.end, bodies[1].span.start
        between = first.span.source.text[start:end]
        if between.strip(" \t") or not between:
            continue
        joined = "_".join(names)
        if lookup(joined) is not None:
            help = f"did you mean '{joined}'?"
        elif names[0] in _PYTHON_WORDS:
            help = _PYTHON
        else:
            help = "a ';' ends a network; the variables of a program are left out"
        return Diagnostic(
            f"'{names[0]}' and '{names[1]}' stand side by side",
            Span(first.span.source, bodies[0].span.start, bodies[1].span.end),
            help=help,
            code="E004",
        )
    return None


def _foreign(character: str, span: Span) -> Diagnostic:
    return Diagnostic(
        f"the character {character!r} has no meaning here",
        span,
        help=_FOREIGN.get(character),
        code="E012" if character in "\"'“”‘’" else "E003",
    )


def _no_number(span: Span) -> Diagnostic:
    """A number with something behind it: ``5x5``, ``1k``, ``1_000``."""
    help = None
    found = _NUMBER.match(span.text)
    if found is not None and found[1]:
        help = f"the two sides of a window are two arguments: {found[1]},{found[2]}"
    elif found is not None and found[3]:
        help = f"digits are not grouped: {re.sub('[^0-9]', '', found[3])}"
    elif found is not None:
        help = f"numbers are written out: {found[4]}000"
    return Diagnostic(f"'{span.text}' is no number", span, help=help, code="E003")


def _flow(span: Span) -> Diagnostic:
    """Layers in the order in which data passes them, joined by arrows."""
    text = span.source.text.strip().rstrip(";")
    steps = [_STEP.fullmatch(step.strip()) for step in _ARROW.split(text)[:_SHOWN_STEPS]]
    net = ""
    for step in steps:
        inner = [part for part in ((step[2] or "").strip(), net) if part] if step else []
        net = f"{step[1]}<{','.join(inner)}>" if step else ""
        if not step or len(net) > _SHOWN_CHARACTERS:
            net = "fc<10,relu<input<1,28,28>>>"
            break
    return Diagnostic(
        f"layers are not joined by '{span.text.strip()}'",
        span,
        ("a layer stands around the one that it takes its input from, the input is innermost",),
        help=f"write {net}",
        code="E004",
    )


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
        message, help = "a definition lacks its 'using'", "write using NAME = ...;"
    elif len(only) == 1 and heading is not None and place.kind != "EQUAL":
        message = f"a definition lacks its {lacking[only.pop()]}"
        help = _FORMS[heading]
    else:
        return _missing_semicolon(place)
    return Diagnostic(message, place.span, (f"found {place.found}",), help=help, code="E013")


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
