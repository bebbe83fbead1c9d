"""Tables for people: as lines of text, and as HTML for notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from archdsl.diagnostics.printable import printable

_SHOWN_IN_TEXT = 60
_STYLE = "max-height:40em;overflow:auto"
"""A notebook shows so much of a table at once, and scrolls the rest."""


class Table(NamedTuple):
    """Rows of cells under headings, and a last row of totals."""

    columns: Sequence[tuple[str, str]]
    """Headings and their alignment, ``left`` or ``right``."""
    rows: Sequence[Sequence[str]]
    totals: Sequence[str]


def text_table(table: Table) -> str:
    """The table as lines of text, the rows in its middle left out where there are many."""
    rows = [[printable(cell) for cell in row] for row in table.rows]
    if len(rows) > _SHOWN_IN_TEXT:
        half = _SHOWN_IN_TEXT // 2
        gap = [f"... {len(rows) - 2 * half} more", *("" for _ in table.columns[1:])]
        rows = [*rows[:half], gap, *rows[-half:]]
    headings = [heading for heading, _ in table.columns]
    every = [headings, *rows, list(table.totals)]
    widths = [max(len(row[i]) for row in every) for i in range(len(headings))]
    rule = "  ".join("-" * width for width in widths)
    lines = [_line(row, widths, table.columns) for row in every]
    return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])


def html_table(table: Table, caption: str) -> str:
    """The table as HTML under a caption, in a box that scrolls."""
    head = "".join(_cell("th", heading, side) for heading, side in table.columns)
    body = "".join(f"<tr>{_cells('td', row, table.columns)}</tr>\n" for row in table.rows)
    foot = _cells("th", table.totals, table.columns)
    return (
        f'<div style="{_STYLE}"><table>\n'
        f'<caption style="text-align:left">{escape(printable(caption))}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n"
        f"<tfoot><tr>{foot}</tr></tfoot>\n</table></div>"
    )


def _line(row: Sequence[str], widths: Sequence[int], columns: Sequence[tuple[str, str]]) -> str:
    cells = (
        cell.rjust(width) if side == "right" else cell.ljust(width)
        for cell, width, (_, side) in zip(row, widths, columns, strict=True)
    )
    return "  ".join(cells).rstrip()


def _cells(kind: str, row: Sequence[str], columns: Sequence[tuple[str, str]]) -> str:
    return "".join(_cell(kind, cell, side) for cell, (_, side) in zip(row, columns, strict=True))


def _cell(kind: str, text: str, side: str) -> str:
    return f'<{kind} style="text-align:{side}">{escape(printable(text))}</{kind}>'
