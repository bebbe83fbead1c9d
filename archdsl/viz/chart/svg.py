"""A planned chart as SVG, its text as text."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from archdsl.diagnostics.printable import printable
from archdsl.viz.chart.labels import Circle
from archdsl.viz.chart.plan import FRAME, HEIGHT, WIDTH, Bubble, Chart

_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#555555", "#8b7300")
"""The palette of Okabe and Ito, which colour-blind readers tell apart; its yellow is too pale."""
_TEXT, _QUIET, _GRID = "#1a1a1a", "#5a5a5a", "#dddddd"
_FONTS = "Arial, Helvetica, Liberation Sans, Arimo, sans-serif"


def svg(chart: Chart) -> bytes:
    """The SVG file of a chart. What a name holds stays text; what XML cannot hold is replaced."""
    root = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "width": str(WIDTH),
            "height": str(HEIGHT),
            "viewBox": f"0 0 {WIDTH} {HEIGHT}",
            "font-family": _FONTS,
            "font-size": "11",
            "fill": _TEXT,
        },
    )
    heading = "Accuracy, operations and parameters"
    ET.SubElement(root, "title").text = heading
    ET.SubElement(root, "rect", width=str(WIDTH), height=str(HEIGHT), fill="white")
    _text(root, FRAME.left, 28, heading, size=16, weight="bold")
    _axes(root, chart)
    for bubble in chart.bubbles:
        _bubble(root, bubble)
    for bubble in chart.bubbles:
        _label(root, bubble)
    _legend(root, chart)
    ET.indent(root)
    return f"{ET.tostring(root, encoding='unicode')}\n".encode()


def _axes(root: ET.Element, chart: Chart) -> None:
    grid = ET.SubElement(root, "g", stroke=_GRID, fill=_QUIET)
    for tick in chart.across:
        _line(grid, tick.at, FRAME.top, tick.at, FRAME.bottom)
        _text(grid, tick.at, FRAME.bottom + 18, tick.text, anchor="middle")
    for tick in chart.up:
        _line(grid, FRAME.left, tick.at, FRAME.right, tick.at)
        _text(grid, FRAME.left - 8, tick.at + 4, tick.text, anchor="end")
    place = {"x": FRAME.left, "y": FRAME.top}
    size = {"width": FRAME.right - FRAME.left, "height": FRAME.bottom - FRAME.top}
    numbers = {key: _number(value) for key, value in (place | size).items()}
    ET.SubElement(root, "rect", {**numbers, "fill": "none", "stroke": _QUIET})
    middle = (FRAME.top + FRAME.bottom) / 2
    below = "multiply-accumulates for one image, billions"
    _text(root, (FRAME.left + FRAME.right) / 2, FRAME.bottom + 42, below, size=12, anchor="middle")
    beside = _text(root, 20, middle, "top-1 accuracy as reported, %", size=12, anchor="middle")
    beside.set("transform", f"rotate(-90 20 {_number(middle)})")


def _bubble(root: ET.Element, bubble: Bubble) -> None:
    colour = _colour(bubble)
    point = bubble.point
    group = ET.SubElement(root, "g", {"class": "network", "role": "img"})
    ET.SubElement(group, "title").text = printable(point.name)
    ET.SubElement(group, "desc").text = (
        f"{point.macs / 1e9:.3g} billion multiply-accumulates, "
        f"{point.accuracy:g}% top-1, {point.parameters / 1e6:.3g} million parameters"
    )
    _circle(group, bubble.circle, {"fill": colour, "fill-opacity": "0.45", "stroke": colour})
    _circle(group, bubble.circle._replace(radius=1.5), {"fill": colour})


def _label(root: ET.Element, bubble: Bubble) -> None:
    box, line = bubble.label
    if line is not None:
        _line(root, *line).set("stroke", _colour(bubble))
    text = printable(bubble.point.name)
    written = _text(root, (box.left + box.right) / 2, box.bottom - 3, text, anchor="middle")
    # A white rim keeps words readable on grid lines and bubbles.
    written.attrib.update(
        {"stroke": "white", "stroke-width": "2.5", "paint-order": "stroke", "class": "label"}
    )


def _legend(root: ET.Element, chart: Chart) -> None:
    legend = ET.SubElement(root, "g", {"class": "legend"})
    left = FRAME.right + 20
    _text(legend, left, FRAME.top + 12, "parameters,", size=12)
    _text(legend, left, FRAME.top + 28, "millions", size=12)
    for circle, words in chart.sizes:
        _circle(legend, circle, {"fill": "none", "stroke": _QUIET})
        _text(legend, FRAME.right + 112, circle.y + 4, words)


def _colour(bubble: Bubble) -> str:
    return _COLOURS[bubble.family % len(_COLOURS)]


def _circle(parent: ET.Element, circle: Circle, attributes: dict[str, str]) -> None:
    place = {"cx": circle.x, "cy": circle.y, "r": circle.radius}
    numbers = {key: _number(value) for key, value in place.items()}
    ET.SubElement(parent, "circle", {**numbers, **attributes})


def _line(parent: ET.Element, x1: float, y1: float, x2: float, y2: float) -> ET.Element:
    place = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
    return ET.SubElement(parent, "line", {key: _number(value) for key, value in place.items()})


def _text(
    parent: ET.Element,
    x: float,
    y: float,
    words: str,
    *,
    size: int | None = None,
    anchor: str | None = None,
    weight: str | None = None,
) -> ET.Element:
    wanted = {"font-size": size, "text-anchor": anchor, "font-weight": weight}
    attributes = {key: str(value) for key, value in wanted.items() if value is not None}
    element = ET.SubElement(
        parent, "text", {"x": _number(x), "y": _number(y), "stroke": "none", **attributes}
    )
    element.text = words
    return element


def _number(value: float) -> str:
    """A thousandth of a pixel is enough; whole numbers have no point."""
    return f"{value:.3f}".rstrip("0").rstrip(".")
