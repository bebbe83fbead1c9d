"""Reads figures as a browser would: rectangles and words of an SVG, with their places."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass

SVG = "{http://www.w3.org/2000/svg}"


@dataclass(frozen=True)
class Area:
    """Left, top, right, bottom."""

    x0: float
    y0: float
    x1: float
    y1: float

    def within(self, other: Area, slack: float = 0.2) -> bool:
        return (
            self.x0 >= other.x0 - slack
            and self.y0 >= other.y0 - slack
            and self.x1 <= other.x1 + slack
            and self.y1 <= other.y1 + slack
        )

    def meets(self, other: Area) -> bool:
        return (
            min(self.x1, other.x1) - max(self.x0, other.x0) > 0.2
            and min(self.y1, other.y1) - max(self.y0, other.y0) > 0.2
        )


@dataclass(frozen=True)
class Text:
    words: str
    size: float
    area: Area


@dataclass(frozen=True)
class Figure:
    width: float
    height: float
    boxes: dict[str, Area]
    """By the title of their group."""
    headers: list[Area]
    inside: list[tuple[Text, Area]]
    """The words of boxes and headers, with the area they belong to."""
    free: list[Text]
    """All other words."""
    tips: list[tuple[float, float]]
    """Where the arrows point at."""


def read(svg: str) -> Figure:
    """The parts of a figure; all groups move by plain translations."""
    root = ET.fromstring(svg)
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    figure = Figure(width, height, {}, [], [], [], [])
    waiting = [(root, 0.0, 0.0, None)]
    while waiting:
        element, dx, dy, owner = waiting.pop()
        moved = re.fullmatch(r"translate\((\S+) (\S+)\)", element.get("transform", ""))
        if moved:
            dx, dy = dx + float(moved[1]), dy + float(moved[2])
        if element.tag == f"{SVG}g" and element.find(f"{SVG}title") is not None:
            owner = _area(element, dx, dy)
            if element.find(f"{SVG}desc") is not None:
                name = element.findtext(f"{SVG}title") or ""
                assert name not in figure.boxes
                figure.boxes[name] = owner
            else:
                figure.headers.append(owner)
        # An arrow head is a triangle: M tip L corner corner z.
        tip = re.fullmatch(r"M(\S+) (\S+)L\S+ \S+ \S+ \S+z", element.get("d", ""))
        if tip:
            figure.tips.append((float(tip[1]) + dx, float(tip[2]) + dy))
        if element.tag == f"{SVG}text":
            text = _text(element, dx, dy)
            if owner is None:
                figure.free.append(text)
            else:
                figure.inside.append((text, owner))
        waiting += [(child, dx, dy, owner) for child in element]
    return figure


def _area(group: ET.Element, dx: float, dy: float) -> Area:
    rects = group.findall(f"{SVG}rect")
    if rects:
        x, y, w, h = (float(rects[-1].attrib[key]) for key in ("x", "y", "width", "height"))
        return Area(x + dx, y + dy, x + dx + w, y + dy + h)
    # A header: M x y v -(h-r) a r r ... h (w-2r) ...
    path = group.find(f"{SVG}path")
    assert path is not None
    found = re.match(r"M(\S+) (\S+)v(\S+)a(\S+) \S+ 0 0 1 \S+ \S+h(\S+?)a", path.attrib["d"])
    assert found is not None
    x, foot, up, r, w = map(float, found.groups())
    return Area(x + dx, foot + up - r + dy, x + w + 2 * r + dx, foot + dy)


def _text(element: ET.Element, dx: float, dy: float) -> Text:
    x, y, size = (float(element.attrib[key]) for key in ("x", "y", "font-size"))
    half = float(element.attrib["textLength"]) / 2
    # Capitals of the font reach up 0.7 of its size, tails down 0.2.
    area = Area(x + dx - half, y + dy - 0.7 * size, x + dx + half, y + dy + 0.2 * size)
    return Text(element.text or "", size, area)
