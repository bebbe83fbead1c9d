"""Networks side by side, as the tables of papers have them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

from archdsl.catalogue import Facts, facts
from archdsl.diagnostics import fail
from archdsl.layers.definition import shown
from archdsl.options import Request, print_json
from archdsl.printing import print_table
from archdsl.progress import working
from archdsl.summary import Summary
from archdsl.text.output import write
from archdsl.text.words import memory, printable

_HEADINGS = (
    ("spec", "left"),
    ("year", "left"),
    ("input", "right"),
    ("parameters", "right"),
    ("MACs", "right"),
    ("top-1", "right"),
    ("top-5", "right"),
    ("held against", "left"),
)


class Entry(NamedTuple):
    """One network of a comparison."""

    summary: Summary
    known: Facts

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {
            **self.summary.totals(),
            "title": self.known.title,
            "year": self.known.year,
            "top1": self.known.top1,
            "top5": self.known.top5,
            "reference": self.known.reference,
            "proof": self.known.proof,
        }

    def cells(self) -> tuple[str, ...]:
        """For people."""
        summary, known = self
        return (
            summary.name,
            str(known.year or ""),
            shown(summary.input),
            f"{summary.parameters:,}",
            f"{summary.macs:,}",
            "" if known.top1 is None else f"{known.top1:g}",
            "" if known.top5 is None else f"{known.top5:g}",
            known.reference or known.proof or "",
        )


def print_comparison(
    files: Sequence[str], request: Request, as_json: bool, plot: Path | None = None
) -> None:
    """Print what is known of networks, a row each; draw their chart into ``plot``.

    Raises ArchError where a network is wrong, and where there is nothing to plot.
    """
    if plot is not None and plot.suffix.lower() != ".svg":
        raise fail(f"cannot plot into '{plot}'", None, "expected a name that ends in .svg")
    entries = []
    with working("reading networks", len(files)) as advance:
        for file in files:
            network = request.load(file)
            entries.append(Entry(network.summary(), facts(network.source)))
            advance()
    chart = None if plot is None else _chart(entries)
    if plot is not None and chart is not None:
        write(plot, chart)
    if as_json:
        print_json({"specs": [entry.document() for entry in entries]})
        return
    print_table(_HEADINGS, [entry.cells() for entry in entries])
    if plot is not None and chart is not None:
        click.echo(f"\ndrew the chart to {plot} ({memory(len(chart))})")


def _chart(entries: Sequence[Entry]) -> bytes:
    """The chart of the networks with a reported accuracy; the others are named."""
    from archdsl.targets.chart import Point, chart

    points = [
        Point(summary.name, summary.macs, known.top1, summary.parameters)
        for summary, known in entries
        if known.top1 is not None
    ]
    if not points:
        raise fail(
            "none of these networks has a reported accuracy to plot",
            help="a spec states it in a line '// top-1: 71.5% (where it is from)'",
        )
    without = [summary.name for summary, known in entries if known.top1 is None]
    if without:
        names = printable(", ".join(without))
        click.echo(f"note: left out of the chart, no reported top-1 accuracy: {names}", err=True)
    return chart(points)
