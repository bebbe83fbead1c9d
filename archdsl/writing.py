"""Output files appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from archdsl.diagnostics import fail


def write(path: Path, content: bytes) -> None:
    """Put ``content`` into a file, replacing what was there in one step.

    Raises ArchError where that is not possible; an older file then stays as it was.
    """
    if path.is_dir():
        raise fail(f"cannot write {path}: it is a folder")
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise fail(f"cannot write {path}: {error.strerror or error}") from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        # mkstemp keeps others out; an output file has the permissions of any new file, or its own.
        os.chmod(temporary, _mode(path))
        os.replace(temporary, path)
    except OSError as error:
        raise fail(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


def _mode(path: Path) -> int:
    if path.exists():
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
