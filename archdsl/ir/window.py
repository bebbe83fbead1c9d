"""Input cells that a layer's output cells read, along an axis and on a feature map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

MOST_CELLS = 2**16
"""Cells of an axis that are told apart; of more, each counts as seeing all that they see together.

A spec of a few words may ask for an axis that is too long for a list of its cells.
"""


class Reads(NamedTuple):
    """The cells of an axis of the input that each output cell reads.

    ``cells`` holds them for one period: output cell ``i + len(cells)`` reads those that lie
    ``advance`` further than those of ``i``. Cells may lie outside the axis, where padding is.
    """

    cells: Sequence[range]
    advance: int = 1
    listed: bool = False
    """True if ``cells`` holds every output cell, so that nothing repeats."""
    whole: bool = False
    """True if every output cell reads the whole axis."""

    @property
    def extent(self) -> int:
        """The most cells from the first to the last one that an output cell reads."""
        return max(abs(cells[-1] - cells[0]) + 1 if cells else 0 for cells in self.cells)

    @property
    def stride(self) -> float:
        """Distance of neighbouring output cells, in cells of the input."""
        return self.advance / len(self.cells)


CELL = Reads((range(1),))
"""Every output cell reads the one at its own place."""

NOTHING = Reads((range(0),))
"""Only the size of the input counts."""


def sliding(kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> Reads:
    """A window of ``kernel`` cells, ``dilation`` apart, that moves by ``stride``."""
    return Reads((range(-padding, kernel * dilation - padding, dilation),), stride)


def spreading(kernel: int, stride: int, padding: int) -> Reads:
    """A transposed convolution: input cell j reaches outputs from ``j * stride - padding`` on."""
    if stride > MOST_CELLS:
        return whole(None)
    ends = ((phase + padding) // stride for phase in range(stride))
    starts = (-((kernel - 1 - phase - padding) // stride) for phase in range(stride))
    return Reads(tuple(range(a, b + 1) for a, b in zip(starts, ends, strict=True)))


def whole(size: int | None) -> Reads:
    """Every output cell reads the whole axis; ``size`` is its length."""
    return Reads((range(size or 1),), whole=True)


def repeating(scale: int) -> Reads:
    """Enlargement in which ``scale`` output cells repeat one of the input."""
    return Reads((range(1),) * scale) if scale <= MOST_CELLS else whole(None)


def blending(scale: int) -> Reads:
    """Linear interpolation by a whole factor; the outer edges of input and output coincide."""
    if scale > MOST_CELLS:
        return whole(None)
    doubled = (2 * phase + 1 - scale for phase in range(scale))
    return Reads(tuple(_between(place, 2 * scale) for place in doubled))


def resizing(size: int, wanted: int, *, nearest: bool, corners: bool) -> Reads:
    """Resizing to ``wanted`` cells, as torch does: what each of them reads.

    ``corners``: the corner cells of input and output coincide, not their outer edges.
    """
    if wanted > MOST_CELLS:
        return whole(size)
    cells = []
    for cell in range(wanted):
        if nearest:
            cells.append(range(cell * size // wanted, cell * size // wanted + 1))
        elif corners:
            cells.append(_between(cell * (size - 1), wanted - 1) if wanted > 1 else range(1))
        else:
            inside = max((2 * cell + 1) * size - wanted, 0)
            read = _between(inside, 2 * wanted)
            cells.append(range(read.start, min(read.stop, size)))
    return Reads(tuple(cells), size, listed=True)


def dividing(size: int, parts: int) -> Reads:
    """The windows of torch's adaptive pooling: from floor(i s/p) to ceil((i+1) s/p)."""
    if parts > MOST_CELLS:
        return whole(size)
    windows = (range(i * size // parts, -(-(i + 1) * size // parts)) for i in range(parts))
    return Reads(tuple(windows), size, listed=True)


def _between(numerator: int, denominator: int) -> range:
    """The cells beside a place between cells, or the one at it."""
    below, rest = divmod(numerator, denominator)
    return range(below, below + 2 if rest else below + 1)


class Window(NamedTuple):
    """The part of its input that one output cell sees."""

    rows: Reads
    columns: Reads
    first: tuple[float, float] = (0, 0)
    """The row and column in the middle of what the first cell sees, as dlib counts it."""

    @property
    def kernel(self) -> tuple[int, int]:
        """Rows and columns from the first to the last input cell, gaps of dilation included."""
        return self.rows.extent, self.columns.extent

    @property
    def stride(self) -> tuple[float, float]:
        """Distance of output cells; a fraction for layers that enlarge."""
        return self.rows.stride, self.columns.stride


POINT = Window(CELL, CELL)
"""Every output cell reads the one at its own place."""

SAMPLE = Window(whole(None), whole(None))
"""Every output cell reads the whole of the sample."""

LAST_AXIS = Window(CELL, whole(None))
"""Every output cell reads its whole row."""


class Cells(NamedTuple):
    """A grid of cells: cell ``i`` lies at ``stride * i + first``, in rows and columns of pixels."""

    stride: tuple[float, float] = (1.0, 1.0)
    first: tuple[float, float] = (0.0, 0.0)
