"""The PyTorch graph under construction: what a layer's lowering may add to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import fx, nn

from archdsl.targets.torch.freezing import freeze
from archdsl.targets.torch.initial import initialise


class Emitter:
    """Adds modules and calls to an fx graph under the path of the current layer.

    Modules arrive with the values of their weights open, and are initialised here.
    """

    def __init__(self) -> None:
        self.graph = fx.Graph()
        self.modules: dict[str, nn.Module] = {}
        self.loss: nn.Module | None = None
        self._path = ""
        self._may_overwrite = False
        self._frozen = False

    def begin(self, path: str, may_overwrite_input: bool, frozen: bool) -> None:
        """Name the layer that is lowered next."""
        self._path = path
        self._frozen = frozen
        self._may_overwrite = may_overwrite_input

    def may_overwrite_input(self) -> bool:
        """Whether nobody else needs the current layer's input, so that it can work in place."""
        return self._may_overwrite

    def module(self, module: nn.Module, *operands: fx.Node) -> fx.Node:
        """Call a module, registered under the current layer's path."""
        initialise(module)
        if self._frozen:
            freeze(module)
        self.modules[self._path] = module
        return self.graph.call_module(self._path, operands)

    def call(self, function: Callable[..., Any], *arguments: Any) -> fx.Node:
        """Call a function on nodes and constants."""
        return self.graph.call_function(function, arguments)

    def method(self, name: str, *arguments: Any) -> fx.Node:
        """Call a tensor method; the first argument is the tensor."""
        return self.graph.call_method(name, arguments)

    def criterion(self, module: nn.Module) -> None:
        """Set the loss that the network is trained with."""
        self.loss = module
