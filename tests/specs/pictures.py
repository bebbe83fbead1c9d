"""The small pictures in specs/gallery: overviews of the specs, laid out and slimmed.

An SVG ends in the digest of the DOT text that it was laid out from. Layouts differ from engine to
engine and version to version, DOT text does not: a picture is fresh while the digests are equal.
"""

from __future__ import annotations

import hashlib
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import archdsl
from archdsl.targets.draw import draw
from archdsl.targets.draw.engine import layout

FOLDER = Path(__file__).resolve().parents[2] / "specs" / "gallery"

_SVG = "{http://www.w3.org/2000/svg}"
_DIGEST = re.compile(r"<!-- DOT sha256 (\w+) -->\n$")
# Fonts as wide as the one that the layout is for, so that words stay in their boxes.
_FONTS = "Arial, Helvetica, Liberation Sans, Arimo, sans-serif"
_SHAPES = {f"{_SVG}{name}" for name in ("path", "polygon", "polyline", "ellipse", "text")}
_GEOMETRY = ("d", "points", "x", "y", "cx", "cy", "rx", "ry")
_NUMBER = re.compile(r"-?\d+\.\d+")
_DROPPED = {"{http://www.w3.org/XML/1998/namespace}space", "font-family", "text-anchor"}


def path(name: str) -> Path:
    """Where the picture of a spec is."""
    return FOLDER / f"{name}.svg"


def source(network: archdsl.Network) -> bytes:
    """The DOT text of a network's overview."""
    return draw(network.checked, ".dot", depth=1)


def is_fresh(network: archdsl.Network) -> bool:
    """Whether the picture that is there was laid out from what the network is now."""
    file = path(network.name)
    found = _DIGEST.search(file.read_text(encoding="utf-8")) if file.is_file() else None
    return found is not None and found.group(1) == _digest(source(network))


def write(network: archdsl.Network) -> None:
    """Lay out the overview of a network and put it into its file."""
    dot = source(network)
    svg = layout(dot.decode(), "svg")
    text = f"{_slim(svg, str(network))}<!-- DOT sha256 {_digest(dot)} -->\n"
    path(network.name).write_text(text, encoding="utf-8")


def size(name: str) -> tuple[float, float]:
    """Width and height of a picture, in points."""
    box = ET.parse(path(name)).getroot().attrib["viewBox"].split()
    return float(box[2]), float(box[3])


def _digest(dot: bytes) -> str:
    return hashlib.sha256(dot).hexdigest()


def _slim(svg: bytes, words: str) -> str:
    """Graphviz's SVG without its groups, links and tooltips, which a small picture has no use for.

    Its shapes stand in the order of painting, all in the coordinates of one outer group; a tenth of
    a point is as much as one can see.
    """
    root = ET.fromstring(svg)
    outer = root.find(f"{_SVG}g")
    assert outer is not None
    box = root.attrib["viewBox"]
    _, _, width, height = (float(number) for number in box.split())
    slim = ET.Element(
        "svg",
        xmlns=_SVG[1:-1],
        width=f"{width:g}pt",
        height=f"{height:g}pt",
        viewBox=box,
        role="img",
    )
    ET.SubElement(slim, "title").text = words
    group = ET.SubElement(
        slim,
        "g",
        {"transform": outer.attrib["transform"], "font-family": _FONTS},
    )
    group.text = "\n"
    for shape in root.iter():
        if shape.tag in _SHAPES:
            kept = {key: value for key, value in shape.attrib.items() if key not in _DROPPED}
            for key in kept.keys() & set(_GEOMETRY):
                kept[key] = _NUMBER.sub(_tenths, kept[key])
            # Text of a table or of several lines starts where it is put; all other is centred.
            if shape.get("text-anchor", "start") != "start":
                kept["text-anchor"] = shape.attrib["text-anchor"]
            part = ET.SubElement(group, shape.tag.removeprefix(_SVG), kept)
            part.text, part.tail = shape.text, "\n"
    return ET.tostring(slim, encoding="unicode") + "\n"


def _tenths(number: re.Match[str]) -> str:
    return f"{float(number[0]):.1f}".removesuffix(".0")
