"""The pictures in specs/gallery: overviews of the specs, and one whole figure.

Figures are the same bytes on every machine: a picture is fresh while it is what would be drawn.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import archdsl

FOLDER = Path(__file__).resolve().parents[2] / "specs" / "gallery"

WHOLE = FOLDER / "full" / "googlenet.svg"
"""The figure that the gallery's page shows."""


def path(name: str) -> Path:
    """Where the picture of a spec is."""
    return FOLDER / f"{name}.svg"


def overview(network: archdsl.Network) -> str:
    """The picture of a spec: its stages, from top to bottom."""
    return _drawn(network, depth=1, details="none", direction="TB", legend=False)


def whole(network: archdsl.Network) -> str:
    """The figure of a network as a page shows it."""
    return _drawn(network)


def is_fresh(network: archdsl.Network) -> bool:
    """Whether the picture that is there shows what the network is now."""
    file = path(network.name)
    return file.is_file() and file.read_text(encoding="utf-8") == overview(network)


def write(network: archdsl.Network) -> None:
    """Put the overview of a network into its file."""
    path(network.name).write_text(overview(network), encoding="utf-8")


def size(name: str) -> tuple[float, float]:
    """Width and height of a picture, in points."""
    box = ET.parse(path(name)).getroot().attrib["viewBox"].split()
    return float(box[2]), float(box[3])


def _drawn(network: archdsl.Network, **options: object) -> str:
    svg = network.draw(**options)
    assert svg is not None
    return svg
