"""Fill colour of boxes: by category, or on a scale of a quantity such as MACs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from archdsl.text.words import memory
from archdsl.viz.draw.diagram import Box, BoxCosts, ChangeMark, Diagram
from archdsl.viz.draw.themes import Paint, Theme
from archdsl.viz.draw.words import giga

_STEPS = 24
"""Steps of a scale in the legend."""


@dataclass(frozen=True)
class ColourScale:
    """A quantity: its name in the legend, its value for a box, and how that is written."""

    name: str
    value: Callable[[BoxCosts], int | None]
    words: Callable[[int], str]


SCALES = {
    "params": ColourScale("parameters", lambda facts: facts.parameters, giga),
    "macs": ColourScale("MACs", lambda facts: facts.macs, giga),
    "memory": ColourScale("memory of outputs", lambda facts: facts.memory, memory),
    "receptive-field": ColourScale(
        "receptive field", lambda facts: facts.receptive_field, lambda n: f"{n:,} px"
    ),
}
"""Quantities that colours can show in place of the category."""


@dataclass(frozen=True)
class Swatch:
    """An item of the legend: paints beside each other, and words; ``lead`` stands before them."""

    paints: tuple[Paint, ...]
    words: str
    lead: str = ""


class Colouring:
    """The paint of every box of a diagram, and the legend that explains it."""

    def __init__(self, diagram: Diagram, theme: Theme, colour: str) -> None:
        self._diagram, self._theme = diagram, theme
        self._scale = SCALES.get(colour)
        boxes = list(diagram.boxes())
        values = [v for box in boxes if (v := self._value(box))]
        self._least, self._most = min(values, default=1), max(values, default=1)
        self._marks = [mark for mark in ChangeMark if any(box.mark is mark for box in boxes)]

    def paint(self, box: Box) -> Paint:
        """Fill and border of a box."""
        if box.mark is not None:
            return self._theme.marks[box.mark]
        if self._marks:  # what did not change stands back
            return self._theme.unknown
        if self._scale is None:
            return self._theme.paints[box.category]
        value = self._value(box)
        return self._theme.unknown if not value else self._heat(self._share(value))

    def legend(self) -> Iterable[Swatch]:
        """The items of the legend; none where there is nothing to tell apart."""
        if self._marks:
            return [Swatch((self._theme.marks[mark],), mark.value) for mark in self._marks]
        if self._scale is None:
            return [
                Swatch((self._theme.paints[entry.category],), entry.words)
                for entry in self._diagram.legend
            ]
        words = self._scale.words
        steps = tuple(self._heat(step / (_STEPS - 1)) for step in range(_STEPS))
        scale = Swatch(steps, words(self._most), f"{self._scale.name}: {words(self._least)}")
        return [scale, Swatch((self._theme.unknown,), "none")]

    def _value(self, box: Box) -> int | None:
        return self._scale.value(box.facts) if self._scale is not None else None

    def _share(self, value: int) -> float:
        """Position of a value between the least (0) and the most (1), on a logarithmic scale."""
        if self._most == self._least:
            return 1.0
        return math.log(value / self._least) / math.log(self._most / self._least)

    def _heat(self, share: float) -> Paint:
        stops = self._theme.heat
        place = share * (len(stops) - 1)
        index = min(int(place), len(stops) - 2)
        fill = _mixed(stops[index], stops[index + 1], place - index)
        return Paint(fill, self._theme.wire)


def _mixed(one: str, two: str, share: float) -> str:
    pairs = ((int(one[i : i + 2], 16), int(two[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)
