"""Labels beside bubbles, where they cover as little as possible."""

from __future__ import annotations

import math
from typing import NamedTuple

_CHARACTER = 6.1
"""Pixels across that a character of a label takes, about."""
_LINE = 13
_GAPS = (2, 14, 28, 46, 70)
"""Distances of a label from its bubble, in pixels, that are tried in this order."""
_DIRECTIONS = 16

# What is worse: to lie on a label, on the middle of a bubble, across the frame, or on a bubble; a
# pixel of distance is better than a few pixels of a bubble covered.
_ON_LABEL, _ON_MIDDLE, _OUTSIDE, _ON_BUBBLE, _PER_PIXEL = 40.0, 400.0, 40.0, 0.6, 4.0


class Circle(NamedTuple):
    """A circle, in pixels."""

    x: float
    y: float
    radius: float


class ChartRectangle(NamedTuple):
    """A rectangle, in pixels; y grows downwards."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def area(self) -> float:
        return (self.right - self.left) * (self.bottom - self.top)

    def common(self, other: ChartRectangle) -> float:
        """The area that two rectangles share."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(width, 0) * max(height, 0)

    def holds(self, x: float, y: float) -> bool:
        """True if a point is in the rectangle."""
        return self.left <= x <= self.right and self.top <= y <= self.bottom


class Label(NamedTuple):
    """Position of a text, and the line from it to the edge of its bubble where that is far."""

    box: ChartRectangle
    line: tuple[float, float, float, float] | None


def placed(texts: list[str], circles: list[Circle], frame: ChartRectangle) -> list[Label]:
    """A label for each circle, in their order.

    One after the other, small bubbles first since least hides them, each takes the best place that
    is left. The time grows with the square of their number.
    """
    taken: list[ChartRectangle] = []
    labels: dict[int, Label] = {}
    for index in reversed(range(len(circles))):
        best = _best(_places(texts[index], circles[index]), circles, taken, frame)
        labels[index] = best
        taken.append(best.box)
    return [labels[index] for index in range(len(circles))]


def _best(
    places: list[tuple[Label, float]],
    circles: list[Circle],
    taken: list[ChartRectangle],
    frame: ChartRectangle,
) -> Label:
    """The place that costs least, the first of several."""
    boxes = [label.box for label, _ in places]
    reach = ChartRectangle(
        min(box.left for box in boxes),
        min(box.top for box in boxes),
        max(box.right for box in boxes),
        max(box.bottom for box in boxes),
    )
    bubbles = [circle for circle in circles if reach.common(_square(circle))]
    words = [box for box in taken if reach.common(box)]
    return min(places, key=lambda place: _cost(place[0], place[1], bubbles, words, frame))[0]


def _places(text: str, circle: Circle) -> list[tuple[Label, float]]:
    """All labels that a circle may have, and how far from it each is; the best ones first."""
    width = _CHARACTER * len(text)
    places = []
    if width < 1.8 * circle.radius:
        places.append((Label(_around(circle.x, circle.y - _LINE, width), None), 0.0))
    for gap in _GAPS:
        for number in range(_DIRECTIONS):
            angle = math.tau * number / _DIRECTIONS
            across, up = math.cos(angle), math.sin(angle)
            reach = circle.radius + gap
            box = _around(
                circle.x + across * (reach + width / 2), circle.y - up * (reach + _LINE / 2), width
            )
            line = None
            if gap > _GAPS[0]:
                edge = circle.x + across * circle.radius, circle.y - up * circle.radius
                line = (*edge, *_nearest(box, *edge))
            places.append((Label(box, line), float(gap)))
    return places


def _around(x: float, y: float, width: float) -> ChartRectangle:
    return ChartRectangle(x - width / 2, y - _LINE / 2, x + width / 2, y + _LINE / 2)


def _nearest(box: ChartRectangle, x: float, y: float) -> tuple[float, float]:
    return min(max(x, box.left), box.right), min(max(y, box.top), box.bottom)


def _cost(
    label: Label,
    distance: float,
    circles: list[Circle],
    taken: list[ChartRectangle],
    frame: ChartRectangle,
) -> float:
    """Penalty of a label: the area that it hides, and its distance from its bubble."""
    box = label.box
    cost = _PER_PIXEL * distance + _OUTSIDE * (box.area - box.common(frame))
    cost += _ON_LABEL * sum(box.common(other) for other in taken)
    for circle in circles:
        cost += _ON_BUBBLE * box.common(_square(circle))
        cost += _ON_MIDDLE if box.holds(circle.x, circle.y) else 0
    return cost


def _square(circle: Circle) -> ChartRectangle:
    """The square around a circle, a pixel wide at least."""
    half = max(circle.radius, 0.5)
    return ChartRectangle(circle.x - half, circle.y - half, circle.x + half, circle.y + half)
