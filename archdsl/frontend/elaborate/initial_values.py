"""Initial values stated in a file's comment, ``// init: con he_fan_out, fc 0.01``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from archdsl.diagnostics import ArchError, fail, nearest
from archdsl.diagnostics.source import Source, Span
from archdsl.ir.layer import Definition
from archdsl.layers.initial import SCHEMES, Initialised, Scheme

_FACT = re.compile(r"^// init:[ \t]+(\S[^\r\n]*?)[ \t]*$", re.MULTILINE)
_HEADER = re.compile(r"(?://[^\n]*\n)*(?://[^\n]*)?")
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
    span = Span(source, *fact.span(1))
    for item in fact.group(1).split(","):
        words = item.split()
        kind = words.pop(0) if words and not _is_value(words[0]) and len(words) > 1 else _EVERY
        if not 1 <= len(words) <= 2:
            raise fail(
                "the init fact has a rule for weights, and perhaps one for biases",
                span,
                f"found '{item.strip()}'",
                code="E141",
            )
        rule = found[kind] = _value(words[0], "init", "deviation", span)
        if len(words) == 2:
            rule |= _value(words[1], "bias_init", "bias_deviation", span)
    return found


def _is_value(word: str) -> bool:
    return word in SCHEMES or word[0].isdigit()


def _value(word: str, scheme: str, deviation: str, span: Span) -> dict[str, Any]:
    if word in SCHEMES:
        return {scheme: Scheme(word)}
    try:
        return {deviation: float(word)}
    except ValueError:
        raise unknown(word, span) from None


def unknown(word: str, span: Span) -> ArchError:
    """The error for a word that names no initial distribution."""
    return fail(
        f"there is no way of starting weights called '{word}'",
        span,
        f"expected one of {', '.join(SCHEMES)}, or in a header a standard deviation",
        help=nearest(word, SCHEMES),
        code="E141",
    )
