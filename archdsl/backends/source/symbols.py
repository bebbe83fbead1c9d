"""Imports and bundled helpers that the generated file uses."""

from __future__ import annotations

import inspect
import itertools
import sys
from collections.abc import Callable, Mapping
from typing import Any

import torch
import torchvision.ops
from torch import nn
from torch.nn import functional

from archdsl.backends.source.code_style import INDENT, WIDTH
from archdsl.diagnostics import fail

_NN = "from torch import nn"
_TORCH = "import torch"
_PUBLIC: tuple[tuple[Any, str, str], ...] = (
    (nn, "nn.{}", _NN),
    (torch, "torch.{}", _TORCH),
    (functional, "F.{}", "import torch.nn.functional as F"),
    (torchvision.ops, "{}", "from torchvision.ops import {}"),
)
"""Public modules with the prefix of their names in source text, and the import line."""


class Symbols:
    """The names that the file uses of others. ``imports`` are the lines that they need."""

    def __init__(self) -> None:
        self.imports: set[str] = set()
        self.bare: set[str] = set()
        """Names that stand alone, which no variable may hide."""
        self.bundled: dict[str, Any] = {}
        """Definitions of archdsl itself that the file has to hold, by name."""

    def of(self, thing: Callable[..., Any]) -> str:
        """The name of a class or function; raises ArchError where it has no public one."""
        name = thing.__name__
        for module, form, line in _PUBLIC:
            if getattr(module, name, None) is thing:
                self.imports.add(line.format(name))
                if form == "{}":
                    self.bare.add(name)
                return form.format(name)
        home = inspect.getmodule(thing)
        if home is not None and home.__name__.startswith("archdsl."):
            if self.bundled.setdefault(name, thing) is not thing:
                raise fail(f"two things are called {name}, and source holds one of them")
            self.bare.add(name)
            return name
        raise fail(f"{name} has no public name, and cannot be written as source")

    def nn(self, name: str) -> str:
        """A class of torch.nn by name."""
        self.imports.add(_NN)
        return f"nn.{name}"

    def packages(self) -> set[str]:
        """Names of the packages from PyPI that the imports need."""
        return {_package(line) for line in self.imports} - sys.stdlib_module_names

    def need(self, line: str) -> None:
        """Ask for an import line."""
        self.imports.add(line)

    def lines(self) -> list[str]:
        """The import lines in the usual order, the names of one module together."""
        groups: dict[bool, list[str]] = {True: [], False: []}
        for line in _merged(self.imports):
            groups[_package(line) in sys.stdlib_module_names].append(line)
        texts = [sorted(group, key=_order) for group in groups.values() if group]
        return [line for group in texts for line in (*itertools.chain(*map(_broken, group)), "")]


def _package(line: str) -> str:
    """The package that an import line reads."""
    return line.split()[1].partition(".")[0]


def _broken(line: str) -> list[str]:
    """An import, a name a line where it is too long."""
    if len(line) <= WIDTH:
        return [line]
    before, _, names = line.partition(" import ")
    return [f"{before} import (", *(f"{INDENT}{n}," for n in names.split(", ")), ")"]


def _order(line: str) -> tuple[bool, str]:
    return line.startswith("from"), line.split()[1]


def _merged(lines: set[str]) -> list[str]:
    """Imports from one module on one line."""
    names: dict[str, set[str]] = {}
    plain = []
    for line in lines:
        if line.startswith("from"):
            _, module, _, *rest = line.split(maxsplit=3)
            names.setdefault(module, set()).update(n.strip() for n in rest[0].split(","))
        else:
            plain.append(line)
    joined = {module: sorted(each, key=_case) for module, each in names.items()}
    return plain + [f"from {module} import {', '.join(each)}" for module, each in joined.items()]


def _case(name: str) -> tuple[int, str]:
    """As isort has it: constants, then classes, then the rest."""
    return (0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2), name


OPERATORS: Mapping[str, str] = {
    "add": "+", "sub": "-", "mul": "*", "truediv": "/", "matmul": "@", "pow": "**",
}  # fmt: skip
"""Functions of the module operator that are written between their operands."""
