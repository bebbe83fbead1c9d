"""Files that ``archdsl draw`` writes: tables of all suffixes and styles.

Modules are imported when they are used.
"""

from __future__ import annotations

import importlib
from typing import NamedTuple

from archdsl.diagnostics import fail
from archdsl.ir.network import Network
from archdsl.viz.draw.options import DrawOptions


class Picture(NamedTuple):
    """A kind of file.

    ``module`` has a function ``encode(network, options) -> bytes`` that takes a checked network and
    returns the content of the file.
    """

    module: str
    title: str


class Style(NamedTuple):
    """A way to draw.

    ``module`` has a function ``svg(network, options) -> str`` that takes a checked network and
    returns an SVG document.
    """

    module: str
    title: str


PICTURES = {
    ".svg": Picture("archdsl.viz.draw.svg_file", "vector graphics for papers and pages"),
    ".png": Picture("archdsl.viz.draw.png_file", "a picture of dots"),
    ".pdf": Picture("archdsl.viz.draw.pdf_file", "a page that LaTeX includes"),
    ".html": Picture("archdsl.viz.html", "a page whose blocks open and close"),
    ".dot": Picture("archdsl.viz.draw.dot_file", "text for Graphviz"),
    ".tex": Picture("archdsl.viz.draw.tex_file", "TikZ, for a paper in LaTeX"),
    ".pptx": Picture("archdsl.viz.draw.pptx_file", "a slide of native shapes"),
    ".mmd": Picture("archdsl.viz.draw.mmd_file", "a flowchart of Mermaid, for Markdown"),
}
"""By suffix."""

STYLES = {
    "paper": Style("archdsl.viz.draw.figure", "light colours, for print"),
    "slide": Style("archdsl.viz.draw.figure", "strong colours, for a projector"),
    "dark": Style("archdsl.viz.draw.figure", "light on dark"),
    "mono": Style("archdsl.viz.draw.figure", "black and white"),
    "volumes": Style("archdsl.viz.volumes", "the feature maps as boxes in perspective"),
}
"""By name."""


def encoded(network: Network, suffix: str, options: DrawOptions) -> bytes:
    """The drawing of a checked network as the content of a file.

    Raises ArchError for a suffix that nothing can be drawn into.
    """
    picture = PICTURES.get(suffix)
    if picture is None:
        raise fail(f"cannot draw into '{suffix}'", None, f"expected one of {', '.join(PICTURES)}")
    if options.engine is not None:
        from archdsl.viz.draw.graphviz_engine import SUFFIXES, rendered

        if suffix not in SUFFIXES:
            raise fail(f"Graphviz draws no '{suffix}'", None, f"expected {', '.join(SUFFIXES)}")
        return rendered(network, suffix, options)
    content: bytes = importlib.import_module(picture.module).encode(network, options)
    return content


def svg(network: Network, options: DrawOptions) -> str:
    """The drawing of a checked network as an SVG document in the style asked for."""
    style = STYLES.get(options.style)
    if style is None:
        raise fail(f"there is no style '{options.style}'", None, f"expected {', '.join(STYLES)}")
    if options.scale is not None and options.style != "volumes":
        raise fail("only volumes have a scale", help="--style volumes draws them")
    text: str = importlib.import_module(style.module).svg(network, options)
    return text
