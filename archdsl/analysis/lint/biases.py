"""Lint rule about biases that batch normalisation takes away again."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.analysis.lint.rule import LintContext, lint_rule, warning
from archdsl.diagnostics import Diagnostic
from archdsl.ir.layer import Category

_WITH_BIAS = (Category.CONVOLUTION, Category.LINEAR)


@lint_rule("W006")
def absorbed_biases(context: LintContext) -> Iterator[Diagnostic]:
    """A bias that only batch normalisation sees."""
    for instance in context.network.instances():
        layer = instance.layer
        if layer.category not in _WITH_BIAS or not getattr(layer, "bias", False):
            continue
        readers = context.readers.get(instance.path, [])
        if len(readers) == 1 and readers[0].layer.absorbs_bias:
            yield warning(
                instance,
                f"the bias of {layer.kind} is without effect",
                f"{readers[0].layer.kind} behind it subtracts the mean of every channel",
                help=f"write {layer.kind}<..., bias=false>",
            )
