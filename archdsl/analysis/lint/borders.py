"""Lint rule about windows that leave out rows or columns at the far border of their input."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.analysis.lint.rule import LintContext, lint_rule, tensor, warning
from archdsl.diagnostics import Diagnostic
from archdsl.ir.edges import Shape, shown

_WORTH_TELLING = 12
"""The warning is given where more than this part of a map is lost, 1/12: one row of seven."""


@lint_rule("W004")
def dropped_rows(context: LintContext) -> Iterator[Diagnostic]:
    """Poolings and strided convolutions whose rounding down costs a good part of the map."""
    known: dict[tuple[int, Shape], tuple[int, int]] = {}
    for instance in context.network.instances():
        if len(instance.inputs) != 1:
            continue
        given = tensor(context.network.shape(instance.inputs[0]))
        if given is None or len(given) != 3:
            continue
        key = id(instance.layer), given  # layers of equal arguments are mostly one object
        lost = known.get(key)
        if lost is None:
            lost = known[key] = instance.layer.unseen((given,))
        for count, size, axis in zip(lost, given[1:], ("row", "column"), strict=True):
            if size is None or count * _WORTH_TELLING <= size:
                continue
            what = f"{count} {axis}s" if count > 1 else f"the last {axis}"
            yield warning(
                instance,
                f"{instance.layer.kind} never sees {what} of its input",
                f"the output is rounded down to {shown(context.network.shape(instance.path))}",
                help="padding, ceil_mode=true or another size of the input mends it",
                label=f"takes {shown(given)}",
            )
            break
