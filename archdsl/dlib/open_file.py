"""Opens a file of either of dlib's formats, told by its first bytes."""

from __future__ import annotations

from pathlib import Path

from archdsl.diagnostics import fail
from archdsl.dlib import reader as reading
from archdsl.dlib import xml
from archdsl.dlib.tree import Saved


def open_saved(path: Path) -> Saved:
    """The network in a file that dlib wrote, serialized or as XML.

    Raises ArchError where it cannot be read.
    """
    try:
        with path.open("rb") as file:
            begins = file.read(1)
        return xml.read(path) if begins == b"<" else reading.read(path)
    except OSError as error:
        raise fail(f"cannot read {path}: {error.strerror or error}") from None
