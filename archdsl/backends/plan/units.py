"""A plan cut into units, one for each scope of the network that computes something."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from archdsl.backends.plan.operations import Kind, Operation, Plan, numbered
from archdsl.ir.names import class_name
from archdsl.ir.network import Network, Scope


class Piece(NamedTuple):
    """A call in a unit: of a layer's module, of another unit, or of a function.

    ``name`` is the part of the unit that is called, ``None`` for a function.
    """

    name: str | None
    called: Operation | Unit


@dataclass(eq=False)
class Unit:
    """The computation of one scope: its pieces in order, the values it reads and those it gives.

    ``height`` counts the levels of units inside.
    """

    scope: Scope
    parent: Unit | None
    pieces: list[Piece] = field(default_factory=list)
    inputs: dict[Operation, None] = field(default_factory=dict)
    outputs: dict[Operation, None] = field(default_factory=dict)
    height: int = 0

    def around(self) -> Iterator[Unit]:
        """This unit and those around it, the innermost first."""
        unit: Unit | None = self
        while unit is not None:
            yield unit
            unit = unit.parent

    @property
    def arguments(self) -> tuple[Operation, ...]:
        """Its arguments when it is called."""
        return tuple(self.inputs)

    @property
    def options(self) -> Mapping[str, Any]:
        """Its arguments by name: none."""
        return {}

    @property
    def gives(self) -> tuple[Operation, ...]:
        """The values that it gives."""
        return tuple(self.outputs)

    def names(self) -> list[str]:
        """The names of the modules and units that it calls, in order."""
        return [piece.name for piece in self.pieces if piece.name is not None]

    def chained(self) -> bool:
        """True if its pieces are modules in a row, each fed by the one before and called once."""
        names = self.names()
        if len(self.inputs) != 1 or len({*names}) != len(self.pieces) or not names:
            return False
        value = self.arguments
        for _, called in self.pieces:
            if called.options or called.arguments != value or len(called.gives) != 1:
                return False
            value = called.gives
        return value == self.gives


def unit_name(unit: Unit) -> str:
    """The name of a unit's class: its template, or the part of a template that it is."""
    scope = unit.scope
    outer = scope.parent.template if scope.parent is not None else None
    return class_name(scope.template or f"{outer or ''}_{scope.title}", "Block")


def units(network: Network, plan: Plan) -> list[Unit]:
    """The units of a plan: the network itself first, outer ones before inner ones."""
    cutting = _Cutting(network, _shared(network, plan))
    for operation in plan.operations:
        cutting.add(operation)
    for result in plan.results:
        cutting.give(result)
    found = list(cutting.units.values())
    for unit in reversed(found):
        if not unit.outputs and unit.parent is not None:
            unit.outputs[cutting.last[unit]] = None  # nothing reads it; it computes all the same
        if unit.parent is not None:
            unit.parent.height = max(unit.parent.height, unit.height + 1)
    return found


def _shared(network: Network, plan: Plan) -> dict[Operation, Scope]:
    """The innermost scope around all readers, for operations whose result is several layers'."""
    wanted = {each for each in plan.operations if each.shared}
    found: dict[Operation, Scope] = {}
    for reader in plan.operations if wanted else ():
        scope = network.instance(reader.path).scope if reader.path in network.by_path else None
        for source in wanted.intersection(reader.reads()):
            found[source] = _around(scope, found.get(source, scope)) or network.scopes[0]
    return found


def _around(one: Scope | None, other: Scope | None) -> Scope | None:
    """The innermost scope that two are in, or that they are."""
    outer = set()
    while one is not None:
        outer.add(one)
        one = one.parent
    while other is not None and other not in outer:
        other = other.parent
    return other


class _Cutting:
    def __init__(self, network: Network, shared: dict[Operation, Scope]) -> None:
        self._shared = shared
        root = Unit(network.scopes[0], None)
        self.units: dict[str, Unit] = {"": root}
        self.last: dict[Unit, Operation] = {}
        self._network = network
        self._root = root
        self._home: dict[Operation, Unit] = {}

    def add(self, operation: Operation) -> None:
        """Put an operation into the unit of its layer's scope."""
        entry = operation.kind is Kind.ENTRY
        unit = self._root if entry else self._unit(operation)
        self._home[operation] = unit
        for source in operation.reads():
            self._carry(source, unit)
        if entry:
            unit.inputs[operation] = None
        elif operation.kind is Kind.MODULE:
            unit.pieces.append(Piece(operation.target.rpartition(".")[2], operation))
        else:
            unit.pieces.append(Piece(None, operation))
        for each in unit.around():
            self.last[each] = operation

    def give(self, result: Operation) -> None:
        """Note a value that the network returns."""
        self._carry(result, self._root)
        self._root.outputs[result] = None

    def _unit(self, operation: Operation) -> Unit:
        scope: Scope | None = self._shared.get(operation)
        if scope is None and operation.path not in self._network.by_path:
            return self._root
        scope = scope or self._network.instance(operation.path).scope
        missing: list[Scope] = []
        while scope is not None and scope.path not in self.units:
            missing.append(scope)
            scope = scope.parent
        unit = self.units[scope.path if scope is not None else ""]
        for inner in reversed(missing):
            outer, unit = unit, Unit(inner, unit)
            self.units[inner.path] = unit
            outer.pieces.append(Piece(inner.name, unit))
        return unit

    def _carry(self, source: Operation, reader: Unit) -> None:
        """Note a value as an output of the units that it leaves and an input of those it enters."""
        home = self._home[source]
        if home is reader:
            return
        around = set(home.around())
        common = next(unit for unit in reader.around() if unit in around)
        for unit in home.around():
            if unit is common:
                break
            unit.outputs[source] = None
        for unit in reader.around():
            if unit is common:
                break
            unit.inputs[source] = None


def unit_key(unit: Unit, inner: Callable[[Unit], Hashable]) -> str:
    """A key that is equal for units whose ``forward`` is the same, whatever their weights are.

    ``inner`` gives the keys of the units inside.
    """
    calls = [
        (
            name,
            inner(called) if isinstance(called, Unit) else called.kind,
            called.target if name is None and isinstance(called, Operation) else None,
            (called.arguments, called.options, called.gives),
        )
        for name, called in unit.pieces
    ]
    return numbered((unit_name(unit), unit.parent is None, unit.arguments, calls, unit.gives))
