"""The compiled graph cut into units, one for each scope that computes something."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from torch import fx, nn

from archdsl.backends.torch.emitter import LAYER
from archdsl.ir.network import Network, Scope


@dataclass(eq=False)
class Leaf:
    """A call of a layer's module."""

    name: str
    module: nn.Module
    node: fx.Node


@dataclass(eq=False)
class Function:
    """A call of a function, an operator or a method."""

    node: fx.Node


@dataclass(eq=False)
class InnerUnit:
    """A call of another unit: that of a scope inside this one."""

    name: str
    unit: Unit


UnitPiece = Leaf | Function | InnerUnit


@dataclass(eq=False)
class Unit:
    """The computation of one scope: its pieces in order, the nodes it reads and those it gives.

    ``height`` counts the levels of units inside.
    """

    scope: Scope
    parent: Unit | None
    pieces: list[UnitPiece] = field(default_factory=list)
    inputs: dict[fx.Node, None] = field(default_factory=dict)
    outputs: dict[fx.Node, None] = field(default_factory=dict)
    height: int = 0

    def around(self) -> Iterator[Unit]:
        """This unit and those around it, the innermost first."""
        unit: Unit | None = self
        while unit is not None:
            yield unit
            unit = unit.parent


def units(network: Network, module: fx.GraphModule) -> list[Unit]:
    """The units of a compiled network: the network itself first, outer ones before inner ones."""
    cutting = _Cutting(network, module)
    for node in module.graph.nodes:
        cutting.add(node)
    found = list(cutting.units.values())
    for unit in reversed(found):
        if not unit.outputs and unit.parent is not None:
            unit.outputs[cutting.last[unit]] = None  # nothing reads it; it computes all the same
        if unit.parent is not None:
            unit.parent.height = max(unit.parent.height, unit.height + 1)
    return found


class _Cutting:
    def __init__(self, network: Network, module: fx.GraphModule) -> None:
        root = Unit(network.scopes[0], None)
        self.units: dict[str, Unit] = {"": root}
        self.last: dict[Unit, fx.Node] = {}
        self._network = network
        self._module = module
        self._root = root
        self._home: dict[fx.Node, Unit] = {}

    def add(self, node: fx.Node) -> None:
        unit = self._unit(node)
        self._home[node] = unit
        for source in dict.fromkeys(node.all_input_nodes):
            self._carry(source, unit)
        if node.op == "placeholder":
            unit.inputs[node] = None
        elif node.op == "output":
            unit.outputs.update(dict.fromkeys(node.all_input_nodes))
        elif node.op == "call_module":
            target = str(node.target)
            leaf = self._module.get_submodule(target)
            unit.pieces.append(Leaf(target.rpartition(".")[2], leaf, node))
        else:
            unit.pieces.append(Function(node))
        for each in unit.around():
            self.last[each] = node

    def _unit(self, node: fx.Node) -> Unit:
        if node.op in ("placeholder", "output"):
            return self._root
        path: Any = node.meta.get(LAYER)
        if path not in self._network.graph:
            return self._root
        scope: Scope | None = self._network.instance(path).scope
        missing: list[Scope] = []
        while scope is not None and scope.path not in self.units:
            missing.append(scope)
            scope = scope.parent
        unit = self.units[scope.path if scope is not None else ""]
        for inner in reversed(missing):
            outer, unit = unit, Unit(inner, unit)
            self.units[inner.path] = unit
            outer.pieces.append(InnerUnit(inner.name, unit))
        return unit

    def _carry(self, source: fx.Node, reader: Unit) -> None:
        """Note a value as an output of the units that it leaves and an input of those it enters."""
        home = self._home[source]
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
