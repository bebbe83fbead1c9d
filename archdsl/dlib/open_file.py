"""Opens a file of either of dlib's formats, told by its first bytes."""

from __future__ import annotations

from pathlib import Path

from archdsl.diagnostics.foreign import parsing
from archdsl.dlib import reader as reading
from archdsl.dlib import xml
from archdsl.dlib.tree import Saved


def open_saved(path: Path) -> Saved:
    """The network in a file that dlib wrote, serialized or as XML.

    Raises ArchError where it cannot be read.
    """
    with parsing(path, "a network of dlib"):
        with path.open("rb") as file:
            begins = file.read(1)
        return xml.read(path) if begins == b"<" else reading.read(path)
