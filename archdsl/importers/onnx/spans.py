"""Nodes of an ONNX graph from one value on, and what they compute of samples of it."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from archdsl.importers.onnx.activations import round_off
from archdsl.importers.onnx.evaluation import GROWING, computed, growth
from archdsl.importers.onnx.file import Tensor
from archdsl.importers.onnx.values import Signal
from archdsl.ir.layer import RuleError

if TYPE_CHECKING:
    from archdsl.importers.onnx.file import Array
    from archdsl.ir.edges import Shape

_LONGEST = 150
"""Nodes of a span: the eight steps of adaptive computation are 60."""
_MOST_VALUES = 2**25
_REPEATING = frozenset(("If", "Loop", "Scan", "SequenceMap"))
"""Operators that hold whole graphs."""


class Span(NamedTuple):
    """Nodes in the file's order from a value on: its shape, and the constants that they read."""

    nodes: Sequence[Any]
    source: str
    shape: Shape
    constants: Mapping[str, Tensor]

    @property
    def end(self) -> str:
        kind: str = self.nodes[-1].op_type
        return kind

    def numbers(self) -> list[float]:
        """The constants that are single finite numbers."""
        scalars = [each for each in self.constants.values() if each.size == 1]
        found = [round_off(float(each.array.reshape(()))) for each in scalars]
        return [number for number in dict.fromkeys(found) if np.isfinite(number)]

    def count(self, kind: str) -> int:
        return sum(node.op_type == kind for node in self.nodes)

    def sizes(self) -> list[int]:
        """The numbers of values of the constants that may be weights."""
        kinds = [each for each in self.constants.values() if is_float(each)]
        return [each.size for each in kinds]

    def samples(self, batch: int) -> Array:
        """A batch of random values for the span's beginning."""
        generator = np.random.default_rng(0)
        sizes = (batch, *(size or 0 for size in self.shape))
        if prod(sizes) > _MOST_VALUES:
            raise RuleError("too many values are computed to be followed", f"{sizes}")
        return 3 * generator.standard_normal(sizes, np.float32)  # many beyond 1, and negative ones

    def computed(self, x: Array, opsets: Mapping[str, int]) -> Array:
        """The result of the last node; raises RuleError where it may take long or much memory."""
        kinds = {node.op_type for node in self.nodes}
        named = {n for node in self.nodes if node.op_type in GROWING for n in node.input}
        sizes = (tensor.array for name, tensor in self.constants.items() if name in named)
        if kinds & _REPEATING or x.size * growth(sizes) > _MOST_VALUES:
            raise RuleError("the formula is too large to be computed", ", ".join(sorted(kinds)))
        given = {name: tensor.array for name, tensor in self.constants.items()}
        return computed(self.nodes, {self.source: x, **given}, opsets)


def is_float(constant: Tensor) -> bool:
    return constant.array.dtype.kind == "f"


def spans(
    end: Any, values: Mapping[str, Signal | Tensor], position: Callable[[str], int]
) -> Iterator[Span]:
    """The spans that a node may end, the shortest first: one for each value that all goes through.

    ``position`` gives the place in the file of the node that a value comes from.
    """
    constants: dict[str, Tensor] = {}
    nodes: list[Any] = []
    waiting: list[tuple[int, str]] = []  # the last of the file first
    seen: set[str] = set()

    def read(proto: Any) -> None:
        nodes.append(proto)
        for name in proto.input:
            value = values.get(name)
            if isinstance(value, Tensor):
                constants[name] = value
            elif value is not None and name not in seen:
                seen.add(name)
                heapq.heappush(waiting, (-position(name), name))

    read(end)
    while waiting and len(nodes) < _LONGEST:
        _, name = heapq.heappop(waiting)
        value = values[name]
        assert isinstance(value, Signal)
        if not waiting and (shape := _shape(value)) is not None:
            yield Span(tuple(reversed(nodes)), name, shape, dict(constants))
        if value.node is None:
            return
        read(value.node)


def _shape(value: Signal) -> Shape | None:
    """The shape of a value that is some layer's; None where it is none's, or a size is open."""
    if value.refusal is not None or (value.index is None and value.moved is None):
        return None
    if None in value.shape:
        return None
    return value.shape
