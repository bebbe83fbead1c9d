"""Calibration inputs of a quantised classifier, read from a folder of pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from torch import Tensor, nn

from archdsl.api import Network
from archdsl.diagnostics import fail, listing
from archdsl.inference.pictures import SUFFIXES, read_picture
from archdsl.inference.predictor import classifier
from archdsl.ir.edges import shown
from archdsl.text.paths import is_folder


class Calibration(NamedTuple):
    """Inputs of a classifier, and the output that its classes are read from."""

    samples: Callable[[], Iterator[Tensor]]
    """Gives the inputs 1×C×H×W, read anew with each call: they need not fit into memory."""
    output: str | None
    """Name of the output; ``None`` where the network has only one."""


def calibration(network: Network, module: nn.Module, folder: Path) -> Calibration:
    """The pictures in a folder and its subfolders, as a classifier sees them.

    ``module`` is put in eval mode. Raises ArchError where there are no pictures, and for a network
    that does not classify.
    """
    pictures = _pictures(folder)
    model = classifier(network, module)
    if model is None:
        gives = listing(f"{n} {shown(edge)}" for n, edge in network.summary().outputs.items())
        raise fail(
            f"--quantize takes classifiers, and {network.name} is none",
            None,
            "expected a network that gives a picture scores of classes, found one that takes "
            f"{shown(network.summary().input)} and gives {gives}",
        )
    return Calibration(lambda: (model.seen(read_picture(path)) for path in pictures), model.output)


def _pictures(folder: Path) -> list[Path]:
    """The pictures in a folder and the folders in it; raises ArchError where there are none."""
    if not is_folder(folder):
        raise fail(f"--calibrate {folder}: there is no such folder")
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    if not found:
        raise fail(
            f"--calibrate {folder}: there are no pictures in it",
            None,
            f"expected files that end in {listing(SUFFIXES)}",
            help="a hundred pictures such as the network will see are enough",
        )
    return found
