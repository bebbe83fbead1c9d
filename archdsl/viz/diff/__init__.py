"""Differences as a figure: two diagrams are merged into one, with marks for what changed."""

from __future__ import annotations

from archdsl.analysis.diff.changes import Difference
from archdsl.diagnostics import fail
from archdsl.ir.network import Network
from archdsl.viz.diff.merge import Merger
from archdsl.viz.draw.options import DrawOptions
from archdsl.viz.draw.page_fit import Fitter
from archdsl.viz.draw.raster import pdf, png
from archdsl.viz.draw.svg import svg_text
from archdsl.viz.draw.themes import THEMES

SUFFIXES = (".svg", ".png", ".pdf")
"""Suffixes of the files that a difference can be drawn into."""

__all__ = ["SUFFIXES", "picture"]


def picture(
    before: Network, after: Network, found: Difference, suffix: str, options: DrawOptions
) -> bytes:
    """The figure of the difference of two checked networks as the content of a file.

    Raises ArchError for a suffix that is none of :data:`SUFFIXES`.
    """
    if suffix not in SUFFIXES:
        raise fail(f"cannot draw into '{suffix}'", None, f"expected one of {', '.join(SUFFIXES)}")
    theme = THEMES[options.style]
    merger = Merger(before, after, found, fold=options.fold, fuse=options.fuse)
    svg = svg_text(Fitter(merger, options, theme).figure(), theme, options.font)
    if suffix == ".pdf":
        return pdf(svg)
    if suffix == ".png":
        return png(svg) if options.dpi is None else png(svg, options.dpi)
    return svg.encode()
