"""Advice: what is legal in a checked network, but may not be meant.

A pure stage behind the shapes: every definition reads the text, the elaborated block and the
checked network, and yields warnings. What a text allows is taken out last.
"""

from __future__ import annotations

from dataclasses import replace

from archdsl.advice import biases, borders, endings, fields, leftovers
from archdsl.advice.allowing import Allowances
from archdsl.advice.definition import Subject, definitions
from archdsl.diagnostics import Diagnostic

__all__ = [
    "Allowances",
    "Subject",
    "advise",
    "biases",
    "borders",
    "definitions",
    "endings",
    "fields",
    "leftovers",
]


def advise(subject: Subject) -> tuple[Diagnostic, ...]:
    """Every warning about a network that its texts do not allow, each once, in the texts' order."""
    found: dict[object, Diagnostic] = {}
    allowances = Allowances(subject.document.source)
    for code, judge in definitions().items():
        for warning in judge(subject):
            # A template that is expanded often is advised once.
            found.setdefault((code, warning.span), replace(warning, code=code))
    everything = [*allowances.unknown(), *subject.network.warnings, *found.values()]
    kept = [warning for warning in everything if not allowances.cover(warning)]
    own = subject.document.source
    return tuple(sorted(kept, key=lambda w: _order(w, own)))


def _order(warning: Diagnostic, own: object) -> tuple[bool, int]:
    span = warning.span
    return span is None or span.source is not own, span.start if span is not None else 0
