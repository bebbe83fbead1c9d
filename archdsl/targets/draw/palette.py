"""Colours by layer category: light tints of the Okabe-Ito palette, which colour-blind readers tell
apart, with black text on all of them."""

from __future__ import annotations

from typing import NamedTuple

from archdsl.layers.definition import Category


class Paint(NamedTuple):
    """Fill and border of a box."""

    fill: str
    line: str


PAINTS = {
    Category.INPUT: Paint("#e9e9e9", "#777777"),
    Category.CONVOLUTION: Paint("#bfddf3", "#0072b2"),
    Category.LINEAR: Paint("#f9d9a8", "#b87800"),
    Category.NORMALIZATION: Paint("#c6e9dc", "#00805f"),
    Category.ACTIVATION: Paint("#f8f3ae", "#a39a00"),
    Category.POOLING: Paint("#f5c7ae", "#c04a00"),
    Category.ATTENTION: Paint("#f0c4cb", "#9c2f45"),
    Category.REGULARIZATION: Paint("#f0d3e3", "#a6517f"),
    Category.DETECTION: Paint("#d6cfee", "#5b4a9c"),
    Category.JOIN: Paint("#ffffff", "#333333"),
    Category.RESHAPE: Paint("#f4f4f4", "#999999"),
    Category.LOSS: Paint("#d9d2c5", "#6b5d45"),
}
"""One paint for every category."""

TEXT = "#1a1a1a"
QUIET = "#5a5a5a"
FRAME = Paint("#f6f7f9", "#b9c0c9")
INNER_FRAME = Paint("#eceff3", "#a7b0bb")
