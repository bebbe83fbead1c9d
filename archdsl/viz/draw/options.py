"""Options of a drawing."""

from __future__ import annotations

import re
from dataclasses import dataclass

from archdsl.diagnostics import fail

DETAILS = ("none", "auto", "all")
"""No insides of closed blocks beside the figure, those that fit the page, or all."""

DIRECTIONS = ("TB", "LR", "snake")
"""From top to bottom, from left to right, and from top to bottom in columns."""

ENGINES = ("dot", "neato", "fdp", "sfdp", "circo", "twopi")
"""Graphviz's layouts, where it is installed."""

SCALES = ("linear", "sqrt", "log")
"""Growth of volumes with the sizes of feature maps."""

COLOURS = ("category", "params", "macs", "memory", "receptive-field")
"""Quantities that the colour of a box can show."""


PAGES = {"A4": (539.0, 786.0), "16:9": (960.0, 540.0), "4:3": (720.0, 540.0)}
"""Pages by name, width by height in points: A4 less a margin of 1 cm, and slides."""


@dataclass(frozen=True)
class DrawOptions:
    """The options of ``archdsl draw`` and ``Network.draw``.

    ``None`` stands for what suits the network: the finest levels and the direction with which the
    figure fits a page, and a legend where there are several categories.
    """

    depth: int | None = None
    """Template instances that many levels down, from 1 on, are a box each."""
    expand: tuple[str, ...] = ()
    """Patterns of scopes and templates whose inside is shown, whatever the depth says."""
    collapse: tuple[str, ...] = ()
    """Patterns of scopes and templates that are a box each, whatever the depth says."""
    details: str = "auto"
    """The insides of closed blocks, each kind once, with what differs by the parameters' names."""
    fold: bool = True
    """Draw equal blocks in a row once, marked ``×3``."""
    fuse: bool = True
    """Draw a convolution, its normalisation and its activation as one box."""
    style: str = "paper"
    page: str | None = None
    """One of :data:`PAGES`, or ``120x80``: width and height in millimetres; that of the style."""
    direction: str | None = None
    scale: str | None = None
    """Growth of volumes with sizes, of :data:`SCALES`; ``None`` for one that shows all sizes."""
    colour: str = "category"
    title: str | None = None
    """Title above the figure in place of the network's name; none if it is empty."""
    legend: bool | None = None
    font: str | None = None
    """A font family to prefer; words keep the room that the default one takes."""
    engine: str | None = None
    """The layout of Graphviz that is taken, of :data:`ENGINES`; ``None`` for our own."""
    dpi: int | None = None
    """Dots per inch of a picture that consists of dots; ``None`` for the format's default."""

    def __post_init__(self) -> None:
        if self.page is not None:
            page_size(self.page)

    @property
    def flow(self) -> str:
        """The direction of formats that lay out themselves: TB or LR."""
        return "LR" if self.direction == "LR" else "TB"


def page_size(page: str) -> tuple[float, float]:
    """Width and height of a page in points; raises ArchError for what is none."""
    if page in PAGES:
        return PAGES[page]
    sides = re.fullmatch(r"([0-9]{1,4})x([0-9]{1,4})", page)
    if sides is None or not (int(sides[1]) and int(sides[2])):
        names = ", ".join(PAGES)
        raise fail(f"there is no page '{page}'", None, f"expected {names}, or 120x80: millimetres")
    return int(sides[1]) / 25.4 * 72, int(sides[2]) / 25.4 * 72
