"""Modules that keep their constructor arguments, so that source code can construct them again."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from typing import Any, TypeVar

from torch import nn

_Class = TypeVar("_Class", bound=type[nn.Module])
_KEPT = "_archdsl_arguments"


def remembering(made: _Class) -> _Class:
    """Class decorator of modules: instances keep the arguments of their constructor.

    For classes whose attributes do not tell them already, under the names of the arguments.
    """
    construct = made.__init__
    signature = inspect.signature(construct)

    @functools.wraps(construct)
    def initialised(self: nn.Module, *positional: Any, **named: Any) -> None:
        bound = signature.bind(self, *positional, **named)
        bound.apply_defaults()
        construct(self, *positional, **named)
        if type(self) is made:
            del bound.arguments[next(iter(bound.arguments))]
            # Not as nn.Module sets its attributes, which looks for parameters and modules.
            self.__dict__[_KEPT] = dict(bound.arguments)

    made.__init__ = initialised  # type: ignore[method-assign]
    return made


def arguments_of(module: nn.Module) -> Mapping[str, Any] | None:
    """Constructor arguments of a module by name; ``None`` if its class does not keep them."""
    kept: Mapping[str, Any] | None = module.__dict__.get(_KEPT)
    return kept
