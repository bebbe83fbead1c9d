"""``.mmd``: what is drawn, as a flowchart of Mermaid."""

from __future__ import annotations

from archdsl.ir.network import Network
from archdsl.viz.draw.figure import fitted
from archdsl.viz.draw.mermaid import mermaid_source
from archdsl.viz.draw.options import DrawOptions


def encode(network: Network, options: DrawOptions) -> bytes:
    """The content of a Mermaid file."""
    figure, _ = fitted(network, options)
    return mermaid_source(figure.diagram, figure.colouring, options.flow).encode()
