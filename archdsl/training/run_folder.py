"""The folder of a run as it is written: see :mod:`archdsl.frontend.run_folder` for its reader."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors.torch import save
from torch import Tensor

from archdsl.api import Network
from archdsl.frontend.files import stamp
from archdsl.frontend.run_folder import BEST, LAST, RECORD
from archdsl.text.input import read_whole
from archdsl.text.output import make_folder, write
from archdsl.training.curves import curves
from archdsl.training.recipe import Recipe

CHECKPOINT = "checkpoint.ckpt"


class RunWriter:
    """Writes the files of a run, each whole or not at all."""

    def __init__(self, path: Path, classes: Sequence[str]) -> None:
        self.path, self.classes = path, tuple(classes)

    @property
    def checkpoint(self) -> Path:
        """The state of the run after its last whole epoch."""
        return self.path / CHECKPOINT

    def begin(self, network: Network, recipe: Recipe, data: Mapping[str, Any]) -> None:
        """Write the spec with what it includes, and the record of the run."""
        make_folder(self.path)
        spec = _copied(network, self.path)
        settled_by = network.settled_by and f"settled{network.settled_by.suffix}"
        if network.settled_by and settled_by:
            write(self.path / settled_by, read_whole(network.settled_by))
        setting = network.setting
        asked = {n: setting.values[n] for n in setting.changed - {"input", "net"}}
        record = {
            "network": {
                "spec": spec,
                "settings": asked,
                "input": list(network.summary().input) if "input" in setting.changed else None,
                "net": setting.values.get("net"),
                "classes": list(self.classes),
                "settled_by": settled_by,
            },
            "recipe": asdict(recipe),
            "data": dict(data),
            "versions": _versions(),
        }
        write(self.path / RECORD, json.dumps(record, indent=2, ensure_ascii=False).encode() + b"\n")

    def keep(
        self, rows: Sequence[Mapping[str, float]], state: Mapping[str, Tensor], *, best: bool
    ) -> None:
        """Write the measures of all epochs, and the weights after the last one."""
        text = io.StringIO()
        table = csv.DictWriter(text, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
        write(self.path / "metrics.csv", text.getvalue().encode())
        write(self.path / "curves.svg", curves(rows).encode())
        content = save({name: tensor.contiguous() for name, tensor in state.items()})
        write(self.path / LAST, content)
        if best:
            write(self.path / BEST, content)

    def texts(self, files: Mapping[str, str]) -> None:
        """Write further files by name."""
        for name, text in files.items():
            write(self.path / name, text.encode())


def read_record(path: Path) -> dict[str, Any]:
    """The record of a run's folder, which is there."""
    record: dict[str, Any] = json.loads((path / RECORD).read_text(encoding="utf-8"))
    return record


def _copied(network: Network, folder: Path) -> str:
    """Copy a spec and the files that it includes from beside it; gives the name of its copy."""
    source = network.source
    name = f"{network.name}.arch" if source.path is None else source.path.name
    write(folder / name, source.text.encode())
    for file in network.included:
        if source.path is not None and file.is_relative_to(source.path.parent):
            target = folder / file.relative_to(source.path.parent)
            if stamp(target) is None:
                make_folder(target.parent)
                write(target, read_whole(file))
    return name


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in ("archdsl", "torch", "torchvision", "lightning")}
