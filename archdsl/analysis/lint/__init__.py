"""Advice: what is legal in a checked network, but may not be meant.

A pure stage behind the shapes: every definition reads the text, the elaborated block and the
checked network, and yields warnings. What a text allows is taken out last.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from archdsl.analysis.lint import (
    biases,
    borders,
)
from archdsl.analysis.lint import (
    final_activations as endings,
)
from archdsl.analysis.lint import (
    receptive_fields as fields,
)
from archdsl.analysis.lint import (
    unused as leftovers,
)
from archdsl.analysis.lint.allow_comments import Allowances
from archdsl.analysis.lint.rule import Subject, Written, definitions, on_writing
from archdsl.diagnostics import Diagnostic
from archdsl.diagnostics.source import Source

__all__ = [
    "Allowances",
    "Subject",
    "Written",
    "advise",
    "advise_on_writing",
    "biases",
    "borders",
    "definitions",
    "endings",
    "fields",
    "leftovers",
]


def advise(subject: Subject) -> tuple[Diagnostic, ...]:
    """Every warning about a network that its texts do not allow, each once, in the texts' order."""
    told = {code: judge(subject) for code, judge in definitions().items()}
    return _kept(subject.document.source, subject.network.warnings, told)


def advise_on_writing(written: Written) -> tuple[Diagnostic, ...]:
    """The warnings of :func:`advise` that need no shapes, for a network whose shapes do not fit."""
    told = {code: read(written) for code, read in on_writing().items()}
    return _kept(written.document.source, (), told)


def _kept(
    own: Source, ruled: tuple[Diagnostic, ...], told: Mapping[str, Iterator[Diagnostic]]
) -> tuple[Diagnostic, ...]:
    """The warnings of the layers' rules and those by code, less what a text allows."""
    found: dict[object, Diagnostic] = {}
    allowances = Allowances(own)
    for code, warnings in told.items():
        for warning in warnings:
            # A template that is expanded often is advised once.
            found.setdefault((code, warning.span), replace(warning, code=code))
    everything = [*allowances.unknown(), *ruled, *found.values()]
    kept = [warning for warning in everything if not allowances.cover(warning)]
    return tuple(sorted(kept, key=lambda w: _order(w, own)))


def _order(warning: Diagnostic, own: Source) -> tuple[bool, int]:
    span = warning.span.outer if warning.span is not None else None
    return span is None or span.source is not own, span.start if span is not None else 0
