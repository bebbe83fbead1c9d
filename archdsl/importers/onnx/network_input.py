"""The input of an ONNX graph as a layer: pictures, their channels in front or last, or rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archdsl.diagnostics import fail
from archdsl.importers.draft import Draft
from archdsl.importers.onnx.nodes import Node
from archdsl.importers.onnx.values import FLOATS, Sizes
from archdsl.ir.layer import RuleError, shown

if TYPE_CHECKING:
    from collections.abc import Container

    from archdsl.ir.edges import Shape

CHANNELS_LAST = "The file's input has its channels last."
"""The note of a spec whose network takes the file's input with its channels in front."""


class Entry:
    """The only input of a graph: its name, its sizes, and how the nodes that read it take it."""

    def __init__(self, graph: Any, constants: Container[str], opset: int) -> None:
        given = [entry for entry in graph.input if entry.name not in constants]
        if len(given) != 1:
            names = ", ".join(entry.name for entry in given) or "none"
            raise fail("a network has one input here", None, f"found {names}")
        (self._entry,) = given
        self.name: str = self._entry.name
        self._readers = [proto for proto in graph.node if self.name in proto.input]
        self._opset = opset
        sizes = [size.dim_value or None for size in self._entry.type.tensor_type.shape.dim]
        self.samples: int | None = sizes[0] if sizes else None
        """Number of samples; None where the file leaves it open."""
        self.sizes: Sizes = tuple(sizes[1:])

    def layer(self, draft: Draft, size: Shape | None) -> tuple[int, bool]:
        """The operation of the input, and whether the file has its channels last.

        ``size`` is that of the network, whose channels are in front, in the place of the file's.
        """
        try:
            self._check_kind()
            return self._added(draft, size)
        except RuleError as error:
            raise fail(f"the input {self.name}: {error.message}", None, *error.notes) from None

    def _check_kind(self) -> None:
        """RuleError where values are no floats and something reckons with them as they are."""
        from onnx import TensorProto

        kind = self._entry.type.tensor_type.elem_type
        if kind not in FLOATS and {proto.op_type for proto in self._readers} != {"Cast"}:
            # A damaged file may hold any number there.
            names = {number: name for name, number in TensorProto.DataType.items()}
            raise RuleError("values are floats here", f"found {names.get(kind, f'type {kind}')}")

    def _added(self, draft: Draft, size: Shape | None) -> tuple[int, bool]:
        shape = self.sizes if size is None else size
        if len(shape) == 1 and shape[0] is not None:
            return draft.row(shape[0]), False
        if len(shape) != 3:
            raise RuleError(
                "expected a batch of pictures or of rows of features", f"found {shown(shape)}"
            )
        last = self._channels_last()
        if last and size is None:
            shape = (shape[-1], *shape[:-1])
        channels, *sides = shape
        if channels is None:
            raise RuleError("the number of channels has to be known")
        if last:
            draft.note(CHANNELS_LAST)
        return draft.image(channels, *sides), last

    def _channels_last(self) -> bool:
        """True if all that reads the input brings its last axis to the front, as tf2onnx does."""
        turning = [
            proto.op_type == "Transpose"
            and Node(proto, (), self._opset).get("perm", ()) == [0, 3, 1, 2]
            for proto in self._readers
        ]
        return bool(turning) and all(turning)
