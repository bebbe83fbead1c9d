"""Folders of training runs: the spec with its parameters, the class names and the weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from archdsl.diagnostics.foreign import parsing
from archdsl.frontend.files import read_source
from archdsl.text.paths import is_file

RECORD = "run.json"
"""The file that makes a folder one of a run."""
BEST, LAST = "best.safetensors", "last.safetensors"


@dataclass(frozen=True)
class RunFolder:
    """A network as a run trained it."""

    path: Path
    spec: str
    """Name of the spec's file in the folder."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Values of those parameters that were set."""
    input: tuple[int, ...] | None = None
    """Size of the input where it was set: (channels, height, width)."""
    net: str | None = None
    classes: tuple[str, ...] = ()
    """Names of the classes, each at the place of its label."""

    settled_by: Path | None = None
    """A copy of the file of dlib's that decided what the spec's types leave open."""

    @property
    def file(self) -> Path:
        """The spec's file."""
        return self.path / self.spec

    @property
    def weights(self) -> Path | None:
        """The best weights, or the last where none were measured; ``None`` before the first."""
        files = (self.path / name for name in (BEST, LAST))
        return next((file for file in files if file.is_file()), None)


def read_run_folder(path: Path) -> RunFolder | None:
    """The run in a folder; ``None`` for whatever is no such folder.

    Raises ArchError where its record is damaged.
    """
    record = path / RECORD
    if not is_file(record):
        return None
    with parsing(record, "the record of a training run"):
        network = json.loads(read_source(record).text)["network"]
        size = network["input"]
        settled_by = network.get("settled_by")  # runs of before have none
        return RunFolder(
            path,
            str(network["spec"]),
            dict(network["settings"]),
            None if size is None else tuple(map(int, size)),
            network["net"],
            tuple(map(str, network["classes"])),
            path / str(settled_by) if settled_by else None,
        )
