"""``archdsl fmt``: one style for all specs."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path

import click

from archdsl.cli.output import say
from archdsl.diagnostics import ArchError, fail
from archdsl.diagnostics.source import CPP_SUFFIXES, Source
from archdsl.frontend.files import read_source, standard_input
from archdsl.text.paths import is_folder
from archdsl.text.words import counted


@click.command(
    epilog="FILE is a path, a folder, which stands for all specs in it, or - (to stdout)."
)
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 where a file would change.")
@click.option("--diff", is_flag=True, help="Write nothing; print what would change.")
@click.option("--close", is_flag=True, help="Add the > and ; that a net leaves out at its end.")
@click.option(
    "--fix", is_flag=True, help="Undo what pasting does: quotes for <, long dashes, &lt;."
)
@click.option(
    "--style",
    type=click.Choice(["nest", "flow"]),
    default="nest",
    show_default=True,
    help="flow: also list layers from input to output, in comments.",
)
def command(
    files: tuple[str, ...], check: bool, diff: bool, close: bool, fix: bool, style: str
) -> None:
    """Write specs in one style: the outermost layer first, a layer a line, closers at the end.

    Files are replaced in place, and only if they change. What an author says by lines and spaces
    stays: rows of a table, groups of numbers, comments. A file with syntax errors is left alone;
    --fix and --close mend those that leave no doubt.
    """
    from archdsl.frontend.format import formatted
    from archdsl.text.output import write

    bad = False
    for name in (file for given in files for file in _expanded(given)):
        try:
            source = _read(name)
            text = formatted(source, close=close, fix=fix, flow=style == "flow")
            changed = text != source.text
            if diff:
                _print_diff(source, text)
            elif check and changed:
                say(f"would format {source.name}")
            elif name == "-" and not check:
                sys.stdout.buffer.write(text.encode())
            elif changed and not check:
                write(Path(name), text.encode())
                say(f"formatted {source.name}")
        except ArchError as error:
            click.echo("\n".join(str(d) for d in error.diagnostics), err=True)
            say(f"{name}: left alone, {counted(len(error.diagnostics), 'error')}", err=True)
            bad = True
        else:
            bad |= check and changed
    if bad:
        raise SystemExit(1)


def _expanded(name: str) -> list[str]:
    """Paths of the specs in a folder and its subfolders, or of the file itself."""
    if not is_folder(name):
        return [name]
    return sorted(str(path) for path in Path(name).rglob("*.arch"))


def _read(name: str) -> Source:
    if name == "-":
        return standard_input(line_ends=True)
    if name.lower().endswith(CPP_SUFFIXES):
        raise fail(
            f"{name} is C++: fmt formats .arch files only",
            help="the networks in it are checked and drawn all the same",
        )
    return read_source(Path(name), name=name, line_ends=True)


def _print_diff(source: Source, text: str) -> None:
    """A unified diff; a line end that changes is a change of its line."""
    before, after = (t.splitlines(keepends=True) for t in (source.text, text))
    for line in difflib.unified_diff(before, after, source.name, f"{source.name} (formatted)"):
        click.echo(line.rstrip("\r\n"))
