"""Notes in a file about its network: the spec, what it is to be fed, and the names of its classes.

A program that runs the file finds them in the format's own place for such: ONNX's
``metadata_props``, extra files in archives of torch, the metadata of safetensors. One entry,
``archdsl``, holds all as JSON; ``names``, ``imgsz``, ``channels``, ``task`` and ``description`` say
some of it again as the exports of ultralytics do, for the tools that read those.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from archdsl import __version__
from archdsl.api import Network
from archdsl.diagnostics.foreign import parsing
from archdsl.diagnostics.source import Source
from archdsl.frontend.bundled import specs_folder
from archdsl.frontend.files import read_source
from archdsl.inference.class_names import known_names
from archdsl.inference.tasks import task_of
from archdsl.ir.edges import Dim
from archdsl.layers.inputs import TensorInput

KEY = "archdsl"
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"\n]+)".*$', re.MULTILINE)
_KINDS = {
    "name": str, "file": str, "spec": str, "settings": dict, "input": list, "classes": list,
    "outputs": dict, "description": str,
}  # fmt: skip
_ULTRALYTICS = {"detect": "detect", "segment": "semantic", "classify": "classify"}


@dataclass(frozen=True)
class Notes:
    """The facts that a file states of its network."""

    name: str
    file: str
    """Name of the spec's file, whose suffix tells a C++ program from a spec."""
    spec: str
    """Its text, with those files in it that it includes and that archdsl does not bring."""
    net: str | None = None
    """The network of the text that it is, where several are in it."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Values of parameters that are not the text's own."""
    input: tuple[Dim, ...] = ()
    """Channels, height and width of the input; ``None`` where it is open."""
    pixels: Mapping[str, Any] | None = None
    """Values of the input for a picture in RGB of 0..1: ``(value * scale - mean) / deviation``."""
    task: str | None = None
    """``detect``, ``segment`` or ``classify``."""
    classes: tuple[str, ...] = ()
    """Name of each class, by its label."""
    outputs: Mapping[str, Any] = field(default_factory=dict)
    """Shape or type of each output."""
    description: str = ""
    """First sentence of the spec's comment."""

    def entries(self) -> dict[str, str]:
        """The entries of the file, in the order of their names."""
        document = {"version": __version__, **asdict(self)}
        found = {
            KEY: json.dumps(document, ensure_ascii=False, sort_keys=True),
            "channels": str(self.input[0]) if self.input else "",
            "description": self.description,
            "imgsz": str(list(self.input[1:])) if None not in self.input else "",
            "names": repr(dict(enumerate(self.classes))) if self.classes else "",
            "task": _ULTRALYTICS.get(self.task or "", ""),
        }
        return {name: text for name, text in sorted(found.items()) if text}


def notes_of(network: Network) -> Notes:
    """The notes for files of a checked network."""
    summary = network.summary()
    task = task_of(summary)
    entry = network.checked.entry
    setting = network.setting
    named = {name: str(setting.values[name]) for name in sorted(setting.changed)}
    return Notes(
        network.name,
        f"{network.name}.arch" if network.source.path is None else network.source.path.name,
        _with_includes(network),
        named.pop("net", None) or (network.choice.name if network.choice is not None else None),
        named,
        tuple(summary.input),
        _pixels(entry, summary.input[0]) if isinstance(entry, TensorInput) else None,
        None if task is None else task.kind,
        () if task is None else tuple(known_names(network, task.classes)),
        {name: list(t) if isinstance(t, tuple) else str(t) for name, t in summary.outputs.items()},
        network.facts.title,
    )


def notes_from(entries: Mapping[str, str], path: Path) -> Notes | None:
    """The notes that a file's entries are; ``None`` where archdsl did not write any.

    Raises ArchError for damaged ones.
    """
    if KEY not in entries:
        return None
    with parsing(path, "a file with archdsl's notes"):
        document = json.loads(entries[KEY])
        known = {name: document[name] for name in Notes.__dataclass_fields__ if name in document}
        for name, kind in _KINDS.items():
            if not isinstance(known.get(name), kind):
                raise ValueError(f"{name} is missing")
        pixels = known.get("pixels")
        known |= {
            "input": _sizes(known["input"]),
            "classes": tuple(map(_text, known["classes"])),
            "settings": {name: _text(value) for name, value in known["settings"].items()},
            "outputs": {
                name: list(_sizes(of)) if isinstance(of, list) else _text(of)
                for name, of in known["outputs"].items()
            },
            "pixels": None
            if pixels is None
            else {
                "colours": _text(pixels["colours"]),
                "scale": float(pixels["scale"]),
                "mean": [*map(float, pixels["mean"])],
                "deviation": [*map(float, pixels["deviation"])],
            },
        }
        return Notes(**known)


def _sizes(values: list[Any]) -> tuple[Dim, ...]:
    return tuple(None if value is None else int(value) for value in values)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _pixels(entry: TensorInput, channels: Dim) -> dict[str, Any]:
    values = entry.expected
    return {
        "colours": "grey" if values.grey or channels == 1 else "RGB",
        "scale": values.scale,
        "mean": _by_channel(values.mean, channels),
        "deviation": _by_channel(values.deviation, channels),
    }


def _by_channel(values: tuple[float, ...], channels: Dim) -> list[float]:
    return list(values) * (channels or 1) if len(values) == 1 else list(values)


def _with_includes(network: Network) -> str:
    """The text of a spec, in place of each include of a file of the user's that file's text.

    Each file is there once, as the compiler reads it.
    """
    brought = specs_folder().resolve()
    included = (path.resolve() for path in network.included)
    own = {path for path in included if not path.is_relative_to(brought)}
    source = network.source
    if source.path is None or not own:
        return source.text
    done = {source.path.resolve()}
    parts: list[str] = []
    pending: list[tuple[Source, int]] = [(source, 0)]
    while pending:
        inside, at = pending.pop()
        found = _INCLUDE.search(inside.text, at)
        if found is None:
            parts.append(inside.text[at:])
            continue
        parts.append(inside.text[at : found.start()])
        pending.append((inside, found.end()))
        target = (Path(inside.path or "").parent / found[1]).resolve()
        if target not in own:
            parts.append(found[0])
        elif target not in done:
            done.add(target)
            pending.append((read_source(target), 0))
    return "".join(parts)
