"""Lint rule about activations between the last layer of a network and its loss."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.analysis.lint.rule import LintContext, lint_rule, warning
from archdsl.diagnostics import Diagnostic
from archdsl.ir.layer import Category


@lint_rule("W005")
def activated_outputs(context: LintContext) -> Iterator[Diagnostic]:
    """An activation between the last fully connected layer and the loss or the end."""
    for path in context.network.outputs.values():
        last = context.instance(path)
        loss = None
        if last.layer.category is Category.LOSS and last.inputs:
            loss, last = last, context.instance(last.inputs[0])
        if last.layer.category is not Category.ACTIVATION or len(last.inputs) != 1:
            continue
        if context.instance(last.inputs[0]).layer.category is not Category.LINEAR:
            continue
        kind = last.layer.kind
        if last.layer.bounded:
            if loss is None or not loss.layer.takes_logits:
                continue  # probabilities are what is wanted there
            note = f"{loss.layer.kind} applies softmax or a sigmoid itself"
        else:
            note = f"{kind} changes what the last layer says: its values are no longer free"
        where = f"before {loss.layer.kind}" if loss is not None else "at the end of the network"
        yield warning(
            last,
            f"an activation {where}",
            note,
            help=f"leave {kind} out: the last layer's outputs are taken as they are",
        )
