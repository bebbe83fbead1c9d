"""``archdsl watch``: check again whenever a file is saved."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import click

from archdsl.cli.options import OutputFile, Request, file_argument, network_options
from archdsl.cli.output import complain, say
from archdsl.diagnostics import ArchError
from archdsl.frontend.files import Stamp, noting_files, stamp
from archdsl.text.words import counted


@click.command()
@file_argument
@click.option(
    "-o",
    "--output",
    "outputs",
    type=OutputFile(path_type=Path),
    multiple=True,
    help="Draw it as well, by suffix as archdsl draw does. May be repeated.",
)
@click.option(
    "--interval",
    type=click.FloatRange(0.01),
    default=0.3,
    show_default=True,
    help="Seconds between two looks at the files.",
)
@network_options
def command(file: str, outputs: tuple[Path, ...], interval: float, request: Request) -> None:
    """Check a spec now, and again whenever it or a file that it includes is saved.

    A line per check; errors go to standard error. Ctrl-C ends it.
    """
    if file == "-":
        raise click.UsageError("standard input cannot be watched: give a file")
    noted: dict[Path, Stamp | None] = {}
    try:
        while True:
            read = _checked(file, outputs, request)
            if not read and not noted:
                raise SystemExit(1)  # there is no such file
            # A file that is gone now may come back.
            noted = {path: stamp(path) for path in noted} | read
            while not _saved(noted):
                time.sleep(interval)
    except KeyboardInterrupt:
        click.echo(err=True)  # behind the ^C of the terminal
        raise


def _checked(file: str, outputs: Iterable[Path], request: Request) -> dict[Path, Stamp | None]:
    """Check and draw once; the files that were read for it, as they were then."""
    with noting_files() as read:
        try:
            network = request.load(file)
            told = f"ok {network.summary()}"
            for path in outputs:
                network.draw(path)
        except ArchError as error:
            complain(error.diagnostics)
            told = f"{file}: {counted(len(error.diagnostics), 'error')}"
    say(f"{datetime.now():%H:%M:%S} {told}")
    return read


def _saved(noted: dict[Path, Stamp | None]) -> bool:
    """True if a file was written, and all exist: editors may move the old one away first."""
    now = {path: stamp(path) for path in noted}
    return now != noted and all(now[path] or not noted[path] for path in now)
