"""Drawings: checked network → diagram (boxes, clusters, edges) → DOT → SVG or PNG."""

from __future__ import annotations

from collections.abc import Callable

from archdsl.diagnostics import fail
from archdsl.graph.model import Network
from archdsl.layers.edges import Detections
from archdsl.targets.draw.diagram import Box, Cluster, Diagram
from archdsl.targets.draw.dot import dot_source
from archdsl.targets.draw.engine import layout
from archdsl.targets.draw.reading import diagram_of

SUFFIXES = (".svg", ".png", ".dot")
"""What can be drawn, as suffixes of file names."""

__all__ = ["STYLES", "SUFFIXES", "Box", "Cluster", "Diagram", "diagram_of", "draw"]


STYLES = ("diagram", "volumes")
"""How a network can be drawn: as boxes and arrows, or as its feature maps."""


def draw(
    network: Network,
    suffix: str = ".svg",
    *,
    fold: bool = True,
    depth: int | None = None,
    style: str = "diagram",
) -> bytes:
    """The drawing of a checked network as the content of a file.

    ``suffix`` is one of :data:`SUFFIXES`, ``style`` one of :data:`STYLES`; volumes are drawn by
    :func:`archdsl.targets.volumes.volumes`, which tells what ``depth`` means for them.

    With ``fold``, equal blocks that follow each other are drawn once and marked ``×3``. With
    ``depth`` it is an overview: templates that many levels down, from 1 on, are a box each.
    Detectors are drawn as their modules unless ``depth`` says otherwise.
    Raises ArchError for another suffix, and where the drawing is too large for its engine.
    """
    if style == "volumes":
        return _volumes(network, suffix, depth)
    if depth is None and any(
        isinstance(network.shape(p), Detections) for p in network.outputs.values()
    ):
        depth = 1
    if suffix not in SUFFIXES:
        raise fail(f"cannot draw into '{suffix}'", None, f"expected one of {', '.join(SUFFIXES)}")
    source = dot_source(diagram_of(network, fold=fold, depth=depth))
    return source.encode() if suffix == ".dot" else layout(source, suffix.removeprefix("."))


def _volumes(network: Network, suffix: str, depth: int | None) -> bytes:
    from archdsl.targets.draw import raster
    from archdsl.targets.volumes import volumes

    forms: dict[str, Callable[[str], bytes]] = {
        ".svg": str.encode,
        ".png": raster.png,
        ".pdf": raster.pdf,
    }
    if suffix not in forms:
        raise fail(
            f"cannot draw volumes into '{suffix}'", None, f"expected one of {', '.join(forms)}"
        )
    return forms[suffix](volumes(network, depth=depth).decode())
