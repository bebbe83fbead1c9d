"""Operations that become one node each, with the settings that tell them apart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import cast

from torch import nn

from archdsl.analysis.equivalence.labels import Label
from archdsl.importers.trace.operation_entries import Fields, OperationEntry, Role
from archdsl.importers.trace.parts import Part, cropped
from archdsl.importers.trace.recorder import NodeInputs, Recorder
from archdsl.importers.trace.spelled_out import activation_of
from archdsl.importers.trace.values import (
    Cell,
    Stored,
    TracedCall,
    Value,
    leaves,
    size_of_map,
)


class PlainOperations(Recorder):
    """Adds operations as nodes: their inputs, and all that is compared of their arguments."""

    def __init__(self, root: nn.Module, training: bool) -> None:
        super().__init__(root)
        self._training = training
        self._expanded: dict[int, Value] = {}  # nodes that only copy a value along dimensions

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
        inputs = NodeInputs(self, settle=not pending, symbolic=entry.name == "interpolate")
        fields: Fields = {}
        for argument in entry.arguments:
            if argument.role is Role.IGNORED or argument.name not in bound:
                continue
            value = bound[argument.name]
            if argument.role is Role.MODE:
                fields[argument.name] = mode_field(value, self._training)
                continue
            if entry.name == "interpolate" and argument.name == "size":
                value = size_of_map(value)
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
        inputs = NodeInputs(self, settle=True)
        fields: Fields = {}
        for argument, value in arguments.items():
            if argument in ("training", "inplace"):
                value = mode_field(value, self._training) if argument == "training" else None
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

    def _before_regrouping(
        self, entry: OperationEntry, bound: dict[str, object], call: TracedCall
    ) -> Cell | None:
        """An operation value by value, moved in front of a regrouping."""
        raise NotImplementedError

    def _parts(self, first: Cell, parts: Sequence[Part], call: TracedCall) -> Cell:
        """Some places of a tensor along some of its dimensions."""
        raise NotImplementedError


_BROADCASTING = frozenset({"add", "mul", "maximum", "minimum"})
"""Operations that copy operands along dimensions of one cell by themselves."""


def _keeps_first(name: str, fields: Fields) -> bool:
    """True for an exchange of dimensions that leaves the first where it is."""
    if name == "permute":
        return cast("tuple[object, ...]", fields["dims"])[:1] == (0,)
    return name == "transpose" and 0 not in (fields["dim0"], fields["dim1"])


def mode_field(value: object, training: bool) -> str | None:
    """A training flag that follows the network's mode says nothing; one that does not, does."""
    if value is training:
        return None
    return {True: "always", False: "never"}.get(cast("bool", value), "computed")
