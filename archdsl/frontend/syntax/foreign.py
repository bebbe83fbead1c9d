"""Phrases of other languages, formats and notations, and the same in the language of specs."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import pairwise

from archdsl.diagnostics import Diagnostic
from archdsl.diagnostics.source import Source, Span
from archdsl.frontend.syntax import nodes
from archdsl.frontend.syntax.tokens import OTHER, Token
from archdsl.ir.layer import lookup

# Characters of other languages, and how what they mean there is written here.
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
_PHRASES = (
    (re.compile(r"\.\.\."), "'{}' stands for nothing", "write out what is left out here"),
    (
        re.compile(r"#[ \t]*define[ \t]+(\w+)[ \t]+([\d.]+)"),
        "'{}' is for C++",
        "const int {} = {};",
    ),
    (re.compile(r"<!--"), "'{}' begins no comment", "comments begin with //"),
    (re.compile(r"<<+"), "'{}' opens nothing", "one < opens the arguments of a layer"),
    (re.compile(r":"), "'{}' has no meaning here", "arguments are separated by ','"),
    (re.compile(r"\$"), "'{}' has no meaning here", "leave out the prompt of the shell"),
    (re.compile(r"(?<=\d)\.\d+"), "'{}' has no meaning here", "arguments are separated by ','"),
)
_ARROW = re.compile(r"-{1,3}>|={1,2}>|[→⟶⇒➔➜⟹▶]|\|>?(?!\|)")
_STEP = re.compile(r"(\w+)\s*(?:<([^<>]*(?:<[^<>]*>[^<>]*)*)>)?")
_NUMBER = re.compile(r"(\d+)[xX×](\d+)$|(\d{1,3}(?:[_'\u2019]\d{3})+)$|(\d+)[kK]$")
# How a text of another format begins, and how a network comes from there.
_FORMATS = (
    (r"\s*\[(net|network)\]", "this is a network of Darknet's: archdsl import FILE.cfg"),
    (r"\s*[{\[]\s*[\"{\]]", "this is JSON: archdsl import FILE.json reads what Keras writes"),
    (r"\s*(name\s*:\s*\"|layers?\s*\{)", "this is Caffe's; a network comes from there by ONNX"),
    (r"(\s*#[^\n]*\n)*\s*[\w-]+:[ \t]*(\n|[^\n:])", "this is YAML, which is not read"),
)
_SHOWN_STEPS, _SHOWN_CHARACTERS = 12, 100


def foreign(token: Token, source: Source, before: Sequence[Token]) -> Diagnostic | None:
    """The mistake in a token that belongs to another language; ``None`` for one of this."""
    text, at = source.text, token.start
    formats = () if source.is_cpp else _FORMATS
    told = next((told for begin, told in formats if re.match(begin, text)), None)
    if told is not None:
        span = Span(source, at, at + len(token.text))
        return Diagnostic(f"'{span.text}' has no meaning here", span, help=told, code="E003")
    arrow = _ARROW.match(text, at)
    if arrow:
        return _flow(Span(source, at, arrow.end()))
    line = text.rfind("\n", 0, at) + 1
    of_line = before[bisect_left(before, line, key=lambda t: t.start) :]
    first = of_line[0] if of_line else token
    if first.text in _PYTHON_WORDS and not source.is_cpp:
        span = Span(source, first.start, first.end)
        quoted = first.text == "import" and text[first.end :].lstrip()[:1] in "\"'"
        help = '#include "FILE.arch" includes a file' if quoted else _PYTHON
        return Diagnostic(f"'{span.text}' has no meaning here", span, help=help, code="E003")
    for pattern, message, help in _PHRASES:
        phrase = pattern.match(text, at)
        if phrase:
            said = help.format(*phrase.groups())
            span = Span(source, at, phrase.end())
            return Diagnostic(message.format(span.text), span, help=said, code="E003")
    if token.kind == OTHER and token.text[0].isdigit():
        return _no_number(Span(source, at, at + len(token.text)))
    if token.kind == OTHER or token.text[:1] in _FOREIGN:
        return _of_character(token.text[0], Span(source, at, at + 1))
    return None


def stray(span: Span, before: Sequence[Token]) -> str | None:
    """A hint for an operator where none belongs: of a power, or in the middle of a name."""
    last = before[-1] if before else None
    if last is not None and last.text == span.text == "*":
        return _FOREIGN["^"]
    rest = span.source.text[span.end :]
    following = re.match(r"\w+", rest)
    if span.text == "-" and last is not None and last.kind == "NAME" and following:
        joined = f"{last.text}_{following[0]}"
        if lookup(joined) is not None:
            return f"did you mean '{joined}'?"
    return None


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


def _of_character(character: str, span: Span) -> Diagnostic:
    return Diagnostic(
        f"the character {character!r} has no meaning here",
        span,
        help=_FOREIGN.get(character),
        code="E012" if character in "\"'“”‘’" else "E003",
    )
