"""The walk through an ONNX graph: constants are computed, every other node becomes layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from archdsl.diagnostics import ArchError, fail
from archdsl.importers.draft import Draft, step
from archdsl.importers.onnx.activations import POINTWISE, is_input, recognised
from archdsl.importers.onnx.evaluation import GROWING, computed, growth
from archdsl.importers.onnx.file import Computed, Tensor, checker
from archdsl.importers.onnx.network_input import Entry
from archdsl.importers.onnx.nodes import Node, Value, origin_of, refused
from archdsl.importers.onnx.permutations import layer_of, not_a_layer, places
from archdsl.importers.onnx.rows import Row
from archdsl.importers.onnx.spans import spans
from archdsl.importers.onnx.values import GRID, Moved, Signal, Sizes
from archdsl.ir.layer import Layer, RuleError, shown

if TYPE_CHECKING:
    from archdsl.importers.onnx.file import Array
    from archdsl.ir.edges import Shape

_SHAPES = (
    "Cast Concat ConstantOfShape Equal Expand Floor Gather Greater Less Not Reshape Slice Squeeze "
    "Transpose Unsqueeze Where Identity ReduceProd Ceil And Or"
)
_FOLDED = frozenset(_SHAPES.split()) | POINTWISE
"""Nodes that are computed where all they read is constant."""
_LARGEST_FOLDED = 2**28  # values
_MOST_MOVES = 16  # steps of a rearrangement that are looked at together
_NEAREST = 5  # operations back that a formula may begin at

_SAMPLES = 11
"""Number of samples followed where the batch is open: a size that a file hardly means else."""


class OnnxGraphReader:
    """Reads the nodes of a model in their order into a draft.

    ``rows`` make layers of the nodes of each type, ``patterns`` of those that end several nodes,
    which are none by themselves; a pattern is asked about every node that no row makes a layer of.
    """

    def __init__(
        self,
        model: Any,
        path: Path,
        rows: Mapping[str, Row],
        patterns: Sequence[Callable[[OnnxGraphReader, Node], Signal | None]],
        size: Shape | None = None,
    ) -> None:
        self.draft = Draft(path.stem)
        self.opsets = {entry.domain: entry.version for entry in model.opset_import}
        self.values: dict[str, Value] = {}
        self._rows = rows
        self._patterns = patterns
        self._size = size
        self._graph = model.graph
        self._check = checker(model)
        self.samples = _SAMPLES
        self._rearranged: dict[Moved, int] = {}
        for tensor in self._graph.initializer:
            self.values[tensor.name] = Tensor(tensor.name, tensor, path.parent)
        self._folder = path.parent
        self._positions = {
            name: place for place, node in enumerate(self._graph.node) for name in node.output
        }
        self._names = {*self.values, *(entry.name for entry in self._graph.input)}
        self._names.update(name for node in self._graph.node for name in node.output)

    # ---- the whole graph ----

    def run(self) -> dict[str, int]:
        """The operations of the graph's outputs, by name; raises ArchError where one has none."""
        entry = Entry(self._graph, self.values, self.opset)
        self.samples = entry.samples or _SAMPLES
        self.draft.part = entry.name
        index, channels_last = entry.layer(self.draft, self._size)
        made = self.of(index)
        if channels_last:
            made = self.moved(index, self.places(index).transpose(0, 2, 3, 1))
        self.values[entry.name] = made
        for proto in self._graph.node:
            with step(partial(refused, proto)):
                self._node(proto)
        outputs: dict[str, int] = {}
        for output in self._graph.output:
            value = self.values.get(output.name)
            if not isinstance(value, Signal):
                raise fail(f"the output {output.name} does not come from the network's input")
            self._place(value.node)
            try:
                outputs[output.name] = self.settled(value)
            except RuleError as error:
                raise refused(value.node, error) from None
        return outputs

    # ---- one node ----

    def _node(self, proto: Any) -> None:
        if proto.domain not in ("", "ai.onnx"):
            raise RuleError(f"operations of {proto.domain} are not known here")
        self._check(proto)
        inputs = tuple(self._read(name) for name in proto.input)
        node = Node(proto, inputs, self.opset)
        self._place(proto)
        constant = all(not isinstance(value, Signal) for value in inputs)
        made: Value | tuple[Value, ...]
        if node.type == "Constant":
            made = self._constant(node)
        elif node.type == "Shape":
            made = self._shape(node)
        elif constant and node.type in _FOLDED:
            made = self._folded(node)
        else:
            made = self._layers(node)
        results = made if isinstance(made, tuple) else (made,)
        for name, value in zip(proto.output, results, strict=False):
            if name:
                self.values[name] = value

    def _layers(self, node: Node) -> Signal | tuple[Signal, ...]:
        """The signals that a node computes from the network's values.

        What is no layer by itself may be part of a formula: it is refused where it is read.
        """
        refusals = [v.refusal for v in node.inputs if isinstance(v, Signal) and v.refusal]
        made: Signal | tuple[Signal, ...] | None = None
        if not refusals:
            try:
                made = self._handled(node)
            except RuleError as error:
                refusals = [refused(node.proto, error)]
            except ArchError as error:  # of what it reads
                refusals = [error]
        if made is None:
            try:
                made = self._pattern(node)
            except RuleError as error:
                refusals = [refused(node.proto, error)]
        if made is None:
            return Signal((), refusal=refusals[0], node=node.proto)
        if isinstance(made, tuple):
            return tuple(replace(signal, node=node.proto) for signal in made)
        return replace(made, node=node.proto)

    def _pattern(self, node: Node) -> Signal | None:
        """The layer of a pattern that ends here; None where it ends none."""
        for pattern in self._patterns:
            if (made := pattern(self, node)) is not None:
                return made
        return None

    def _handled(self, node: Node) -> Signal | tuple[Signal, ...]:
        functions: dict[int, Array] = {}
        if node.type in POINTWISE:
            functions = self._sampled(node)
            for base, values in functions.items():
                if is_input(values):
                    return self.of(base)
                layer = recognised(values)
                if layer is not None:
                    return self._with(self.of(self.draft.add(layer, base)), functions)
        signals = [value for value in node.inputs if isinstance(value, Signal)]
        joins = len(signals) > 1 and all(s.index is not None or s.moved for s in signals)
        row = self._rows.get(node.type)
        if functions and not (joins and row):
            return Signal(signals[0].shape, functions=functions)
        if row is None:
            raise RuleError("the catalogue has no layer for this operation")
        row.check(node)
        made = row.handler(self, node)
        return self._with(made, functions) if isinstance(made, Signal) and functions else made

    def _read(self, name: str) -> Value | None:
        if not name:
            return None
        value = self.values.get(name)
        if value is None:
            raise RuleError(
                f"it reads {name}, which nothing gives",
                "expected an input, a constant, or the output of a node before",
                help="the file may have a cycle, or nodes in another order than they run",
            )
        return value

    def _place(self, proto: Any) -> None:
        self.draft.part, self.draft.homes = origin_of(proto)

    def _constant(self, node: Node) -> Tensor:
        for name in ("value", "value_float", "value_int", "value_floats", "value_ints"):
            if name in node.attributes:
                given = node.attributes[name]
                if name == "value":
                    return Tensor(node.proto.output[0], given, self._folder)
                kind = np.float32 if "float" in name else np.int64
                return Computed(node.proto.output[0], np.array(given, kind))
        raise RuleError("a constant of another kind than numbers")

    def _shape(self, node: Node) -> Tensor:
        value = node.inputs[0]
        if isinstance(value, Tensor):
            sizes: Sizes = value.shape
        elif value is not None and value.refusal is not None:
            sizes = self._measured(value)
        elif value is not None and value.moved is not None:
            sizes = value.moved.order.shape
        else:
            sizes = (self.samples, *node.signal().shape)
        part = sizes[node.get("start", 0) : node.get("end", len(sizes))]
        if None in part:
            raise RuleError("the size of the input has to be known here", f"found {shown(sizes)}")
        return Computed(node.proto.output[0], np.array(part, np.int64))

    def _measured(self, value: Signal) -> Sizes:
        """The sizes of what is no layer by itself, by a run of what leads to it."""
        for span in spans(value.node, self.values, self.position):
            try:
                return span.computed(span.samples(self.samples), self.opsets).shape
            except RuleError:
                continue
        assert value.refusal is not None
        raise value.refusal

    def _folded(self, node: Node) -> Tensor:
        arrays = [value.array for value in node.inputs if isinstance(value, Tensor)]
        wanted = growth(arrays) if node.type in GROWING else 0
        if max(wanted, *(array.size for array in arrays)) > _LARGEST_FOLDED:
            raise RuleError("a constant that is too large")
        if node.type == "Identity":
            return node.weight(0)
        return Computed(node.proto.output[0], self._computed(node.proto, arrays, node.inputs))

    def _computed(self, proto: Any, arrays: list[Array], inputs: tuple[Value | None, ...]) -> Array:
        names = [name for name, value in zip(proto.input, inputs, strict=True) if value is not None]
        return computed([proto], dict(zip(names, arrays, strict=True)), self.opsets)

    # ---- what value by value makes ----

    def _sampled(self, node: Node) -> dict[int, Array]:
        """Samples of a node's function of each single operation that it depends on.

        The nearest operation comes first; nothing where constants are no scalars.
        """
        signals = [value for value in node.inputs if isinstance(value, Signal)]
        others = [value for value in node.inputs if isinstance(value, Tensor)]
        rank = max(len(signal.shape) for signal in signals) + 1
        if any(other.size != 1 or len(other.shape) > rank for other in others):
            return {}
        known = [self._functions(signal) for signal in signals]
        bases = [base for base in known[0] if all(base in each for each in known)]
        return {
            base: self._at_samples(node, [each[base] for each in known])
            for base in bases[:_NEAREST]
        }

    def _functions(self, signal: Signal) -> Mapping[int, Array]:
        """The operations that a value is a function of, itself first."""
        if signal.moved is not None:
            signal = self.of(self.settled(signal))
        if signal.index is None:
            return signal.functions
        return {signal.index: GRID, **signal.functions}

    def _with(self, signal: Signal, functions: Mapping[int, Array]) -> Signal:
        """The output of an operation, of which it is known what function of others it is."""
        return replace(signal, functions=functions)

    def _at_samples(self, node: Node, values: list[Array]) -> Array:
        given = iter(values)
        arrays = []
        for value in node.inputs:
            if isinstance(value, Signal):
                arrays.append(next(given))
            elif value is not None:
                scalar = value.array.reshape(())
                arrays.append(scalar if scalar.dtype == bool else scalar.astype(np.float32))
        return self._computed(node.proto, arrays, node.inputs)

    # ---- what handlers need ----

    def of(self, index: int) -> Signal:
        """The output of an operation."""
        return Signal(self.draft.shape(index), index)

    def add(
        self, layer: Layer, *signals: Signal, tensors: Mapping[str, str] | None = None
    ) -> Signal:
        """A further layer on values of the network."""
        indices = [self.settled(signal) for signal in signals]
        return self.of(self.draft.add(layer, *indices, tensors=tensors))

    def settled(self, signal: Signal) -> int:
        """The operation whose output a value is; RuleError where no layer makes it."""
        if signal.index is not None:
            return signal.index
        if signal.refusal is not None:
            raise signal.refusal
        if signal.moved is None:
            raise refused(signal.node, RuleError("the catalogue has no layer for this formula"))
        if signal.moved not in self._rearranged:
            self._rearranged[signal.moved] = self._layers_of(signal.moved)
        return self._rearranged[signal.moved]

    def _layers_of(self, moved: Moved) -> int:
        """The operations of a rearrangement: one for as many of its steps as it can be."""
        source, orders = moved.source, list(moved.orders)
        while orders:
            before = tuple(size or 0 for size in self.draft.shape(source))
            # At last the shape is left as it is: exporters make one step of a move and a reshape.
            tries = [*enumerate(orders, 1)][::-1]
            tries.append((len(orders) - 1, orders[-1].reshape(self.samples, *before)))
            for end, order in tries:
                found = layer_of(before, order)
                if found is not None and (found.layer is not None or end):
                    break
            else:
                raise not_a_layer(before, orders[-1])
            if found.layer is not None:
                source = self.draft.add(found.layer, source)
            orders = [found.behind(order) for order in orders[end:]]
        return source

    def rearranged(self, signal: Signal, change: Callable[[Array], Array]) -> Signal:
        """A value in another order or shape; ``change`` gets its places, the batch in front."""
        if signal.refusal is not None:
            raise signal.refusal
        moved = signal.moved
        if moved is None:
            source = self.settled(signal)
            moved = Moved(source, (self.places(source),))
        try:
            changed = change(moved.order)
        except (ValueError, IndexError) as error:
            raise RuleError("the shapes do not fit", str(error)) from None
        if changed.size != moved.order.size:
            raise RuleError("values are lost, or there twice")
        if len(moved.orders) > _MOST_MOVES:
            return self.rearranged(self.of(self.settled(signal)), change)
        return self.moved(moved.source, *moved.orders, changed)

    def places(self, source: int) -> Array:
        """The places of an operation's values, for as many samples as are followed."""
        return places(self.draft.shape(source), self.samples)

    def moved(self, source: int, *orders: Array) -> Signal:
        """The values of an operation in another order or shape."""
        return Signal(orders[-1].shape[1:], moved=Moved(source, orders))

    def position(self, name: str) -> int:
        """The place in the file's order of the node that gives a value; -1 for the input."""
        return self._positions.get(name, -1)

    @property
    def opset(self) -> int:
        """The version of ONNX's own operators, whose domain has two names."""
        return int(max(self.opsets.get("", 0), self.opsets.get("ai.onnx", 0)))

    def computed(self, name: str, array: Array) -> Computed:
        """A constant that is made of the file's, under a name that the file has not."""
        number, free = 1, name
        while free in self._names:
            number += 1
            free = f"{name}.{number}"
        self._names.add(free)
        made = Computed(free, array)
        self.values[free] = made
        return made
