"""Feature maps as boxes in perspective: checked network → chain → figure → page → SVG."""

from __future__ import annotations

from dataclasses import replace

from archdsl.diagnostics import fail
from archdsl.ir.network import Network
from archdsl.viz.draw.options import DrawOptions
from archdsl.viz.volumes.from_chain import figure_of
from archdsl.viz.volumes.layout import placed
from archdsl.viz.volumes.svg import svg_text
from archdsl.viz.volumes.u_layout import u_page

__all__ = ["svg"]

_MEANINGLESS = ("expand", "collapse", "fold", "fuse", "direction", "colour")
"""Options of diagrams that volumes have no use for."""


def svg(network: Network, options: DrawOptions) -> str:
    """The feature maps of a checked network as an SVG document, to a scale that its caption tells.

    The look of LeCun et al. 1998, figure 2, and Krizhevsky et al. 2012, figure 2. Equal ones in a
    row are slices of one volume, blocks that branch are one slice each, and encoders with decoders
    are a U with their shortcuts across. With a depth template instances that many levels down are
    a volume each; without it as many of them are as a page needs. Raises ArchError for networks
    that are no chain of tensors, as most detectors are, for open sizes, and for options that mean
    nothing here.
    """
    usual = DrawOptions()
    for name in _MEANINGLESS:
        if getattr(options, name) != getattr(usual, name):
            raise fail(f"volumes have no option '{name}'", help="leave it out, or the style")
    figure = figure_of(network, depth=options.depth)
    if options.title is not None:
        figure = replace(figure, title=options.title)
    page = u_page(figure, options.scale) or placed(figure, options.scale)
    return svg_text(page, legend=options.legend is not False, font=options.font)
