"""An imported graph under construction: the catalogue checks every operation as it is added."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from archdsl.diagnostics import ArchError, fail
from archdsl.importers.imported_graph import Home, ImportedGraph, Operation
from archdsl.importers.made_layers import makes
from archdsl.ir.edges import Images
from archdsl.ir.layer import Layer, RuleError, outside
from archdsl.layers.inputs import Input, Pixels
from archdsl.layers.reshape import Flatten
from archdsl.layers.typed import TypedLayer
from archdsl.text.words import counted

if TYPE_CHECKING:
    from archdsl.ir.edges import EdgeType, Shape


_LARGEST = 2**31 - 1


UNFORESEEN = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)
"""Errors of a reading step about values of a kind that it does not expect."""


@contextmanager
def step(refused: Callable[[RuleError], ArchError]) -> Iterator[None]:
    """Turns what goes wrong in a step of reading into the error that names its place."""
    try:
        yield
    except RuleError as error:
        raise refused(error) from None
    except UNFORESEEN as error:
        found = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise refused(RuleError("its settings are none that can be read", found)) from error


class Draft:
    """Builder of an imported graph; it knows the shape of every operation added so far.

    ``name`` and ``homes`` are those of the part of the origin that is being read; operations get
    them where they are added.
    """

    def __init__(self, name: str, *, in_order: bool = False) -> None:
        self.name = name
        self._in_order = in_order
        self.notes: list[str] = []
        self.homes: tuple[Home, ...] = ()
        self.part = ""
        self._operations: list[Operation] = []
        self._edges: list[EdgeType] = []

    def add(self, layer: Layer, *inputs: int, tensors: Mapping[str, str] | None = None) -> int:
        """Append an operation and return its index.

        Raises RuleError where an argument is out of its range, or where the inputs do not fit.
        """
        check_range(layer)
        _check_count(layer, len(inputs))
        self._edges.append(layer.edge_shape(tuple(self._edges[index] for index in inputs)))
        operation = Operation(layer, inputs, self.part, self.homes, tensors or {})
        self._operations.append(operation)
        return len(self._operations) - 1

    @makes(Input)
    def image(self, channels: int, height: int | None, width: int | None) -> int:
        """Append an input that takes pixel values unchanged and return its index."""
        return self.add(Input(Pixels(channels), height, width))

    @makes(Input, Flatten)
    def row(self, features: int) -> int:
        """Append an input that takes a row of features and return its index."""
        return self.add(Flatten(), self.image(features, 1, 1))

    @property
    def count(self) -> int:
        """Number of operations."""
        return len(self._operations)

    def layer(self, index: int) -> Layer:
        return self._operations[index].layer

    def inputs(self, index: int) -> tuple[int, ...]:
        return self._operations[index].inputs

    def tensors(self, index: int) -> Mapping[str, str]:
        return self._operations[index].tensors

    def first_of_size(self, height: int, width: int) -> int | None:
        """The first feature map of a size."""
        for index, edge in enumerate(self._edges):
            if isinstance(edge, tuple) and len(edge) == 3 and edge[1:] == (height, width):
                return index
        return None

    def edge(self, index: int) -> EdgeType:
        """The type of an operation's output."""
        return self._edges[index]

    def shape(self, index: int) -> Shape:
        """The shape of the tensor that an operation gives; RuleError where it gives none."""
        edge = self._edges[index]
        if isinstance(edge, Images):
            return edge.taken
        if not isinstance(edge, tuple):
            raise RuleError("this has to be a tensor", f"found {edge}")
        return edge

    def note(self, line: str) -> None:
        """Add a line to the spec's head, once."""
        if line not in self.notes:
            self.notes.append(line)

    def graph(self, outputs: Mapping[str, int]) -> ImportedGraph:
        """The graph that the outputs need. Raises ArchError where there are no outputs."""
        if not outputs:
            raise fail(f"{self.name} has no outputs")
        kept = _needed(self._operations, outputs.values())
        passed = _passed(self._operations, kept, frozenset(outputs.values()))
        place: dict[int, int] = {}
        operations: list[Operation] = []
        for index, operation in enumerate(self._operations):
            if index not in kept:
                continue
            if index in passed:
                place[index] = place[operation.inputs[0]]
                continue
            place[index] = len(operations)
            inputs = tuple(place[source] for source in operation.inputs)
            operations.append(replace(operation, inputs=inputs))
        named = {name: place[index] for name, index in outputs.items()}
        return ImportedGraph(self.name, tuple(operations), named, tuple(self.notes), self._in_order)


def check_range(layer: Layer) -> None:
    """Raises RuleError for arguments out of the ranges that the language checks in a text."""
    for field in dataclasses.fields(layer):
        value = getattr(layer, field.name)
        if not isinstance(value, (int, float)):
            continue
        if not math.isfinite(value) or abs(value) > _LARGEST:
            raise RuleError(f"{layer.kind} cannot have {value} as its {field.name}")
        limits = outside(value, field.metadata.get("minimum"), field.metadata.get("maximum"))
        if limits is not None:
            raise RuleError(
                f"the {field.name} of {layer.kind} is out of its range",
                f"expected {limits}, found {value}",
            )


def _check_count(layer: Layer, found: int) -> None:
    """Raises RuleError for a layer on fewer or more tensors than it takes."""
    if isinstance(layer, TypedLayer) and layer.inputs is None:
        return
    if found < 2 if layer.inputs is None else found != layer.inputs:
        expected = (
            "two tensors at least" if layer.inputs is None else counted(layer.inputs, "tensor")
        )
        raise RuleError(f"{layer.kind} takes {expected}", f"found {found}")


def _needed(operations: Sequence[Operation], outputs: Iterable[int]) -> set[int]:
    """The operations that outputs come from; the input is always one."""
    needed = {0, *outputs}
    for index in range(len(operations) - 1, -1, -1):
        if index in needed:
            needed.update(operations[index].inputs)
    return needed


def _passed(operations: Sequence[Operation], kept: set[int], outputs: frozenset[int]) -> set[int]:
    """Flattenings that only fully connected layers read, which flatten by themselves."""
    flat = {i for i in kept - outputs if operations[i].layer == Flatten()}
    for index in kept:
        if not operations[index].layer.flattens:
            flat.difference_update(operations[index].inputs)
    return flat
