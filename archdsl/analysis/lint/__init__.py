"""Lint: warnings about a checked network that is legal, but may not be what its author meant.

A pure stage after the shapes: every rule reads the text, the elaborated block and the checked
network, and yields warnings. Those that a comment of the text allows are taken out last.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from archdsl.analysis.lint import biases, borders, final_activations, receptive_fields, unused
from archdsl.analysis.lint.allow_comments import Allowances
from archdsl.analysis.lint.rule import LintContext, TextContext, rules, text_rules
from archdsl.diagnostics import Diagnostic
from archdsl.diagnostics.source import Source
from archdsl.frontend.elaborate import opaque_warnings

__all__ = [
    "Allowances",
    "LintContext",
    "TextContext",
    "advise",
    "advise_on_text",
    "biases",
    "borders",
    "final_activations",
    "receptive_fields",
    "rules",
    "unused",
]


def advise(context: LintContext) -> tuple[Diagnostic, ...]:
    """Every warning about a network that its texts do not allow, each once, in the texts' order."""
    told = {code: rule(context) for code, rule in rules().items()}
    ruled = (*opaque_warnings(context.elaborated.opaque), *context.network.warnings)
    return _kept(context.document.source, ruled, told)


def advise_on_text(context: TextContext) -> tuple[Diagnostic, ...]:
    """The warnings of :func:`advise` that need no shapes, for a network whose shapes do not fit."""
    told = {code: rule(context) for code, rule in text_rules().items()}
    return _kept(context.document.source, (), told)


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
