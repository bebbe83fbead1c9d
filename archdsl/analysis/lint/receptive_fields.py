"""Lint rule about classifiers whose receptive field is smaller than the image."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.analysis.lint.rule import LintContext, lint_rule, places, tensor, warning
from archdsl.diagnostics import Diagnostic
from archdsl.ir.layer import Category
from archdsl.ir.network import LayerInstance


@lint_rule("W007")
def small_fields(context: LintContext) -> Iterator[Diagnostic]:
    """A mean over all places whose cells see less than the image, where that decides."""
    for path in context.network.outputs.values():
        pool = _gathering(context, path)
        if pool is None or pool.layer.category is not Category.POOLING:
            continue
        field = context.receptive_fields[pool.inputs[0]]
        _, *image = context.summary.input
        sizes = [size for size in image if size is not None]
        if len(sizes) == len(field) and any(f < s for f, s in zip(field, sizes, strict=True)):
            yield warning(
                pool,
                f"no place that {pool.layer.kind} gathers sees the whole input",
                f"each sees {field[0]}×{field[1]} of {sizes[0]}×{sizes[1]} pixels",
                help="more strides, larger windows or more layers before it let it see more",
            )


def _gathering(context: LintContext, path: str) -> LayerInstance | None:
    """The layer on the way to an output that makes one value a channel of a feature map."""
    while True:
        instance = context.instance(path)
        if len(instance.inputs) != 1:
            return None
        output = tensor(context.network.shape(path))
        given = tensor(context.network.shape(instance.inputs[0]))
        if output is None or given is None or places(output) != 1 or not places(given):
            return None
        if places(given) > 1:
            return instance
        path = instance.inputs[0]
