"""The modules to import: models of a library, or those that a Python file defines."""

from __future__ import annotations

import copy
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from archdsl.analysis.equivalence.errors import MatchError
from archdsl.diagnostics import fail
from archdsl.importers.verification.references import reference
from archdsl.ir.edges import Shape
from archdsl.text.paths import is_file

_MODULE = "archdsl_imported"


def original(what: str) -> nn.Module:
    """``torchvision:NAME``, ``timm:NAME`` or ``FILE.py:NAME`` as a module in evaluation mode.

    A Python file is run for that. Raises ArchError where there is no such thing.
    """
    if of_a_file(what):
        where, _, name = what.rpartition(":")
        return _made(_factory(Path(where), name), what)
    return reference(what)


def of_a_file(what: str) -> bool:
    """True for ``FILE.py:NAME``."""
    return what.rpartition(":")[0].lower().endswith(".py")


def prepared(module: nn.Module, size: Shape) -> nn.Module:
    """A module that takes maps of a size (channels, height, width), all its weights made.

    Of one that takes rows, whose size is one number, the rows' values are the map's channels.
    Layers that wait for an input to know their sizes get them from one run. Raises ArchError where
    that run fails.
    """
    taken = module
    if len(size) == 1:
        module = _OfRows(module)
    if any(is_lazy(tensor) for tensor in (*taken.parameters(), *taken.buffers())):
        try:
            with torch.no_grad():
                taken(torch.zeros(1, *(int(each or 1) for each in size)))
        except Exception as error:  # whatever the user's own code raises
            found = "×".join(map(str, size))
            raise fail(
                f"{type(taken).__name__} cannot be run on {found}: {type(error).__name__}: {error}",
                help="give the size of its input with --input",
            ) from error
    return module


class _OfRows(nn.Module):
    """A module of rows, which takes them as maps of one cell; all its parts have their names."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self._modules, self._parameters = module._modules, module._parameters
        self._buffers = module._buffers
        self._of_rows = module.forward
        self.training = module.training

    def forward(self, x: torch.Tensor) -> Any:
        return self._of_rows(x.flatten(1))


def takes_rows(module: nn.Module, size: Sequence[int]) -> bool:
    """True if a module runs on rows of features, where a map of one cell (C, 1, 1) is none."""
    if tuple(size[1:]) != (1, 1):
        return False
    try:
        with torch.no_grad():
            copy.deepcopy(module)(torch.zeros(2, *size))
    except Exception:  # whatever the user's own code raises
        return True
    return False


def map_size(size: Shape) -> Shape:
    """Channels, height and width of an input; a row's values are channels of one cell."""
    return size if len(size) > 1 else (size[0], 1, 1)


def _factory(path: Path, name: str) -> Any:
    """The class or function of this name in a Python file, after running it."""
    module = _run(path)
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            public = [n for n, v in vars(module).items() if callable(v) and not n.startswith("_")]
            raise fail(
                f"{path} defines no {name}",
                None,
                f"it defines {', '.join(public[:8]) or 'nothing that could be called'}",
            )
        found = getattr(found, part)
    return found


def _run(path: Path) -> ModuleType:
    """The module of a file, run as ``python FILE.py`` would run it but for its name.

    Its folder is the first place to import from, and stays so: functions of the file may import
    when they are called, and it may have changed ``sys.path`` itself. A file that imports as a part
    of its folder (``from . import x``) is run as ``python -m FOLDER.FILE`` from the folder above.
    """
    spec = importlib.util.spec_from_file_location(_MODULE, path)
    if not is_file(path) or spec is None or spec.loader is None:
        raise fail(f"there is no file {path}")
    folder = str(path.parent.resolve())
    if sys.path[:1] != [folder]:
        sys.path.insert(0, folder)
    module = importlib.util.module_from_spec(spec)
    sys.modules[_MODULE] = module  # dataclasses, pickle and torch.fx look their module up there
    try:
        try:
            spec.loader.exec_module(module)
        except ImportError as error:
            if not _of_a_package(error, path):
                raise
            sys.path.insert(0, str(path.parent.resolve().parent))
            return importlib.import_module(f"{path.parent.resolve().name}.{path.stem}")
    except (Exception, SystemExit) as error:  # whatever the user's own code raises
        raise fail(f"{path} cannot be run: {type(error).__name__}: {error}") from error
    return module


def _of_a_package(error: ImportError, path: Path) -> bool:
    """True if a file fails because it is a part of the package that its folder is."""
    folder = path.parent.resolve().name
    wanted = (error.name or "").partition(".")[0]
    return "no known parent package" in str(error) or wanted == folder


def _made(factory: Any, what: str) -> nn.Module:
    if isinstance(factory, nn.Module):
        return factory.eval()
    if not callable(factory):
        raise fail(f"{what} is no function and no class, but {type(factory).__name__}")
    needed = _needed(factory)
    if needed:
        raise fail(
            f"{what} cannot be called without arguments",
            None,
            f"it needs {', '.join(needed)}",
            help="write a function without parameters that calls it",
        )
    try:
        module = factory()
    except (Exception, SystemExit) as error:  # whatever the user's own code raises
        raise fail(f"{what} fails: {type(error).__name__}: {error}") from error
    if not isinstance(module, nn.Module):
        raise MatchError(f"{what} gives no torch.nn.Module, but {type(module).__name__}")
    return module.eval()


def _needed(factory: Any) -> list[str]:
    """The parameters without defaults."""
    try:
        parameters = inspect.signature(factory).parameters.values()
    except (TypeError, ValueError):
        return []
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [p.name for p in parameters if p.default is p.empty and p.kind not in variadic]
