"""Paths of the grammar and the bundled specs, in a checkout and in an installed wheel."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from archdsl.text.paths import is_file

_PACKAGE = Path(__file__).resolve().parents[1]


def _folder(name: str) -> Path:
    # The wheel carries the folders inside the package; a checkout has them beside it.
    inside = _PACKAGE / name
    return inside if inside.is_dir() else _PACKAGE.parent / name


@cache
def specs_folder() -> Path:
    """The folder of the bundled specs."""
    return _folder("specs")


def grammars_folder() -> Path:
    """The folder of the grammar, its tables, and what editors read."""
    return _folder("grammars")


def grammar_tables(*, scopes: bool) -> str:
    """The LALR(1) tables of the grammar, with the scopes of C++ programs or without, as JSON."""
    name = "scopes" if scopes else "arch"
    return (grammars_folder() / "tables" / f"{name}.json").read_text(encoding="utf-8")


def spec_names() -> list[str]:
    """The names of the bundled specs, sorted."""
    return sorted(path.stem for path in specs_folder().glob("*.arch"))


def spec_path(name: str) -> Path | None:
    """The file of a bundled spec, or ``None`` if there is none of that name."""
    path = specs_folder() / f"{name}.arch"
    return path if path.parent == specs_folder() and is_file(path) else None


def block_files() -> list[tuple[str, str]]:
    """The bundled files of shared blocks: the name that an include has for each, and its text."""
    folder = specs_folder()
    return [
        (path.relative_to(folder).as_posix(), path.read_text(encoding="utf-8"))
        for path in sorted((folder / "blocks").glob("*.arch"))
    ]
