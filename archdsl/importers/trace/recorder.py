"""The nodes of a canonical graph under construction, and what is known of their tensors."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Mapping, Sequence

import torch
import torch.fx
from torch import nn

from archdsl.analysis.equivalence.graph import INPUT, STORED, CanonicalNode
from archdsl.analysis.equivalence.labels import InputSlot, Label
from archdsl.analysis.equivalence.pointwise import makes_a_point
from archdsl.importers.trace.operation_entries import Fields
from archdsl.importers.trace.values import (
    Cell,
    Size,
    Stored,
    Value,
    without_leading_ones,
)


class Recorder:
    """Recorder of canonical nodes; it knows which tensors are flat, and which have the batch."""

    def __init__(self, root: nn.Module) -> None:
        self.nodes: list[CanonicalNode] = []
        self._flat: list[bool] = []  # per node: known to have two dimensions
        self._batch: list[bool] = []  # per node: dimension 0 is the input's
        self._points: set[int] = set()  # nodes known to give maps of 1×1
        self._scope = ""  # of the call that is interpreted
        self._stored: dict[str, Value] = {}
        self._flattened: dict[int, int] = {}
        self._sizes: dict[int, tuple[int, ...]] = {}  # of nodes, where the trace knows them
        self._names: dict[int, str] = {}
        for name, tensor in (
            *root.named_parameters(remove_duplicate=False),
            *root.named_buffers(remove_duplicate=False),
        ):
            self._names.setdefault(id(tensor), name)

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


class NodeInputs:
    """The inputs of one node, gathered while its arguments are turned into label fields."""

    def __init__(self, recorder: Recorder, *, settle: bool, symbolic: bool = False) -> None:
        self.indices: list[int] = []
        self._symbolic = symbolic  # sizes of other tensors stay what they are
        self._recorder = recorder
        self._settle = settle

    def expected(self, value: object) -> object:
        """The value that ``freeze`` gives for a tensor: its position; ``None`` for all else."""
        return InputSlot(len(self.indices)) if isinstance(value, (Cell, Stored)) else None

    def freeze(self, value: object) -> Hashable:
        """An argument as a hashable value in which slots stand for tensors."""
        if isinstance(value, Cell):
            settled = self._recorder.settled(value.value)
            return self._slot(settled if self._settle else value.value.node)
        if isinstance(value, Stored):
            return self._slot(self._recorder.enter(value))
        if isinstance(value, Value):  # whose size is asked for; it need not be an input twice
            node = self._recorder.settled(value)
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
        return bool(self.indices) and all(map(self._recorder.is_flat, self.indices))

    def keep_batch(self, *, every: bool) -> bool:
        """True if dimension 0 of the first input is that of the network's input.

        Without ``every`` any input will do, since arithmetic copies weights for each sample.
        """
        kept = map(self._recorder.keeps_batch, self.indices[:1] if every else self.indices)
        return any(kept)

    def _slot(self, node: int) -> InputSlot:
        self.indices.append(node)
        return InputSlot(len(self.indices) - 1)
