"""Reading of the notes that files of networks hold; nothing in them is run or unpickled."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from archdsl.diagnostics import fail, listing
from archdsl.diagnostics.foreign import DAMAGED, parsing
from archdsl.inference.notes import KEY, Notes, notes_from

_MOST = 2**26
"""Bytes of notes that are read."""


def _of_archive(path: Path) -> Mapping[str, str]:
    """The extra files of an archive of torch's."""
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            if entry.filename.endswith(f"/extra/{KEY}"):
                if entry.file_size > _MOST:
                    raise ValueError(f"its notes have {entry.file_size:,} bytes")
                return {KEY: archive.read(entry).decode()}
    return {}


def _of_onnx(path: Path) -> Mapping[str, str]:
    from archdsl.importers.onnx.file import load

    return {entry.key: entry.value for entry in load(path).metadata_props}


def _of_safetensors(path: Path) -> Mapping[str, str]:
    from safetensors import safe_open

    with safe_open(path, "np") as file:
        return file.metadata() or {}


_ENTRIES: Mapping[str, Callable[[Path], Mapping[str, str]]] = {
    ".onnx": _of_onnx,
    ".pt2": _of_archive,
    ".ptl": _of_archive,
    ".safetensors": _of_safetensors,
    ".ts": _of_archive,
}
SUFFIXES = tuple(_ENTRIES)
"""Suffixes of the files that hold notes."""


def read_notes(path: Path) -> Notes:
    """The notes of a file; raises ArchError where it has none, or is damaged."""
    suffix = path.suffix.lower()
    with parsing(path, f"a {suffix} file"):
        found = notes_from(_ENTRIES[suffix](path), path)
    if found is None:
        raise fail(
            f"{path} does not say of which network it is",
            None,
            f"expected an entry {KEY!r}, which archdsl compile writes into {listing(SUFFIXES)}",
            code=DAMAGED,
        )
    return found
