"""Interpretation of traced graphs: equal computations become equal nodes, however spelled."""

from __future__ import annotations

import enum
import hashlib
import inspect
import math
import operator
import types
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, cast

import torch
import torch.fx
from torch import nn
from torch.fx.node import map_aggregate
from torch.nn import functional as F

from archdsl.analysis.equivalence.errors import MatchError
from archdsl.analysis.equivalence.graph import INPUT, STORED, CanonicalNode
from archdsl.analysis.equivalence.labels import InputSlot, Label
from archdsl.analysis.equivalence.pointwise import as_linear, makes_a_point
from archdsl.backends.torch.freeze import thawed
from archdsl.importers.trace.arithmetic import in_sums_and_products
from archdsl.importers.trace.fx_trace import is_whole, trace
from archdsl.importers.trace.operations import (
    BY_FUNCTION,
    BY_METHOD,
    BY_MODULE,
    INPLACE_OPERATORS,
    Fields,
    OperationEntry,
    Role,
    does_nothing,
)
from archdsl.importers.trace.parts import Part, chunked, cropped, divided, in_a_row, parts_of_index
from archdsl.importers.trace.sized_trace import INNER, SIZES
from archdsl.importers.trace.spelled_out import activation_of
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
    dimensions_of,
    has_tensor,
    known_size,
    leaves,
    shape_of,
    without_leading_ones,
)


class Interpreter:
    """Runs traced graphs on symbolic tensors and records the canonical nodes."""

    def __init__(self, root: nn.Module, training: bool, for_weights: bool) -> None:
        self.nodes: list[CanonicalNode] = []
        self._training = training
        self._describe = _fitted if for_weights else _description
        # Weights are the same whether they learn or not.
        self._kind: Callable[[nn.Module], type[nn.Module]] = (
            (lambda part: thawed(type(part))) if for_weights else type
        )
        self._flat: list[bool] = []  # per node: known to have two dimensions
        self._batch: list[bool] = []  # per node: dimension 0 is the input's
        self._points: set[int] = set()  # nodes known to give maps of 1×1
        self._calls: dict[str, int] = {}
        self._scope = ""  # of the call that is interpreted
        self._stored: dict[str, Value] = {}
        self._flattened: dict[int, int] = {}
        self._shapes: dict[int, tuple[object, ...]] = {}  # what a reshape node was asked for
        self._sizes: dict[int, tuple[int, ...]] = {}  # of nodes, where the trace knows them
        # Regroupings with the sizes and the value that they regroup.
        self._regrouped: dict[int, tuple[tuple[int, ...], Value]] = {}
        self._expanded: dict[int, Value] = {}  # nodes that only copy a value along dimensions
        self._names: dict[int, str] = {}
        for name, tensor in (
            *root.named_parameters(remove_duplicate=False),
            *root.named_buffers(remove_duplicate=False),
        ):
            self._names.setdefault(id(tensor), name)
        self._structural: dict[str, Callable[[Cell, dict[str, object], TracedCall], object]] = {
            "flatten": self._flatten,
            "reshape": self._reshape,
            "mean": self._mean,
            "amax": self._amax,
            "max": self._max,
            "cat": self._cat,
            "clone": self._clone,
            "chunk": self._chunk,
            "split": self._split,
            "transpose": self._exchange,
            "permute": self._exchange,
            "expand": self._expand,
            "expand_as": self._expand,
            "conv1d": self._row_convolution,
            "unsqueeze": self._regroup,
            "squeeze": self._regroup,
        }

    # --- walking a traced graph ---------------------------------------------------------------

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

    def add_input(self, name: str) -> Value:
        """Adds one of the network's inputs, known by its position."""
        position = sum(node.label.operation == INPUT for node in self.nodes)
        label = Label.of(INPUT, {"position": position})
        return self._add(label, (), where=name, batch=True)

    def settled(self, value: Value) -> int:
        """The node of a value, after whatever flattening it still waits for."""
        if not value.pending:
            return value.node
        if value.node not in self._flattened:
            label = Label.of("flatten", {"start_dim": 1, "end_dim": -1})
            where = f"flatten after {self.nodes[value.node].where}"
            self._flattened[value.node] = self._add(
                label, (value.node,), where=where, batch=self._batch[value.node], flat=True
            ).node
        return self._flattened[value.node]

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
        if function is getattr and isinstance(call.args[0], _Largest):
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
            window = _size_of_map(bound["kernel_size"])
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

    def _apply_plain(
        self, entry: OperationEntry, bound: dict[str, object], call: TracedCall
    ) -> Cell:
        if entry.elementwise and (moved := self._before_regrouping(entry, bound, call)):
            return moved
        if entry.name in _BROADCASTING and call.result is not None:
            bound = self._not_expanded(bound, call.result)
        sources = [leaf for leaf in leaves(bound) if isinstance(leaf, (Cell, Stored))]
        keeps_flat = entry.elementwise or entry.name == "linear"
        pending = entry.elementwise and all(
            isinstance(source, Cell) and source.value.pending for source in sources
        )
        inputs = _Inputs(self, settle=not pending, symbolic=entry.name == "interpolate")
        fields: Fields = {}
        for argument in entry.arguments:
            if argument.role is Role.IGNORED or argument.name not in bound:
                continue
            value = bound[argument.name]
            if argument.role is Role.MODE:
                fields[argument.name] = _mode_field(value, self._training)
                continue
            if entry.name == "interpolate" and argument.name == "size":
                value = _size_of_map(value)
            natural = inputs.expected(value)
            frozen = inputs.freeze(argument.normal(value))
            if argument.role is Role.STATE and frozen is None:
                continue
            if argument.role in (Role.FIELD, Role.MODULE_FIELD) or frozen != natural:
                fields[argument.name] = frozen
        shapes = {role: tuple(stored.tensor.shape) for role, stored in call.state.items()}
        if isinstance(dimension := fields.get("dim"), int) and inputs.all_flat():
            fields["dim"] = dimension % 2  # of two dimensions, -1 is 1
        fields = entry.derive(fields, shapes)
        keeps_batch = entry.keeps_batch or _keeps_first(entry.name, fields)
        if entry.name == "pad" and call.sizes is not None:
            sides = cast("tuple[int, ...]", fields["padding"])
            if cut := cropped(sides, call.sizes):
                part = self._parts(Cell(Value(inputs.indices[0])), cut, call)
                inputs.indices = [part.value.node]
                bound = {**bound, "input": part}
                fields["padding"] = tuple(max(side, 0) for side in sides)
        if entry.name == "pad" and not any(cast("tuple[int, ...]", fields["padding"])):
            return cast("Cell", bound["input"])
        if entry.name == "max_pool2d" and (pooled := self._padded_below(fields, inputs.indices)):
            fields, inputs.indices = pooled
        if spelled := activation_of(entry.name, fields, inputs.indices, self.nodes):
            label, source = spelled
            whole = self._add(label, (source,), where=call.where, batch=self._batch[source])
            return Cell(Value(whole.node, pending))
        result = self._add(
            Label.of(entry.name, fields),
            inputs.indices,
            # With alpha the second operand of an addition is scaled.
            commutes=entry.commutes and fields.get("alpha", 1) == 1,
            where=call.where,
            module=call.module if call.state else None,
            state=call.state,
            flat=keeps_flat and not pending and inputs.all_flat(),
            batch=keeps_batch and inputs.keep_batch(every=not entry.elementwise),
        )
        if pending and (sizes := self._sizes.get(inputs.indices[0])) is not None:
            self._sizes[result.node] = sizes
        if entry.elementwise and self._points.issuperset(inputs.indices):
            self._points.add(result.node)
        return Cell(Value(result.node, pending))

    def _exchange(self, first: Cell, bound: dict[str, object], call: TracedCall) -> object:
        """An exchange of dimensions; where all but one have one place nothing moves."""
        sizes = call.sizes
        if sizes is not None and call.result is not None:
            order = list(range(len(sizes)))
            if call.spelled == "permute":
                order = [int(cast("int", d)) % len(sizes) for d in cast("Any", bound["dims"])]
            else:
                a, b = (cast("int", bound[name]) % len(sizes) for name in ("dim0", "dim1"))
                order[a], order[b] = order[b], order[a]
            moved = [dimension for dimension in order if sizes[dimension] != 1]
            if moved == sorted(moved) and self._keeps_rows(first.value, sizes, call.result):
                return self._regroup(first, bound, call)
            bound = {"input": first, "dims": tuple(order)}
        if (pair := _exchanged(bound.get("dims"))) is not None:
            return self._apply_plain(
                BY_METHOD["transpose"], {"input": first, "dim0": pair[0], "dim1": pair[1]}, call
            )
        entry = BY_METHOD["permute" if "dims" in bound else call.spelled]
        return self._apply_plain(entry, bound, call)

    def _before_regrouping(
        self, entry: OperationEntry, bound: dict[str, object], call: TracedCall
    ) -> Cell | None:
        """An operation value by value, which stands before a regrouping as well as behind it."""
        operands = [leaf for leaf in leaves(bound) if isinstance(leaf, (Cell, Stored))]
        first = bound[entry.arguments[0].name]
        if operands != [first] or not isinstance(first, Cell) or call.result is None:
            return None
        if first.value.pending or first.value.node not in self._regrouped:
            return None
        sizes, value = self._regrouped[first.value.node]
        before = replace(call, sizes=sizes, result=sizes)
        made = self._apply_plain(entry, {**bound, entry.arguments[0].name: Cell(value)}, before)
        self._sizes[made.value.node] = sizes
        after = replace(call, sizes=sizes, spelled="reshape")
        return cast("Cell", self._regroup(made, {"input": made, "shape": ()}, after))

    def _expand(self, first: Cell, bound: dict[str, object], call: TracedCall) -> Cell:
        """Copies along dimensions of one cell, which arithmetic makes by itself."""
        if call.sizes == call.result is not None:
            return first
        sizes = bound.get("sizes", bound.get("other"))
        made = self._apply_unknown(call.spelled, {"arguments": (first, sizes)}, call)
        self._expanded[made.value.node] = first.value
        return made

    def _not_expanded(self, bound: dict[str, object], sizes: tuple[int, ...]) -> dict[str, object]:
        """The operands without expansions where the other operand has the sizes of the result."""
        names = ("input", "other")
        for name, other in (names, names[::-1]):
            cell, rest = bound[name], bound[other]
            if isinstance(cell, Cell) and cell.value.node in self._expanded:
                whole = self._sizes.get(rest.value.node) if isinstance(rest, Cell) else None
                if whole == sizes:
                    bound = {**bound, name: Cell(self._expanded[cell.value.node])}
        return bound

    def _padded_below(self, fields: Fields, inputs: list[int]) -> tuple[Fields, list[int]] | None:
        """A maximum behind padding that never wins is one with padding, or rounds its size up."""
        pad = self.nodes[inputs[0]]
        if pad.label.operation != "pad" or pad.label.value("value") != -math.inf:
            return None
        if fields["padding"] != (0, 0) or (size := self._sizes.get(pad.inputs[0])) is None:
            return None
        sides = (*cast("tuple[int, ...]", pad.label.value("padding")), 0, 0)[:4]
        (left, right), (top, bottom) = sides[:2], sides[2:]
        kernel = cast("tuple[int, int]", fields["kernel_size"])
        steps = cast("tuple[int, int]", fields["stride"])
        if (left, top) == (right, bottom) and 2 * left <= kernel[1] and 2 * top <= kernel[0]:
            return {**fields, "padding": (top, left)}, [pad.inputs[0]]
        if left or top or fields["dilation"] != (1, 1):
            return None
        for length, end, side, step in zip(size[2:], (bottom, right), kernel, steps, strict=True):
            room = length - side
            if end >= side or (room + end) // step != -(-room // step):
                return None
        return {**fields, "ceil_mode": True}, [pad.inputs[0]]

    def _apply_unknown(self, name: str, arguments: Mapping[str, object], call: TracedCall) -> Cell:
        """An operation without an entry: its name and arguments are all that is compared."""
        inputs = _Inputs(self, settle=True)
        fields: Fields = {}
        for argument, value in arguments.items():
            if argument in ("training", "inplace"):
                value = _mode_field(value, self._training) if argument == "training" else None
            frozen = inputs.freeze(value)
            if frozen not in (None, ()):
                fields[argument] = frozen
        fields.update(
            (f"shape of {role}", tuple(stored.tensor.shape)) for role, stored in call.state.items()
        )
        module = call.module if call.state else None
        label = Label.of(name, fields)
        result = self._add(label, inputs.indices, where=call.where, module=module, state=call.state)
        return Cell(result)

    # --- operations on the shape, which need more than a table entry --------------------------

    def _flatten(self, first: Cell, bound: dict[str, object], call: TracedCall) -> object:
        if (bound["start_dim"], bound["end_dim"]) != (1, -1):
            return self._regroup(first, bound, call)
        value = first.value
        if value.pending or self._flat[value.node]:
            return Cell(value)
        if value.node in self._regrouped:  # its values in a row are those of what it was made of
            return self._flatten(Cell(self._regrouped[value.node][1]), bound, call)
        return Cell(self._linear(value.node) or Value(value.node, pending=True))

    def _linear(self, convolution: int) -> Value | None:
        """The linear layer behind a flattening which a flattened convolution amounts to, if any."""
        node = self.nodes[convolution]
        label = as_linear(node.label)
        if label is None or len(node.inputs) != 1 or node.inputs[0] not in self._points:
            return None
        flat = self.settled(Value(node.inputs[0], pending=True))
        batch = self._batch[convolution]
        linear = self._add(label, (flat,), where=node.where, flat=True, batch=batch)
        self.nodes[linear.node] = replace(
            self.nodes[linear.node], module=node.module, tensors=node.tensors
        )
        return linear

    def _regroup(self, first: Cell, bound: dict[str, object], call: TracedCall) -> object:
        """An operation that only groups the values in other sizes, which are known.

        Of several in a row the last one counts.
        """
        before, after, value = call.sizes, call.result, first.value
        if before is None or after is None or not self._keeps_rows(value, before, after):
            return self._apply_plain(BY_METHOD[call.spelled], bound, call)
        if before == after:
            return first
        if len(after) == 2:
            return self._flatten(first, {"input": first, "start_dim": 1, "end_dim": -1}, call)
        if value.pending:
            before = self._sizes.get(value.node, before)
            value = Value(value.node if value.node in self._sizes else self.settled(value))
        if value.node in self._regrouped:
            before, value = self._regrouped[value.node]
        if before == after:
            return Cell(value)
        batch = self._batch[value.node]
        if len(after) == 3 and len(before) > 3 and after[1] == before[1]:
            label = Label.of("flatten", {"start_dim": 2, "end_dim": -1})
        else:
            label = Label.of("reshape", {"shape": (_BATCH_FIELD, *after[1:])})
        made = self._add(label, (self.settled(value),), where=call.where, batch=batch)
        self._regrouped[made.node] = before, value
        return Cell(made)

    def _keeps_rows(self, value: Value, before: Sequence[int], after: Sequence[int]) -> bool:
        """True if a regrouping leaves each sample to itself."""
        return len(before) > 1 < len(after) and before[0] == after[0] and self._batch[value.node]

    def _item(self, first: Cell, index: object, call: TracedCall) -> object:
        """Indexing: parts of a tensor, or dimensions of one more."""
        if call.sizes is not None and (parts := parts_of_index(index, call.sizes)) is not None:
            return self._parts(first, parts, call)
        places = index if isinstance(index, tuple) else (index,)
        if None in places and all(p is None or p == slice(None) or p is ... for p in places):
            call.spelled = "unsqueeze"
            before, after = call.sizes, call.result
            if before and after and self._keeps_rows(first.value, before, after):
                return self._regroup(first, {}, call)
        return self._apply_unknown("getitem", {"a": first, "b": index}, call)

    def _parts(self, first: Cell, parts: Sequence[Part], call: TracedCall) -> Cell:
        made = Value(self.settled(first.value)) if parts else first.value
        for part in parts:
            label = Label.of("part", part._asdict())
            batch = part.dimension != 0 and self._batch[made.node]
            flat = self._flat[made.node]
            made = self._add(label, (made.node,), where=call.where, flat=flat, batch=batch)
        return Cell(made)

    def _chunk(self, first: Cell, bound: dict[str, object], call: TracedCall) -> object:
        dimension, chunks = bound["dim"], bound["chunks"]
        if call.sizes is None or not isinstance(dimension, int) or not isinstance(chunks, int):
            return self._apply_plain(BY_METHOD["chunk"], bound, call)
        dimension %= len(call.sizes)
        lengths = chunked(call.sizes[dimension], chunks)
        return tuple(self._parts(first, [p], call) for p in in_a_row(dimension, lengths))

    def _split(self, first: Cell, bound: dict[str, object], call: TracedCall) -> object:
        dimension, each = bound["dim"], _numbers(bound["split_size_or_sections"])
        if call.sizes is None or not isinstance(dimension, int) or each is None:
            return self._apply_plain(BY_METHOD["split"], bound, call)
        dimension %= len(call.sizes)
        lengths = divided(call.sizes[dimension], each) if isinstance(each, int) else each
        return tuple(self._parts(first, [p], call) for p in in_a_row(dimension, lengths))

    def _row_convolution(self, first: Cell, bound: dict[str, object], call: TracedCall) -> object:
        """A convolution of rows is one of maps that are one row high."""
        before, after, weight = call.sizes, call.result, call.state.get("weight")
        if before is None or after is None or weight is None or bound["padding_mode"] != "zeros":
            return self._apply_plain(BY_FUNCTION[F.conv1d], bound, call)
        call.sizes, call.result = before, (*before[:2], 1, before[2])
        call.spelled = "reshape"
        bound = {**bound, "input": self._regroup(first, {"input": first, "shape": ()}, call)}
        for name, value in bound.items():
            if name in _BOTH_AXES and not isinstance(value, str):
                number = value[0] if isinstance(value, tuple) else value
                bound[name] = (_BOTH_AXES[name], number)
        size = (*weight.tensor.shape[:2], 1, weight.tensor.shape[2])
        call.state["weight"] = weight.grouped(size)
        call.result = (*after[:2], 1, after[2])
        made = self._apply_plain(BY_FUNCTION[F.conv2d], bound, call)
        self._sizes[made.value.node] = call.result
        call.sizes, call.result = call.result, after
        return self._regroup(made, {"input": made, "shape": ()}, call)

    def _reshape(self, first: Cell, bound: dict[str, object], call: TracedCall) -> object:
        shape = shape_of(bound["shape"])
        value = first.value
        if shuffle := self._channel_shuffle(value, shape):
            source, groups = shuffle
            label = Label.of("channel_shuffle", {"groups": groups})
            batch = self._batch[source]
            return Cell(self._add(label, (source,), where=call.where, batch=batch))
        if call.result is not None:
            regrouped = cast("Cell", self._regroup(first, {**bound, "shape": shape}, call))
            if not regrouped.value.pending:
                self._shapes.setdefault(regrouped.value.node, shape)
            return regrouped
        batches = (BATCH, Size("size", (Value(self.settled(value)), 0)))
        if len(shape) == 2 and shape[0] in batches and isinstance(shape[1], int):
            # The remaining number is what is left of the elements, whether it is -1 or spelled out.
            return self._flatten(first, {**bound, "start_dim": 1, "end_dim": -1}, call)
        if self._keeps_channels(value, shape):
            # Rows of cells: the last number is what is left, as above.
            rows = {"input": first, "start_dim": 2, "end_dim": -1}
            return self._apply_plain(BY_METHOD["flatten"], rows, call)
        reshaped = self._apply_plain(BY_METHOD["reshape"], {**bound, "shape": shape}, call)
        self._batch[reshaped.value.node] = shape[0] in batches and self._batch[value.node]
        self._shapes[reshaped.value.node] = shape
        return reshaped

    def _keeps_channels(self, value: Value, shape: tuple[object, ...]) -> bool:
        """True if a reshape merges all dimensions behind batch and channels into one."""
        node = self.nodes[value.node]
        sizes = Value(self.settled(value))
        batches = (BATCH, Size("size", (sizes, 0)))
        channels = (Size("size", (sizes, 1)), node.label.value("out_channels"))
        image = node.label.operation == "conv2d" and not value.pending
        return image and len(shape) == 3 and shape[0] in batches and shape[1] in channels

    def _channel_shuffle(self, value: Value, shape: tuple[object, ...]) -> tuple[int, int] | None:
        """Source and groups, when a reshape to ``shape`` completes a shuffle of channels.

        The shuffle is ``(n, c, h, w) -> (n, g, c/g, h, w) -> (n, c/g, g, h, w) -> (n, c, h, w)``.
        """
        swapped = self.nodes[value.node]
        if value.pending or swapped.label not in _SWAPS:
            return None
        grouped = self._shapes.get(swapped.inputs[0], ())
        if len(grouped) != 5 or len(shape) != 4 or not isinstance(groups := grouped[1], int):
            return None
        source = self.nodes[swapped.inputs[0]].inputs[0]
        batches = (BATCH, Size("size", (Value(source), 0)))
        channels = Size("size", (Value(source), 1))
        each = grouped[2]
        total = groups * each if isinstance(each, int) and each > 0 else channels
        if (
            grouped[0] in batches
            and shape[0] in batches
            and (isinstance(each, int) or each == Size("floordiv", (channels, groups)))
            and shape[1] in (-1, channels, total)
            and grouped[3:] == shape[2:]
        ):
            return source, groups
        return None

    def _mean(self, first: Cell, bound: dict[str, object], call: TracedCall) -> object:
        if bound["dtype"] is not None:
            return self._apply_plain(BY_METHOD["mean"], bound, call)
        label = Label.of("adaptive_avg_pool2d", {"output_size": (1, 1)})
        return self._reduced(BY_METHOD["mean"], label, first, bound, call)

    def _amax(self, first: Cell, bound: dict[str, object], call: TracedCall) -> object:
        fields: Fields = {"output_size": (1, 1), "return_indices": False}
        label = Label.of("adaptive_max_pool2d", fields)
        return self._reduced(BY_METHOD["amax"], label, first, bound, call)

    def _max(self, first: Cell, bound: dict[str, object], call: TracedCall) -> object:
        """The largest values and their places, each an operation by itself."""
        if not isinstance(bound["dim"], int):  # two tensors are compared
            return self._apply_unknown("max", bound, call)
        if call.sizes is not None:
            sizes = list(call.sizes)
            sizes[bound["dim"] : bound["dim"] + 1 or None] = [1] * bool(bound["keepdim"])
            call.result = tuple(sizes)
        values = self._amax(first, bound, call)
        return _Largest(values, self._apply_unknown("argmax", bound, call))

    def _reduced(
        self,
        entry: OperationEntry,
        pooling: Label,
        first: Cell,
        bound: dict[str, object],
        call: TracedCall,
    ) -> object:
        """One value of several: over height and width a pooling, over channels one map."""
        dimensions = dimensions_of(bound["dim"])
        if call.sizes is not None and isinstance(dimensions, (int, tuple)):
            given = dimensions if isinstance(dimensions, tuple) else (dimensions,)
            dimensions = tuple(sorted(cast("int", each) % len(call.sizes) for each in given))
            inner = self.nodes[first.value.node]
            rows = Label.of(entry.name, {**_ROWS, **({"dtype": None} if "dtype" in bound else {})})
            if dimensions == (2,) and inner.label == rows and len(call.sizes) == 3:
                first, dimensions = Cell(Value(inner.inputs[0])), (2, 3)
            elif len(dimensions) == 2 and len(call.sizes) != 4:
                return self._apply_plain(entry, {**bound, "dim": dimensions}, call)
            elif dimensions == (1,) and not bound["keepdim"] and len(call.sizes) == 4:
                kept = (call.sizes[0], 1, *call.sizes[2:])
                whole = replace(call, result=kept)
                made = self._apply_plain(entry, {**bound, "dim": (1,), "keepdim": True}, whole)
                self._batch[made.value.node] = self._batch[self.settled(first.value)]
                self._sizes[made.value.node] = kept
                cut = replace(call, sizes=kept, result=(kept[0], *kept[2:]), spelled="reshape")
                return self._regroup(made, {"input": made, "shape": ()}, cut)
        if dimensions not in ((2, 3), (-2, -1)):
            made = self._apply_plain(entry, {**bound, "dim": dimensions}, call)
            if dimensions == (1,) and bound["keepdim"]:
                self._batch[made.value.node] = self._batch[self.settled(first.value)]
            return made
        source = self.settled(first.value)
        pooled = self._add(pooling, (source,), where=call.where, batch=self._batch[source])
        if (sizes := self._sizes.get(source)) is not None:
            self._sizes[pooled.node] = (*sizes[:2], 1, 1)
        return Cell(Value(pooled.node, pending=not bound["keepdim"]))

    def _cat(self, tensors: object, bound: dict[str, object], call: TracedCall) -> object:
        """One tensor alone is not changed, and nested concatenations are one.

        ``cat(cat(a, b), c)`` and ``cat(a, b, c)`` both occur in densely connected networks.
        """
        parts = cast("Sequence[object]", tensors)
        if not all(isinstance(part, Cell) for part in parts):
            return self._apply_plain(BY_FUNCTION[torch.cat], bound, call)
        cells = [cast("Cell", part) for part in parts]
        if len(cells) == 1:
            return cells[0]
        sources = [self.settled(cell.value) for cell in cells]
        flat = all(self._flat[source] for source in sources)
        dimension = cast("int", bound["dim"])
        label = Label.of("cat", {"dim": dimension % 2 if flat else dimension})
        inputs: list[int] = []
        for source in sources:
            nested = self.nodes[source].label == label
            inputs.extend(self.nodes[source].inputs if nested else (source,))
        batch = dimension != 0 and self._batch[sources[0]]
        return Cell(self._add(label, inputs, where=call.where, flat=flat, batch=batch))

    def _clone(self, first: Cell, bound: dict[str, object], call: TracedCall) -> object:
        """The same value in memory of its own, which is no operation but stops writes in place."""
        return Cell(first.value)

    # --- nodes --------------------------------------------------------------------------------

    def enter(self, stored: Stored) -> int:
        """The node of a parameter, buffer or constant that is used as a value."""
        shape = without_leading_ones(tuple(stored.tensor.shape))
        key = f"{stored.name or id(stored.tensor)} {shape}"
        if key not in self._stored:
            tensor = stored.tensor
            fields: Fields = {"shape": shape, "dtype": tensor.dtype}
            if not stored.name and not tensor.is_meta:
                # It is not part of the state, so its values are part of the network.
                content = tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy()
                fields["content"] = hashlib.sha256(content.tobytes()).hexdigest()
            owner = stored.name.rpartition(".")[0] if stored.name else None
            self._stored[key] = self._add(
                Label.of(STORED, fields),
                (),
                where=stored.name or "a constant",
                module=owner,
                state={"value": stored} if stored.name else {},
            )
        return self._stored[key].node

    def is_flat(self, node: int) -> bool:
        """True if a node is known to give a tensor of two dimensions."""
        return self._flat[node]

    def keeps_batch(self, node: int) -> bool:
        """True if dimension 0 of a node's result is known to be that of the network's input."""
        return self._batch[node]

    def _add(
        self,
        label: Label,
        inputs: Sequence[int],
        *,
        where: str,
        commutes: bool = False,
        module: str | None = None,
        state: Mapping[str, Stored] | None = None,
        flat: bool = False,
        batch: bool = False,
    ) -> Value:
        tensors = sorted((role, stored.name) for role, stored in (state or {}).items())
        index = len(self.nodes)
        self.nodes.append(
            CanonicalNode(
                index,
                label,
                tuple(inputs),
                commutes,
                where,
                module,
                tuple(tensors),
                self._scope,
            )
        )
        self._flat.append(flat)
        self._batch.append(batch)
        if makes_a_point(label):
            self._points.add(index)
        return Value(index)


class _Largest(NamedTuple):
    """The results of a maximum along a dimension, as torch names them."""

    values: object
    indices: object


class _Inputs:
    """The inputs of one node, gathered while its arguments are turned into label fields."""

    def __init__(self, interpreter: Interpreter, *, settle: bool, symbolic: bool = False) -> None:
        self.indices: list[int] = []
        self._symbolic = symbolic  # sizes of other tensors stay what they are
        self._interpreter = interpreter
        self._settle = settle

    def expected(self, value: object) -> object:
        """The value that ``freeze`` gives for a tensor: its position; ``None`` for all else."""
        return InputSlot(len(self.indices)) if isinstance(value, (Cell, Stored)) else None

    def freeze(self, value: object) -> Hashable:
        """An argument as a hashable value in which slots stand for tensors."""
        if isinstance(value, Cell):
            settled = self._interpreter.settled(value.value)
            return self._slot(settled if self._settle else value.value.node)
        if isinstance(value, Stored):
            return self._slot(self._interpreter.enter(value))
        if isinstance(value, Value):  # whose size is asked for; it need not be an input twice
            node = self._interpreter.settled(value)
            return InputSlot(self.indices.index(node)) if node in self.indices else self._slot(node)
        if isinstance(value, Size):
            if value.known is not None and not self._symbolic:
                return value.known
            return (f"{value.operation} of", *map(self.freeze, value.operands))
        if isinstance(value, (tuple, list)):
            return tuple(map(self.freeze, value))
        if isinstance(value, dict):
            return tuple((key, self.freeze(value[key])) for key in sorted(value))
        if isinstance(value, slice):
            return ("slice", *map(self.freeze, (value.start, value.stop, value.step)))
        return value if isinstance(value, Hashable) else repr(value)

    def all_flat(self) -> bool:
        """True if there are inputs, all of which are known to have two dimensions."""
        return bool(self.indices) and all(map(self._interpreter.is_flat, self.indices))

    def keep_batch(self, *, every: bool) -> bool:
        """True if dimension 0 of the first input is that of the network's input.

        Without ``every`` any input will do, since arithmetic copies weights for each sample.
        """
        kept = map(self._interpreter.keeps_batch, self.indices[:1] if every else self.indices)
        return any(kept)

    def _slot(self, node: int) -> InputSlot:
        self.indices.append(node)
        return InputSlot(len(self.indices) - 1)


_SWAPS = (
    Label.of("transpose", {"dim0": 1, "dim1": 2}),
    Label.of("transpose", {"dim0": 2, "dim1": 1}),
)
"""Labels of the operations which exchange dimensions 1 and 2."""


_BROADCASTING = frozenset({"add", "mul", "maximum", "minimum"})
"""Operations that copy operands along dimensions of one cell by themselves."""

_POOLS: Mapping[str, Callable[..., object]] = {
    "avg_pool2d": F.adaptive_avg_pool2d,
    "max_pool2d": F.adaptive_max_pool2d,
}
"""Poolings, each with the one whose window is the whole map."""

_BOTH_AXES = {"stride": 1, "padding": 0, "dilation": 1}
"""Settings of a convolution with their values along an axis of one cell."""

_REGROUPINGS = frozenset({"reshape", "unsqueeze", "squeeze", "flatten"})
"""Operations that leave the values of a tensor in their order."""

_ROWS: Fields = {"dim": (3,), "keepdim": False}
"""Fields of a reduction of each row of a map to one value."""

_BATCH_FIELD = ("batch of",)
"""The number of samples as it stands in a label."""


def _size_of_map(value: object) -> object:
    """Height and width of another tensor in one form, whichever way they are asked for."""
    if isinstance(value, (tuple, list)) and len(value) == 2:
        operands = [part.operands for part in value if isinstance(part, Size)]
        if [part[1:] for part in operands] == [(2,), (3,)] and operands[0][0] == operands[1][0]:
            return Size("size", (operands[0][0], "map"))
    if isinstance(value, Size) and value.operation == "getitem":
        shape, places = value.operands
        if isinstance(shape, Size) and places in (slice(2, None), slice(-2, None), slice(2, 4)):
            return Size("size", (shape.operands[0], "map"))
    return value


def _exchanged(dims: object) -> tuple[int, int] | None:
    """The two dimensions that an order of dimensions exchanges; ``None`` where it does more."""
    if not isinstance(dims, (tuple, list)):
        return None
    moved = [place for place, dimension in enumerate(dims) if dimension != place]
    if len(moved) != 2 or sorted(cast("Any", dims)) != list(range(len(dims))):
        return None
    return moved[0], moved[1]


def _any_padding(value: object) -> bool:
    return any(value) if isinstance(value, (tuple, list)) else bool(value)


def _keeps_first(name: str, fields: Fields) -> bool:
    """True for an exchange of dimensions that leaves the first where it is."""
    if name == "permute":
        return cast("tuple[object, ...]", fields["dims"])[:1] == (0,)
    return name == "transpose" and 0 not in (fields["dim0"], fields["dim1"])


def _numbers(value: object) -> int | list[int] | None:
    """One number or several, sizes by their values; None where one is not known."""
    parts = value if isinstance(value, (tuple, list)) else [value]
    known = [part.known if isinstance(part, Size) else part for part in parts]
    if not all(isinstance(part, int) for part in known):
        return None
    numbers = cast("list[int]", known)
    return numbers if isinstance(value, (tuple, list)) else numbers[0]


def _mode_field(value: object, training: bool) -> str | None:
    """A training flag that follows the network's mode says nothing; one that does not, does."""
    if value is training:
        return None
    return {True: "always", False: "never"}.get(cast("bool", value), "computed")


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


def _description(module: nn.Module) -> tuple[Hashable, ...]:
    """Everything visible that may tell two modules of the same unknown type apart."""
    return tuple(
        (name, type(part).__name__, part.extra_repr(), _settings(part))
        for name, part in module.named_modules()
    )


def _fitted(module: nn.Module) -> tuple[Hashable, ...]:
    """The same without what modules declare to be no matter for weights, by ``fitted_to``."""
    names = getattr(module, "fitted_to", None)
    if names is None:
        return _description(module)
    return (type(module).__name__, *((name, getattr(module, name)) for name in names))


def _settings(module: nn.Module) -> tuple[Hashable, ...]:
    made_of = None
    if type(module).__module__.startswith("torchvision.ops."):
        # MultiScaleRoIAlign keeps the scales of the images that it saw last.
        made_of = inspect.signature(type(module)).parameters
    return tuple(
        (name, setting)
        for name, value in sorted(vars(module).items())
        if not name.startswith("_") and name not in ("training", "inplace")
        if made_of is None or name in made_of
        if (setting := _setting(value)) is not None
    )


def _setting(value: object) -> Hashable:
    """A setting as it is compared; None for what is no plain value, nor made of such."""
    if isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (types.FunctionType, types.BuiltinFunctionType)):
        return f"{value.__module__}.{value.__qualname__}"
    if isinstance(value, (torch.dtype, enum.Enum)):
        return str(value)
    plain = (bool, int, float, str, type(None))
    if isinstance(value, (tuple, list, dict)) and all(isinstance(x, plain) for x in leaves(value)):
        return value if isinstance(value, tuple) and not any(map(_nested, value)) else repr(value)
    return None


def _nested(value: object) -> bool:
    return isinstance(value, (tuple, list, dict))
