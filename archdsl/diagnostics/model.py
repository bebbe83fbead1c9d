"""Errors and warnings as values; stages collect them and raise one :class:`ArchError`."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from archdsl.diagnostics.printable import printable, printable_lines
from archdsl.diagnostics.render import Paint, excerpt, plain
from archdsl.diagnostics.source import Span

_SHOWN_FRAMES = 8


class Frame(NamedTuple):
    """One template expansion on the way to an error: ``stage<128>``, and the span that uses it."""

    instance: str
    span: Span


@dataclass(frozen=True)
class Diagnostic:
    """One finding about a spec, for a person to read.

    ``notes`` say what was expected and what was found, ``help`` the likely mend, ``frames`` the
    template expansions that led to ``span``, innermost first. ``code`` (``E301``) is the name that
    ``archdsl explain`` takes, ``label`` a few words behind the underlined text.
    """

    message: str
    span: Span | None = None
    notes: tuple[str, ...] = ()
    help: str | None = None
    frames: tuple[Frame, ...] = ()
    severity: Literal["error", "warning"] = "error"
    code: str | None = None
    label: str | None = None

    def __str__(self) -> str:
        return render(self)


def render(diagnostic: Diagnostic, paint: Paint = plain) -> str:
    """The diagnostic as lines of text, its source line underlined; plain without ``paint``."""
    severity = diagnostic.severity
    code = f"[{diagnostic.code}]" if diagnostic.code is not None else ""
    message = paint("message", printable_lines(diagnostic.message))
    lines = [f"{paint(severity, f'{severity}{code}:')} {message}"]
    if diagnostic.span is not None:
        lines[0] = f"{printable(diagnostic.span.where)}: {lines[0]}"
        lines += excerpt(diagnostic.span, diagnostic.label, severity, paint)
    lines += [f"  {printable_lines(note)}" for note in diagnostic.notes]
    if diagnostic.help:
        lines.append(f"  {paint('help', 'help:')} {printable_lines(diagnostic.help)}")
    frames = diagnostic.frames
    if diagnostic.span is not None:
        of_macros = diagnostic.span.source.expansions(diagnostic.span.start)
        frames = (*(Frame(*macro) for macro in of_macros), *frames)
    for frame in frames[:_SHOWN_FRAMES]:
        lines.append(f"  in {printable(f'{frame.instance}, expanded at {frame.span.where}')}")
    if len(frames) > _SHOWN_FRAMES:
        lines.append(f"  ... and {len(frames) - _SHOWN_FRAMES} more expansions around it")
    return "\n".join(lines)


class ArchError(Exception):
    """The exception for faults in a spec or a request; holds one or more diagnostics."""

    def __init__(self, diagnostics: Diagnostic | Iterable[Diagnostic]) -> None:
        if isinstance(diagnostics, Diagnostic):
            diagnostics = (diagnostics,)
        self.diagnostics: tuple[Diagnostic, ...] = tuple(diagnostics)
        super().__init__(self.diagnostics)

    def __str__(self) -> str:
        return "\n\n".join(map(render, self.diagnostics))

    def _render_traceback_(self) -> list[str]:
        """The lines that a notebook shows: the messages alone, without the code that found them."""
        return str(self).splitlines()

    @property
    def spans(self) -> tuple[Span | None, ...]:
        """The span of each diagnostic, in their order; ``None`` for those without one."""
        return tuple(d.span for d in self.diagnostics)


def fail(
    message: str,
    span: Span | None = None,
    *notes: str,
    help: str | None = None,
    frames: tuple[Frame, ...] = (),
    code: str | None = None,
    label: str | None = None,
) -> ArchError:
    """An :class:`ArchError` with a single diagnostic, to be raised by the caller."""
    return ArchError(Diagnostic(message, span, notes, help, frames, code=code, label=label))


@contextmanager
def coded(code: str) -> Iterator[None]:
    """Context manager of a stage: errors raised inside without a code get ``code``."""
    try:
        yield
    except ArchError as error:
        if all(d.code is not None for d in error.diagnostics):
            raise
        named = [d if d.code is not None else replace(d, code=code) for d in error.diagnostics]
        raise ArchError(named) from error.__cause__


def nearest(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """A suggestion for a misspelt name, ``did you mean 'relu'?``; ``None`` if nothing is near.

    ``cutoff`` is the likeness, 0 to 1, from which on a name is near.
    """
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)
    return f"did you mean '{found[0]}'?" if found else None


def listing(items: Iterable[str], limit: int = 8) -> str:
    """The items as a list in words, ``a, b, c and 4 more`` where they exceed the limit."""
    names = list(items)
    if len(names) > limit:
        return ", ".join(names[:limit]) + f" and {len(names) - limit} more"
    return ", ".join(names)
