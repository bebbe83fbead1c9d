"""The message for a fault of archdsl itself, with what a report of it needs."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable
from pathlib import Path

import archdsl
from archdsl.diagnostics import ArchError, fail
from archdsl.text.paths import is_file


def internal(error: Exception, read: Iterable[Path]) -> ArchError:
    """The error to show for an exception that nobody foresaw; ``read`` are the files it is about.

    Hashes tell which file it was without telling what is in it.
    """
    where = f"archdsl {archdsl.__version__}, Python {platform.python_version()}"
    files = [f"{path.name}: sha256 {_digest(path)}" for path in read]
    said = f"{type(error).__name__}: {error}".strip().splitlines()[0][:200]
    return fail(
        "this is a fault of archdsl, not of your file",
        None,
        said,
        where,
        *files[:3],
        help="archdsl --debug shows where it is; please report it with these lines",
        code="E999",
    )


def _digest(path: Path) -> str:
    if not is_file(path):  # a pipe has its content once
        return "no plain file"
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:16]
    except OSError:
        return "unreadable now"
