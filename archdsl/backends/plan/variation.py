"""The plan of a network at several values of its spec's parameters, as one plan.

Where the plans differ in numbers alone they are one plan in which such a number is a
:class:`Varying`: its value in each setting. A parameter that changes more than numbers, such as the
count of a block, is left at its value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from archdsl.analysis.shapes import check
from archdsl.backends.plan.emitter import plan
from archdsl.backends.plan.operations import Operation, Plan, mapped
from archdsl.diagnostics import ArchError
from archdsl.frontend.elaborate.assemble import read_document
from archdsl.frontend.expansion import expanded
from archdsl.frontend.syntax import nodes
from archdsl.frontend.syntax.macros import Macros
from archdsl.frontend.syntax.parser import parse
from archdsl.ir.lowering import Construct
from archdsl.ir.network import Network
from archdsl.ir.origin import Origin

_TRIED = 2
"""Number of settings in which all parameters have other values, besides those in which one has."""

_TURNS = 8
"""Number of such settings that are tried."""


@dataclass(frozen=True)
class Varying:
    """A constant that depends on parameters: its value in each setting, the network's own first."""

    values: tuple[Any, ...]


@dataclass(frozen=True)
class Variation:
    """A network's plan at its own parameters and at others.

    ``parameters`` has those that change numbers, with their values in each setting; ``fixed`` those
    that change more; others change nothing. ``own`` is the plan at the network's own parameters,
    ``numbers`` are those of the templates around layers, by the path of the scope.
    """

    plan: Plan
    own: Plan
    numbers: Mapping[str, Mapping[str, Any]]
    settings: int = 1
    parameters: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)


_View = tuple[Plan, Mapping[str, Mapping[str, Any]]]
"""A plan, and the numbers of the templates around its layers."""


def at(value: Any, setting: int) -> Any:
    """A value of a plan in one setting."""
    if isinstance(value, Varying):
        return value.values[setting]
    if type(value) is tuple:
        return tuple([at(each, setting) for each in value])
    if isinstance(value, Construct):
        return Construct(*at((value.target, value.arguments, value.options), setting))
    return value


def varies(value: Any) -> bool:
    """True if a value of a plan depends on a parameter."""
    if isinstance(value, Construct):
        return varies((value.arguments, value.options))
    return isinstance(value, Varying) or (isinstance(value, tuple) and any(map(varies, value)))


def of_each(function: Callable[..., Any], *values: Any) -> Any:
    """A function of values, in each setting if one depends on parameters."""
    count = next((len(each.values) for each in values if isinstance(each, Varying)), None)
    if count is None:
        return function(*values)
    return together([function(*(at(each, s) for each in values)) for s in range(count)])


def together(values: Sequence[Any]) -> Any:
    """A value that is one thing in each setting; a constant where these are the same."""
    first = values[0]
    if all(type(each) is type(first) and each == first for each in values):
        return first
    return Varying(tuple(values))


class Variations:
    """The plans of a checked network at its parameters and at others."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._own = _Reading(network)
        self._known: dict[tuple[Any, ...], _Reading | None] = {(): self._own}
        """By setting the plan there; ``None`` where it is too unlike."""
        self._documents: dict[Any, nodes.Document] = {}

    def variation(self, without: Sequence[str] = ()) -> Variation:
        """The plans as one; parameters ``without`` are left at their values."""
        defaults = dict(self._network.parameters or {})
        fixed = {name: defaults.pop(name) for name in without}
        found: dict[str, list[Any]] = {}
        for name, value in defaults.items():
            values = [each for each in dict.fromkeys(_others(value)) if each != value]
            alike = self._alike({name: other} for other in values)
            tried = list(islice(alike, 1))
            # A size may be rounded off at a value nearby, and matter at one farther away.
            tried += () if any(map(self._matters, tried)) else islice(alike, 1)
            if any(map(self._matters, tried)):
                found[name] = values[values.index(tried[0][name]) :]
            elif len(tried) < min(2, len(values)):
                fixed[name] = value
        mixed = list(islice(self._alike(_mixed(found)), _TRIED)) if found else []
        if found and len(mixed) < _TRIED:
            return self.variation((*without, next(reversed(found))))
        alone = [{name: values[0]} for name, values in found.items()]
        settings = [{}, *alone, *mixed]
        planned, numbers = _merged(list(map(self._reading, settings)))
        parameters = {
            name: tuple(each.get(name, defaults[name]) for each in settings) for name in found
        }
        return Variation(planned, self._own.view[0], numbers, len(settings), parameters, fixed)

    def _reading(self, setting: Mapping[str, Any]) -> _Reading:
        found = self._known[tuple(setting.items())]
        assert found is not None
        return found

    def _matters(self, setting: dict[str, Any]) -> bool:
        """True if the plan differs in a setting."""
        return self._reading(setting).numbers != self._own.numbers

    def _alike(self, settings: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """The settings in which the plan differs in numbers alone, up to one that counts anew."""
        origin = self._network.origin
        if origin is None:
            return
        for setting in settings:
            key = tuple(setting.items())
            if key not in self._known:
                self._known[key] = None
                with suppress(ArchError):
                    other = self._at(replace(origin, settings={**origin.settings, **setting}))
                    if other.layers != self._network.layers:
                        return
                    reading = _Reading(check(other, self._network.input_shape))
                    if reading.structure == self._own.structure:
                        self._known[key] = reading
            if self._known[key] is not None:
                yield setting

    def _at(self, origin: Origin) -> Network:
        """The network at other parameters; each text is parsed once."""
        known = self._documents

        def read(path: Path, root: Path, macros: Macros | None) -> nodes.Document:
            if path not in known:
                known[path] = read_document(path, root, macros)
            return known[path]

        if origin.source.is_cpp:  # its settings are macros
            return expanded(origin).network
        if None not in known:
            known[None] = parse(origin.source)
        return expanded(origin, document=known[None], read=read).network


def _others(value: Any) -> Iterator[Any]:
    """Other values of a parameter, near and far, even and odd."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield from (value + 1, 2 * value + 3, value + 2, 2 * value, 3 * value, 4 * value)
        yield from (value // 2, value // 3, value // 4)
    elif isinstance(value, float):
        near = (0.3, 0.7, 0.2) if value == 0 else (1.37 * value, 0.61 * value, 0.83 * value)
        yield from (float(f"{each:.3g}") for each in near)


def _mixed(found: Mapping[str, list[Any]]) -> Iterator[dict[str, Any]]:
    """Settings that change all parameters at once, to others than their first values."""
    for turn in range(_TURNS):
        places = (turn + turn // _TRIED * place for place in range(len(found)))
        yield {
            name: values[1:][place % (len(values) - 1)] if values[1:] else values[0]
            for place, (name, values) in zip(places, found.items(), strict=True)
        }


# ---- one plan of several ----


def _walked(view: _View, leaf: Callable[[Any], Any]) -> tuple[list[Any], Any]:
    """The arguments of all operations, and all else that has numbers, with others for leaves."""
    planned, scopes = view
    calls = [mapped((each.arguments, each.options), leaf) for each in planned.operations]
    made = {path: module.construct for path, module in planned.modules.items()}
    return calls, mapped((made, planned.result, planned.criterion, planned.decision, scopes), leaf)


class _Reading:
    """A network's view taken apart: its numbers in their order, and what else there is."""

    def __init__(self, network: Network) -> None:
        planned = plan(network)
        self.view = planned, {scope.path: dict(scope.numbers) for scope in network.scopes}
        self.places = {operation: place for place, operation in enumerate(planned.operations)}
        self.numbers: list[Any] = []
        """The numbers that may depend on parameters."""
        calls = [(each.kind, each.target, each.path, each.shared) for each in planned.operations]
        modules = [(module.initial, module.frozen) for module in planned.modules.values()]
        self.structure = calls, modules, _walked(self.view, self._leaf)
        """Equal for plans that differ in these numbers alone."""

    def _leaf(self, value: Any) -> Any:
        if isinstance(value, Operation):
            return "operation", self.places[value]
        if type(value) in (int, float, bool):
            self.numbers.append(value)
            return type(value)
        return value


def _merged(readings: Sequence[_Reading]) -> _View:
    """The plans as one, which have one structure."""
    first = readings[0]
    (planned, _), places = first.view, first.places
    made = [replace(operation) for operation in planned.operations]
    numbers = iter(zip(*(each.numbers for each in readings), strict=True))

    def leaf(value: Any) -> Any:
        if isinstance(value, Operation):
            return made[places[value]]
        return together(next(numbers)) if type(value) in (int, float, bool) else value

    calls, (constructs, result, criterion, decision, scopes) = _walked(first.view, leaf)
    for operation, (arguments, options) in zip(made, calls, strict=True):
        operation.arguments, operation.options = arguments, options
    modules = {
        path: module._replace(construct=constructs[path])
        for path, module in planned.modules.items()
    }
    return Plan(tuple(made), modules, result, criterion, decision), scopes
