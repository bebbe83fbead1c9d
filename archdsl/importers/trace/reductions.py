"""Operations that make one value of several: means and maxima over places and channels."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple, cast

from archdsl.analysis.equivalence.labels import Label
from archdsl.importers.trace.operation_entries import Fields, OperationEntry
from archdsl.importers.trace.operations import BY_METHOD
from archdsl.importers.trace.plain_operations import PlainOperations
from archdsl.importers.trace.values import (
    Cell,
    TracedCall,
    Value,
    dimensions_of,
)


class Reductions(PlainOperations):
    """Brings means and maxima into one form each; over a whole map they are poolings."""

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
        return Largest(values, self._apply_unknown("argmax", bound, call))

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

    def _regroup(self, first: Cell, bound: dict[str, object], call: TracedCall) -> object:
        """An operation that only groups the values in other sizes."""
        raise NotImplementedError


class Largest(NamedTuple):
    """The results of a maximum along a dimension, as torch names them."""

    values: object
    indices: object


_ROWS: Fields = {"dim": (3,), "keepdim": False}
"""Fields of a reduction of each row of a map to one value."""
