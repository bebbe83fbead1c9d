"""A figure as a page: the placed diagram, its heading above and its legend below."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from archdsl.diagnostics.printable import printable
from archdsl.viz.draw.box_sizes import SMALL
from archdsl.viz.draw.colours import Swatch
from archdsl.viz.draw.font_metrics import CAPITALS, width
from archdsl.viz.draw.line_breaks import cut
from archdsl.viz.draw.placed import Line, Placed, Rectangle

MARGIN = 16.0
NARROWEST = 1.6
"""The longer side of a page by the shorter one, at most."""

_HEADING, _TOTALS = 17.0, 11.0
_ABOVE_FIGURE, _ABOVE_LEGEND = 14.0, 18.0
_SWATCH, _SCALE, _BESIDE, _ROW = 14.0, 110.0, 5.0, 17.0
_BETWEEN = 16.0
_LEAST_HEADING = 460.0
"""A title may be that wide above a narrow figure: two names of specs."""


@dataclass(frozen=True, slots=True)
class PlacedSwatch:
    """An item of the legend, its paints side by side in ``at``."""

    swatch: Swatch
    at: Rectangle
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """Everything that is drawn; the figure's own coordinates begin at ``origin``."""

    width: float
    height: float
    heading: tuple[Line, ...]
    placed: Placed
    origin: tuple[float, float]
    legend: tuple[PlacedSwatch, ...]


def page_of(
    placed: Placed,
    title: str,
    totals: str,
    legend: Iterable[Swatch],
    *,
    padded: bool = True,
    shape: float | None = None,
) -> Page:
    """The page around a placed diagram; if ``padded``, no narrower than :data:`NARROWEST`.

    With a ``shape`` its width is that many times its height.
    """
    swatches = list(legend)
    heading = _heading(title, totals, placed)
    inner = max(placed.width, *(line.width for line in heading), _least(swatches, placed))
    rows = _rows(swatches, inner)
    above = sum(line.size * 1.25 for line in heading) + (_ABOVE_FIGURE if heading else 0.0)
    below = _ABOVE_LEGEND + len(rows) * _ROW if rows else 0.0
    across, along = inner + 2 * MARGIN, above + placed.height + below + 2 * MARGIN
    page_width, page_height = across, along
    if shape is not None:
        page_width = max(across, along * shape)
        page_height = max(along, across / shape)
    elif padded:
        page_width = max(across, along / NARROWEST)
        page_height = max(along, across / NARROWEST)
    middle, top = page_width / 2, MARGIN
    lines = []
    for line in heading:
        lines.append(_at(line, middle, top + line.size))
        top += line.size * 1.25
    spare = page_height - along
    origin = middle - placed.width / 2, MARGIN + above + spare / 2
    foot = page_height - MARGIN - len(rows) * _ROW
    placed_rows = [
        item for n, row in enumerate(rows) for item in _row(row, middle, foot + n * _ROW)
    ]
    return Page(page_width, page_height, tuple(lines), placed, origin, tuple(placed_rows))


def _heading(title: str, totals: str, placed: Placed) -> list[Line]:
    room = max(placed.width, _LEAST_HEADING)
    lines = []
    if title:
        words = cut(printable(title), _HEADING, room, bold=True)
        lines.append(Line(words, 0, 0, width(words, _HEADING, bold=True), _HEADING, bold=True))
        lines.append(Line(totals, 0, 0, width(totals, _TOTALS), _TOTALS, quiet=True))
    return lines


def _at(line: Line, x: float, y: float) -> Line:
    return Line(line.text, x, y, line.width, line.size, line.bold, line.quiet)


def _extent(swatch: Swatch) -> float:
    lead = width(swatch.lead, SMALL) + _BESIDE if swatch.lead else 0.0
    return lead + _patch(swatch) + _BESIDE + width(swatch.words, SMALL)


def _patch(swatch: Swatch) -> float:
    return _SWATCH if len(swatch.paints) == 1 else _SCALE


def _least(swatches: Sequence[Swatch], placed: Placed) -> float:
    """Least width of the legend: that of its widest item, or more to keep it lower than wide."""
    widest = max(map(_extent, swatches), default=0.0)
    # A narrow, tall figure has room beside it anyway.
    return max(widest, min(sum(map(_extent, swatches)), placed.height / NARROWEST * 0.8))


def _rows(swatches: Sequence[Swatch], room: float) -> list[list[Swatch]]:
    rows: list[list[Swatch]] = []
    used = 0.0
    for swatch in swatches:
        needs = _extent(swatch) + _BETWEEN
        if not rows or used + needs - _BETWEEN > room:
            rows.append([])
            used = 0.0
        rows[-1].append(swatch)
        used += needs
    return rows


def _row(row: Sequence[Swatch], middle: float, y: float) -> Iterable[PlacedSwatch]:
    x = middle - (sum(_extent(s) + _BETWEEN for s in row) - _BETWEEN) / 2
    base = y + _ROW / 2 + SMALL * CAPITALS / 2
    for swatch in row:
        lines = []
        if swatch.lead:
            wide = width(swatch.lead, SMALL)
            lines.append(Line(swatch.lead, x + wide / 2, base, wide, SMALL, quiet=True))
            x += wide + _BESIDE
        at = Rectangle(x, y + (_ROW - 11.0) / 2, _patch(swatch), 11.0)
        x += _patch(swatch) + _BESIDE
        wide = width(swatch.words, SMALL)
        lines.append(Line(swatch.words, x + wide / 2, base, wide, SMALL, quiet=True))
        x += wide + _BETWEEN
        yield PlacedSwatch(swatch, at, tuple(lines))
