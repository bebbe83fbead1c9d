"""``archdsl specs``: the bundled networks."""

from __future__ import annotations

import click

from archdsl.api import load_source
from archdsl.bundled import spec_names
from archdsl.catalogue import facts
from archdsl.layers.definition import shown
from archdsl.options import json_option, print_json
from archdsl.printing import print_table
from archdsl.reading import open_source


@click.command()
@json_option
def command(as_json: bool) -> None:
    """List the bundled specs: year, input, parameters, MACs, what proves them."""
    found = []
    for name in spec_names():
        source = open_source(name)
        known = facts(source)
        title = source.line(1).removeprefix("//").strip()
        found.append((known, title, load_source(source).summary()))
    if as_json:
        print_json(
            {
                "specs": [
                    {
                        **summary.totals(),
                        "title": title,
                        "year": int(known["year"]) if "year" in known else None,
                        "reference": known.get("reference"),
                        "proof": known.get("proof"),
                    }
                    for known, title, summary in found
                ]
            }
        )
        return
    headings = [
        ("spec", "left"),
        ("year", "left"),
        ("input", "right"),
        ("parameters", "right"),
        ("MACs", "right"),
        ("held against", "left"),
    ]
    rows = [
        (
            summary.name,
            known.get("year", ""),
            shown(summary.input),
            f"{summary.parameters:,}",
            f"{summary.macs:,}",
            known.get("reference") or known.get("proof") or "",
        )
        for known, _, summary in found
    ]
    print_table(headings, rows)
    click.echo("\narchdsl summary NAME, archdsl draw NAME and archdsl verify NAME tell more")
