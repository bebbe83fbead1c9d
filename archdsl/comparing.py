"""Networks side by side, as the tables of papers have them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from archdsl.catalogue import Facts, facts
from archdsl.layers.definition import shown
from archdsl.options import Request, print_json
from archdsl.printing import print_table
from archdsl.summary import Summary

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


def print_comparison(files: Sequence[str], request: Request, as_json: bool) -> None:
    """Print what is known of networks, a row each; raises ArchError where one is wrong."""
    entries = []
    for file in files:
        network = request.load(file)
        entries.append(Entry(network.summary(), facts(network.source)))
    if as_json:
        print_json({"specs": [entry.document() for entry in entries]})
    else:
        print_table(_HEADINGS, [entry.cells() for entry in entries])
