"""Definitions of archdsl that a generated file contains, with everything that they use."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from graphlib import TopologicalSorter
from typing import Any, NamedTuple

from archdsl.backends.source.symbols import Symbols
from archdsl.diagnostics import fail

_HOME = "archdsl."


class _Module(NamedTuple):
    """A module's definitions and imports, by the names that they bind at its top."""

    lines: list[str]
    definitions: dict[str, ast.stmt]
    imports: dict[str, tuple[str, str]]
    """The module that a name is imported from, and what it is there; ``""`` for the module."""
    postponed: bool


@dataclass
class Bundle:
    """Definitions in the order of their modules and lines, each behind what it is made with."""

    symbols: Symbols
    postponed: bool = False
    _found: dict[tuple[str, str], ast.stmt] = field(default_factory=dict)
    _owners: dict[str, str] = field(default_factory=dict)

    def add(self, thing: Any) -> None:
        """Add a class or function, and everything it uses."""
        pending = [(str(thing.__module__), str(thing.__name__))]
        while pending:
            home, name = pending.pop()
            if (home, name) not in self._found:
                pending.extend(self._take(home, name))

    def _take(self, home: str, name: str) -> Iterator[tuple[str, str]]:
        module = _read(home)
        if name in module.imports:
            origin, original = module.imports[name]
            if origin.startswith(_HOME):
                if original != name or not original:
                    raise fail(f"{name} of {home} cannot be carried into a file of its own")
                yield origin, original
            else:
                self.symbols.need(_import(origin, original, name))
            return
        if name not in module.definitions:
            return  # a builtin, or a local name
        if self._owners.setdefault(name, home) != home:
            raise fail(f"two definitions are called {name}, and source holds one of them")
        node = module.definitions[name]
        self._found[home, name] = node
        self.postponed = self.postponed or module.postponed
        for inner in ast.walk(node):
            if isinstance(inner, ast.ImportFrom) and str(inner.module).startswith(_HOME):
                raise fail(f"{name} of {home} cannot be carried into a file of its own")
        for used in sorted(_names(node)):
            if used != name:
                yield home, used

    def names(self) -> set[str]:
        """Names of the definitions, and of everything that their files import."""
        imported = {name for home, _ in self._found for name in _read(home).imports}
        return imported | {name for _, name in self._found}

    def lines(self) -> list[str]:
        """The definitions as their files have them, two empty lines before each."""
        ranks = _ranks({home for home, _ in self._found})
        order = sorted(self._found, key=lambda key: (ranks[key[0]], self._found[key].lineno))
        found: list[str] = []
        seen: set[int] = set()
        for home, name in order:
            node = self._found[home, name]
            if id(node) in seen:
                continue
            seen.add(id(node))
            found += ["", "", *_text(_read(home).lines, node)]
        return found


def _ranks(homes: set[str]) -> dict[str, int]:
    """The places of modules in a file: those that others are built on go first."""
    below = {
        home: sorted({origin for origin, _ in _read(home).imports.values()} & homes)
        for home in sorted(homes)
    }
    return {home: rank for rank, home in enumerate(TopologicalSorter(below).static_order())}


@cache
def _read(home: str) -> _Module:
    text = inspect.getsource(importlib.import_module(home))
    tree = ast.parse(text)
    definitions: dict[str, ast.stmt] = {}
    imports: dict[str, tuple[str, str]] = {}
    postponed = False
    for node in _top(tree.body):
        if isinstance(node, ast.ImportFrom):
            postponed = postponed or node.module == "__future__"
            for alias in node.names:
                imports[alias.asname or alias.name] = (str(node.module), alias.name)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                imports[alias.asname or alias.name.partition(".")[0]] = (alias.name, "")
        elif isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            definitions[node.name] = node
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                for name in target.elts if isinstance(target, ast.Tuple) else [target]:
                    if isinstance(name, ast.Name):
                        definitions[name.id] = node
    return _Module(text.splitlines(), definitions, imports, postponed)


def _top(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements at the top, those for type checkers alone with them."""
    for node in body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from node.body
        else:
            yield node


def _names(node: ast.stmt) -> set[str]:
    """The names that a definition uses, in annotations that are texts as well."""
    found = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            text = inner.value
            if text.isidentifier():
                found.add(text)
    return found


def _text(source: list[str], node: ast.stmt) -> list[str]:
    decorators = getattr(node, "decorator_list", [])
    start = min([node.lineno, *(each.lineno for each in decorators)])
    assert node.end_lineno is not None
    return source[start - 1 : node.end_lineno]


def _import(origin: str, original: str, name: str) -> str:
    if not original:
        return f"import {origin}" if origin == name else f"import {origin} as {name}"
    return f"from {origin} import {original}" + ("" if original == name else f" as {name}")
