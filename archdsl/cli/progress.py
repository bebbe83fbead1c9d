"""Progress of a command: a bar on a terminal, times with ``--verbose``."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock, Timer
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.progress import Progress

QUIET = "archdsl.quiet"
VERBOSE = "archdsl.verbose"
"""Keys in click's context under which ``--verbose`` and ``--quiet`` are noted."""

_DELAY = 1.0  # seconds of work before there is a bar
_SHOWN = "archdsl.cli.progress"


def asked(key: str) -> bool:
    """True if the user set the flag noted under a key of click's context."""
    context = click.get_current_context(silent=True)
    return context is not None and bool(context.meta.get(key))


@contextmanager
def working(what: str, total: int | None = None) -> Iterator[Callable[[], None]]:
    """Show that something goes on, once it has taken a second; ``what`` says it: "running it".

    Gives a function to be called behind each of ``total`` parts. The bar is on standard error, and
    only where that is a terminal; it vanishes in the end. Work within work has no bar of its own.
    With ``--verbose`` the time of work without parts is told on standard error.
    """
    started = time.perf_counter()
    context = click.get_current_context(silent=True)
    meta = context.meta if context is not None else {}
    hidden = meta.get(QUIET) or meta.get(_SHOWN) or not sys.stderr.isatty()
    bar = None if hidden else _Bar(what, total)
    if bar is not None:
        meta[_SHOWN] = True
    try:
        yield bar.advance if bar is not None else _nothing
    finally:
        if bar is not None:
            bar.close()
            meta[_SHOWN] = False
    if meta.get(VERBOSE) and total is None:
        click.echo(f"{time.perf_counter() - started:8.2f} s  {what}", err=True)


def _nothing() -> None:
    pass


class _Bar:
    """A bar that appears by itself after a while; short work never imports what draws it."""

    def __init__(self, what: str, total: int | None) -> None:
        self._what = what
        self._total = total
        self._done = 0
        self._progress: Progress | None = None
        self._lock = Lock()  # a part may be done while the bar appears
        self._timer = Timer(_DELAY, self._appear)
        self._timer.daemon = True
        self._timer.start()

    def advance(self) -> None:
        with self._lock:
            self._done += 1
            if self._progress is not None:
                self._progress.update(self._progress.task_ids[0], completed=self._done)

    def close(self) -> None:
        self._timer.cancel()
        self._timer.join()  # it may be about to start the bar
        if self._progress is not None:
            self._progress.stop()

    def _appear(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            ProgressColumn,
            SpinnerColumn,
            TextColumn,
            TimeElapsedColumn,
        )

        parts: list[ProgressColumn] = [SpinnerColumn()]
        if self._total is not None:
            parts = [BarColumn(bar_width=30), MofNCompleteColumn()]
        progress = Progress(
            TextColumn("{task.description}", markup=False),  # it may hold a file's name
            *parts,
            TimeElapsedColumn(),
            refresh_per_second=4,  # each time is taken from the work itself
            console=Console(stderr=True),
            transient=True,
            # Lines for the same terminal go above the bar; lines for a file are not touched.
            redirect_stdout=sys.stdout.isatty(),
        )
        with self._lock:
            progress.add_task(self._what, total=self._total, completed=self._done)
            progress.start()
            self._progress = progress
