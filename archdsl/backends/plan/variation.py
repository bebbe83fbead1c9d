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
from typing import Any

from archdsl.backends.plan.emitter import plan
from archdsl.backends.plan.operations import LeafModule, Operation, Plan
from archdsl.diagnostics import ArchError
from archdsl.ir.lowering import Construct
from archdsl.ir.network import Network

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


class _UnlikeError(Exception):
    """Plans differ in more than numbers."""


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
        self._own = _view(network)
        self._known: dict[tuple[Any, ...], tuple[_View, bool] | None] = {}
        """By setting the plan there, and whether it differs; ``None`` where it is too unlike."""

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
        (planned, numbers), _ = _merged(list(map(self._view, settings)))
        parameters = {
            name: tuple(each.get(name, defaults[name]) for each in settings) for name in found
        }
        return Variation(planned, self._own[0], numbers, len(settings), parameters, fixed)

    def _view(self, setting: Mapping[str, Any]) -> _View:
        return self._seen(setting)[0] if setting else self._own

    def _matters(self, setting: dict[str, Any]) -> bool:
        """True if the plan differs in a setting."""
        return self._seen(setting)[1]

    def _seen(self, setting: Mapping[str, Any]) -> tuple[_View, bool]:
        found = self._known[tuple(setting.items())]
        assert found is not None
        return found

    def _alike(self, settings: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """The settings in which the plan differs in numbers alone, up to one that counts anew."""
        varied = self._network.varied
        if varied is None:
            return
        for setting in settings:
            key = tuple(setting.items())
            if key not in self._known:
                self._known[key] = None
                with suppress(ArchError, _UnlikeError):
                    other = varied(setting)
                    if other.layers != self._network.layers:
                        return
                    view = _view(other)
                    self._known[key] = view, _merged([self._own, view])[1]
            if self._known[key] is not None:
                yield setting


def _view(network: Network) -> _View:
    return plan(network), {scope.path: dict(scope.numbers) for scope in network.scopes}


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


class _Merging:
    """Values of several plans as one; raises _UnlikeError where that cannot be."""

    def __init__(self, plans: Sequence[Plan]) -> None:
        self.dependent = False
        """True if a number is not the same in all of them."""
        self._made: list[Operation] = []
        self._places = [{o: i for i, o in enumerate(each.operations)} for each in plans]

    def operations(self, plans: Sequence[Plan]) -> tuple[Operation, ...]:
        if len({len(each.operations) for each in plans}) > 1:
            raise _UnlikeError
        for same in zip(*(each.operations for each in plans), strict=True):
            if len({(each.kind, each.target, each.path, each.shared) for each in same}) > 1:
                raise _UnlikeError
            arguments = self.of([each.arguments for each in same])
            options = self.of([dict(each.options) for each in same])
            self._made.append(replace(same[0], arguments=arguments, options=options))
        return tuple(self._made)

    def of(self, values: Sequence[Any]) -> Any:
        """One value in place of that of each plan."""
        first = values[0]
        kind = type(first)
        if any(type(each) is not kind for each in values):
            raise _UnlikeError
        if isinstance(first, Operation):
            (place, *others) = {p[v] for p, v in zip(self._places, values, strict=True)}
            if others:
                raise _UnlikeError
            return self._made[place]
        if isinstance(first, Construct):
            return Construct(*self.of([(v.target, v.arguments, v.options) for v in values]))
        if isinstance(first, LeafModule):
            self._equal([(v.initial, v.frozen) for v in values])
            return first._replace(construct=self.of([v.construct for v in values]))
        if isinstance(first, Mapping):
            self._equal([list(each) for each in values])
            return {key: self.of([each[key] for each in values]) for key in first}
        if kind is slice:
            return slice(*self.of([(v.start, v.stop, v.step) for v in values]))
        if kind in (tuple, list):
            self._equal([len(each) for each in values])
            return kind(self.of(same) for same in zip(*values, strict=True))
        if kind not in (int, float, bool):
            self._equal(values)
            return first
        value = together(values)
        self.dependent = self.dependent or isinstance(value, Varying)
        return value

    def _equal(self, values: Sequence[Any]) -> None:
        if any(each != values[0] for each in values):
            raise _UnlikeError


def _merged(views: Sequence[_View]) -> tuple[_View, bool]:
    """The plans as one, and whether a number of it depends on a parameter."""
    plans = [each for each, _ in views]
    merging = _Merging(plans)
    operations = merging.operations(plans)
    names = ("modules", "result", "criterion", "decision")
    parts = [merging.of([getattr(each, name) for each in plans]) for name in names]
    dependent = merging.dependent
    return (Plan(operations, *parts), merging.of([numbers for _, numbers in views])), dependent
