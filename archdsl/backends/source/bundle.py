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


class _Module(NamedTuple):
    """A module's lines, and its definitions and imports by the names that they bind at its top."""

    lines: list[str]
    bound: dict[str, ast.stmt]

    def imports(self) -> set[str]:
        """The names that it imports."""
        kinds = (ast.Import, ast.ImportFrom)
        return {name for name, node in self.bound.items() if isinstance(node, kinds)}

    def origins(self) -> set[str]:
        """The modules that names are imported from."""
        return {str(n.module) for n in self.bound.values() if isinstance(n, ast.ImportFrom)}


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
        node = _read(home).bound.get(name)
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith(_HOME):
            if node.names[0].asname is not None:
                raise fail(f"{name} of {home} cannot be carried into a file of its own")
            yield str(node.module), name
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            self._symbols.need(ast.unparse(node))
        elif node is not None:  # not a builtin, or a local name
            self._found[home, name] = node
            if any(other == name for place, other in self._found if place != home):
                raise fail(f"two definitions are called {name}, and source holds one of them")
            for inner in ast.walk(node):
                if isinstance(inner, ast.ImportFrom) and str(inner.module).startswith(_HOME):
                    raise fail(f"{name} of {home} cannot be carried into a file of its own")
            yield from ((home, used) for used in sorted(_names(node)) if used != name)

    @property
    def postponed(self) -> bool:
        """True if a file that they come from postpones annotations."""
        return any("annotations" in _read(home).bound for home, _ in self._found)

    def names(self) -> set[str]:
        """Names of the definitions, and of everything that their files import."""
        imported = {name for home, _ in self._found for name in _read(home).imports()}
        return imported | {name for _, name in self._found}

    def lines(self) -> list[str]:
        """The definitions as their files have them, two empty lines before each."""
        homes = sorted({home for home, _ in self._found})
        # Those that others are built on go first.
        below = {home: sorted(_read(home).origins() & {*homes}) for home in homes}
        ranks = {home: rank for rank, home in enumerate(TopologicalSorter(below).static_order())}
        order = sorted(self._found, key=lambda key: (ranks[key[0]], self._found[key].lineno))
        texts = {id(self._found[key]): (_read(key[0]).lines, self._found[key]) for key in order}
        return [line for text in texts.values() for line in ("", "", *_text(*text))]


@cache
def _read(home: str) -> _Module:
    text = inspect.getsource(importlib.import_module(home))
    bound: dict[str, ast.stmt] = {}
    for node in _top(ast.parse(text).body):
        if isinstance(node, ast.ImportFrom):
            bound |= {n.asname or n.name: ast.ImportFrom(node.module, [n], 0) for n in node.names}
        elif isinstance(node, ast.Import):
            bound |= {n.asname or n.name.partition(".")[0]: ast.Import([n]) for n in node.names}
        elif isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            bound[node.name] = node
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                for name in target.elts if isinstance(target, ast.Tuple) else [target]:
                    if isinstance(name, ast.Name):
                        bound[name.id] = node
    return _Module(text.splitlines(), bound)


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
