"""The summary of a network: shapes, parameters, multiply-accumulates and receptive fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

from archdsl.analysis.memory import Memory, UnknownMemoryError, memory
from archdsl.analysis.receptive_field import Field, behind, joined, pixels
from archdsl.ir.edges import (
    Anchors,
    Detections,
    EdgeType,
    Images,
    Proposals,
    Shape,
    applications,
    document,
    product,
    shown,
    total,
)
from archdsl.ir.layer import Layer
from archdsl.ir.network import Network
from archdsl.ir.region import LayerStep
from archdsl.ir.typed_region import TypedRegion, distinct
from archdsl.ir.window import CELL, SAMPLE, Window
from archdsl.text.tables import Table, html_table, text_table
from archdsl.text.words import count_words, counted


class Sight(NamedTuple):
    """Receptive fields of a tensor's cells, along rows and columns of the network's input."""

    fields: tuple[Field, Field]
    axes: tuple[int, int] = (1, 2)
    """The tensor's axes along which the input's rows and columns lie."""


@dataclass(frozen=True)
class Row:
    """One layer of a summary."""

    path: str
    """The dotted path of the layer, as in the compiled module."""
    kind: str
    shape: EdgeType
    parameters: int
    trainable: int
    """Number of parameters that learn: all, or none of a frozen layer."""
    buffers: int
    macs: int | None
    """Multiply-accumulates for one sample; ``None`` where they depend on an open size."""
    receptive_field: tuple[int, int]
    """Rows and columns of the input that an output cell sees, the most of all cells.

    From the first to the last one that its value depends on. Fields are not cut at the borders of
    the input, and may exceed it.
    """
    options: Mapping[str, Any]
    """Settings that no shape tells, such as a detector's thresholds, by name."""

    @property
    def cells(self) -> tuple[str, ...]:
        """The row in words, under :attr:`Summary.COLUMNS`; what is nothing is empty."""
        return (
            self.path,
            self.kind,
            shown(self.shape),
            f"{self.parameters:,}" if self.parameters else "",
            "" if self.macs == 0 else count_words(self.macs),
            shown(self.receptive_field),
        )


class Cost(NamedTuple):
    """Numbers of parameters, of those that learn, of buffers, and MACs for one sample.

    MACs are ``None`` where they depend on an open size.
    """

    parameters: int = 0
    trainable: int = 0
    buffers: int = 0
    macs: int | None = 0


@dataclass(frozen=True, eq=False, repr=False)
class Summary:
    """A checked network's layers in execution order, and totals.

    MACs count output elements × kernel volume × input channels / groups of convolutions and
    linear layers, for one sample; biases, normalisation, activations and pooling count nothing.
    The rows, one for each layer, are made when asked for.
    """

    COLUMNS: ClassVar[Sequence[tuple[str, str]]] = (
        ("layer", "left"),
        ("kind", "left"),
        ("output", "right"),
        ("parameters", "right"),
        ("MACs", "right"),
        ("sees", "right"),
    )
    """Headings of the table of layers, and their alignment."""

    network: Network

    @property
    def name(self) -> str:
        return self.network.name

    @property
    def input(self) -> Shape:
        """The size of an image, or of whatever the network is given."""
        edge = self.network.input_type
        assert isinstance(edge, (tuple, Images))
        return edge.taken if isinstance(edge, Images) else edge

    @property
    def outputs(self) -> Mapping[str, EdgeType]:
        return self.network.output_types

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        return tuple(_rows(self.network))

    @cached_property
    def cost(self) -> Cost:
        """The totals; each region's are worked out once for each types of its inputs."""
        assert self.network.typed is not None
        done: dict[TypedRegion, Cost] = {}
        for typed in distinct(self.network.typed):
            done[typed] = _cost(typed, done)
        if any(call.shared for typed in done for call in typed.region.calls):
            # What is shared was counted at every use.
            return _sum(Cost(r.parameters, r.trainable, r.buffers, r.macs) for r in self.rows)
        return done[self.network.typed]

    @property
    def parameters(self) -> int:
        return self.cost.parameters

    @property
    def trainable(self) -> int:
        return self.cost.trainable

    @property
    def buffers(self) -> int:
        return self.cost.buffers

    @property
    def macs(self) -> int | None:
        """Multiply-accumulates for one sample; ``None`` where the input's size is open."""
        return self.cost.macs

    def memory(self, images: int = 1) -> Memory:
        """Bytes that so many images take at once, at inference and in training.

        Raises :class:`~archdsl.analysis.memory.UnknownMemoryError` where the size of a tensor is
        open, or differs by the image as that of detections does.
        """
        return memory(self.network, images)

    @property
    def unknown(self) -> str | None:
        """The reason that the MACs are not known, and what makes them known; else ``None``."""
        if self.macs is not None:
            return None
        sizes = (str(size or letter) for size, letter in zip(self.input, "CHW", strict=False))
        return f"the input's size is open, --input {'x'.join(sizes)} gives it"

    def totals(self) -> dict[str, Any]:
        """Input, outputs and totals of the network, for JSON documents."""
        return {
            "name": self.name,
            "input": list(self.input),
            "outputs": {name: document(edge) for name, edge in self.outputs.items()},
            "params": self.parameters,
            "trainable": self.trainable,
            "buffers": self.buffers,
            "macs": self.macs,
            **({"unknown": self.unknown} if self.unknown else {}),
        }

    def to_json(self, images: int = 1) -> dict[str, Any]:
        """The document of ``archdsl summary --json``; its memory is for so many images at once."""
        return {
            **self.totals(),
            "memory": self._memory_document(images),
            "layers": [
                {
                    "scope": row.path,
                    "kind": row.kind,
                    "shape": document(row.shape),
                    "params": row.parameters,
                    "trainable": row.trainable,
                    "macs": row.macs,
                    "receptive_field": list(row.receptive_field),
                    **({"options": dict(row.options)} if row.options else {}),
                }
                for row in self.rows
            ],
        }

    def _memory_document(self, images: int) -> dict[str, int] | None:
        try:
            found = self.memory(images)
        except UnknownMemoryError:
            return None
        return {
            "images": images,
            "weights": found.weights,
            "inference": found.weights + found.inference,
            "training": found.weights + found.training,
        }

    def table(self) -> Table:
        """The layers and their totals in words."""
        totals = (f"{self.parameters:,}", count_words(self.macs))
        layers = counted(len(self.rows), "layer")
        return Table(self.COLUMNS, [row.cells for row in self.rows], (layers, "", "", *totals, ""))

    def __repr__(self) -> str:
        return f"{text_table(self.table())}\n{self}"

    def _repr_html_(self) -> str:
        return html_table(self.table(), str(self))

    def __str__(self) -> str:
        outputs = ", ".join(f"{name} {shown(shape)}" for name, shape in self.outputs.items())
        learns = f" ({self.trainable:,} trainable)" if self.trainable != self.parameters else ""
        reason = f" ({self.unknown})" if self.unknown else ""
        return (
            f"{self.name}: input {shown(self.input)}, {outputs}, "
            f"{self.parameters:,} parameters{learns}, {count_words(self.macs)} MACs{reason}"
        )


def summarise(network: Network) -> Summary:
    """The summary of a checked network."""
    return Summary(network)


def _layer_cost(layer: Layer, inputs: tuple[EdgeType, ...], output: EdgeType, frozen: bool) -> Cost:
    parameters = layer.edge_parameters(inputs)
    buffers, macs = layer.edge_buffers(inputs), layer.edge_macs(inputs, output)
    return Cost(parameters, 0 if frozen else parameters, buffers, macs)


def _cost(typed: TypedRegion, done: Mapping[TypedRegion, Cost]) -> Cost:
    """The sum over a region's layers and over the runs of inner regions, whose costs are known."""
    costs: list[Cost] = []
    made = 0
    for step, runs in zip(typed.region.steps, typed.runs, strict=True):
        if isinstance(step, LayerStep):
            inputs = tuple([typed.type(value) for value in step.inputs])
            costs.append(_layer_cost(step.layer, inputs, typed.made[made], step.frozen))
            made += 1
        else:
            costs += [_times(run.times, done[run.region]) for run in runs]
            made += len(step.given)
    return _sum(costs)


def _sum(parts: Iterable[Cost]) -> Cost:
    costs = list(parts)
    return Cost(
        sum(cost.parameters for cost in costs),
        sum(cost.trainable for cost in costs),
        sum(cost.buffers for cost in costs),
        total(cost.macs for cost in costs),
    )


def _times(times: int, cost: Cost) -> Cost:
    parameters, trainable, buffers, macs = cost
    return Cost(times * parameters, times * trainable, times * buffers, product(times, macs))


def _rows(network: Network) -> Iterator[Row]:
    sights: dict[str, tuple[Sight, ...]] = {}
    for instance in network.instances():
        inputs = network.input_shapes(instance)
        output = network.shape(instance.path)
        layer = instance.layer
        before = [sights[path] for path in instance.inputs]
        seen = sights[instance.path] = _sights(instance.layer, inputs, output, before)
        cost = _layer_cost(layer, inputs, output, instance.frozen)
        if instance.shares:
            cost = Cost(macs=cost.macs)
        options = layer.options()
        yield Row(instance.path, layer.kind, output, *cost, _largest(seen), options)


def _largest(sights: Iterable[Sight]) -> tuple[int, int]:
    """The largest receptive field, in rows and in columns."""
    rows, columns = zip(*(sight.fields for sight in sights), strict=True)
    return max(field.extent for field in rows), max(field.extent for field in columns)


def _sights(
    layer: Layer,
    inputs: tuple[EdgeType, ...],
    output: EdgeType,
    before: Sequence[tuple[Sight, ...]],
) -> tuple[Sight, ...]:
    """Receptive fields behind a layer, for each tensor that it gives."""
    if isinstance(output, (Anchors, Proposals, Detections)):
        return before[0]
    shapes = [shapes[0] for shapes in applications((output,), layer.kind)]
    if not inputs:
        return tuple(map(_of_input, shapes))
    handed = layer.handed(before)
    if handed is not None:
        return handed
    if not layer.windowed:
        return (_of_regions(before[0], shapes[0]),)
    seen = (layer.seen(taken) for taken in applications(inputs, layer.kind))
    return tuple(
        _through(layer, layer.views(taken), parts, shape)
        for taken, parts, shape in zip(seen, zip(*before, strict=True), shapes, strict=True)
    )


def _sizes(shape: Shape) -> Shape:
    """Channels, rows and columns; a row of features and a sequence are one cell."""
    return shape if len(shape) == 3 else (None, 1, 1)


def _of_input(shape: Shape) -> Sight:
    _, rows, columns = _sizes(shape)
    return Sight((pixels(rows), pixels(columns)))


def _of_regions(maps: Sequence[Sight], shape: Shape) -> Sight:
    """Regions may lie anywhere: their cells are taken to see what the widest cells of maps do."""
    _, rows, columns = _sizes(shape)
    counts = (rows, columns)
    widest = [max((s.fields[i] for s in maps), key=lambda f: f.extent) for i in (0, 1)]
    tall, wide = (
        Field(((0, field.extent - 1),), field.advance // len(field.spans), count)
        for field, count in zip(widest, counts, strict=True)
    )
    return Sight((tall, wide))


def _through(
    layer: Layer, views: Sequence[Window | None], before: Sequence[Sight], shape: Shape
) -> Sight:
    """Receptive fields of the cells of one tensor."""
    sizes, flat = _sizes(shape), len(shape) != 3
    axes = before[0].axes
    counts = [sizes[layer.order.index(axis)] for axis in axes]
    found: tuple[list[Field], list[Field]] = ([], [])
    for sight, view in zip(before, views, strict=True):
        if view is None:
            continue
        if flat:
            view = SAMPLE
        reads = (view.rows if view is SAMPLE else CELL, view.rows, view.columns)
        for fields, field, axis, count in zip(found, sight.fields, sight.axes, counts, strict=True):
            read = reads[axis]
            fields.append(field if read is CELL else behind(field, read, count))
    tall, wide = (joined(fields, count) for fields, count in zip(found, counts, strict=True))
    return Sight((tall, wide), (layer.order.index(axes[0]), layer.order.index(axes[1])))
