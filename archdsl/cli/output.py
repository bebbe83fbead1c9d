"""Words and tables for people: with rich on a terminal, plain and uncut elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click

from archdsl.cli.progress import QUIET, asked
from archdsl.diagnostics import Diagnostic, Role, listing, render
from archdsl.diagnostics.printable import printable, printable_lines

Column = tuple[str, str]
"""A heading and its alignment, ``left`` or ``right``."""


_STYLES: Mapping[Role, Mapping[str, Any]] = {
    "error": {"fg": "red", "bold": True},
    "warning": {"fg": "yellow", "bold": True},
    "message": {"bold": True},
    "gutter": {"fg": "blue"},
    "help": {"fg": "cyan"},
}


def complain(diagnostics: Sequence[Diagnostic]) -> None:
    """Show errors and warnings on standard error, in colours where that is a terminal.

    A last line says where the codes of errors are explained.
    """
    for diagnostic in diagnostics:
        click.echo(render(diagnostic, _painted), err=True)
    codes = list(dict.fromkeys(d.code for d in diagnostics if d.code and d.severity == "error"))
    if codes:
        others = f" (or {listing(codes[1:], 4)})" if len(codes) > 1 else ""
        click.echo(f"archdsl explain {codes[0]}{others} says more", err=True)


def _painted(role: Role, text: str) -> str:
    return click.style(text, **_STYLES[role])  # click.echo takes it off where nobody sees it


def tell(text: str) -> None:
    """Print a message of success, unless ``--quiet`` is given."""
    if not asked(QUIET):
        say(text)


def say(text: str, *, err: bool = False) -> None:
    """Print lines for people, in which names of users' files may stand."""
    click.echo(printable_lines(text), err=err)


def print_table(columns: Sequence[Column], rows: Iterable[Sequence[str]], *footer: str) -> None:
    """Print rows under headings; a last line of totals where ``footer`` is given."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    if not console.is_terminal:
        # A file or a pipe has no width: nothing is cut there.
        console = Console(highlight=False, width=10_000)
    table = Table(box=box.SIMPLE_HEAD, show_footer=bool(footer), pad_edge=False)
    for index, (heading, side) in enumerate(columns):
        table.add_column(
            Text(heading),
            footer=Text(footer[index] if footer else ""),
            justify="right" if side == "right" else "left",
            overflow="fold",
            no_wrap=side == "right",
        )
    for row in rows:
        table.add_row(
            *(Text(printable(cell)) for cell in row)
        )  # Text: no markup from a spec's names
    with console.capture() as captured:
        console.print(table)
    click.echo("\n".join(line.rstrip() for line in captured.get().strip("\n").splitlines()))
