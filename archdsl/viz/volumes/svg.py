"""The SVG of a page of volumes: text stays text, and every volume has a description."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET

from archdsl.diagnostics.printable import printable
from archdsl.ir.layer import Category
from archdsl.viz.draw.raster import FONTS
from archdsl.viz.draw.themes import THEMES, Paint
from archdsl.viz.volumes.figure import Form
from archdsl.viz.volumes.layout import FOOT, MARGIN, PlacedVolume, Point, Solid, VolumePage, Wire
from archdsl.viz.volumes.lettering import FONT, LINE, cut, width_of
from archdsl.viz.volumes.scales import VolumeScale

_THEME = THEMES["paper"]
_TEXT, _QUIET, _PAINTS = _THEME.text, _THEME.quiet, _THEME.paints
_APEX = 0.55
"""Height of the apex of a window's pyramid at a volume's front, as a share from its bottom."""
_HEADING = 16
_LEAST_WINDOW = 8.0
"""Pixels that a window is high at least; a smaller one is left out."""
_SKY, _SUN, _HILL, _NEAR = "#d9ecf7", "#f0c64a", "#8fb89b", "#5f9274"


def svg_text(page: VolumePage, *, legend: bool = True, font: str | None = None) -> str:
    """The SVG document of a page, with the colours' meaning and a font to prefer.

    What a name holds stays text; what XML cannot hold is replaced.
    """
    root = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "width": _number(page.width),
            "height": _number(page.height),
            "viewBox": f"0 0 {_number(page.width)} {_number(page.height)}",
            "role": "img",
            "font-family": f"{_family(font)}, {FONTS}" if font else FONTS,
            "font-size": _number(FONT),
            "fill": _TEXT,
        },
    )
    name = printable(page.figure.title)
    ET.SubElement(root, "title").text = name
    ET.SubElement(root, "desc").text = f"The feature maps of {name}, from input to output."
    size = {"width": _number(page.width), "height": _number(page.height)}
    ET.SubElement(root, "rect", {**size, "fill": "#ffffff"})
    heading = cut(name, page.width - 2 * MARGIN, bold=True, larger=_HEADING / FONT)
    _text(root, MARGIN, 28, heading, size=_HEADING, weight="bold")
    for wire in page.wires:
        _wire(root, wire)
    for before, after in zip((None, *page.placed), page.placed, strict=False):
        _volume(root, after)
        if before is not None and before.row == after.row:
            backwards = page.turning and after.row % 2 == 1
            _between(root, before, after, page.scale, backwards=backwards)
    for one in page.placed:
        _label(root, one)
    _caption(root, page)
    if legend:
        _legend(root, page)
    ET.indent(root)
    return f"{ET.tostring(root, encoding='unicode')}\n"


def _family(font: str) -> str:
    """A font's name as CSS quotes it: letters, digits, spaces and hyphens only."""
    return "'" + "".join(c for c in font if c.isalnum() or c in " -_") + "'"


# ---- volumes ----


def _volume(root: ET.Element, one: PlacedVolume) -> None:
    volume = one.volume
    group = ET.SubElement(root, "g", {"class": "volume", "role": "img"})
    ET.SubElement(group, "title").text = printable(f"{one.labels[0]} {volume.operations[0].words}")
    ET.SubElement(group, "desc").text = volume.telling
    paint = _PAINTS[volume.category]
    for solid in one.solids:
        _solid(group, solid, paint)
    if volume.form is Form.PLANE:
        _picture(group, one.solids[-1], paint)
    if one.dots is not None:
        for step in (-4, 0, 4):
            place = {"cx": _number(one.dots.x + step), "cy": _number(one.dots.y), "r": "1.3"}
            ET.SubElement(group, "circle", {**place, "fill": _QUIET})
    # With slices left out, the last arc goes to the last slice: its own.
    skips = (*volume.skips[: len(one.solids) - 1], volume.skips[-1])
    for solid, skip in zip(one.solids, skips, strict=True):
        if skip is not None:
            _shortcut(group, solid, dashed=skip == "projection")


def _label(root: ET.Element, one: PlacedVolume) -> None:
    group = ET.SubElement(root, "g", {"class": "label"})
    for number, words in enumerate(one.labels):
        bold = number == 0
        y = one.label.y + number * LINE
        # Behind words lines to a longer bar may pass, which paper over them keeps off.
        width = width_of(words, bold=bold)
        place = {"x": one.label.x - width / 2, "y": y - FONT * 0.85, "width": width, "height": LINE}
        numbers = {key: _number(value) for key, value in place.items()}
        ET.SubElement(group, "rect", {**numbers, "fill": "#ffffff", "fill-opacity": "0.85"})
        weight, fill = ("bold", None) if bold else (None, _QUIET)
        _text(group, one.label.x, y, words, anchor="middle", weight=weight, fill=fill)


def _solid(group: ET.Element, solid: Solid, paint: Paint) -> None:
    size = solid.size
    left, right, top, bottom = solid.left, solid.right, solid.top, solid.bottom
    upper = [Point(left, top), Point(right, top)]
    away = [Point(p.x + size.dx, p.y - size.dy) for p in reversed(upper)]
    side = [solid.on_side(0, 0), solid.on_side(1, 0), solid.on_side(1, 1), solid.on_side(0, 1)]
    front = [*upper, Point(right, bottom), Point(left, bottom)]
    edge = {"stroke": paint.line, "stroke-width": "0.8", "stroke-linejoin": "round"}
    for name, points, fill in (
        ("top", [*upper, *away], _mixed(paint.fill, "#ffffff", 0.55)),
        ("side", side, _mixed(paint.fill, paint.line, 0.22)),
        ("front", front, paint.fill),
    ):
        _polygon(group, points, {"class": name, "fill": fill, **edge})


def _picture(group: ET.Element, solid: Solid, paint: Paint) -> None:
    """A landscape on the side of the input, so that it is seen to be an image."""

    def shape(fill: str, *points: tuple[float, float]) -> None:
        places = [solid.on_side(*point) for point in points]
        _polygon(group, places, {"class": "picture", "fill": fill})

    shape(_SKY, (0, 0), (1, 0), (1, 1), (0, 1))
    angles = (math.tau * step / 24 for step in range(24))
    shape(_SUN, *((0.74 + 0.11 * math.cos(a), 0.80 + 0.07 * math.sin(a)) for a in angles))
    shape(_HILL, (0, 0), (1, 0), (1, 0.38), (0.80, 0.52), (0.62, 0.36), (0.34, 0.66), (0, 0.30))
    shape(_NEAR, (0, 0), (1, 0), (1, 0.16), (0.7, 0.27), (0.35, 0.14), (0, 0.2))
    whole = [solid.on_side(*corner) for corner in ((0, 0), (1, 0), (1, 1), (0, 1))]
    edge = {"class": "picture", "fill": "none", "stroke": paint.line, "stroke-width": "0.8"}
    _polygon(group, whole, edge)


def _shortcut(group: ET.Element, solid: Solid, *, dashed: bool) -> None:
    """An arc over a slice, from before it to behind it."""
    y = solid.top - solid.size.dy / 2
    start, end = solid.left + solid.size.dx / 2, solid.right + solid.size.dx / 2
    room = max(end - start, 6.0)
    middle = (start + end) / 2
    start, end = middle - room / 2, middle + room / 2
    high = solid.highest - 12
    way = f"M{_at(start, y)}C{_at(start, high)} {_at(end, high)} {_at(end, y)}"
    line = {"class": "shortcut", "fill": "none", "stroke": _TEXT, "stroke-width": "1"}
    if dashed:
        line["stroke-dasharray"] = "3 2"
    ET.SubElement(group, "path", {"d": way, **line})
    _head(group, Point(end, y), 0, 1)


# ---- between volumes ----


def _between(
    root: ET.Element,
    before: PlacedVolume,
    after: PlacedVolume,
    scale: VolumeScale,
    *,
    backwards: bool,
) -> None:
    group = ET.SubElement(root, "g", {"class": "between"})
    source, target = before.solids[-1], after.solids[0]
    if backwards:
        _arrow(group, Point(before.left - 3, before.axis), Point(after.right + 3, after.axis))
    elif after.volume.form is Form.BAR and not after.volume.block:
        _fan(group, before, target)
    elif (corners := _window(before, after, scale)) is not None:
        _pyramid(group, corners, after)
    else:
        across = source.right + source.size.dx / 2
        start = Point(max(across, source.back) + 3, before.axis)
        _arrow(group, start, Point(target.left - 3, after.axis))


def _fan(group: ET.Element, before: PlacedVolume, target: Solid) -> None:
    """Everything of the volume before goes into every value of a bar."""
    source = before.solids[-1]
    ends = source.on_side(1, 1), source.on_side(1, 0)
    into = Point(target.left, target.top), Point(target.left, target.bottom)
    _polygon(
        group, [*ends, into[1], into[0]], {"class": "fan", "fill": "#888888", "fill-opacity": "0.1"}
    )
    for start in ends:
        for end in into:
            _line(group, start, end, _QUIET, "0.6")


def _window(before: PlacedVolume, after: PlacedVolume, scale: VolumeScale) -> list[Point] | None:
    """The part of a volume that one place of the next one sees, where it is large enough to see."""
    kernel, source = after.volume.kernel, before.solids[-1]
    if kernel is None or before.volume.form is Form.BAR:
        return None
    rows, columns = (
        min(scale.side(seen) / scale.side(whole), 1.0)
        for seen, whole in zip(kernel, before.volume.face, strict=True)
    )
    if rows * source.size.height < _LEAST_WINDOW:
        return None
    into, up = (1 - columns) * 0.55, (1 - rows) * 0.5
    return [
        source.on_side(into + x * columns, up + y * rows)
        for x, y in ((0, 0), (1, 0), (1, 1), (0, 1))
    ]


def _pyramid(group: ET.Element, corners: list[Point], after: PlacedVolume) -> None:
    """A window, and the lines from its corners to the place that sees it."""
    target = after.solids[0]
    line = _PAINTS[after.volume.category].line
    apex = Point(target.left, target.bottom - _APEX * target.size.height)
    fill = {"fill": "#ffffff", "fill-opacity": "0.45", "stroke": line, "stroke-width": "1"}
    _polygon(group, corners, {"class": "window", **fill})
    for corner in corners:
        _line(group, corner, apex, line, "0.6")
    spot = {"cx": _number(apex.x), "cy": _number(apex.y), "r": "1.6", "fill": line}
    ET.SubElement(group, "circle", spot)


def _arrow(group: ET.Element, start: Point, end: Point) -> None:
    _line(group, start, end, _QUIET, "1.1")
    _head(group, end, 1 if end.x > start.x else -1, 0, _QUIET)


def _wire(root: ET.Element, wire: Wire) -> None:
    points = wire.points
    way = f"M{_at(*points[0])}"
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        way += f"L{_at(*_near(corner, before))}Q{_at(*corner)} {_at(*_near(corner, after))}"
    way += f"L{_at(*points[-1])}"
    colour = _QUIET if wire.skip is None else _TEXT
    name = "turn" if wire.skip is None else "jump"
    line = {"class": name, "fill": "none", "stroke": colour, "stroke-width": "1.1"}
    if wire.skip == "projection":
        line["stroke-dasharray"] = "4 3"
    ET.SubElement(root, "path", {"d": way, **line})
    last, end = points[-2], points[-1]
    across = (end.x > last.x) - (end.x < last.x)
    down = (end.y > last.y) - (end.y < last.y)
    _head(root, end, across, 0 if across else down, colour)


def _near(corner: Point, other: Point, most: float = 5.0) -> Point:
    """A point on the way from a corner, where its rounding begins."""
    length = abs(other.x - corner.x) + abs(other.y - corner.y)
    part = min(most / length, 0.5) if length else 0.0
    return Point(corner.x + part * (other.x - corner.x), corner.y + part * (other.y - corner.y))


def _head(group: ET.Element, tip: Point, across: int, down: int, colour: str = _TEXT) -> None:
    """An arrow's head that points along one axis."""
    back = Point(tip.x - 5 * across, tip.y - 5 * down)
    wings = [Point(back.x + 2.6 * s * down, back.y + 2.6 * s * across) for s in (1, -1)]
    _polygon(group, [tip, *wings], {"class": "head", "fill": colour})


# ---- caption ----


def _caption(root: ET.Element, page: VolumePage) -> None:
    words = page.scale.words()
    if any(skip for one in page.placed for skip in one.volume.skips) or page.figure.jumps:
        words += " Arcs are shortcuts, dashed ones with layers of their own."
    if page.figure.left_out:
        words += f" Not drawn: {', '.join(map(printable, page.figure.left_out))}."
    y = page.height - FOOT + 36
    room = page.width - 2 * MARGIN
    first, *more = _lines(words, room)
    for line in filter(None, (first, " ".join(more))):
        _text(root, MARGIN, y, cut(line, room), fill=_QUIET)
        y += LINE


def _legend(root: ET.Element, page: VolumePage) -> None:
    present = {one.volume.category for one in page.placed}
    x = MARGIN
    y = page.height - FOOT + 16
    for category in (c for c in Category if c in present):
        paint = _PAINTS[category]
        place = {"x": _number(x), "y": _number(y - 9), "width": "10", "height": "10"}
        look = {"class": "legend", "fill": paint.fill, "stroke": paint.line}
        ET.SubElement(root, "rect", {**place, **look})
        _text(root, x + 15, y, category.value, fill=_QUIET)
        x += 15 + width_of(category.value) + 14


def _lines(words: str, room: float) -> list[str]:
    lines = [""]
    for word in words.split(" "):
        longer = f"{lines[-1]} {word}".lstrip()
        if width_of(longer) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


# ---- elements ----


def _polygon(parent: ET.Element, points: list[Point], attributes: dict[str, str]) -> None:
    places = " ".join(f"{_number(p.x)},{_number(p.y)}" for p in points)
    ET.SubElement(parent, "polygon", {"points": places, **attributes})


def _line(parent: ET.Element, start: Point, end: Point, colour: str, width: str) -> None:
    ends = {"x1": start.x, "y1": start.y, "x2": end.x, "y2": end.y}
    numbers = {key: _number(value) for key, value in ends.items()}
    ET.SubElement(parent, "line", {**numbers, "stroke": colour, "stroke-width": width})


def _text(
    parent: ET.Element,
    x: float,
    y: float,
    words: str,
    *,
    size: float | None = None,
    anchor: str | None = None,
    weight: str | None = None,
    fill: str | None = None,
) -> None:
    wanted = {"font-size": size, "text-anchor": anchor, "font-weight": weight, "fill": fill}
    attributes = {key: str(value) for key, value in wanted.items() if value is not None}
    element = ET.SubElement(parent, "text", {"x": _number(x), "y": _number(y), **attributes})
    element.text = words


def _mixed(one: str, other: str, part: float) -> str:
    """A colour on the way from one to another."""
    pairs = ((int(one[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(a + (b - a) * part):02x}" for a, b in pairs)


def _at(x: float, y: float) -> str:
    return f"{_number(x)} {_number(y)}"


def _number(value: float) -> str:
    """A hundredth of a pixel is enough; whole numbers have no point."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
