"""Values of an ONNX graph while it is read: constants, and results of the network's operations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from archdsl.diagnostics import ArchError

if TYPE_CHECKING:
    from archdsl.importers.onnx.file import Array

Sizes = tuple[int | None, ...]
FLOATS = (1, 10, 11, 16)
"""Kinds of values of a network, as ONNX numbers them: of 32, 16 and 64 bits, and bfloat16."""


@dataclass(frozen=True, eq=False)
class Moved:
    """The values of an operation in another order or shape, and none of them changed.

    ``orders`` say for each step, and each place behind it, where the value stood, in a batch of
    several samples. The first axis is the batch, unless a step moves it.
    """

    source: int
    orders: tuple[Array, ...]

    @property
    def order(self) -> Array:
        """That behind the last step."""
        return self.orders[-1]


@dataclass(frozen=True)
class Signal:
    """A value that depends on the network's input; ``shape`` is without the batch.

    It is the output of the operation ``index``, or what the layers that follow may make one of: a
    rearrangement, or a function of one value (``functions``: for operations before, what the value
    is for each of some sample values of theirs). Where it is none of these, ``refusal`` says why.
    """

    shape: Sizes
    index: int | None = None
    moved: Moved | None = None
    functions: Mapping[int, Array] = field(default_factory=dict)
    refusal: ArchError | None = None
    node: Any = None
    """The node of the file that gives it."""


_ENDS = np.array([8, 10, 20, 30, 50, 100, 300, 1e3, 1e4, 1e6, 1e10, 1e30])
GRID: Array = np.concatenate([np.linspace(-6, 6, 97), _ENDS, -_ENDS]).astype(np.float32)
"""The values at which functions are sampled: beyond the corners of all activations."""
NEAR: Array = np.abs(GRID) <= 30
"""Samples at which no activation overflows, however it is spelled."""
