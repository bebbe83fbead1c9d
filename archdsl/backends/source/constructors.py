"""The constructor call that makes a module again: read off the module, and checked by making it."""

from __future__ import annotations

import dataclasses
import inspect
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import nn

from archdsl.backends.torch.constructor_arguments import arguments_of
from archdsl.backends.torch.freeze import thawed
from archdsl.diagnostics import fail

_PLACING = ("device", "dtype")


class ConstructorParameter(NamedTuple):
    """A parameter of a constructor. ``default`` is ``inspect.Parameter.empty`` without one."""

    name: str
    default: Any
    variadic: bool

    @property
    def required(self) -> bool:
        """True if the parameter has no default, so that every call gives it."""
        return self.default is inspect.Parameter.empty


class Construction(NamedTuple):
    """A callable, such as a module's class, and the values of all its parameters."""

    made: Callable[..., Any]
    parameters: tuple[ConstructorParameter, ...]
    values: tuple[Any, ...]

    @property
    def is_module(self) -> bool:
        """True if the callable is a class of modules, not of plain records."""
        return inspect.isclass(self.made) and issubclass(self.made, nn.Module)


@cache
def parameters(made: Callable[..., Any]) -> tuple[ConstructorParameter, ...]:
    """The parameters of a constructor, without those for device and dtype."""
    found = []
    for name, parameter in inspect.signature(made).parameters.items():
        if name in _PLACING or parameter.kind is inspect.Parameter.VAR_KEYWORD:
            continue
        variadic = parameter.kind is inspect.Parameter.VAR_POSITIONAL
        default = () if variadic else frozen_value(parameter.default)
        found.append(ConstructorParameter(name, default, variadic))
    return tuple(found)


@dataclass
class ConstructorReader:
    """Reads constructions; equal modules are checked once."""

    _checked: dict[Any, Construction] = field(default_factory=dict)

    def construction(self, module: nn.Module, path: str) -> Construction:
        """The constructor call of a module. Raises ArchError if its arguments are not known."""
        made: Any = thawed(type(module))
        known = arguments_of(module)
        if known is not None:
            remembered: Construction = frozen_value(module)
            return remembered
        if made is nn.Sequential:
            return self._chain(module, path)
        key = made, repr(module), _shapes(module)
        if key not in self._checked:
            self._checked[key] = _guess(module, made, path)
        return self._checked[key]

    def _chain(self, module: nn.Module, path: str) -> Construction:
        """A layer of several modules of torch: what makes each of them, in order."""
        parts = dict(module.named_children())
        if list(parts) != [str(number) for number in range(len(parts))]:
            raise fail(f"{path} cannot be written as source: its modules have names of their own")
        values = tuple(self.construction(part, path) for part in parts.values())
        return Construction(
            nn.Sequential, (ConstructorParameter("parts", (), variadic=True),), (values,)
        )


def _guess(module: nn.Module, made: Any, path: str) -> Construction:
    signature = parameters(made)
    read = [_attribute(module, parameter) for parameter in signature]
    for short in (True, False):
        values = [_short(value) if short else value for value in read]
        unknown = [i for i, value in enumerate(values) if value is _UNKNOWN]
        switches = [i for i in unknown if isinstance(signature[i].default, bool)]
        for flips in itertools.product((False, True), repeat=len(switches)):
            for index in unknown:
                values[index] = signature[index].default
            for index, flip in zip(switches, flips, strict=True):
                values[index] = signature[index].default is not flip
            if _makes(made, signature, values, module):
                return Construction(made, signature, tuple(map(frozen_value, values)))
    raise fail(f"{path} cannot be written as source: how its {made.__name__} was made is not known")


_UNKNOWN = object()


def _attribute(module: nn.Module, parameter: ConstructorParameter) -> Any:
    if parameter.variadic:
        return ()
    value = getattr(module, parameter.name, _UNKNOWN)
    if isinstance(parameter.default, bool) and not isinstance(value, bool):
        # Such as the bias that a layer has or has not.
        return value if value is _UNKNOWN else value is not None
    return value


def _short(value: Any) -> Any:
    """One number in place of equal ones: the 3 of a 3×3 kernel."""
    if isinstance(value, (tuple, list)) and len(value) == 2 and value[0] == value[1]:
        return value[0]
    return value


def _makes(
    made: Any, signature: tuple[ConstructorParameter, ...], values: list[Any], module: nn.Module
) -> bool:
    given: Mapping[str, Any] = {
        p.name: v for p, v in zip(signature, values, strict=True) if not p.variadic
    }
    try:
        with torch.device("meta"):
            again = made(**given)
    except (TypeError, ValueError, RuntimeError):
        return False
    found, wanted = dict(again.named_modules()), dict(module.named_modules())
    return (
        list(found) == list(wanted)
        and _shapes(again) == _shapes(module)
        and all(_same(one, two) for one, two in zip(found.values(), wanted.values(), strict=True))
    )


def _same(one: nn.Module, two: nn.Module) -> bool:
    return type(one) is thawed(type(two)) and _plain(one) == _plain(two)


def _shapes(module: nn.Module) -> tuple[Any, ...]:
    return tuple((name, tensor.shape) for name, tensor in module.state_dict().items())


def _plain(module: nn.Module) -> dict[str, Any]:
    """The module's own settings, where a pair of equal numbers is the number."""
    return {
        key: _short(value)
        for key, value in vars(module).items()
        if key != "training" and isinstance(value, (int, float, str, tuple, type(None)))
    }


def frozen_value(value: Any) -> Any:
    """A value that can be a key: lists become tuples; modules and records, what makes them."""
    known = _known(value)
    if known is not None:
        made: Any = type(value)
        signature = parameters(made)
        given = tuple(frozen_value(known.get(p.name, p.default)) for p in signature)
        return Construction(made, signature, given)
    return tuple(map(frozen_value, value)) if isinstance(value, (list, tuple)) else value


def _known(value: Any) -> Mapping[str, Any] | None:
    """Constructor arguments of a module, dataclass or named tuple; ``None`` for all else."""
    if isinstance(value, nn.Module):
        return arguments_of(value)
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        named: Mapping[str, Any] = value._asdict()
        return named
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return None
