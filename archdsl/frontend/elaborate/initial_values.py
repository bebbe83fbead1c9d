"""Initial values stated in a file's comment, ``// init: con he_fan_out, fc 0.01``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from archdsl.diagnostics import ArchError, fail, nearest
from archdsl.diagnostics.source import Source, Span
from archdsl.ir.layer import Definition, definitions, lookup
from archdsl.layers.initial import SCHEMES, Initialised, Scheme

_FACT = re.compile(r"^// init:[ \t]++(\S[^\r\n]*+)$", re.MULTILINE)
_HEADER = re.compile(r"(?://[^\n]*\n)*(?://[^\n]*)?")
_ITEM = re.compile(r"[^,]+")
_WORD = re.compile(r"\S+")
_NUMBER = re.compile(r"(?:\d++(?:\.\d*+)?|\.\d++)(?:e[+-]?\d++)?", re.IGNORECASE)
_EVERY = ""

Starts = Mapping[str, Mapping[str, Any]]
"""By the kind of a layer, or the empty text for all: arguments that it has if it has no others."""


class Starting:
    """Reads the fact of each file once; a file without one has that of the spec it is part of."""

    def __init__(self, spec: Source) -> None:
        self._spec = spec
        self._read: dict[int, Starts] = {}

    def complete(self, definition: Definition, given: dict[str, Any], where: Span) -> None:
        """Add to the arguments of a layer what the fact of its file says."""
        if not issubclass(definition.cls, Initialised):
            return
        starts = self._of(where.source) or self._of(self._spec)
        start = starts.get(definition.cls.kind) or starts.get(_EVERY)  # type: ignore[attr-defined]
        if start is None:
            return
        if not {"init", "deviation"} & set(given):
            # The biases of a scheme come with it, where the layer says nothing else of them.
            weights = {"init", "deviation"} & set(start)
            given.update({name: start[name] for name in weights})
        if not {"bias_init", "bias_deviation", "prior"} & set(given):
            biases = {"bias_init", "bias_deviation"} & set(start)
            given.update({name: start[name] for name in biases})

    def _of(self, source: Source) -> Starts:
        found = self._read.get(id(source))
        if found is None:
            self._read[id(source)] = found = {} if source.is_cpp else starts(source)
        return found


def starts(source: Source) -> Starts:
    """Initial values that a file's opening comment states; raises ArchError for unknown words."""
    header = _HEADER.match(source.text)
    fact = _FACT.search(source.text, 0, header.end() if header else 0)
    found: dict[str, dict[str, Any]] = {}
    if fact is None:
        return found
    start = fact.start(1)
    for item in _ITEM.finditer(source.text, start, start + len(fact[1].rstrip(" \t"))):
        words = [Span(source, *word.span()) for word in _WORD.finditer(source.text, *item.span())]
        kind = _EVERY if not words or _is_value(words[0].text) or len(words) == 1 else _kind(words)
        if not 1 <= len(words) <= 2:
            raise fail(
                "the init fact has a rule for weights, and perhaps one for biases",
                Span(source, *item.span()),
                f"found '{item.group().strip()}'",
                code="E141",
            )
        rule = found[kind] = _value(words[0], "init", "deviation")
        if len(words) == 2:
            rule |= _value(words[1], "bias_init", "bias_deviation")
    return found


def drawn_kinds() -> Mapping[str, Definition]:
    """The kinds of layers that a fact may speak of."""
    return {name: each for name, each in definitions().items() if _is_drawn(each, name)}


def _is_drawn(definition: Definition, name: str) -> bool:
    cls = definition.cls
    return issubclass(cls, Initialised) and cls.kind == name  # type: ignore[attr-defined]


def _kind(words: list[Span]) -> str:
    """Takes the kind of layers off the words of an item."""
    span = words.pop(0)
    known = lookup(span.text)  # which reads no more of the catalogue than it has to
    if known is None or not _is_drawn(known, span.text):
        kinds = drawn_kinds()
        raise fail(
            f"'{span.text}' is neither a kind of layers with weights nor a way to start them",
            span,
            f"expected one of {', '.join(kinds)}, or of {', '.join(SCHEMES)}",
            help=nearest(span.text, [*kinds, *SCHEMES]),
            code="E141",
        )
    return span.text


def _is_value(word: str) -> bool:
    return word in SCHEMES or _NUMBER.fullmatch(word) is not None


def _value(word: Span, scheme: str, deviation: str) -> dict[str, Any]:
    if _NUMBER.fullmatch(word.text):
        return {deviation: float(word.text)}
    if word.text in SCHEMES:
        return {scheme: Scheme(word.text)}
    raise unknown(word.text, word)


def unknown(word: str, span: Span) -> ArchError:
    """The error for a word that names no initial distribution."""
    return fail(
        f"there is no way of starting weights called '{word}'",
        span,
        f"expected one of {', '.join(SCHEMES)}, or in a header a standard deviation",
        help=nearest(word, SCHEMES),
        code="E141",
    )
