"""Errors of libraries below a network, as errors that a person can read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from archdsl.diagnostics import ArchError, fail


@contextmanager
def refusals(what: str) -> Iterator[None]:
    """Turn what a library raises inside into an ArchError that says what it was about.

    torch, its exporters and the writers of formats refuse what they cannot hold by errors of many
    kinds. The error is kept as the cause, which ``archdsl --debug`` shows.
    """
    try:
        yield
    except ArchError:
        raise
    except (MemoryError, RuntimeError, OverflowError, ValueError, TypeError, LookupError) as error:
        lines = str(error).strip().splitlines() or [""]
        raise fail(
            f"{what} failed",
            None,
            f"{type(error).__name__}: {lines[0][:300]}",
            help="archdsl --debug shows more",
            code="E410",
        ) from error
