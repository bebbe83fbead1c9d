"""Themes: colours, fonts and page sizes of every style of figures.

Fills are light tints of the Okabe-Ito palette, which colour-blind readers tell apart, with dark
text on all of them; borders carry the full colour, and no two of them print as the same grey.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from archdsl.ir.layer import Category
from archdsl.viz.draw.diagram import ChangeMark
from archdsl.viz.draw.options import PAGES


class Paint(NamedTuple):
    """Fill and border; ``dash`` as SVG writes it."""

    fill: str
    line: str
    dash: str = ""


@dataclass(frozen=True)
class Theme:
    """Colours and strokes of a style. ``page`` is what figures are to fit, width by height."""

    paper: str
    text: str
    quiet: str
    wire: str
    frames: tuple[Paint, ...]
    """By depth; the last one for all that are deeper."""
    header: str
    paints: Mapping[Category, Paint]
    marks: Mapping[ChangeMark, Paint]
    heat: tuple[str, ...]
    """From the least to the most."""
    unknown: Paint
    """Paint of boxes that have no number."""
    stroke: float = 1.0
    radius: float = 4.0
    pages: tuple[tuple[float, float], ...] = (PAGES["A4"], PAGES["A4"][::-1])
    """Upright and across, in points."""
    smallest: float = 7.0
    """Points that the smallest text has at least on a page that a figure fits."""
    enlarged: float = 1.0
    """Factor by which a small figure is enlarged, at most."""


_LIGHT = {
    Category.INPUT: Paint("#ececec", "#6f6f6f"),
    Category.CONVOLUTION: Paint("#cfe4f5", "#0072b2"),
    Category.LINEAR: Paint("#fbe2ba", "#c98200"),
    Category.NORMALIZATION: Paint("#cdebdf", "#008a66"),
    Category.ACTIVATION: Paint("#faf6bf", "#a89f00"),
    Category.POOLING: Paint("#f8d3bf", "#c04a00"),
    Category.ATTENTION: Paint("#f3cfd5", "#9c2f45"),
    Category.REGULARIZATION: Paint("#f3dcea", "#a6517f"),
    Category.DETECTION: Paint("#ddd7f1", "#5b4a9c"),
    Category.JOIN: Paint("#ffffff", "#4a4a4a"),
    Category.RESHAPE: Paint("#f7f7f7", "#8f8f8f"),
    Category.LOSS: Paint("#e2dccf", "#6b5d45"),
}

_PAPER = Theme(
    paper="#ffffff",
    text="#1a1a1a",
    quiet="#4a4a4a",
    wire="#4d4d4d",
    frames=(Paint("#f7f8fa", "#c3c9d1"), Paint("#eef1f5", "#b3bbc6")),
    header="#e4e8ee",
    paints=_LIGHT,
    marks={
        ChangeMark.ADDED: Paint("#c8ecdc", "#00795a"),
        ChangeMark.REMOVED: Paint("#f9d5c2", "#c04a00", "5 3"),
        ChangeMark.CHANGED: Paint("#fdf0b0", "#8a6d00"),
    },
    heat=("#fff9e0", "#fde5ae", "#f9ca88", "#f3ac73", "#ea8f70"),
    unknown=Paint("#ffffff", "#8f8f8f"),
)

_SLIDE = Theme(
    paper="#ffffff",
    text="#111111",
    quiet="#444444",
    wire="#333333",
    frames=(Paint("#f3f5f8", "#9aa5b3"), Paint("#e7ebf1", "#8693a5")),
    header="#d8dfe8",
    paints={
        **_LIGHT,
        Category.CONVOLUTION: Paint("#a9d2f0", "#005f96"),
        Category.LINEAR: Paint("#f8cf8d", "#a86c00"),
        Category.NORMALIZATION: Paint("#a8dfca", "#006e51"),
        Category.POOLING: Paint("#f3b797", "#a33e00"),
        Category.ATTENTION: Paint("#ebaeb9", "#822338"),
        Category.DETECTION: Paint("#c5bbe8", "#4a3a88"),
    },
    marks=_PAPER.marks,
    heat=_PAPER.heat,
    unknown=_PAPER.unknown,
    stroke=1.5,
    radius=6.0,
    pages=(PAGES["16:9"],),
    smallest=13.0,
    enlarged=3.0,
)

_DARK = Theme(
    paper="#15181d",
    text="#f0f2f5",
    quiet="#aeb6c2",
    wire="#98a2b0",
    frames=(Paint("#1d2229", "#3b4450"), Paint("#262c35", "#4a5462")),
    header="#2f3743",
    paints={
        Category.INPUT: Paint("#33383f", "#98a2b0"),
        Category.CONVOLUTION: Paint("#12405f", "#56b4e9"),
        Category.LINEAR: Paint("#573a00", "#e69f00"),
        Category.NORMALIZATION: Paint("#0a4536", "#2cc79b"),
        Category.ACTIVATION: Paint("#4a4600", "#f0e442"),
        Category.POOLING: Paint("#592400", "#f0803c"),
        Category.ATTENTION: Paint("#541b28", "#e8798f"),
        Category.REGULARIZATION: Paint("#4d2239", "#dd8fb8"),
        Category.DETECTION: Paint("#332a5c", "#a899e8"),
        Category.JOIN: Paint("#15181d", "#d5dae1"),
        Category.RESHAPE: Paint("#23282f", "#8b95a3"),
        Category.LOSS: Paint("#40392b", "#c2b393"),
    },
    marks={
        ChangeMark.ADDED: Paint("#0a4536", "#2cc79b"),
        ChangeMark.REMOVED: Paint("#592400", "#f0803c", "5 3"),
        ChangeMark.CHANGED: Paint("#4a4600", "#f0e442"),
    },
    heat=("#2a2536", "#4b2f4f", "#743c57", "#9e4a52", "#b9624a"),
    unknown=Paint("#15181d", "#8b95a3"),
)

_MONO = Theme(
    paper="#ffffff",
    text="#000000",
    quiet="#333333",
    wire="#000000",
    frames=(Paint("#ffffff", "#777777", "4 3"), Paint("#ffffff", "#777777", "2 2")),
    header="#ffffff",
    paints={
        Category.INPUT: Paint("#ffffff", "#000000", "1 2"),
        Category.CONVOLUTION: Paint("#ffffff", "#000000"),
        Category.LINEAR: Paint("#cccccc", "#000000"),
        Category.NORMALIZATION: Paint("#ffffff", "#000000", "6 2"),
        Category.ACTIVATION: Paint("#ffffff", "#000000", "3 2"),
        Category.POOLING: Paint("#e6e6e6", "#000000"),
        Category.ATTENTION: Paint("#b8b8b8", "#000000"),
        Category.REGULARIZATION: Paint("#ffffff", "#000000", "6 2 1 2"),
        Category.DETECTION: Paint("#dadada", "#000000", "6 2"),
        Category.JOIN: Paint("#ffffff", "#000000"),
        Category.RESHAPE: Paint("#f2f2f2", "#000000", "1 2"),
        Category.LOSS: Paint("#e6e6e6", "#000000", "3 2"),
    },
    marks={
        ChangeMark.ADDED: Paint("#d9d9d9", "#000000"),
        ChangeMark.REMOVED: Paint("#ffffff", "#000000", "5 3"),
        ChangeMark.CHANGED: Paint("#eeeeee", "#000000", "9 2 2 2"),
    },
    heat=("#ffffff", "#eaeaea", "#d2d2d2", "#b8b8b8", "#9c9c9c"),
    unknown=Paint("#ffffff", "#000000", "1 2"),
)

THEMES = {"paper": _PAPER, "slide": _SLIDE, "dark": _DARK, "mono": _MONO}
"""By the name of the style."""
