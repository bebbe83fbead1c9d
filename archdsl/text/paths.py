"""Questions about paths that users give, which no file may be able to have."""

from __future__ import annotations

from pathlib import Path


def is_file(path: str | Path) -> bool:
    """True if there is a file; False as well for a name that is too long, or holds a zero byte."""
    try:
        return Path(path).is_file()
    except (OSError, ValueError):
        return False


def is_folder(path: str | Path) -> bool:
    """True if there is a folder; False as well for a name that is too long."""
    try:
        return Path(path).is_dir()
    except (OSError, ValueError):
        return False


def exists(path: str | Path) -> bool:
    """True if there is anything of that name; False as well for a name that is too long."""
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False
