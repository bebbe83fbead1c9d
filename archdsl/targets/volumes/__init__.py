"""Feature maps as boxes in perspective: checked network → chain → figure → page → SVG."""

from __future__ import annotations

from archdsl.graph.model import Network
from archdsl.targets.volumes.placing import placed
from archdsl.targets.volumes.reading import figure_of
from archdsl.targets.volumes.svg import svg

__all__ = ["volumes"]


def volumes(network: Network, *, depth: int | None = None) -> bytes:
    """The feature maps of a checked network as an SVG file, to a scale that its caption tells.

    The look of LeCun et al. 1998, figure 2, and Krizhevsky et al. 2012, figure 2. Equal ones in a
    row are slices of one volume, blocks that branch are one slice each, and U-Net's shortcuts are
    lines. With ``depth`` template instances that many levels down are a volume each; without it as
    many of them are as a page needs. Raises ArchError for networks that are no chain of tensors,
    as most detectors are, and for open sizes.
    """
    return svg(placed(figure_of(network, depth=depth)))
