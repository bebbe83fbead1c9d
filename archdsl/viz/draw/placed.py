"""A diagram with coordinates, ready to be written as SVG."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from archdsl.viz.draw.diagram import Box, Cluster, Edge, End


@dataclass(frozen=True, slots=True)
class Rectangle:
    """Left, top, width and height, in points; y grows downwards."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text: its baseline's middle, and how wide it is at most."""

    text: str
    x: float
    y: float
    width: float
    size: float
    bold: bool = False
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class PlacedBox:
    box: Box
    at: Rectangle
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class PlacedFrame:
    """A cluster with its frame; ``header`` is the strip at its top that holds the words."""

    cluster: Cluster
    at: Rectangle
    header: Rectangle
    lines: tuple[Line, ...]
    depth: int
    """Number of frames around it."""


@dataclass(frozen=True, slots=True)
class PlacedEdge:
    """A line through points, with an arrow at its end; ``edge`` tells what it connects."""

    edge: Edge
    points: tuple[tuple[float, float], ...]
    label: Line | None = None


@dataclass(frozen=True, slots=True)
class PlacedEnd:
    end: End
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Placed:
    """Everything that is drawn, in the order of painting within each kind."""

    width: float
    height: float
    frames: tuple[PlacedFrame, ...]
    edges: tuple[PlacedEdge, ...]
    boxes: tuple[PlacedBox, ...]
    ends: tuple[PlacedEnd, ...]


@dataclass(frozen=True, slots=True)
class Sketch:
    """The size of a figure before its parts have places, which ``placed`` gives them."""

    width: float
    height: float
    placed: Callable[[], Placed]
