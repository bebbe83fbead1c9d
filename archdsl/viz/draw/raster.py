"""From SVG text to PNG and PDF, with wheels alone: resvg and Typst convert, Arimo is the font.

:data:`FONTS` is the font family of our drawings. Arimo comes with the wheel ``fontpkg-arimo``, so
that text looks the same on a machine without any font; its characters are as wide as those of
Liberation Sans, Arial and Helvetica, which a browser takes where it is not installed.
:mod:`archdsl.viz.draw.font_metrics` knows these widths.
"""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from io import StringIO
from typing import NamedTuple

from archdsl.diagnostics import fail
from archdsl.viz.draw.font_metrics import known

FONTS = "Arimo, Liberation Sans, Arial, Helvetica, sans-serif"
"""The value of ``font-family``: fonts of equal widths, the one that we bring along first."""

_OURS = FONTS.partition(",")[0]

MOST_PIXELS = 100_000_000
"""Of a PNG. Viewers give up on larger ones, and this one takes 400 MB while it is drawn."""

_LARGEST_PAGE = 14_400.0
"""Points. ISO 32000-1, annex C: readers may refuse a page of more than 200 inches."""

_POINTS = {
    "": 0.75,
    "px": 0.75,
    "pt": 1.0,
    "pc": 12.0,
    "in": 72.0,
    "cm": 72 / 2.54,
    "mm": 7.2 / 2.54,
}
"""The units of SVG lengths, in points; CSS has 96 pixels in an inch."""

# The picture and its title are data for this page, never a part of its source.
_PAGE = b"""
#set document(title: sys.inputs.title, date: none)
#set page(width: auto, height: auto, margin: 0pt)
#image(
  bytes(sys.inputs.svg),
  format: "svg",
  alt: sys.inputs.title,
  width: float(sys.inputs.width) * 1pt,
  height: float(sys.inputs.height) * 1pt,
)
"""


def png(svg: str, dpi: int = 144) -> bytes:
    """The picture as a PNG file, ``dpi`` pixels to the inch; equal for equal pictures.

    Lengths without a unit are pixels of CSS, 96 to the inch. Raises ArchError where the picture
    has more than :data:`MOST_PIXELS` pixels.
    """
    size = _size(svg)
    width, height = (math.ceil(side / 72 * dpi) for side in size)
    if width * height > MOST_PIXELS:
        fitting = math.floor(math.sqrt(MOST_PIXELS / (size.width * size.height)) * 72)
        raise fail(
            f"a PNG of {width:,}×{height:,} pixels is too large, at {dpi} dots per inch",
            None,
            f"expected {MOST_PIXELS:,} pixels at most",
            help=f"--dpi {fitting} fits"
            if fitting
            else "draw an .svg or .pdf: they have no pixels",
        )
    import fontpkg_arimo
    import resvg_py

    try:
        return resvg_py.svg_to_bytes(
            svg_string=svg,
            background="#ffffff",  # paper, where a picture has none of its own
            dpi=dpi,  # lengths in points or millimetres have no size without
            width=width,
            height=height,
            skip_system_fonts=not _foreign(svg),
            font_dirs=[str(fontpkg_arimo.ROOT / "files")],
            # Without these, words in a font that is not there would be left out.
            font_family=_OURS,
            serif_family=_OURS,
            sans_serif_family=_OURS,
            monospace_family=_OURS,
        )
    except ValueError as error:
        raise fail(f"the picture cannot be converted: {error}") from None


def pdf(svg: str) -> bytes:
    """The picture as a PDF file of one page, its text as text; equal for equal pictures.

    The page has the picture's size, but 200 inches at most: larger ones are made smaller. Raises
    ArchError where the typst package is missing, which is as large as all else that draws.
    """
    size = _size(svg)
    factor = min(1.0, _LARGEST_PAGE / max(size))
    return _page(svg, _Size(size.width * factor, size.height * factor))


class _Size(NamedTuple):
    """In points."""

    width: float
    height: float


def _page(svg: str, size: _Size) -> bytes:
    import fontpkg_arimo

    try:
        import typst
    except ImportError:
        raise fail("PDF files need the package typst", help="pip install 'archdsl[pdf]'") from None

    compiler = typst.Compiler(
        _PAGE,
        font_paths=[fontpkg_arimo.ROOT / "files"],
        ignore_system_fonts=not _foreign(svg),
        sys_inputs={
            "svg": svg,
            "title": _title(svg),
            "width": repr(size.width),
            "height": repr(size.height),
        },
    )
    try:
        content = compiler.compile(format="pdf")
    except typst.TypstError as error:
        raise fail(f"the picture cannot be converted: {error.message}") from None
    assert isinstance(content, bytes)
    return content


def _foreign(svg: str) -> bool:
    """True if a picture needs fonts that only the machine may have.

    They take time to find, and differ between machines: our own drawings are made without.
    """
    families = set(re.findall(r'font-family="([^"]*)"', svg))
    return families != {FONTS} or not known(set(svg) - {"\n", "\t"})


def _size(svg: str) -> _Size:
    root = next(element for _, element in ET.iterparse(StringIO(svg), events=("start",)))
    return _Size(_points(root.attrib["width"]), _points(root.attrib["height"]))


def _points(length: str) -> float:
    found = re.fullmatch(r"([\d.]+)([a-z]*)", length)
    assert found is not None, f"a length without a number: {length}"
    return float(found[1]) * _POINTS[found[2]]


def _title(svg: str) -> str:
    """The first title: it stands at the head of the file, before those of its parts."""
    for _, element in ET.iterparse(StringIO(svg)):
        name = element.tag.rpartition("}")[2]
        if name == "title":
            return element.text or ""
        if name not in ("desc", "style", "defs"):
            break
    return ""
