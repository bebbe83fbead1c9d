"""Drawings: checked network → diagram (boxes, clusters, edges) → DOT → SVG or PNG."""

from __future__ import annotations

from archdsl.diagnostics import fail
from archdsl.graph.model import Network
from archdsl.layers.edges import Detections
from archdsl.targets.draw.diagram import Box, Cluster, Diagram
from archdsl.targets.draw.dot import dot_source
from archdsl.targets.draw.engine import layout
from archdsl.targets.draw.reading import diagram_of

SUFFIXES = (".svg", ".png", ".dot", ".html")
"""What can be drawn, as suffixes of file names."""

__all__ = ["SUFFIXES", "Box", "Cluster", "Diagram", "diagram_of", "draw"]


def draw(
    network: Network, suffix: str = ".svg", *, fold: bool = True, depth: int | None = None
) -> bytes:
    """The drawing of a checked network as the content of a file.

    ``suffix`` is one of :data:`SUFFIXES`. With ``fold``, equal blocks that follow each other are
    drawn once and marked ``×3``. With ``depth`` it is an overview: templates that many levels down,
    from 1 on, are a box each. Detectors are drawn as their modules unless ``depth`` says otherwise.
    An ``.html`` page opens and closes blocks itself; it begins with what these two say.
    Raises ArchError for another suffix, and where the drawing is too large for its engine.
    """
    if suffix == ".html":
        from archdsl.targets.html import html

        return html(network, fold=fold, depth=depth)
    if depth is None and any(
        isinstance(network.shape(p), Detections) for p in network.outputs.values()
    ):
        depth = 1
    if suffix not in SUFFIXES:
        raise fail(f"cannot draw into '{suffix}'", None, f"expected one of {', '.join(SUFFIXES)}")
    source = dot_source(diagram_of(network, fold=fold, depth=depth))
    return source.encode() if suffix == ".dot" else layout(source, suffix.removeprefix("."))
