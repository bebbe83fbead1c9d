"""Imports and bundled helpers that the generated file uses."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from typing import Any

from archdsl.backends.source.layout import INDENT, WIDTH
from archdsl.diagnostics import fail

_NN = "from torch import nn"
_PUBLIC = (
    ("torch.nn", "nn.{}", _NN),
    ("torch", "torch.{}", "import torch"),
    ("torch.nn.functional", "F.{}", "import torch.nn.functional as F"),
    ("torchvision.ops", "{}", "from torchvision.ops import {}"),
    ("collections", "{}", "from collections import {}"),
)
"""Public modules with the prefix of their names in source text, and the import line."""


class Symbols:
    """The names that the file uses of others, with the imports that they need."""

    def __init__(self) -> None:
        self._imports: dict[str, set[str]] = {}
        """Names by the start of their import line, ``from torch``; none for whole modules."""
        self.bare: set[str] = set()
        """Names that stand alone, which no variable may hide."""
        self.bundled: dict[str, Any] = {}
        """Definitions of archdsl itself that the file has to hold, by name."""

    def of(self, thing: Callable[..., Any]) -> str:
        """The name of a class or function; raises ArchError where it has no public one."""
        name = thing.__name__
        for module, form, line in _PUBLIC:
            # A module that nothing is of is not imported: torchvision takes as long as torch.
            if getattr(sys.modules.get(module), name, None) is thing:
                self.need(line.format(name))
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
        self.need(_NN)
        return f"nn.{name}"

    def packages(self) -> set[str]:
        """Names of the packages from PyPI that the imports need."""
        return set(map(_package, self._imports)) - sys.stdlib_module_names

    def need(self, line: str) -> None:
        """Ask for an import line."""
        start, _, names = line.partition(" import ")
        self._imports.setdefault(start, set()).update(names.split(", ") if names else ())

    def lines(self) -> list[str]:
        """The import lines in the usual order, the names of one module together."""
        groups: dict[bool, list[str]] = {True: [], False: []}
        for start in sorted(
            self._imports, key=lambda each: (each.startswith("from"), each.split()[1])
        ):
            groups[_package(start) in sys.stdlib_module_names] += self._written(start)
        return [line for group in groups.values() if group for line in (*group, "")]

    def _written(self, start: str) -> list[str]:
        """An import, a name a line where it is too long."""
        names = sorted(self._imports[start], key=_case)
        line = f"{start} import {', '.join(names)}" if names else start
        if len(line) <= WIDTH:
            return [line]
        return [f"{start} import (", *(f"{INDENT}{name}," for name in names), ")"]


def _package(start: str) -> str:
    """The package that an import line reads."""
    return start.split()[1].partition(".")[0]


def _case(name: str) -> tuple[int, str]:
    """As isort has it: constants, then classes, then the rest."""
    return (0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2), name


OPERATORS: Mapping[str, str] = {
    "operator.add": "+", "operator.sub": "-", "operator.mul": "*", "operator.truediv": "/",
    "operator.matmul": "@", "operator.pow": "**",
}  # fmt: skip
"""Functions that are written between their operands."""
