"""From a module to a ``torch.fx`` graph, without leaving a mark on the module."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch.fx
from torch import nn
from torch.fx.proxy import TraceError

from archdsl.analysis.equivalence.errors import MatchError
from archdsl.backends.torch.blocks import is_block
from archdsl.backends.torch.flat import flat

# What tracing raises when Python code depends on a tensor's value: TraceError for `if` and `for`,
# TypeError for `range` and `int`, RuntimeError for `len`, the others for what code does next with
# the stand-in it was given.
NOT_TRACEABLE = (TraceError, TypeError, RuntimeError, AttributeError, ValueError)

_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class Tracer(torch.fx.Tracer):
    """Traces through everything but modules that are whole and modules it cannot trace.

    What was recorded before a module proved untraceable stays in the graph as dead code, which no
    reader of the graph follows from its outputs.
    """

    def __init__(self) -> None:
        super().__init__()
        self._opaque: set[nn.Module] = set()

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return m in self._opaque or is_whole(m)

    def create_args_for_root(
        self,
        root_fn: Callable[..., Any],
        is_module: bool,
        concrete_args: dict[str, Any] | tuple[Any, ...] | None = None,
    ) -> tuple[Callable[..., Any], list[Any]]:
        # The inherited method makes an input of each constant, and an assertion about it.
        constants = concrete_args if isinstance(concrete_args, dict) else {}
        _, *parameters = inspect.signature(root_fn).parameters.values()
        if any(p.kind in _VARIADIC and p.name not in constants for p in parameters):
            message = "its forward takes any number of arguments"
            raise TypeError(message)
        names = [p.name for p in parameters if p.name not in constants]

        def forward(root: nn.Module, *inputs: Any) -> Any:
            return root_fn(root, **constants, **dict(zip(names, inputs, strict=True)))

        inputs = [self.create_proxy("placeholder", name, (), {}) for name in names]
        return forward, [self.root, *inputs]

    def call_module(
        self,
        m: nn.Module,
        forward: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        try:
            self.path_of_module(m)
        except NameError:  # it is made as the network runs: what it does is recorded
            return forward(*args, **kwargs)
        entered = self.module_stack.copy()
        try:
            return super().call_module(m, forward, args, kwargs)
        except NOT_TRACEABLE:
            self.module_stack = entered
            self._opaque.add(m)
        return super().call_module(m, forward, args, kwargs)


def is_whole(module: nn.Module) -> bool:
    """True if the module is a single node of the trace: PyTorch's own, or ``whole = True``."""
    return torch.fx.Tracer().is_leaf_module(module, "") or getattr(module, "whole", False) is True


def trace(module: nn.Module, constants: Mapping[str, object]) -> torch.fx.Graph:
    """The graph of a module's ``forward``; that of a compiled network is its layers'.

    ``constants`` are the arguments, by name, which are not tensors of the graph.

    Raises:
        MatchError: ``forward`` depends on the values of tensors, or takes ``*args``.
    """
    if isinstance(module, torch.fx.GraphModule) or is_block(module):
        return flat(module).graph
    try:
        return Tracer().trace(module, concrete_args=dict(constants))
    except NOT_TRACEABLE as error:
        message = f"{type(module).__name__} cannot be traced by torch.fx: {error}"
        raise MatchError(message) from error


def defaults(module: nn.Module) -> dict[str, object]:
    """The arguments of a module's ``forward`` which have a default."""
    parameters = inspect.signature(module.forward).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not inspect.Parameter.empty}
