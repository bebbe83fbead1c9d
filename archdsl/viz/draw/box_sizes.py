"""Sizes of boxes, from the text in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from archdsl.diagnostics.printable import printable
from archdsl.viz.draw.diagram import Box, Cluster, Edge, End
from archdsl.viz.draw.font_metrics import width
from archdsl.viz.draw.line_breaks import wrapped
from archdsl.viz.draw.words import times_words

TITLE, SMALL = 12.0, 10.0
"""Sizes of text, in points."""

_LEADING = 1.2
_BESIDE, _ABOVE = 9.0, 5.0
_JOINT_BESIDE, _JOINT_ABOVE = 7.0, 2.5
_WIDEST = 190.0
_ALIKE = 1.5
"""Boxes of one cluster are as wide as the widest, unless they are that much narrower."""
HEADER = 17.0
SPACE = 5.0
LABEL = 15.0
BESIDE_LABEL = 4.0


@dataclass(frozen=True, slots=True)
class Words:
    """A line of text that has no position yet."""

    text: str
    size: float
    bold: bool = False
    quiet: bool = False

    @property
    def width(self) -> float:
        return width(self.text, self.size, bold=self.bold)

    @property
    def height(self) -> float:
        return self.size * _LEADING


@dataclass(frozen=True, slots=True)
class Sized:
    """Text of a box, and the size that it needs."""

    lines: tuple[Words, ...]
    width: float
    height: float


def sized(box: Box | End, title: float = TITLE) -> Sized:
    """The words of a box or an end, line by line; the first in the size of titles."""
    if isinstance(box, End):
        return _around([*_lines(box.title, title)], 2.0, 2.0)
    heading, small = box.heading, box.small_lines
    if box.joint:
        words = [
            *_lines(heading, title),
            *(w for text in small for w in _lines(text, SMALL, quiet=True)),
        ]
        return _in_a_row(words)
    lines = [*_lines(heading, title, bold=box.block)]
    lines += [words for text in small if text for words in _lines(text, SMALL, quiet=True)]
    return _around(lines, _BESIDE * title / TITLE, _ABOVE * title / TITLE)


@lru_cache(maxsize=4096)
def _lines(text: str, size: float, *, bold: bool = False, quiet: bool = False) -> tuple[Words, ...]:
    broken = wrapped(printable(text), size, _WIDEST, bold=bold)
    return tuple([Words(line, size, bold, quiet) for line in broken])


def _around(lines: list[Words], beside: float, above: float) -> Sized:
    return Sized(
        tuple(lines),
        max((line.width for line in lines), default=0.0) + 2 * beside,
        sum(line.height for line in lines) + 2 * above,
    )


def _in_a_row(words: list[Words]) -> Sized:
    """A small node, its words beside each other."""
    spaces = (len(words) - 1) * SPACE
    height = max(word.height for word in words) + 2 * _JOINT_ABOVE
    across = sum(word.width for word in words) + spaces + 2 * _JOINT_BESIDE
    return Sized(tuple(words), max(across, height), height)


def alike(sizes: Iterable[tuple[Box | End, Sized]]) -> dict[str, Sized]:
    """The sizes of a cluster's parts by name, boxes of about one width made equally wide."""
    sizes = list(sizes)
    layers = [s.width for part, s in sizes if isinstance(part, Box) and not part.joint]
    widest = max(layers, default=0.0)
    made = {}
    for part, size in sizes:
        same = isinstance(part, Box) and not part.joint and size.width * _ALIKE >= widest
        made[part.id] = replace(size, width=widest) if same else size
    return made


def label(edge: Edge) -> Words | None:
    """The words beside an edge."""
    words = _lines(edge.label, SMALL, quiet=True) if edge.label else ()
    return words[0] if words else None


def header(cluster: Cluster) -> Words:
    """The words at the top of a frame."""
    return Words(
        printable(times_words(cluster.title, cluster.times, cluster.times_shown)),
        SMALL,
        bold=cluster.times > 1,
        quiet=True,
    )
