"""A figure of feature maps as data, without coordinates."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from archdsl.ir.layer import Category
from archdsl.viz.volumes.chain import Jump, Skip


class Form(Enum):
    """Shape in which a feature map is drawn."""

    PLANE = "the image"
    BOX = "channels to the right, height upwards, width into the distance"
    BAR = "a vector: upright, as long as its channels"


class VolumeOperation(NamedTuple):
    """The operation that makes a feature map, and the number of times it is done in a row."""

    words: str
    times: int


@dataclass(frozen=True)
class Volume:
    """Feature maps of one shape in a row, each made of the one before."""

    id: str
    """The path of the first layer; unique."""
    form: Form
    shape: tuple[int, ...]
    operations: tuple[VolumeOperation, ...]
    skips: tuple[Skip | None, ...]
    """For each slice the shortcut around it."""
    category: Category
    kernel: tuple[int, int] | None
    """Rows and columns of the volume before that one cell of the first slice sees."""
    telling: str
    block: bool
    """True if each slice is a template instance with several layers."""

    @property
    def slices(self) -> int:
        return len(self.skips)

    @property
    def face(self) -> tuple[int, int]:
        """Height and width; of a sequence the number of tokens and one."""
        if len(self.shape) >= 3:
            return self.shape[1], self.shape[2]
        return (self.shape[0], 1) if len(self.shape) == 2 else (1, 1)

    @property
    def channels(self) -> int:
        return self.shape[1] if len(self.shape) == 2 else self.shape[0]


@dataclass(frozen=True)
class VolumeFigure:
    """Volumes from the input to the output, and the paths that pass by some of them."""

    title: str
    volumes: tuple[Volume, ...]
    jumps: tuple[Jump, ...]
    left_out: tuple[str, ...]
    """Side outputs that are not drawn."""
