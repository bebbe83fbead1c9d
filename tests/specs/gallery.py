"""Writes the table of specs/README.md from the specs themselves.

Run after a spec has changed: python tests/specs/gallery.py
"""

from __future__ import annotations

from pathlib import Path

import archdsl
from archdsl.bundled import spec_names
from archdsl.catalogue import facts
from archdsl.layers.definition import shown
from archdsl.reading import open_source

README = Path(__file__).resolve().parents[2] / "specs" / "README.md"
START, END = "<!-- table: start -->\n", "<!-- table: end -->\n"


def table() -> str:
    """The rows, oldest networks first."""
    rows = []
    for name in spec_names():
        known = facts(open_source(name))
        summary = archdsl.load(name).summary()
        accuracy = " / ".join("" if a is None else f"{a:g}" for a in (known.top1, known.top5))
        proof = f"`archdsl verify {name}`: {known.reference}" if known.reference else known.proof
        cells = (
            f"[`{name}`]({name}.arch)",
            known.title,
            shown(summary.input),
            f"{summary.parameters / 1e6:.2f}",
            f"{summary.macs / 1e6:,.1f}",
            accuracy.strip(" /") and accuracy,
            proof or "",
        )
        rows.append((known.year or 0, name, "| " + " | ".join(cells) + " |\n"))
    head = (
        "| spec | network | input | parameters, M | MACs, M | top-1 / top-5, % | proof |\n"
        "|---|---|---|---:|---:|---|---|\n"
    )
    return head + "".join(row for _, _, row in sorted(rows))


def written(text: str) -> str:
    """The README with its table made anew."""
    before, rest = text.split(START)
    _, after = rest.split(END)
    return before + START + table() + END + after


if __name__ == "__main__":
    README.write_text(written(README.read_text(encoding="utf-8")), encoding="utf-8")
