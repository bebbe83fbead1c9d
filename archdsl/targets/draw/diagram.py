"""A diagram as data: what is drawn, without how it is laid out."""

from __future__ import annotations

from dataclasses import dataclass

from archdsl.layers.definition import Category


@dataclass(frozen=True)
class Box:
    """A layer with the small layers behind it: a convolution, its normalisation and activation.

    In an overview also all the layers of a template instance.
    """

    id: str
    """The path of the first layer; unique."""
    title: str
    details: tuple[str, ...]
    category: Category
    times: int = 1
    """How many equal ones in a row it stands for."""
    frozen: bool = False
    """Whether it has parameters that do not learn."""
    block: bool = False
    """Whether it is a template instance."""


@dataclass(frozen=True)
class Cluster:
    """The instance of a template: a frame around boxes and further clusters."""

    id: str
    title: str
    boxes: tuple[Box, ...]
    clusters: tuple[Cluster, ...]
    times: int = 1


@dataclass(frozen=True)
class Edge:
    """Data that goes from a box to a box, with its shape where it is worth telling."""

    source: str
    target: str
    label: str = ""


@dataclass(frozen=True)
class End:
    """Where the network gives an output."""

    id: str
    source: str
    title: str


@dataclass(frozen=True)
class Diagram:
    """A drawing: ``root`` is the cluster around everything, without a frame."""

    title: str
    totals: str
    root: Cluster
    edges: tuple[Edge, ...]
    ends: tuple[End, ...]
    legend: tuple[Category, ...]
