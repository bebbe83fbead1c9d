"""From a checked network to its plan: every layer is asked for its computation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from weakref import WeakKeyDictionary

from archdsl.backends.plan.operations import Kind, LeafModule, Operation, Plan
from archdsl.ir.cells import cells
from archdsl.ir.edges import Detections, EdgeType, FeatureMaps, Shape, applications
from archdsl.ir.initial import Initial
from archdsl.ir.layer import Layer
from archdsl.ir.lowering import Construct, ImageValues, Operand, TensorLayer, made
from archdsl.ir.network import Network
from archdsl.ir.overwriting import overwritable
from archdsl.ir.window import Cells
from archdsl.layers.initial import TORCH

_KNOWN: WeakKeyDictionary[Network, Plan] = WeakKeyDictionary()


def plan(network: Network) -> Plan:
    """The plan of a checked network, made once; its operations follow the order of the layers."""
    known = _KNOWN.get(network)
    if known is None:
        known = _KNOWN[network] = _planned(network)
    return known


def _planned(network: Network) -> Plan:
    emit = _PlanEmitter(network)
    values: dict[str, Operand] = {}
    may_overwrite = overwritable(network)
    for instance in network.instances():
        overwrite = instance.path in may_overwrite
        emit.begin(
            instance.path,
            weights=instance.weights,
            frozen=instance.frozen,
            may_overwrite_input=overwrite,
        )
        inputs = network.input_shapes(instance)
        operands = tuple(values[path] for path in instance.inputs)
        values[instance.path] = instance.layer.edge_lower(emit, operands, inputs)
    outputs = {
        name: emit.result(name, values[path], network.shape(path))
        for name, path in network.outputs.items()
    }
    result = outputs if len(outputs) > 1 else next(iter(outputs.values()))
    return Plan(tuple(emit.operations()), emit.modules, result, emit.loss, emit.verdict)


def plan_layer(layer: Layer, inputs: tuple[EdgeType, ...]) -> Plan:
    """The plan of a layer by itself, called ``layer``; its inputs are ``x0``, ``x1``."""
    emit = _PlanEmitter(None)
    emit.begin(LAYER, weights=LAYER, frozen=False, may_overwrite_input=False)
    operands = tuple(emit.entry(f"x{position}") for position in range(len(inputs)))
    result = layer.edge_lower(emit, operands, inputs)
    return Plan(tuple(emit.operations()), emit.modules, result)


LAYER = "layer"
"""Path of the layer in the plan of a single one."""


class _PlanEmitter:
    """Notes the calls that layers ask for, under the path of the current layer."""

    def __init__(self, network: Network | None) -> None:
        self.modules: dict[str, LeafModule] = {}
        self.loss: Construct | None = None
        self.verdict: Construct | None = None
        self._network = network
        self._entries: list[Operation] = []
        self._operations: list[Operation] = []
        self._once: dict[tuple[Any, ...], Operation] = {}
        self._joined: dict[tuple[Any, ...], Operation] = {}
        """Concatenations by scope and arguments."""
        self._path = self._weights = ""
        self._frozen = False
        self._may_overwrite = self._overwrites = False
        self._overwritten: set[Operation] = set()

    def begin(self, path: str, *, weights: str, frozen: bool, may_overwrite_input: bool) -> None:
        """Name the layer that is lowered next, and its module, which another one may have too."""
        self._path = path
        self._weights = weights
        self._frozen = frozen
        self._may_overwrite = may_overwrite_input
        self._overwrites = False

    def operations(self) -> list[Operation]:
        """All operations, the network's arguments first."""
        return [*self._entries, *self._operations]

    def entry(self, name: str, *default: Any) -> Operation:
        """An argument of the network; ``default`` makes it optional."""
        self._entries.append(Operation(Kind.ENTRY, name, default, {}, self._path))
        return self._entries[-1]

    def lowered(
        self, layer: TensorLayer, operands: tuple[Operand, ...], inputs: tuple[EdgeType, ...]
    ) -> Operand:
        """A tensor layer applied to each of several tensors with the same weights."""
        if isinstance(inputs[0], FeatureMaps):
            seen = applications(inputs, layer.kind)
            maps = cast("tuple[Mapping[str, Operation], ...]", operands)
            return {
                name: self._applied(layer, tuple(each[name] for each in maps), shapes)
                for name, shapes in zip(inputs[0].names, seen, strict=True)
            }
        tensors = tuple(each.tensor if isinstance(each, ImageValues) else each for each in operands)
        (shapes,) = applications(inputs, layer.kind)
        return self._applied(layer, cast("tuple[Operation, ...]", tensors), shapes)

    def _applied(
        self, layer: TensorLayer, values: tuple[Operation, ...], shapes: tuple[Shape, ...]
    ) -> Operation:
        """A layer applied to tensors in the shapes that its rule is given."""
        seen = layer.seen(shapes)
        if seen != shapes:
            values = tuple(
                value if after == before else self.method("reshape", value, -1, *after)
                for value, before, after in zip(values, shapes, seen, strict=True)
            )
        result: Operation = layer.lower(self, values, seen)
        return result

    def may_overwrite_input(self) -> bool:
        """True if nothing else reads the layer's input, so that it may work in place."""
        self._overwrites = self._may_overwrite
        return self._may_overwrite

    def module(
        self, module: Construct, *operands: Any, initial: Initial | None = None, **options: Any
    ) -> Operation:
        """Call the layer's module; a layer that is applied to several tensors is one module."""
        if self._weights not in self.modules:
            self.modules[self._weights] = LeafModule(module, initial or TORCH, self._frozen)
        return self._noted(Kind.MODULE, self._weights, operands, options)

    def call(self, function: str, *arguments: Any) -> Operation:
        """Call a function, by its dotted name, on values and constants."""
        if function == "torch.cat":
            return self._concatenated(*arguments)
        return self._noted(Kind.CALL, function, arguments, {})

    def _concatenated(self, parts: list[Operation], axis: int) -> Operation:
        """A concatenation, which goes on from one of its scope that has all parts but the last.

        Where all that came before is joined at every step, as in a dense block, each step adds one
        to what the last one joined, and all steps are alike.
        """
        scope = self._path.rpartition(".")[0]
        before = self._joined.get((scope, axis, *parts[:-1]))
        goes_on = before is not None and before not in self._overwritten
        joined = [before, parts[-1]] if goes_on else parts
        made = self._noted(Kind.CALL, "torch.cat", (joined, axis), {})
        self._joined[scope, axis, *parts] = made
        return made

    def once(self, function: str, *arguments: Any) -> Operation:
        """Call a function, unless it was called so before with the same arguments."""
        key = (function, *arguments)
        if key not in self._once:
            self._once[key] = self.call(function, *arguments)
            self._once[key].shared = True
        return self._once[key]

    def method(self, name: str, *arguments: Any) -> Operation:
        """Call a tensor method; the first argument is the tensor."""
        return self._noted(Kind.METHOD, name, arguments, {})

    def _noted(
        self, kind: Kind, target: str, arguments: tuple[Any, ...], options: Mapping[str, Any]
    ) -> Operation:
        made = Operation(kind, target, arguments, options, self._path)
        self._operations.append(made)
        if self._overwrites:
            self._overwritten.update(made.reads())
        return made

    def result(self, name: str, operand: Operand, edge: EdgeType) -> Any:
        """Return value of the network for an output."""
        if isinstance(operand, ImageValues):
            return operand.tensor
        if isinstance(edge, Detections):
            self._path = self._weights = _unused(f"{name}_results", self.modules)
            return self.module(made("detection.images.Results"), operand)
        return operand

    def criterion(self, module: Construct) -> None:
        """Set the loss that the network is trained with."""
        self.loss = module

    def decision(self, module: Construct) -> None:
        """Set what makes labels of the network's output."""
        self.verdict = module

    def cells(self, index: int = 0) -> Cells:
        """Positions, in the network's input, of the cells of an input of the current layer."""
        assert self._network is not None  # only detectors ask
        return cells(self._network, self._network.instance(self._path).inputs[index])


def _unused(name: str, taken: Mapping[str, Any]) -> str:
    first = {path.partition(".")[0] for path in taken}
    while name in first:
        name += "_"
    return name
