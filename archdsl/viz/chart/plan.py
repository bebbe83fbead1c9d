"""Layout of a chart, in pixels, without its SVG."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from archdsl.viz.chart.labels import ChartRectangle, Circle, Label, placed

FRAME = ChartRectangle(66, 52, 766, 552)
"""The area inside the axes."""
WIDTH, HEIGHT = 930, 612

_LARGEST = 42
"""The radius of the largest bubble of the legend, which no other exceeds."""
_AIR = 8
"""Pixels between a bubble and the frame, at least."""
_LEAST_POINTS = 10
"""Percentage points that the axis of accuracies spans, at least."""
_PAPERS_SIZES = (5, 35, 65, 95, 125, 155)
"""The legend of figure 2, in millions of parameters."""
_FAMILY = re.compile(r"[^\W\d_]+")


class ChartPoint(NamedTuple):
    """A network: multiply-accumulates for one image, top-1 accuracy in percent, parameters."""

    name: str
    macs: int
    accuracy: float
    parameters: int


@dataclass(frozen=True)
class Bubble:
    """A network's place in the chart."""

    point: ChartPoint
    circle: Circle
    family: int
    """Networks of one family share a number, and a colour."""
    label: Label


@dataclass(frozen=True)
class Tick:
    """A value of an axis and where it is along it."""

    at: float
    text: str


@dataclass(frozen=True)
class Chart:
    """A chart; ``bubbles`` are in the order in which they are painted, large ones first."""

    bubbles: tuple[Bubble, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    sizes: tuple[tuple[Circle, str], ...]
    """The legend: bubbles and their numbers of parameters."""


def planned(points: list[ChartPoint]) -> Chart:
    """The chart of at least one network."""
    sizes = _sizes(max(point.parameters for point in points) / 1e6)
    area = _LARGEST**2 / sizes[-1]
    ordered = sorted(points, key=lambda point: (-point.parameters, point))
    radii = [math.sqrt(point.parameters / 1e6 * area) for point in ordered]
    macs = [point.macs / 1e9 for point in ordered]
    accuracies = [point.accuracy for point in ordered]
    xs = _Axis.around([0, *macs], [0, *radii], FRAME.left, FRAME.right, 0)
    ys = _Axis.around(accuracies, radii, FRAME.bottom, FRAME.top, _LEAST_POINTS)
    circles = [
        Circle(xs.at(x), ys.at(y), radius)
        for x, y, radius in zip(macs, accuracies, radii, strict=True)
    ]
    labels = placed([point.name for point in ordered], circles, FRAME)
    families = _families(points)
    return Chart(
        tuple(
            Bubble(point, circle, families[_family(point)], label)
            for point, circle, label in zip(ordered, circles, labels, strict=True)
        ),
        xs.ticks(),
        ys.ticks(),
        _legend(sizes, area),
    )


def _families(points: list[ChartPoint]) -> dict[str, int]:
    """Numbers of families, large ones first, so that these do not share a colour."""
    members = Counter(_family(point) for point in points)
    ordered = sorted(members, key=lambda family: (-members[family], family))
    return {family: number for number, family in enumerate(ordered)}


def _family(point: ChartPoint) -> str:
    """``resnet`` of ``resnet50``."""
    found = _FAMILY.match(point.name)
    return found.group() if found else point.name


def _sizes(largest: float) -> tuple[float, ...]:
    """The numbers of the legend, in millions; the last one is at least the largest of the chart."""
    enough = [size for size in _PAPERS_SIZES if size >= largest]
    if enough:
        return _PAPERS_SIZES[: _PAPERS_SIZES.index(enough[0]) + 1]
    step = _nice(largest / 5)
    return tuple(step * number for number in range(1, math.ceil(largest / step) + 1))


def _legend(sizes: tuple[float, ...], area: float) -> tuple[tuple[Circle, str], ...]:
    """Bubbles below each other, beside the frame."""
    column = []
    y = FRAME.top + 44.0
    for size in sizes:
        radius = math.sqrt(size * area)
        column.append((Circle(FRAME.right + 62, y + radius, radius), f"{size:g}"))
        y += 2 * radius + 8
    return tuple(column)


class _Axis(NamedTuple):
    """A linear scale from values to pixels."""

    low: float
    high: float
    start: float
    end: float

    @classmethod
    def around(
        cls, values: list[float], radii: list[float], start: float, end: float, least: float
    ) -> _Axis:
        """The scale on which bubbles of these values and radii are inside the ends.

        It spans ``least`` or more, so that small differences look small.
        """
        room = max(radii) + _AIR
        span = (max(values) - min(values)) or 1.0
        # Of the whole length, what is left without room at both ends holds the values.
        pixel = span / (abs(end - start) - 2 * room)
        low = min(v - (r + _AIR) * pixel for v, r in zip(values, radii, strict=True))
        high = max(v + (r + _AIR) * pixel for v, r in zip(values, radii, strict=True))
        more = max(least - (high - low), 0) / 2
        return cls(low - more, high + more, start, end)

    def at(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self) -> tuple[Tick, ...]:
        """About six round values."""
        step = _nice((self.high - self.low) / 7)
        values = [
            number * step
            for number in range(math.ceil(self.low / step), math.floor(self.high / step) + 1)
        ]
        return tuple(Tick(self.at(value), f"{round(value, 9):g}") for value in values)


def _nice(step: float) -> float:
    """The next larger one of ..., 0.5, 1, 2, 5, 10, ..."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step * 0.999)
