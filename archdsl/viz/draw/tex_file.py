"""``.tex``: the drawing as TikZ."""

from __future__ import annotations

from archdsl.ir.network import Network
from archdsl.viz.draw.figure import fitted
from archdsl.viz.draw.options import DrawOptions
from archdsl.viz.draw.tikz import tikz_source


def encode(network: Network, options: DrawOptions) -> bytes:
    """The content of a LaTeX document of one picture."""
    return tikz_source(*fitted(network, options)).encode()
