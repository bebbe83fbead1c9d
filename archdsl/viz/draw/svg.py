"""A figure as SVG text: the same for equal figures, on every machine.

Text stays text. Each is held to the width that was measured for it, so that it stays in its box
whatever font there is. Groups have ids and classes for scripts and slides; nothing in a figure
refers to anything by name, so several may share a page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape as escaped

from archdsl.diagnostics.printable import printable
from archdsl.text.words import count_words, counted
from archdsl.viz.draw.diagram import Box
from archdsl.viz.draw.page import PlacedSwatch
from archdsl.viz.draw.page_fit import FittedFigure
from archdsl.viz.draw.placed import Line, PlacedBox, PlacedEdge, PlacedFrame, Rectangle
from archdsl.viz.draw.raster import FONTS
from archdsl.viz.draw.themes import Paint, Theme
from archdsl.viz.draw.words import decimal as _n

_ROUND = 7.0
_HEAD_LENGTH, _HEAD_HALF = 6.5, 3.0
_BOLD_LINE = 1.8
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")
"""Characters that ids and classes are written without."""


def svg_text(figure: FittedFigure, theme: Theme, font: str | None = None) -> str:
    """The SVG document of a figure."""
    page, diagram = figure.page, figure.diagram
    family = f"{_family(font)}, {FONTS}" if font else FONTS
    title = f"{printable(diagram.title)}: {diagram.totals}"
    x, y = page.origin
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" role="img" '
        f'width="{_n(page.width)}pt" '
        f'height="{_n(page.height)}pt" viewBox="0 0 {_n(page.width)} {_n(page.height)}">',
        f"<title>{_escape(title)}</title>",
        f"<desc>{_escape(_described(figure))}</desc>",
        f'<rect width="100%" height="100%" fill="{theme.paper}"/>',
        f'<g font-family="{_escape(family)}" text-anchor="middle" fill="{theme.text}">',
        *(_text(line, theme) for line in page.heading),
        f'<g transform="translate({_n(x)} {_n(y)})">',
        *_figure(figure, theme),
        "</g>",
        *(_swatch(item, theme) for item in page.legend),
        "</g>",
        "</svg>\n",
    ]
    return "\n".join(parts)


def _figure(figure: FittedFigure, theme: Theme) -> Iterable[str]:
    """Frames lie under lines, and lines under the headers of frames and under boxes."""
    placed = figure.page.placed
    yield from (_frame(frame, theme) for frame in placed.frames)
    yield f'<g fill="none" stroke="{theme.wire}" stroke-width="{_n(theme.stroke)}">'
    yield from (_edge(edge, theme) for edge in placed.edges)
    yield "</g>"
    name = figure.diagram.title
    yield from (_header(frame, theme, name) for frame in placed.frames)
    yield from (_box(box, figure.colouring.paint(box.box), theme, name) for box in placed.boxes)
    yield from (_text(edge.label, theme) for edge in placed.edges if edge.label is not None)
    yield from (_text(line, theme) for end in placed.ends for line in end.lines)


def _described(figure: FittedFigure) -> str:
    boxes = sum(1 for _ in figure.diagram.root.boxes())
    outputs = ", ".join(printable(end.title) for end in figure.diagram.ends)
    return f"A diagram of {counted(boxes, 'part')}; output {outputs}."


def _frame(frame: PlacedFrame, theme: Theme) -> str:
    paint = theme.frames[min(frame.depth, len(theme.frames) - 1)]
    if frame.cluster.mark is not None:
        paint = theme.marks[frame.cluster.mark]._replace(fill=paint.fill)
    return _rect(frame.at, paint, theme.radius, theme.stroke)


def _named(figure: str, part: str, *classes: str) -> str:
    """The id of a group, which is stable from version to version, and its classes, for scripts."""
    safe = [_UNSAFE.sub("-", word) for word in (f"{figure}.{part}", *classes) if word]
    return f'id="{safe[0]}" class="{" ".join(safe[1:])}"'


def _header(frame: PlacedFrame, theme: Theme, figure: str) -> str:
    at, r = frame.header, theme.radius
    # Inside the frame's border, with its round corners at the top only.
    x, y, w, h = at.x + 0.5, at.y + 0.5, at.width - 1, at.height - 1
    path = (
        f"M{_n(x)} {_n(y + h)}v{_n(r - h)}a{_n(r)} {_n(r)} 0 0 1 {_n(r)} {_n(-r)}h{_n(w - 2 * r)}"
        f"a{_n(r)} {_n(r)} 0 0 1 {_n(r)} {_n(r)}v{_n(h - r)}z"
    )
    words = "".join(_text(line, theme) for line in frame.lines)
    name = _escape(printable(frame.cluster.id))
    named = _named(figure, f"{frame.cluster.id}.frame", "frame")
    return f'<g {named}><title>{name}</title><path d="{path}" fill="{theme.header}"/>{words}</g>'


def _box(placed: PlacedBox, paint: Paint, theme: Theme, figure: str) -> str:
    box = placed.box
    radius = placed.at.height / 2 if box.joint else theme.radius
    stroke = theme.stroke * (_BOLD_LINE if box.block or box.mark else 1.0)
    words = "".join(_text(line, theme) for line in placed.lines)
    classes = ("block" if box.block else "layer", box.category.name.lower(), box.kind)
    return (
        f"<g {_named(figure, box.id, *classes)}>"
        f"<title>{_escape(printable(box.scope if box.block else box.id))}</title>"
        f"<desc>{_escape(printable(describe(box)))}</desc>"
        f"{_stack(placed, paint, theme)}{_rect(placed.at, paint, radius, stroke)}{words}</g>"
    )


def _stack(placed: PlacedBox, paint: Paint, theme: Theme) -> str:
    """The edge of a second sheet behind a box that stands for several."""
    if placed.box.times == 1 or placed.box.joint:
        return ""
    at = placed.at
    behind = Rectangle(at.x + 3, at.y + 3, at.width, at.height)
    return _rect(behind, paint, theme.radius, theme.stroke)


def describe(box: Box) -> str:
    """All that is known of a box, in words."""
    facts = box.facts
    words = [box.title, *(() if box.block else box.details), f"output {box.shape}"]
    if facts.parameters:
        words.append(counted(facts.parameters, "parameter"))
    if facts.macs != 0:
        words.append(f"{count_words(facts.macs)} MACs")
    words.append(f"receptive field {counted(facts.receptive_field, 'pixel')}")
    if box.times > 1:
        words.append(f"{box.times} times")
    if box.frozen:
        words.append("frozen")
    if box.mark is not None:
        words.append(box.mark.value)
    return ", ".join(words)


def _edge(placed: PlacedEdge, theme: Theme) -> str:
    points = _without_doubles(placed.points)
    if len(points) < 2:
        return ""
    mark = placed.edge.mark
    style, colour = "", theme.wire
    if mark is not None:
        paint = theme.marks[mark]
        colour = paint.line
        dash = f' stroke-dasharray="{paint.dash}"' if paint.dash else ""
        style = f' stroke="{colour}" stroke-width="{_n(theme.stroke * _BOLD_LINE)}"{dash}'
    head = _arrow(points[-2], points[-1])
    ends = (_UNSAFE.sub("-", end) for end in (placed.edge.source, placed.edge.target))
    named = 'class="edge" data-from="{}" data-to="{}"'.format(*ends)
    return (
        f'<path {named} d="{_rounded(points)}"{style}/>'
        f'<path d="{head}" fill="{colour}" stroke="none"/>'
    )


def _without_doubles(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The points that change something: none twice, none in the middle of a straight line."""
    kept: list[tuple[float, float]] = []
    for x, y in points:
        if kept and abs(kept[-1][0] - x) < 0.05 and abs(kept[-1][1] - y) < 0.05:
            continue
        if len(kept) > 1:
            (ax, ay), (bx, by) = kept[-2:]
            upright = abs(ax - bx) < 0.6 and abs(bx - x) < 0.6
            level = abs(ay - by) < 0.6 and abs(by - y) < 0.6
            if upright or level:
                kept.pop()
        kept.append((x, y))
    return kept


def _rounded(points: Sequence[tuple[float, float]]) -> str:
    """A path through points with round corners, a little short of its end: there is the arrow."""
    last = _towards(points[-1], points[-2], _HEAD_LENGTH * 0.7)
    points = [*points[:-1], last]
    path = [f"M{_p(points[0])}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        reach = min(_ROUND, _distance(before, corner) / 2, _distance(corner, after) / 2)
        path.append(f"L{_p(_towards(corner, before, reach))}")
        path.append(f"Q{_p(corner)} {_p(_towards(corner, after, reach))}")
    path.append(f"L{_p(points[-1])}")
    return "".join(path)


def _arrow(before: tuple[float, float], tip: tuple[float, float]) -> str:
    length = _distance(before, tip) or 1.0
    dx, dy = (tip[0] - before[0]) / length, (tip[1] - before[1]) / length
    x, y = tip[0] - dx * _HEAD_LENGTH, tip[1] - dy * _HEAD_LENGTH
    left = x - dy * _HEAD_HALF, y + dx * _HEAD_HALF
    right = x + dy * _HEAD_HALF, y - dx * _HEAD_HALF
    return f"M{_p(tip)}L{_p(left)} {_p(right)}z"


def _towards(
    start: tuple[float, float], end: tuple[float, float], reach: float
) -> tuple[float, float]:
    length = _distance(start, end)
    share = min(1.0, reach / length) if length else 0.0
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share


def _distance(one: tuple[float, float], two: tuple[float, float]) -> float:
    return float(((one[0] - two[0]) ** 2 + (one[1] - two[1]) ** 2) ** 0.5)


def _swatch(item: PlacedSwatch, theme: Theme) -> str:
    paints, at = item.swatch.paints, item.at
    words = "".join(_text(line, theme) for line in item.lines)
    if len(paints) == 1:
        return _rect(at, paints[0], 2.0, theme.stroke) + words
    step = at.width / len(paints)
    patches = "".join(
        f'<rect x="{_n(at.x + i * step)}" y="{_n(at.y)}" width="{_n(step + 0.3)}" '
        f'height="{_n(at.height)}" fill="{paint.fill}"/>'
        for i, paint in enumerate(paints)
    )
    return patches + words


def _rect(at: Rectangle, paint: Paint, radius: float, stroke: float) -> str:
    dash = f' stroke-dasharray="{paint.dash}"' if paint.dash else ""
    return (
        f'<rect x="{_n(at.x)}" y="{_n(at.y)}" width="{_n(at.width)}" height="{_n(at.height)}" '
        f'rx="{_n(radius)}" fill="{paint.fill}" stroke="{paint.line}" '
        f'stroke-width="{_n(stroke)}"{dash}/>'
    )


def _text(line: Line, theme: Theme) -> str:
    weight = ' font-weight="bold"' if line.bold else ""
    colour = f' fill="{theme.quiet}"' if line.quiet else ""
    return (
        f'<text x="{_n(line.x)}" y="{_n(line.y)}" font-size="{_n(line.size)}"{weight}{colour} '
        f'textLength="{_n(line.width)}" lengthAdjust="spacingAndGlyphs">{_escape(line.text)}</text>'
    )


def _escape(text: str) -> str:
    """Text as XML. Quotes stay: the one attribute with words of users has none of its own kind."""
    return escaped(text, quote=False)


def _family(font: str) -> str:
    """A font's name as CSS quotes it: letters, digits, spaces and hyphens only."""
    return "'" + "".join(c for c in font if c.isalnum() or c in " -_") + "'"


def _p(point: tuple[float, float]) -> str:
    return f"{_n(point[0])} {_n(point[1])}"
