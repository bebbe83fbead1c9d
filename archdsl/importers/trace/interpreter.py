"""Interpretation of traced graphs: equal computations become equal nodes, however spelled."""

from __future__ import annotations

import inspect
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import torch
import torch.fx
from torch import nn
from torch.fx.node import map_aggregate
from torch.nn import functional as F

from archdsl.analysis.equivalence.errors import MatchError
from archdsl.backends.torch.freeze import thawed
from archdsl.importers.trace.arithmetic import in_sums_and_products
from archdsl.importers.trace.descriptions import description, fitted
from archdsl.importers.trace.fx_trace import is_whole, trace
from archdsl.importers.trace.neutral import does_nothing
from archdsl.importers.trace.operation_entries import OperationEntry, Role
from archdsl.importers.trace.operations import (
    BY_FUNCTION,
    BY_METHOD,
    BY_MODULE,
    INPLACE_OPERATORS,
)
from archdsl.importers.trace.reductions import Largest
from archdsl.importers.trace.shape_operations import ShapeOperations
from archdsl.importers.trace.sized_trace import INNER, SIZES
from archdsl.importers.trace.values import (
    ARITHMETIC,
    BATCH,
    SIZE_ATTRIBUTES,
    Cell,
    Size,
    Stored,
    TracedCall,
    Value,
    about_sizes,
    has_tensor,
    known_size,
    size_of_map,
)


class Interpreter(ShapeOperations):
    """Runs traced graphs on symbolic tensors and records the canonical nodes."""

    def __init__(self, root: nn.Module, training: bool, for_weights: bool) -> None:
        super().__init__(root, training)
        self._describe = fitted if for_weights else description
        # Weights are the same whether they learn or not.
        self._kind: Callable[[nn.Module], type[nn.Module]] = (
            (lambda part: thawed(type(part))) if for_weights else type
        )
        self._calls: dict[str, int] = {}

    def run(
        self,
        graph: torch.fx.Graph,
        root: nn.Module,
        prefix: str,
        given: Mapping[str, object],
    ) -> object:
        """Interprets ``graph``, the trace of ``root`` found at ``prefix``; gives its result."""
        visit: dict[str, Callable[[torch.fx.Node, TracedCall, nn.Module, str], object]] = {
            "get_attr": self._attribute,
            "call_module": self._call_module,
            "call_function": self._call_function,
            "call_method": self._call_method,
        }
        values: dict[torch.fx.Node, object] = {}

        def resolved(argument: Any) -> Any:
            def value(leaf: Any) -> Any:
                return values[leaf] if isinstance(leaf, torch.fx.Node) else leaf

            return map_aggregate(argument, value)

        for node in graph.nodes:
            if node.op == "placeholder":
                values[node] = given[str(node.target)]
            elif node.op == "output":
                return resolved(node.args[0])
            else:
                self._scope = scope = _scope(node, prefix)
                where = f"{node.name} in {scope}" if scope else node.name
                call = TracedCall(where, resolved(node.args), dict(resolved(node.kwargs)))
                first = node.args[0] if node.args else None
                if isinstance(first, torch.fx.Node):
                    call.sizes = first.meta.get(SIZES)
                call.result = node.meta.get(SIZES)
                values[node] = made = visit[node.op](node, call, root, prefix)
                if call.result is not None and isinstance(made, Cell) and not made.value.pending:
                    self._sizes[made.value.node] = call.result
        return None

    def _attribute(
        self, node: torch.fx.Node, call: TracedCall, root: nn.Module, prefix: str
    ) -> object:
        found: object = operator.attrgetter(str(node.target))(root)
        if not isinstance(found, torch.Tensor):
            return found
        return Stored(self._names.get(id(found), ""), found)

    def _call_module(
        self, node: torch.fx.Node, call: TracedCall, root: nn.Module, prefix: str
    ) -> object:
        target = str(node.target)
        module = root.get_submodule(target)
        if not is_whole(module):
            try:
                given = _arguments(module, call)
                constants = {k: v for k, v in given.items() if not has_tensor(v)}
                graph = node.meta.get(INNER) or trace(module, constants)
            except (MatchError, TypeError):
                pass  # compared as one unknown operation below
            else:
                return self.run(graph, module, f"{prefix}{target}.", given)
        call.module = prefix + target
        self._calls[call.module] = count = self._calls.get(call.module, 0) + 1
        call.where = call.module if count == 1 else f"{call.module} (call {count})"
        self._scope = call.module.rpartition(".")[0]
        return self._apply_module(module, call)

    def _call_function(
        self, node: torch.fx.Node, call: TracedCall, root: nn.Module, prefix: str
    ) -> object:
        function = cast("Callable[..., object]", node.target)
        if isinstance(function, type) and hasattr(function, "_fields"):
            return function(*call.args, **call.kwargs)  # a named tuple of results
        if function is getattr and isinstance(call.args[0], Largest):
            return getattr(call.args[0], str(call.args[1]))
        if function is getattr and call.args[1] == "data":
            return call.args[0]
        if function is getattr:
            return self._size(call.args[:1], str(call.args[1]), call.sizes)
        if function is operator.getitem and isinstance(call.args[0], (tuple, list, dict)):
            return call.args[0][cast("Any", call.args[1])]
        if about_sizes(call):
            return self._size(call.args, function.__name__, call.sizes)
        if function in ARITHMETIC and not has_tensor(call.args):
            return function(*call.args)  # of numbers which the trace left to be computed
        name = getattr(function, "__name__", str(function))
        if function is operator.getitem and isinstance(call.args[0], Stored):
            source, after = call.args[0], call.result or ()
            if source.tensor.numel() == math.prod(after):
                return source.grouped(after)
        if function is operator.getitem and isinstance(call.args[0], Cell):
            result = self._item(call.args[0], call.args[1], call)
        elif entry := BY_FUNCTION.get(function):
            result = self._apply(entry, call)
        else:
            result = self._apply_unknown(name, _bound(function, call), call)
        in_place = function in INPLACE_OPERATORS or _in_place_name(name)
        return self._written(result, call, in_place or call.kwargs.get("inplace") is True)

    def _call_method(
        self, node: torch.fx.Node, call: TracedCall, root: nn.Module, prefix: str
    ) -> object:
        name = str(node.target)
        if name in SIZE_ATTRIBUTES or about_sizes(call):
            return self._size(call.args, name, call.sizes)
        in_place = _in_place_name(name)
        plain = name.removesuffix("_") if in_place else name
        if entry := BY_METHOD.get(plain):
            result = self._apply(entry, call)
        else:
            result = self._apply_unknown(plain, {"arguments": call.args, **call.kwargs}, call)
        return self._written(result, call, in_place)

    def _written(self, result: object, call: TracedCall, in_place: bool) -> object:
        """An operation in place also changes what its first argument holds from now on."""
        first = call.args[0] if call.args else None
        if in_place and isinstance(first, Cell) and isinstance(result, Cell):
            first.value = result.value
            return first
        return result

    # --- sizes --------------------------------------------------------------------------------

    def _size(
        self, args: Sequence[object], name: str, sizes: tuple[int, ...] | None = None
    ) -> object:
        operation = SIZE_ATTRIBUTES.get(name, name)
        source, rest = args[0], tuple(args[1:])
        if isinstance(source, Cell):
            if operation != "shape":
                return Size(operation, (Value(self.settled(source.value)),))
            dimension = rest[0] if rest and isinstance(rest[0], int) else None
            return self._shape(source.value, dimension, sizes)
        if isinstance(source, Stored):
            return known_size(source.tensor, operation, rest)
        if operation == "getitem" and isinstance(source, Size) and source.operation == "shape":
            value, index = source.operands[0], rest[0]
            if isinstance(value, Value) and isinstance(index, int):
                return self._shape(value, index)
        return Size(operation, tuple(args))

    def _shape(
        self, value: Value, dimension: int | None, sizes: tuple[int, ...] | None = None
    ) -> Size:
        if dimension == 0 and self._batch[value.node]:
            return BATCH
        if dimension is None:
            return Size("shape", (value,))
        known = sizes[dimension] if sizes is not None and dimension != 0 else None
        return Size("size", (Value(self.settled(value)), dimension), known)

    # --- operations ---------------------------------------------------------------------------

    def _apply_module(self, module: nn.Module, call: TracedCall) -> object:
        entry = BY_MODULE.get(self._kind(module))
        owned = {
            role: Stored(self._names.get(id(tensor), f"{call.module}.{role}"), tensor)
            for role, tensor in (*module.named_parameters(), *module.named_buffers())
        }
        call.state = owned
        inputs = [a.name for a in entry.arguments if a.role is Role.INPUT] if entry else []
        if entry is None or call.kwargs or len(call.args) != len(inputs):
            described = {"arguments": call.args, **call.kwargs, "module": self._describe(module)}
            return self._apply_unknown(type(module).__name__, described, call)
        call.spelled = entry.name
        bound: dict[str, object] = dict(zip(inputs, call.args, strict=True))
        for argument in entry.arguments:
            if argument.role in (Role.FIELD, Role.MODULE_FIELD):
                bound[argument.name] = getattr(module, argument.name, argument.default)
            elif argument.role is Role.MODE:
                bound[argument.name] = self._training
        result = self._apply_bound(entry, bound, call)
        return self._written(result, call, getattr(module, "inplace", False) is True)

    def _apply(self, entry: OperationEntry, call: TracedCall) -> object:
        call.spelled = entry.name
        bound = entry.bind(call.args, call.kwargs)
        if bound is None:
            return self._apply_unknown(entry.name, {"arguments": call.args, **call.kwargs}, call)
        for argument in entry.arguments:
            if argument.role is Role.STATE:
                given = bound[argument.name]
                if isinstance(given, Stored) and given.name:
                    call.state[argument.name] = given
                    del bound[argument.name]
        if call.state:
            call.module = next(iter(call.state.values())).name.rpartition(".")[0]
        return self._apply_bound(entry, bound, call)

    def _apply_bound(
        self, entry: OperationEntry, bound: dict[str, object], call: TracedCall
    ) -> object:
        if entry.commutes and not has_tensor(bound["input"]):
            bound = {**bound, "input": bound["other"], "other": bound["input"]}
        first = bound[entry.arguments[0].name]
        if entry.name in _POOLS and isinstance(first, Cell):
            every = Size("size", (Value(self.settled(first.value)), "map"))
            window = size_of_map(bound["kernel_size"])
            square = isinstance(window, Size) and window in (
                Size("size", (every.operands[0], 2)),
                Size("size", (every.operands[0], 3)),
            )  # one of both sizes for both
            square = square and call.sizes is not None and len({*call.sizes[2:]}) == 1
            if (window == every or square) and not _any_padding(bound["padding"]):
                entry = BY_FUNCTION[_POOLS[entry.name]]
                bound = {"input": first, "output_size": (1, 1), "return_indices": False}
        entry, bound = in_sums_and_products(
            entry, bound, lambda other, given: self._apply_plain(other, given, call)
        )
        if isinstance(first, Stored) and call.spelled in _REGROUPINGS and call.result is not None:
            return first.grouped(call.result)
        if isinstance(first, Cell) and does_nothing(entry.name, bound):
            return first
        if entry.name in self._structural and isinstance(first, (Cell, tuple, list)):
            return self._structural[entry.name](cast("Cell", first), bound, call)
        return self._apply_plain(entry, bound, call)


_POOLS: Mapping[str, Callable[..., object]] = {
    "avg_pool2d": F.adaptive_avg_pool2d,
    "max_pool2d": F.adaptive_max_pool2d,
}
"""Poolings, each with the one whose window is the whole map."""


_REGROUPINGS = frozenset({"reshape", "unsqueeze", "squeeze", "flatten"})
"""Operations that leave the values of a tensor in their order."""


def _any_padding(value: object) -> bool:
    return any(value) if isinstance(value, (tuple, list)) else bool(value)


def _in_place_name(name: str) -> bool:
    return name.endswith("_") and not name.endswith("__")


def _arguments(module: nn.Module, call: TracedCall) -> dict[str, object]:
    """A module call's arguments by name, defaults included."""
    bound = inspect.signature(module.forward).bind(*call.args, **call.kwargs)
    bound.apply_defaults()
    return dict(bound.arguments)


def _bound(function: Callable[..., object], call: TracedCall) -> dict[str, object]:
    """A call's arguments by name where the function says what it calls them."""
    try:
        bound = inspect.signature(function).bind(*call.args, **call.kwargs)
    except (TypeError, ValueError):  # builtins have no signature
        return {"arguments": call.args, **call.kwargs}
    bound.apply_defaults()
    return dict(bound.arguments)


def _scope(node: torch.fx.Node, prefix: str) -> str:
    """The path of the module that was running when a node was recorded."""
    stack = list(node.meta.get("nn_module_stack", {}).values())
    return (prefix + (stack[-1][0] if stack else "")).removesuffix(".")
