"""Keras's files, looked at before Keras sees them: sizes, members, links, and what they name."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZipFile, ZipInfo

from archdsl.diagnostics import ArchError, fail
from archdsl.diagnostics.foreign import parsing
from archdsl.diagnostics.source import Source
from archdsl.frontend.files import read_source
from archdsl.importers.archives import require_packed_little

_CONFIG, _ABOUT, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_MOST_TEXT = 64 * 2**20
_MODULES = frozenset(
    f"keras.{name}"
    for name in (
        "activations",
        "constraints",
        "dtype_policies",
        "initializers",
        "layers",
        "models",
        "regularizers",
        "src.models.functional",
        "src.models.sequential",
    )
) | {"keras", "builtins"}


class Description(NamedTuple):
    """The JSON that describes a model, and the version of Keras that wrote it where that is told.

    In ``.json`` files the version is a part of the text.
    """

    source: Source
    version: int | None = None


def description(path: Path) -> Description:
    """The description in a ``.json`` or ``.keras`` file; raises ArchError where there is none."""
    if path.suffix.lower() != ".keras":
        return Description(read_source(path))
    with _opened(path) as (archive, members):
        text = archive.read(members[_CONFIG])
        about = archive.read(members[_ABOUT]) if _ABOUT in members else b"{}"
        found = json.loads(about)
        version = str(found.get("keras_version", "3") if isinstance(found, dict) else "3")
        source = Source(f"{path.name}/{_CONFIG}", text.decode())
    major = version.partition(".")[0]
    return Description(source, int(major) if major.isdecimal() else None)


def model(path: Path, weights: Path | None = None) -> Any:
    """The model that Keras makes of a file's description.

    ``weights`` is a ``.weights.h5`` file, or a ``.keras`` file for the weights in it; without them
    Keras draws some. Raises ImportError where Keras is not installed, ArchError for files that
    could do harm, and whatever Keras raises for those that it cannot read.
    """
    document = json.loads(description(path).source.text)
    _only_kerass(document, path)
    # How a model was trained is no part of what it computes.
    document.pop("compile_config", None)
    # Keras asks for its backend once, where it is imported.
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras

    made = keras.saving.deserialize_keras_object(document, safe_mode=True)
    if weights is not None:
        with _unpacked(weights) as file:
            _only_values(file, weights)
            made.load_weights(file)
    return made


@contextmanager
def _opened(path: Path) -> Iterator[tuple[ZipFile, dict[str, ZipInfo]]]:
    """A ``.keras`` file's members by name; ArchError unless they are Keras's own, of sane sizes."""
    with parsing(path, "a model of Keras"), ZipFile(path) as archive:
        members = {member.filename: member for member in archive.infolist()}
        strange = members.keys() - {_CONFIG, _ABOUT, _WEIGHTS}
        if strange or len(members) < len(archive.infolist()):
            shown = repr(min(strange))[:60] if strange else "a name twice"
            raise _refused(path, f"expected {_CONFIG}, {_ABOUT} and {_WEIGHTS}, found {shown}")
        if _CONFIG not in members:
            raise _refused(path, f"it holds no {_CONFIG}")
        require_packed_little((m for name, m in members.items() if name == _WEIGHTS), str(path))
        for name, member in members.items():
            if name != _WEIGHTS and member.file_size > _MOST_TEXT:
                raise _refused(path, f"{name} unpacks to {member.file_size:,} bytes")
        yield archive, members


@contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    """The HDF5 file of a model's weights, which Keras knows by its name."""
    if path.suffix.lower() != ".keras":
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, _WEIGHTS)
        with _opened(path) as (archive, members):
            if _WEIGHTS not in members:
                raise _refused(path, f"it holds no {_WEIGHTS}")
            with archive.open(members[_WEIGHTS]) as packed, target.open("wb") as file:
                shutil.copyfileobj(packed, file)
        yield target


def _only_values(file: Path, shown: Path) -> None:
    """Refuses HDF5 that leads out of its file, or that says it holds more than its own size."""
    import h5py

    total, seen = 0, set()
    with parsing(shown, "a file of weights of Keras"), h5py.File(file, "r") as opened:
        waiting = [opened]
        while waiting:
            group = waiting.pop()
            for name in group:
                if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                    raise _refused(shown, f"{name} is a link to another place")
                member = group[name]
                address = h5py.h5o.get_info(member.id).addr
                if address in seen:
                    raise _refused(shown, f"{name} is there under two names")
                seen.add(address)
                if isinstance(member, h5py.Group):
                    waiting.append(member)
                    continue
                if not isinstance(member, h5py.Dataset) or member.external or member.is_virtual:
                    raise _refused(shown, f"{name} has its values in another place")
                total += member.size * member.dtype.itemsize
    if total > file.stat().st_size:
        raise _refused(shown, f"its weights unpack to {total:,} bytes")


def _only_kerass(document: Any, path: Path) -> None:
    """Refuses a file that names what is no part of a model, since reading it would import that."""
    waiting = [document]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            module, name = part.get("module"), part.get("class_name")
            if module is not None and module not in _MODULES:
                raise fail(f"{path} names the module {module}", None, "expected Keras's own alone")
            if name is not None and not (isinstance(name, str) and name.isidentifier()):
                raise fail(f"{path} names the class {name}", None, "expected Keras's own alone")
            # How it was trained names optimisers and losses, and is not read.
            waiting += [inner for key, inner in part.items() if key != "compile_config"]
        elif isinstance(part, list):
            waiting += part


def _refused(path: Path, reason: str) -> ArchError:
    return fail(f"{path} is no model of Keras that can be read safely", None, reason[:200])
