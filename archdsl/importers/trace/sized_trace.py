"""Traces of one run: every size is known, so that code which asks for sizes can be followed.

Each stand-in of the trace carries the tensor that it stands for, computed as the trace goes on.
Sizes are numbers then, which Python may compare and compute with. What tensors hold is not known:
code that depends on it cannot be traced here either.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, cast

import torch
import torch.fx
from torch import Tensor, nn
from torch.fx.node import map_aggregate

from archdsl.analysis.equivalence.errors import MatchError
from archdsl.backends.torch.blocks import is_block
from archdsl.backends.torch.flat import flat
from archdsl.importers.trace.fx_trace import Tracer, is_whole

SIZES = "sizes"
"""Key of a node's ``meta`` for the sizes of its tensor, the batch's first."""

INNER = "inner graph"
"""Key of a node's ``meta`` for the graph of the module that it calls."""


class KnownSize(int):
    """A size of a traced tensor; in the graph it stays the question for the size."""

    def __new__(cls, size: int, proxy: torch.fx.Proxy, dimension: int) -> KnownSize:
        made = super().__new__(cls, size)
        made.proxy, made.dimension = proxy, dimension
        return made

    proxy: torch.fx.Proxy
    dimension: int

    def __fx_create_arg__(self, tracer: torch.fx.Tracer) -> torch.fx.Node:
        return tracer.create_node("call_method", "size", (self.proxy.node, self.dimension), {})

    def __reduce__(self) -> tuple[type[int], tuple[int]]:
        return int, (int(self),)


class KnownShape(tuple[int, ...]):
    """The sizes of a traced tensor, with the methods of ``torch.Size``."""

    __slots__ = ()

    def numel(self) -> int:
        """Number of elements."""
        return torch.Size(map(int, self)).numel()


class _SizedProxy(torch.fx.Proxy):
    """A stand-in that knows the value which it stands for."""

    def __init__(self, node: torch.fx.Node, tracer: SizedTracer, value: Any) -> None:
        super().__init__(node, tracer)
        self.value = value

    def __getattr__(self, name: str) -> Any:
        value = self.value
        if name == "data" and isinstance(value, Tensor):
            return self
        if name == "shape" and isinstance(value, Tensor):
            return self.size()
        if not callable(known := getattr(value, name)) and not _holds_tensor(known):
            return known  # dtype, device, ndim
        if isinstance(known, Tensor):
            return self.tracer.create_proxy("call_function", getattr, (self, name), {})
        return torch.fx.proxy.Attribute(self, name)

    def size(self, dim: int | None = None) -> Any:
        """The size of a dimension, or all sizes."""
        if dim is not None:
            place = dim % self.value.dim()
            return KnownSize(self.value.shape[place], self, place)
        return KnownShape(KnownSize(n, self, i) for i, n in enumerate(self.value.shape))

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Iterator[Any]:
        return (operator.getitem(cast("Any", self), index) for index in range(len(self.value)))


class SizedTracer(Tracer):
    """Traces a module on examples of its inputs."""

    def __init__(self, examples: Mapping[str, Any]) -> None:
        super().__init__()
        self._examples = examples
        self._running = False

    def create_proxy(
        self,
        kind: str,
        target: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        name: str | None = None,
        type_expr: Any | None = None,
        proxy_factory_fn: Callable[[torch.fx.Node], torch.fx.Proxy] | None = None,
    ) -> Any:
        """The stand-in for a result that holds tensors; other results are given as they are."""
        value = self._computed(kind, target, args, kwargs)
        if not _holds_tensor(value):
            return value
        node = super().create_proxy(kind, target, args, kwargs, name, type_expr).node
        if isinstance(value, Tensor):
            node.meta[SIZES] = tuple(value.shape)
        return _SizedProxy(node, self, value)

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        """An attribute of a module: a stand-in for a parameter but while a value is computed."""
        if self._running:
            return attr_val
        return super().getattr(attr, attr_val, parameter_proxy_cache)

    def call_module(
        self,
        m: nn.Module,
        forward: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """A call of a module, which is not recorded while a value is computed."""
        if self._running:
            return forward(*args, **kwargs)
        return super().call_module(m, forward, args, kwargs)

    def _computed(self, kind: str, target: Any, args: Any, kwargs: Any) -> Any:
        if kind == "placeholder":
            return self._examples[target]
        args, kwargs = (_values(each) for each in (args, kwargs))
        before, self._running = self._running, True
        try:
            if kind == "get_attr":
                return operator.attrgetter(target)(self.root)
            if kind == "call_module":
                return self.root.get_submodule(target)(*args, **kwargs)
            if kind == "call_method":
                return getattr(args[0], target)(*args[1:], **kwargs)
            return target(*args, **kwargs)
        finally:
            self._running = before


def trace_sized(module: nn.Module, examples: Mapping[str, Any]) -> torch.fx.Graph:
    """The graph of a module's ``forward`` on examples, with sizes in each node's ``meta``.

    ``examples`` are the arguments by name: tensors become inputs of the graph, others constants.

    Raises:
        MatchError: ``forward`` cannot be run on them, or depends on the values of tensors.
    """
    tensors = {name: value for name, value in examples.items() if isinstance(value, Tensor)}
    constants = {name: value for name, value in examples.items() if name not in tensors}
    with torch.no_grad(), torch.random.fork_rng([]), _same_buffers(module):
        try:
            if isinstance(module, torch.fx.GraphModule) or is_block(module):
                module = flat(module)
                copied = torch.fx.Graph()
                copied.output(copied.graph_copy(module.graph, {}))
                _Recorder(module, graph=copied).run(*tensors.values())
                return copied
            return SizedTracer(tensors).trace(module, concrete_args=constants)
        except Exception as error:  # whatever the module's own code raises
            message = f"{type(module).__name__} cannot be traced with these sizes: {error}"
            raise MatchError(message) from error


@contextmanager
def _same_buffers(module: nn.Module) -> Iterator[None]:
    """Gives buffers their values back: a run in training mode moves statistics."""
    before = [(buffer, buffer.clone()) for buffer in module.buffers()]
    try:
        yield
    finally:
        for buffer, values in before:
            buffer.copy_(values)


class _Recorder(torch.fx.Interpreter):
    """Runs a graph and notes the sizes of each tensor, and the graphs of modules in it."""

    def __init__(self, module: torch.fx.GraphModule, graph: torch.fx.Graph) -> None:
        super().__init__(module, garbage_collect_values=True, graph=graph)
        self._node: torch.fx.Node | None = None

    def call_module(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Runs a module; the graph of one that is looked into is noted."""
        module = self.module.get_submodule(target)
        if not is_whole(module) and self._node is not None:
            bound = inspect.signature(module.forward).bind(*args, **kwargs)
            bound.apply_defaults()
            with suppress(MatchError):
                self._node.meta[INNER] = trace_sized(module, bound.arguments)
        return super().call_module(target, args, kwargs)

    def run_node(self, n: torch.fx.Node) -> Any:
        self._node = n
        result = super().run_node(n)
        if isinstance(result, Tensor):
            n.meta[SIZES] = tuple(result.shape)
        return result


def _values(argument: Any) -> Any:
    """An argument with the values in place of what stands for them."""
    if isinstance(argument, dict):
        return {key: _values(part) for key, part in argument.items()}
    if isinstance(argument, KnownShape):
        return torch.Size(map(int, argument))
    return map_aggregate(argument, _value)


def _value(leaf: Any) -> Any:
    if isinstance(leaf, torch.fx.proxy.Attribute):
        return getattr(_value(leaf.root), leaf.attr)
    if isinstance(leaf, _SizedProxy):
        return leaf.value
    return int(leaf) if isinstance(leaf, KnownSize) else leaf


def _holds_tensor(value: Any) -> bool:
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Tensor):
            return True
        if isinstance(part, Mapping):
            waiting.extend(part.values())
        elif isinstance(part, (tuple, list)):
            waiting.extend(part)
    return False
