"""Questions about paths that users give, which no file may be able to have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


def is_file(path: str | Path) -> bool:
    """True if there is a file; False as well for a name that is too long, or holds a zero byte."""
    return _answer(Path.is_file, path)


def is_folder(path: str | Path) -> bool:
    """True if there is a folder; False as well for a name that is too long."""
    return _answer(Path.is_dir, path)


def exists(path: str | Path) -> bool:
    """True if there is anything of that name; False as well for a name that is too long."""
    return _answer(Path.exists, path)


def is_stream(path: str | Path) -> bool:
    """True for what is no file and no folder: a device, a pipe, and the names of open files."""
    names = Path(path).absolute().parts[:3]
    if names[1:] in (("dev", "fd"), ("dev", "stdout"), ("dev", "stderr")):
        return True  # these may lead to files, whose writers would not know of a new one
    return exists(path) and not is_file(path) and not is_folder(path)


def resolved(path: str | Path) -> Path:
    """The path without links and dots; as it is for a name that no file can have."""
    try:
        return Path(path).resolve()
    except (OSError, ValueError, RuntimeError):  # RuntimeError: links in a circle, before 3.13
        return Path(path).absolute()


def _answer(question: Callable[[Path], bool], path: str | Path) -> bool:
    try:
        return question(Path(path))
    except (OSError, ValueError):
        return False
