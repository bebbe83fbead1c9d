"""Definitions of archdsl that a generated file contains, with everything that they use."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterable, Iterator
from functools import cache
from graphlib import TopologicalSorter
from typing import Any, NamedTuple

from archdsl.backends.source.symbols import Symbols
from archdsl.diagnostics import fail

_HOME = "archdsl."


class _Import(NamedTuple):
    """The module that a name is imported from, what it is there, and the statement for it alone."""

    origin: str
    original: str
    statement: str


class _Module(NamedTuple):
    """A module's definitions and imports, by the names that they bind at its top."""

    lines: list[str]
    definitions: dict[str, ast.stmt]
    imports: dict[str, _Import]


class Bundle:
    """Definitions in the order of their modules and lines, each behind what it is made with."""

    def __init__(self, symbols: Symbols, things: Iterable[Any]) -> None:
        self._symbols = symbols
        self._found: dict[tuple[str, str], ast.stmt] = {}
        pending = [(str(thing.__module__), str(thing.__name__)) for thing in things]
        while pending:
            home, name = pending.pop()
            if (home, name) not in self._found:
                pending.extend(self._take(home, name))

    def _take(self, home: str, name: str) -> Iterator[tuple[str, str]]:
        """Add a definition; what it uses follows."""
        module = _read(home)
        if name in module.imports:
            origin, original, statement = module.imports[name]
            if not origin.startswith(_HOME):
                self._symbols.need(statement)
            elif original == name:
                yield origin, original
            else:
                raise fail(f"{name} of {home} cannot be carried into a file of its own")
        elif name in module.definitions:  # not a builtin, or a local name
            node = self._found[home, name] = module.definitions[name]
            if any(other == name for place, other in self._found if place != home):
                raise fail(f"two definitions are called {name}, and source holds one of them")
            for inner in ast.walk(node):
                if isinstance(inner, ast.ImportFrom) and str(inner.module).startswith(_HOME):
                    raise fail(f"{name} of {home} cannot be carried into a file of its own")
            yield from ((home, used) for used in sorted(_names(node)) if used != name)

    @property
    def postponed(self) -> bool:
        """True if a file that they come from postpones annotations."""
        return any("annotations" in _read(home).imports for home, _ in self._found)

    def names(self) -> set[str]:
        """Names of the definitions, and of everything that their files import."""
        imported = {name for home, _ in self._found for name in _read(home).imports}
        return imported | {name for _, name in self._found}

    def lines(self) -> list[str]:
        """The definitions as their files have them, two empty lines before each."""
        homes = sorted({home for home, _ in self._found})
        # Those that others are built on go first.
        below = {
            home: sorted({each.origin for each in _read(home).imports.values()} & {*homes})
            for home in homes
        }
        ranks = {home: rank for rank, home in enumerate(TopologicalSorter(below).static_order())}
        order = sorted(self._found, key=lambda key: (ranks[key[0]], self._found[key].lineno))
        texts = {id(self._found[key]): (_read(key[0]).lines, self._found[key]) for key in order}
        return [line for text in texts.values() for line in ("", "", *_text(*text))]


@cache
def _read(home: str) -> _Module:
    text = inspect.getsource(importlib.import_module(home))
    definitions: dict[str, ast.stmt] = {}
    imports: dict[str, _Import] = {}
    for node in _top(ast.parse(text).body):
        if isinstance(node, (ast.ImportFrom, ast.Import)):
            for alias in node.names:
                if isinstance(node, ast.ImportFrom):
                    statement: ast.stmt = ast.ImportFrom(node.module, [alias], 0)
                    found = _Import(str(node.module), alias.name, ast.unparse(statement))
                else:
                    found = _Import(alias.name, "", ast.unparse(ast.Import([alias])))
                imports[alias.asname or alias.name.partition(".")[0]] = found
        elif isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            definitions[node.name] = node
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                for name in target.elts if isinstance(target, ast.Tuple) else [target]:
                    if isinstance(name, ast.Name):
                        definitions[name.id] = node
    return _Module(text.splitlines(), definitions, imports)


def _top(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements at the top, those for type checkers alone with them."""
    for node in body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from node.body
        else:
            yield node


def _names(node: ast.stmt) -> Iterator[str]:
    """The names that a definition uses, in annotations that are texts as well."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            yield inner.id
        elif isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            yield inner.value  # perhaps a name


def _text(source: list[str], node: ast.stmt) -> list[str]:
    decorators = getattr(node, "decorator_list", [])
    start = min([node.lineno, *(each.lineno for each in decorators)])
    return source[start - 1 : node.end_lineno]
