"""The modules to import: models of a library, or those that a Python file defines."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from archdsl.analysis.equivalence.errors import MatchError
from archdsl.diagnostics import fail
from archdsl.importers.verification.references import reference

_MODULE = "archdsl_imported"


def original(what: str) -> nn.Module:
    """``torchvision:NAME``, ``timm:NAME`` or ``FILE.py:NAME`` as a module in evaluation mode.

    A Python file is run for that. Raises ArchError where there is no such thing.
    """
    where, _, name = what.rpartition(":")
    if where.lower().endswith(".py"):
        return _made(_factory(Path(where), name), what)
    return reference(what)


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
    spec = importlib.util.spec_from_file_location(_MODULE, path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise fail(f"there is no file {path}")
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.get(_MODULE)
    sys.modules[_MODULE] = module  # dataclasses and torch.fx look their module up there
    sys.path.insert(0, str(path.parent.resolve()))  # as python FILE.py has it
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever the user's own code raises
        raise fail(f"{path} cannot be run: {type(error).__name__}: {error}") from error
    finally:
        sys.path.pop(0)
        if before is None:
            del sys.modules[_MODULE]
        else:
            sys.modules[_MODULE] = before
    return module


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
    except Exception as error:  # whatever the user's own code raises
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
