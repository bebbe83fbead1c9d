"""Operations on the shape of tensors, which need more than a row of a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

import torch
import torch.fx
from torch import nn
from torch.nn import functional as F

from archdsl.analysis.equivalence.labels import Label
from archdsl.analysis.equivalence.pointwise import as_linear
from archdsl.importers.trace.blocks_of_cells import merged_patches, moved_blocks
from archdsl.importers.trace.operation_entries import OperationEntry
from archdsl.importers.trace.operations import BY_FUNCTION, BY_METHOD
from archdsl.importers.trace.parts import Part, chunked, divided, in_a_row, parts_of_index
from archdsl.importers.trace.reductions import Reductions
from archdsl.importers.trace.values import (
    BATCH,
    Cell,
    Size,
    Stored,
    TracedCall,
    Value,
    leaves,
    numbers_of,
    shape_of,
)


class ShapeOperations(Reductions):
    """Brings operations that regroup, cut, reduce and join tensors into one form each."""

    def __init__(self, root: nn.Module, training: bool) -> None:
        super().__init__(root, training)
        self._shapes: dict[int, tuple[object, ...]] = {}  # what a reshape node was asked for
        # Regroupings with the sizes and the value that they regroup.
        self._regrouped: dict[int, tuple[tuple[int, ...], Value]] = {}
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
            "unflatten": self._regroup,
        }

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

    def _expand(self, first: Cell, bound: dict[str, object], call: TracedCall) -> Cell:
        """Copies along dimensions of one cell, which arithmetic makes by itself."""
        if call.sizes == call.result is not None:
            return first
        sizes = bound.get("sizes", bound.get("other"))
        made = self._apply_unknown(call.spelled, {"arguments": (first, sizes)}, call)
        self._expanded[made.value.node] = first.value
        return made

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
        dimension, each = bound["dim"], numbers_of(bound["split_size_or_sections"])
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
        if (moved := self._moved_blocks(value, call)) is not None:
            return moved
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

    def _moved_blocks(self, value: Value, call: TracedCall) -> Cell | None:
        """The shuffle of cells that a regrouping completes, if it does."""
        exchange = self.nodes[value.node]
        if value.pending or exchange.label.operation != "permute" or call.result is None:
            return None
        grouping = exchange.inputs[0]
        known = self._regrouped.get(grouping)
        if known is None or (grouped := self._sizes.get(grouping)) is None:
            return None
        before, whole = known
        label = moved_blocks(before, grouped, exchange.label.value("dims"), call.result)
        if label is None:
            return None
        source = self.settled(whole)
        return Cell(self._add(label, (source,), where=call.where, batch=self._batch[source]))

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
        if (merged := merged_patches(sources, cast("int", bound["dim"]), self.nodes)) is not None:
            batch = self._batch[merged]
            label = Label.of("merge_patches", {})
            return Cell(self._add(label, (merged,), where=call.where, batch=batch))
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


_SWAPS = (
    Label.of("transpose", {"dim0": 1, "dim1": 2}),
    Label.of("transpose", {"dim0": 2, "dim1": 1}),
)
"""Labels of the operations which exchange dimensions 1 and 2."""


_BOTH_AXES = {"stride": 1, "padding": 0, "dilation": 1}
"""Settings of a convolution with their values along an axis of one cell."""


_BATCH_FIELD = ("batch of",)
"""The number of samples as it stands in a label."""


def _exchanged(dims: object) -> tuple[int, int] | None:
    """The two dimensions that an order of dimensions exchanges; ``None`` where it does more."""
    if not isinstance(dims, (tuple, list)):
        return None
    moved = [place for place, dimension in enumerate(dims) if dimension != place]
    if len(moved) != 2 or sorted(cast("Any", dims)) != list(range(len(dims))):
        return None
    return moved[0], moved[1]
