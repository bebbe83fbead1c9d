"""The PyTorch graph under construction: what a layer's lowering may add to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from torch import fx, nn

from archdsl.backends.torch.initial import initialise
from archdsl.backends.torch.realise import module_of, named
from archdsl.ir.cells import cells
from archdsl.ir.edges import Detections, EdgeType, FeatureMaps, Shape, applications
from archdsl.ir.initial import Initial
from archdsl.ir.lowering import Construct, ImageValues, Operand, TensorLayer, made
from archdsl.ir.network import Network
from archdsl.ir.window import Cells
from archdsl.layers.initial import TORCH

START = "start"
"""The key of a node's ``meta`` under which the :class:`Initial` of its module stands."""

LAYER = "layer"
"""The key of a node's ``meta`` under which the path of its layer stands."""


class Emitter:
    """Adds modules and calls to an fx graph under the path of the current layer.

    Modules arrive with the values of their weights open, and are initialised here, unless the
    values are not to be drawn.
    """

    def __init__(self, network: Network, *, draw: bool = True) -> None:
        self.graph = fx.Graph()
        self.modules: dict[str, nn.Module] = {}
        self.loss: nn.Module | None = None
        self.verdict: nn.Module | None = None
        self._once: dict[tuple[Any, ...], fx.Node] = {}
        self._network = network
        self._draw = draw
        self._path = ""
        self._may_overwrite = False
        self._frozen = False

    def begin(self, path: str, may_overwrite_input: bool, frozen: bool) -> None:
        """Name the layer that is lowered next."""
        self._path = path
        self._frozen = frozen
        self._may_overwrite = may_overwrite_input

    def entry(self, name: str, *default: Any) -> fx.Node:
        """An argument of the compiled module."""
        last = next((n for n in reversed(self.graph.nodes) if n.op == "placeholder"), None)
        before = self.graph.inserting_after(last) if last else self.graph.inserting_before()
        with before:  # arguments come before everything else
            return self._noted(
                self.graph.placeholder(name, default_value=default[0])
                if default
                else (self.graph.placeholder(name))
            )

    def lowered(
        self, layer: TensorLayer, operands: tuple[Operand, ...], inputs: tuple[EdgeType, ...]
    ) -> Operand:
        """A tensor layer applied to each of several tensors with the same weights."""
        if isinstance(inputs[0], FeatureMaps):
            seen = applications(inputs, layer.kind)
            maps = cast("tuple[Mapping[str, fx.Node], ...]", operands)
            return {
                name: self._applied(layer, tuple(each[name] for each in maps), shapes)
                for name, shapes in zip(inputs[0].names, seen, strict=True)
            }
        nodes = tuple(each.tensor if isinstance(each, ImageValues) else each for each in operands)
        (shapes,) = applications(inputs, layer.kind)
        return self._applied(layer, cast("tuple[fx.Node, ...]", nodes), shapes)

    def _applied(
        self, layer: TensorLayer, nodes: tuple[fx.Node, ...], shapes: tuple[Shape, ...]
    ) -> fx.Node:
        """A layer applied to tensors in the shapes that its rule is given."""
        seen = layer.seen(shapes)
        if seen != shapes:
            nodes = tuple(
                node if after == before else self.method("reshape", node, -1, *after)
                for node, before, after in zip(nodes, shapes, seen, strict=True)
            )
        return cast("fx.Node", layer.lower(self, nodes, seen))

    def may_overwrite_input(self) -> bool:
        """True if nothing else reads the layer's input, so that it may work in place."""
        return self._may_overwrite

    def module(
        self,
        module: Construct,
        *operands: Any,
        initial: Initial | None = None,
        **options: Any,
    ) -> fx.Node:
        """Call a module, registered under the current layer's path.

        A layer that is applied to several tensors is one module: only the first is registered.
        ``initial`` says how its weights and biases start, by default as torch starts them;
        ``options`` are constants that its ``forward`` takes by name.
        """
        if self._path not in self.modules:
            real = module_of(module, frozen=self._frozen)
            if self._draw:
                initialise(real, initial or TORCH)
            self.modules[self._path] = real
        node = self._noted(self.graph.call_module(self._path, operands, options))
        node.meta[START] = initial or TORCH
        return node

    def call(self, function: str, *arguments: Any) -> fx.Node:
        """Call a function, by its dotted name, on nodes and constants."""
        return self._noted(self.graph.call_function(named(function), arguments))

    def once(self, function: str, *arguments: Any) -> fx.Node:
        """Call a function, unless it was called so before with the same arguments."""
        key = (function, *arguments)
        if key not in self._once:
            self._once[key] = self.call(function, *arguments)
        return self._once[key]

    def method(self, name: str, *arguments: Any) -> fx.Node:
        """Call a tensor method; the first argument is the tensor."""
        return self._noted(self.graph.call_method(name, arguments))

    def _noted(self, node: fx.Node) -> fx.Node:
        """The node with a note of the layer that it is part of."""
        node.meta[LAYER] = self._path
        return node

    def result(self, name: str, operand: Operand, edge: EdgeType) -> Any:
        """Return value of the compiled module for an output."""
        if isinstance(operand, ImageValues):
            return operand.tensor
        if isinstance(edge, Detections):
            self._path = _unused(f"{name}_results", self.modules)
            return self.module(made("detection.images.Results"), operand)
        return operand

    def criterion(self, module: Construct) -> None:
        """Set the loss that the network is trained with."""
        self.loss = module_of(module)

    def decision(self, module: Construct) -> None:
        """Set what makes labels of the network's output."""
        self.verdict = module_of(module)

    def cells(self, index: int = 0) -> Cells:
        """Positions, in the network's input, of the cells of an input of the current layer."""
        return cells(self._network, self._network.instance(self._path).inputs[index])


def _unused(name: str, taken: Mapping[str, Any]) -> str:
    first = {path.partition(".")[0] for path in taken}
    while name in first:
        name += "_"
    return name
