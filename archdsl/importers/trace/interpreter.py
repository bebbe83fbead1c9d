"""Interpretation of traced graphs: equal computations become equal nodes, however spelled."""

from __future__ import annotations

import enum
import hashlib
import inspect
import operator
import types
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import torch
import torch.fx
from torch import nn
from torch.fx.node import map_aggregate

from archdsl.analysis.equivalence.errors import MatchError
from archdsl.analysis.equivalence.graph import INPUT, STORED, CanonicalNode
from archdsl.analysis.equivalence.labels import InputSlot, Label
from archdsl.analysis.equivalence.pointwise import as_linear, makes_a_point
from archdsl.backends.torch.freeze import thawed
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
            "cat": self._cat,
            "clone": self._clone,
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
                values[node] = visit[node.op](node, call, root, prefix)
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
                graph = trace(module, {k: v for k, v in given.items() if not has_tensor(v)})
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
        if function is getattr:
            return self._size(call.args[:1], str(call.args[1]))
        if function is operator.getitem and isinstance(call.args[0], (tuple, list, dict)):
            return call.args[0][cast("Any", call.args[1])]
        if about_sizes(call):
            return self._size(call.args, function.__name__)
        if function in ARITHMETIC and not has_tensor(call.args):
            return function(*call.args)  # of numbers which the trace left to be computed
        name = getattr(function, "__name__", str(function))
        if entry := BY_FUNCTION.get(function):
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
            return self._size(call.args, name)
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

    def _size(self, args: Sequence[object], name: str) -> object:
        operation = SIZE_ATTRIBUTES.get(name, name)
        source, rest = args[0], tuple(args[1:])
        if isinstance(source, Cell):
            if operation != "shape":
                return Size(operation, (Value(self.settled(source.value)),))
            dimension = rest[0] if rest and isinstance(rest[0], int) else None
            return self._shape(source.value, dimension)
        if isinstance(source, Stored):
            return known_size(source.tensor, operation, rest)
        if operation == "getitem" and isinstance(source, Size) and source.operation == "shape":
            value, index = source.operands[0], rest[0]
            if isinstance(value, Value) and isinstance(index, int):
                return self._shape(value, index)
        return Size(operation, tuple(args))

    def _shape(self, value: Value, dimension: int | None) -> Size:
        if dimension == 0 and self._batch[value.node]:
            return BATCH
        if dimension is None:
            return Size("shape", (value,))
        return Size("size", (Value(self.settled(value)), dimension))

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
        first = bound[entry.arguments[0].name]
        if isinstance(first, Cell) and does_nothing(entry.name, bound):
            return first
        if entry.name in self._structural and isinstance(first, (Cell, tuple, list)):
            return self._structural[entry.name](cast("Cell", first), bound, call)
        return self._apply_plain(entry, bound, call)

    def _apply_plain(
        self, entry: OperationEntry, bound: dict[str, object], call: TracedCall
    ) -> Cell:
        sources = [leaf for leaf in leaves(bound) if isinstance(leaf, (Cell, Stored))]
        keeps_flat = entry.elementwise or entry.name == "linear"
        pending = entry.elementwise and all(
            isinstance(source, Cell) and source.value.pending for source in sources
        )
        inputs = _Inputs(self, settle=not pending)
        if entry.commutes and not has_tensor(bound["input"]):
            bound = {**bound, "input": bound["other"], "other": bound["input"]}
        fields: Fields = {}
        for argument in entry.arguments:
            if argument.role is Role.IGNORED or argument.name not in bound:
                continue
            value = bound[argument.name]
            if argument.role is Role.MODE:
                fields[argument.name] = _mode_field(value, self._training)
                continue
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
        result = self._add(
            Label.of(entry.name, fields),
            inputs.indices,
            # With alpha the second operand of an addition is scaled.
            commutes=entry.commutes and fields.get("alpha", 1) == 1,
            where=call.where,
            module=call.module if call.state else None,
            state=call.state,
            flat=keeps_flat and not pending and inputs.all_flat(),
            batch=entry.keeps_batch and inputs.first_keeps_batch(),
        )
        if entry.elementwise and self._points.issuperset(inputs.indices):
            self._points.add(result.node)
        return Cell(Value(result.node, pending))

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
            return self._apply_plain(BY_METHOD["flatten"], bound, call)
        value = first.value
        if value.pending or self._flat[value.node]:
            return Cell(value)
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

    def _reshape(self, first: Cell, bound: dict[str, object], call: TracedCall) -> object:
        shape = shape_of(bound["shape"])
        value = first.value
        batches = (BATCH, Size("size", (Value(self.settled(value)), 0)))
        if len(shape) == 2 and shape[0] in batches and isinstance(shape[1], int):
            # The remaining number is what is left of the elements, whether it is -1 or spelled out.
            return self._flatten(first, {**bound, "start_dim": 1, "end_dim": -1}, call)
        if self._keeps_channels(value, shape):
            # Rows of cells: the last number is what is left, as above.
            rows = {"input": first, "start_dim": 2, "end_dim": -1}
            return self._apply_plain(BY_METHOD["flatten"], rows, call)
        if shuffle := self._channel_shuffle(value, shape):
            source, groups = shuffle
            label = Label.of("channel_shuffle", {"groups": groups})
            batch = self._batch[source]
            return Cell(self._add(label, (source,), where=call.where, batch=batch))
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
        dimensions = dimensions_of(bound["dim"])
        if dimensions not in ((2, 3), (-2, -1)) or bound["dtype"] is not None:
            return self._apply_plain(BY_METHOD["mean"], {**bound, "dim": dimensions}, call)
        source = self.settled(first.value)
        label = Label.of("adaptive_avg_pool2d", {"output_size": (1, 1)})
        pooled = self._add(label, (source,), where=call.where, batch=self._batch[source])
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
        key = stored.name or f"constant {id(stored.tensor)}"
        if key not in self._stored:
            tensor = stored.tensor
            fields: Fields = {"shape": tuple(tensor.shape), "dtype": tensor.dtype}
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


class _Inputs:
    """The inputs of one node, gathered while its arguments are turned into label fields."""

    def __init__(self, interpreter: Interpreter, *, settle: bool) -> None:
        self.indices: list[int] = []
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

    def first_keeps_batch(self) -> bool:
        """True if dimension 0 of the first input is that of the network's input."""
        return bool(self.indices) and self._interpreter.keeps_batch(self.indices[0])

    def _slot(self, node: int) -> InputSlot:
        self.indices.append(node)
        return InputSlot(len(self.indices) - 1)


_SWAPS = (
    Label.of("transpose", {"dim0": 1, "dim1": 2}),
    Label.of("transpose", {"dim0": 2, "dim1": 1}),
    Label.of("permute", {"dims": (0, 2, 1, 3, 4)}),
)
"""Labels of the operations which exchange dimensions 1 and 2."""


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
