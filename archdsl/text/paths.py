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
