"""Receptive fields: the pixels of the input that the cells of a layer see, along an axis.

Araujo, Norris and Sim 2019, "Computing Receptive Fields of Convolutional Neural Networks", in whole
numbers and for every cell: where layers enlarge, neighbouring cells see parts of different length;
where paths join, a cell sees all from the first pixel of any path to the last. As in papers fields
are not cut at the borders of the input.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import gcd, lcm
from typing import NamedTuple

from archdsl.ir.window import MOST_CELLS, Reads

Span = tuple[int, int] | None
"""The first and the last pixel that a cell sees; None where it sees none."""


class Field(NamedTuple):
    """Receptive fields of the cells along an axis, as spans of input pixels.

    ``spans`` holds one period: cell ``i + len(spans)`` sees the pixels that lie ``advance`` further
    than those of ``i``.
    """

    spans: tuple[Span, ...]
    advance: int
    size: int | None
    """The number of cells, None where the input's size is open."""
    listed: bool = False
    """True if ``spans`` holds every cell, and there is nothing to see beyond them."""

    @property
    def extent(self) -> int:
        """The most pixels that a cell sees, from the first to the last."""
        return max((s[1] - s[0] + 1 for s in self.spans[: self.size] if s), default=0)

    def at(self, cell: int) -> Span:
        """Span of input pixels that one cell sees."""
        turn, phase = divmod(cell, len(self.spans))
        if self.listed and turn:
            return None
        span = self.spans[phase]
        if not turn or span is None:
            return span
        return span[0] + turn * self.advance, span[1] + turn * self.advance

    @property
    def everything(self) -> Span:
        """Span of input pixels that all cells see together."""
        count, period = self.size or 1, len(self.spans)
        if count <= 2 * period:
            return _hull(map(self.at, range(count)))
        ends = (*range(period), *range(count - period, count))
        return _hull(map(self.at, ends))


def pixels(count: int | None) -> Field:
    """The input's own pixels."""
    return Field(((0, 0),), 1, count)


def behind(field: Field, reads: Reads, count: int | None) -> Field:
    """Receptive fields of the ``count`` output cells of a layer that reads the cells of a field."""
    if reads.whole:
        return Field((field.everything,), 0, count)
    period, phases = len(field.spans), len(reads.cells)
    repeats = period // gcd(period, reads.advance)
    shift = repeats * reads.advance // period * field.advance
    listed = field.listed or reads.listed
    made = repeats * phases
    if count is not None and (listed or made > count):
        made, listed = count, True
    if made > MOST_CELLS:
        return Field((field.everything,), 0, count)
    even = period == 1 and not field.listed and field.spans[0] is not None
    spans = []
    for cell in range(made):
        turn, phase = divmod(cell, phases)
        cells, far = reads.cells[phase], turn * reads.advance
        if even and cells:
            ends: Iterable[int] = (cells[0], cells[-1])
        else:
            ends = cells
        spans.append(_hull(field.at(far + place) for place in ends))
    return _shortened(Field(tuple(spans), shift, count, listed))


def joined(fields: Sequence[Field], count: int | None) -> Field:
    """Receptive fields of a sum or a concatenation: the hull of those of its inputs.

    A field of one cell is that of all; beyond the cells of a smaller tensor are zeros.
    """
    first = fields[0]
    if first.size == count and all(field == first for field in fields):
        return first
    fields = [Field(f.spans[:1], 0, count) if f.size == 1 and count != 1 else f for f in fields]
    made = lcm(*(len(field.spans) for field in fields))
    paces = {made // len(field.spans) * field.advance for field in fields}
    uneven = len(paces) > 1 or any(f.listed or f.size != count for f in fields)
    if count is not None and (uneven or made > count):
        made, uneven = count, True
    if made > MOST_CELLS:
        return Field((_hull(field.everything for field in fields),), 0, count)
    spans = tuple(
        _hull(f.at(cell) for f in fields if not uneven or f.size is None or cell < f.size)
        for cell in range(made)
    )
    return _shortened(Field(spans, max(paces), count, uneven and count is not None))


def _hull(spans: Iterable[Span]) -> Span:
    """From the first to the last pixel of several parts."""
    seen = [span for span in spans if span is not None]
    if not seen:
        return None
    return min(first for first, _ in seen), max(last for _, last in seen)


def _shortened(field: Field) -> Field:
    """The same field with a period of one cell, where that says it."""
    spans = field.spans
    if len(spans) == 1 and not field.listed:
        return field
    first = spans[0]
    if all(span == first for span in spans) and (field.listed or not field.advance):
        return Field((first,), 0, field.size)
    step, rest = divmod(field.advance, len(spans))
    if field.listed or rest or first is None:
        return field
    low, high = first
    if all(s == (low + i * step, high + i * step) for i, s in enumerate(spans)):
        return Field((first,), step, field.size)
    return field
