"""Writing of output files, which appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from typing import IO

from archdsl.diagnostics import fail
from archdsl.text.paths import is_folder, is_stream


def write(path: Path, content: bytes) -> int:
    """Put ``content`` into a file, replacing what was there in one step; gives its size in bytes.

    Raises ArchError where that is not possible; an older file then stays as it was. It does so too
    where the process is killed or the machine loses power: the content is on the disk before it
    has the name.
    """
    if is_folder(path):
        raise fail(f"cannot write {path}: it is a folder")
    if is_stream(path):  # to put a file in its place would break it for all
        raise fail(f"cannot write {path}: it is no file, but a device or a pipe")
    if os.path.islink(path):  # as other tools: the link stays, what it leads to is written
        path = path.resolve()
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        _make(temporary, content)
        if path.exists():
            os.chmod(temporary, path.stat().st_mode & 0o777)
        os.replace(temporary, path)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        raise fail(f"cannot write {path}: {getattr(error, 'strerror', None) or error}") from None
    finally:
        with contextlib.suppress(OSError, ValueError):
            os.unlink(temporary)
    return len(content)


def make_folder(path: Path) -> None:
    """A folder with those around it, unless it is there; raises ArchError where it cannot be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise fail(f"cannot make the folder {path}: {reason}") from None


def _make(path: Path, content: bytes) -> None:
    """A new file, which has no name before it is whole where the system can do that.

    So a killed process leaves nothing behind.
    """
    try:
        # Linux's O_TMPFILE; neither other systems nor all of its file systems have it.
        descriptor = os.open(path.parent, os.O_TMPFILE | os.O_WRONLY, 0o666)
        with os.fdopen(descriptor, "wb") as file:
            _fill(file, content)
            # The folder descriptor makes it linkat, which follows the link in /proc.
            os.link(f"/proc/self/fd/{descriptor}", path, src_dir_fd=descriptor)
    except (AttributeError, OSError):
        with path.open("xb") as file:
            _fill(file, content)


def _fill(file: IO[bytes], content: bytes) -> None:
    file.write(content)
    file.flush()
    os.fsync(file.fileno())
