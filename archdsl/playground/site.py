"""The files of the playground's site, and writing them into a folder."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from archdsl.diagnostics import fail
from archdsl.diagnostics.printable import printable
from archdsl.frontend.bundled import grammars_folder, spec_names, spec_path, specs_folder
from archdsl.frontend.files import read_source
from archdsl.frontend.header import facts
from archdsl.importers.names import foreign_names
from archdsl.layers.vocabulary import vocabulary
from archdsl.playground import packages
from archdsl.text.digests import digest
from archdsl.text.output import make_folder, write
from archdsl.text.paths import is_folder

_PACKAGE = Path(__file__).resolve().parents[1]
_PAGE = Path(__file__).parent / "page"
_LEFT_OUT = frozenset(
    {"backends", "cli", "editor", "grammars", "importers", "inference", "specs", "training"}
)
"""Folders of the package that the page has no use for, or that are put in by themselves."""
_NAMES = """\
from archdsl.layers.synonyms import Synonym

_ROWS = {rows!r}


def foreign_names():
    return [Synonym(*row) for row in _ROWS]
"""
"""In place of ``archdsl.importers.names``, which reads its rows from tables that need numpy."""
_CODE = frozenset({".py", ".md", ".txt", ".json", ".js", ".css", ".html"})
_EPOCH = (1980, 1, 1, 0, 0, 0)
_READY = "index.html"


class Site(NamedTuple):
    """A site that was written."""

    folder: Path
    files: int
    size: int
    """Bytes of all files."""


def write_site(folder: Path, given: Path | None = None) -> Site:
    """Write the site into a folder, over an older one there.

    ``given`` is a folder ``node_modules`` to take the packages from. The page itself is written
    last. Raises ArchError where npm cannot bring the packages, for a folder with other things in
    it, and where files cannot be written.
    """
    if is_folder(folder) and any(folder.iterdir()) and not (folder / _READY).is_file():
        raise fail(f"{folder} has other files in it", help="expected a new or an empty folder")
    count = size = 0
    with packages.installed(given) as modules:
        for name, content in _files(modules):
            make_folder((folder / name).parent)
            size += write(folder / name, content)
            count += 1
    return Site(folder, count, size)


def _files(modules: Path) -> Iterator[tuple[str, bytes]]:
    """Every file of the site by its path there; all of it is the same bytes each time."""
    for name in packages.files():
        yield f"npm/{name}", (modules / name).read_bytes()
    for package in packages.MODULES:
        for license in sorted((modules / package).glob("LICENSE*")):
            yield f"npm/{package}/{license.name}", license.read_bytes()
    yield "archdsl.zip", _archive()
    yield "facts.json", _facts()
    for name in spec_names():
        path = spec_path(name)
        assert path is not None
        yield f"specs/{path.name}", path.read_bytes()
    for path in sorted(_PAGE.iterdir()):
        if path.name != _READY:
            yield path.name, path.read_bytes()
    yield _READY, _index()


def _archive() -> bytes:
    """The compiler as a ZIP archive for ``sys.path``."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(_members()):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)
    return held.getvalue()


def _members() -> Iterator[tuple[str, bytes]]:
    for path in _PACKAGE.rglob("*"):
        inside = path.relative_to(_PACKAGE)
        if path.suffix in _CODE and inside.parts[0] not in _LEFT_OUT and path.parent != _PAGE:
            yield f"archdsl/{inside.as_posix()}", path.read_bytes()
    for path in (grammars_folder() / "tables").glob("*.json"):
        yield f"archdsl/grammars/tables/{path.name}", path.read_bytes()
    for path in specs_folder().rglob("*.arch"):
        yield f"archdsl/specs/{path.relative_to(specs_folder()).as_posix()}", path.read_bytes()
    rows = [tuple(row) for row in foreign_names()]
    yield "archdsl/importers/__init__.py", b""
    yield "archdsl/importers/names.py", _NAMES.format(rows=rows).encode()


def _facts() -> bytes:
    """The names of the bundled specs with what they are, and the words that editors colour."""
    specs = []
    for name in spec_names():
        path = spec_path(name)
        assert path is not None
        specs.append({"name": name, "title": printable(facts(read_source(path)).title)})
    document = {"specs": specs, "words": vocabulary()._asdict()}
    return json.dumps(document, separators=(",", ":")).encode()


def _index() -> bytes:
    """The page, with a policy that allows what is served beside it and nothing else."""
    page = (_PAGE / _READY).read_text(encoding="utf-8")
    modules = {name: f"./npm/{name}/{path}" for name, path in packages.MODULES.items()}
    imports = json.dumps({"imports": modules}, separators=(",", ":"))
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' 'wasm-unsafe-eval' {digest(imports)}",
            "worker-src 'self'",
            "connect-src 'self'",
            "style-src 'self' 'unsafe-inline'",  # CodeMirror's own style sheets
            "img-src blob: data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    return page.replace("%%policy%%", policy).replace("%%imports%%", imports).encode()
