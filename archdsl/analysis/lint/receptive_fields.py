"""Lint rule about classifiers whose receptive field is smaller than the image."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.analysis.cost import Summary
from archdsl.analysis.lint.rule import LintContext, lint_rule, places, tensor, warning
from archdsl.diagnostics import Diagnostic
from archdsl.ir.layer import Category
from archdsl.ir.network import LayerInstance, Network


@lint_rule("W007")
def small_fields(context: LintContext) -> Iterator[Diagnostic]:
    """A mean over all places whose cells see less than the image, where that decides."""
    if not any(_pool(context.network, path) for path in context.network.outputs.values()):
        return
    _, *image = Summary(context.checked).input
    sizes = [size for size in image if size is not None]
    # Runs of a block either let the fields grow, at least by a pixel each, or leave them alone.
    network = context.checked.limited(max(sizes, default=0) + 2)
    fields = {row.path: row.receptive_field for row in Summary(network).rows}
    for path in network.outputs.values():
        pool = _pool(network, path)
        if pool is None:
            continue
        field = fields[pool.inputs[0]]
        if len(sizes) == len(field) and any(f < s for f, s in zip(field, sizes, strict=True)):
            yield warning(
                pool,
                f"no place that {pool.layer.kind} gathers sees the whole input",
                f"each sees {field[0]}×{field[1]} of {sizes[0]}×{sizes[1]} pixels",
                help="more strides, larger windows or more layers before it let it see more",
            )


def _pool(network: Network, path: str) -> LayerInstance | None:
    """The pooling on the way to an output that makes one value a channel of a feature map."""
    while True:
        instance = network.instance(path)
        if len(instance.inputs) != 1:
            return None
        output = tensor(network.shape(path))
        given = tensor(network.shape(instance.inputs[0]))
        if output is None or given is None or places(output) != 1 or not places(given):
            return None
        if places(given) > 1:
            return instance if instance.layer.category is Category.POOLING else None
        path = instance.inputs[0]
