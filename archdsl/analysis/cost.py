"""What a network costs: shapes, parameters, multiply-accumulates and receptive fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from archdsl.ir.edges import EdgeType, Images, Shape, document, shown
from archdsl.ir.network import LayerInstance, Network


class Reach(NamedTuple):
    """How much of the input one cell of a layer sees, and the distance between cells, in pixels."""

    size: tuple[float, float]
    stride: tuple[float, float]


@dataclass(frozen=True)
class Row:
    """One layer of a summary."""

    path: str
    """The dotted path of the layer, as in the compiled module."""
    kind: str
    shape: EdgeType
    parameters: int
    trainable: int
    """How many of the parameters learn: all, or none of a frozen layer."""
    buffers: int
    macs: int
    receptive_field: tuple[int, int]
    """Rows and columns of the input that one output cell sees; may exceed the input."""


@dataclass(frozen=True)
class Summary:
    """A network's layers in execution order, and totals.

    MACs count output elements × kernel volume × input channels / groups of convolutions and
    linear layers, for one sample; biases, normalisation, activations and pooling count nothing.
    """

    name: str
    input: Shape
    outputs: Mapping[str, EdgeType]
    rows: tuple[Row, ...]

    @property
    def parameters(self) -> int:
        return sum(row.parameters for row in self.rows)

    @property
    def trainable(self) -> int:
        return sum(row.trainable for row in self.rows)

    @property
    def buffers(self) -> int:
        return sum(row.buffers for row in self.rows)

    @property
    def macs(self) -> int:
        return sum(row.macs for row in self.rows)

    def totals(self) -> dict[str, Any]:
        """What the network takes, gives and costs, for JSON documents."""
        return {
            "name": self.name,
            "input": list(self.input),
            "outputs": {name: document(edge) for name, edge in self.outputs.items()},
            "params": self.parameters,
            "trainable": self.trainable,
            "buffers": self.buffers,
            "macs": self.macs,
        }

    def to_json(self) -> dict[str, Any]:
        """The document of ``archdsl summary --json``."""
        return {
            **self.totals(),
            "layers": [
                {
                    "scope": row.path,
                    "kind": row.kind,
                    "shape": document(row.shape),
                    "params": row.parameters,
                    "trainable": row.trainable,
                    "macs": row.macs,
                    "receptive_field": list(row.receptive_field),
                }
                for row in self.rows
            ],
        }

    def __str__(self) -> str:
        outputs = ", ".join(f"{name} {shown(shape)}" for name, shape in self.outputs.items())
        learns = f" ({self.trainable:,} trainable)" if self.trainable != self.parameters else ""
        return (
            f"{self.name}: input {shown(self.input)}, {outputs}, "
            f"{self.parameters:,} parameters{learns}, {self.macs:,} MACs"
        )


def summarise(network: Network) -> Summary:
    """The summary of a checked network."""
    reach: dict[str, Reach] = {}
    rows: list[Row] = []
    for instance in network.instances():
        inputs = network.input_shapes(instance)
        output = network.shape(instance.path)
        layer = instance.layer
        seen = reach[instance.path] = _reach(instance, inputs, reach)
        parameters = layer.learned(inputs)
        rows.append(
            Row(
                instance.path,
                layer.kind,
                output,
                parameters,
                0 if instance.frozen else parameters,
                layer.stored(inputs),
                layer.cost(inputs, output),
                (round(seen.size[0]), round(seen.size[1])),
            )
        )
    outputs = {name: network.shape(path) for name, path in network.outputs.items()}
    return Summary(network.name, _input(network), outputs, tuple(rows))


def _input(network: Network) -> Shape:
    edge = network.shape(network.input)
    assert isinstance(edge, (tuple, Images))
    return edge.taken if isinstance(edge, Images) else edge


def _reach(
    instance: LayerInstance, inputs: tuple[EdgeType, ...], known: Mapping[str, Reach]
) -> Reach:
    """The receptive field behind a layer: it grows by (kernel - 1) times the stride so far.

    Araujo, Norris and Sim 2019, "Computing Receptive Fields of Convolutional Neural Networks",
    equation 2. Where paths join, the larger field and stride count.
    """
    if not instance.inputs:
        return Reach((1, 1), (1, 1))
    before = [known[path] for path in instance.inputs]
    size = max(b.size[0] for b in before), max(b.size[1] for b in before)
    stride = max(b.stride[0] for b in before), max(b.stride[1] for b in before)
    window = instance.layer.reach(inputs)
    if window is None:
        return Reach(size, stride)
    return Reach(
        (
            size[0] + (window.kernel[0] - 1) * stride[0],
            size[1] + (window.kernel[1] - 1) * stride[1],
        ),
        (stride[0] * window.stride[0], stride[1] * window.stride[1]),
    )
