"""The judge of a case: a result or an error of ours with a code, in bounded time and memory."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from archdsl.diagnostics import ArchError, render

SECONDS = 5.0
"""CPU time of a case."""
BYTES = 512 * 2**20
"""Memory by which a case may exceed what the process held before."""


class Fault(NamedTuple):
    """What a case did against the promise: its kind, by which faults are counted, and the story."""

    kind: str
    story: str


class Answer(NamedTuple):
    """A case that kept the promise; ``guarded`` is the place in archdsl of what a guard caught."""

    guarded: str | None = None


class _TimeUpError(BaseException):
    """No handler of ``Exception`` holds this up."""


def judged(case: Callable[[], object]) -> Fault | Answer:
    """Runs a case."""
    fault = guarded = None
    _forget_peak()
    before = _memory("VmRSS")
    try:
        with _quiet(), _limited():
            case()
    except ArchError as error:
        fault = _told(error)
        cause = error.__cause__
        guarded = None if cause is None else f"{type(cause).__name__} at {_place(cause)}"
    except _TimeUpError as error:
        fault = Fault(f"more than {SECONDS:g} s at {_place(error)}", _story(error))
    except Exception as error:
        fault = Fault(f"{type(error).__name__} at {_place(error)}", _story(error))
    if fault is None and _memory("VmHWM") - before > BYTES:
        grown = _memory("VmHWM") - before
        return Fault("memory", f"{grown >> 20} MiB more than before")
    return fault or Answer(guarded)


def _told(error: ArchError) -> Fault | None:
    """An error that a person can be shown."""
    for diagnostic in error.diagnostics:
        shown = render(diagnostic)
        # Our own lines are the only ones, and nothing in them reaches a terminal as a command.
        if not shown.replace("\n", "").isprintable():
            return Fault("an error that is not printable", repr(shown))
        if diagnostic.code is None:
            return Fault(f"no code: {_place(error)}", shown)
    return None if error.diagnostics else Fault("an error without a word", "")


def _place(error: BaseException) -> str:
    """The innermost place in archdsl of an exception, and the innermost of all."""
    frames = traceback.extract_tb(error.__traceback__)
    inside = [f for f in frames if f"{os.sep}archdsl{os.sep}" in f.filename] or frames
    last, end = inside[-1], frames[-1]
    name = "/".join(Path(last.filename).parts[-3:])
    behind = "" if end is last else f" in {Path(end.filename).name}:{end.lineno}"
    return f"{name}:{last.lineno}{behind}"


def _story(error: BaseException) -> str:
    return "".join(traceback.format_exception(error, limit=-12))[-4000:]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def _limited() -> Iterator[None]:
    """CPU time of this process; code in C is stopped where it returns to Python."""

    def stop(_: int, __: FrameType | None) -> None:
        raise _TimeUpError

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _forget_peak() -> None:
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _memory(key: str) -> int:
    """A number of bytes of Linux's /proc/self/status, 0 on other systems."""
    with contextlib.suppress(OSError), open("/proc/self/status") as lines:
        for line in lines:
            if line.startswith(key + ":"):
                return int(line.split()[1]) * 1024
    return 0
