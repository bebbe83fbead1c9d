"""Specs written to files, and the kinds of the layers that they have."""

from pathlib import Path
from typing import Any

import archdsl


def write(folder: Path, **files: str) -> Path:
    """Files by stem; a double underscore stands for a folder. Returns the path of the first."""
    paths = [folder / f"{name.replace('__', '/')}.arch" for name in files]
    for path, text in zip(paths, files.values(), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return paths[0]


def kinds(spec: archdsl.Network | Path | str, **settings: Any) -> list[str]:
    """The kind of each layer, in the order of the summary; settings are those of ``load``."""
    network = spec if isinstance(spec, archdsl.Network) else archdsl.load(spec, **settings)
    return [row.kind for row in network.summary().rows]
