"""Rearrangements, however an exporter spells them, told by where they move each value.

Flattening, shuffling channels or making tokens of a map are chains of reshapes and transpositions
in a file. Each chain is applied to the places of the values; the layer of the catalogue that moves
them alike is meant.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from archdsl.importers.made_layers import makes
from archdsl.ir.layer import Layer, RuleError, shown
from archdsl.layers.attention import Tokens
from archdsl.layers.permutation import DarknetReorg, PixelShuffle, PixelUnshuffle, Reorg
from archdsl.layers.pooling import ChannelsFirst, ChannelShuffle, ChannelsLast
from archdsl.layers.reshape import Flatten, ReshapeTo, Transpose

if TYPE_CHECKING:
    from archdsl.importers.onnx.file import Array

_LARGEST = 2**25
"""Values whose places are followed."""


def places(shape: tuple[int | None, ...], samples: int) -> Array:
    """The places of the values of a batch of a shape, in their order.

    RuleError where a size is open.
    """
    sizes = [samples, *(size for size in shape if size is not None)]
    if len(sizes) <= len(shape):
        raise RuleError(
            "the size has to be known where values are rearranged", f"found {shown(shape)}"
        )
    if prod(sizes) > _LARGEST:
        raise RuleError(
            "too many values are rearranged to be followed", f"a batch of {samples} {shown(shape)}"
        )
    return np.arange(prod(sizes), dtype=np.int32).reshape(sizes)


class Found(NamedTuple):
    """A layer that moves values as wanted; None leaves everything as it is."""

    layer: Layer | None
    order: Array

    def behind(self, later: Array) -> Array:
        """A later order, by the places behind this layer."""
        places = np.empty(self.order.size, np.int32)
        places[self.order.reshape(-1)] = np.arange(self.order.size, dtype=np.int32)
        moved: Array = places[later]
        return moved


@makes(
    *(Flatten, ReshapeTo, Transpose, ChannelsLast, ChannelsFirst, Tokens),
    *(ChannelShuffle, PixelShuffle, PixelUnshuffle, Reorg, DarknetReorg),
)
def layer_of(before: tuple[int, ...], wanted: Array) -> Found | None:
    """The layer that brings the values of a shape into an order, if there is one."""
    size = prod(before)
    if not size or not wanted.size:
        return None
    samples = wanted.size // size
    if wanted.shape[:1] != (samples,):
        return None
    firsts = np.arange(0, wanted.size, size, dtype=np.int32)
    if not np.array_equal(wanted, np.add.outer(firsts, wanted[0])):
        return None  # samples are mixed
    for layer, made in _candidates(places(before, 1)[0], wanted[0]):
        if made.shape == wanted.shape[1:] and np.array_equal(made, wanted[0]):
            return Found(layer, wanted)
    return None


def not_a_layer(before: tuple[int, ...], wanted: Array) -> RuleError:
    return RuleError(
        "values are rearranged as no layer of the catalogue does it",
        f"from {shown(before)} to {shown(wanted.shape[1:])}",
    )


def _candidates(start: Array, wanted: Array) -> Iterator[tuple[Layer | None, Array]]:
    yield None, start
    if wanted.ndim == 1:
        yield Flatten(), start.reshape(-1)
    if start.ndim in (1, 3) and wanted.ndim == 3:
        yield ReshapeTo(*wanted.shape), start.reshape(wanted.shape)
    if start.ndim == 2:
        yield Transpose(), start.T
    if start.ndim != 3:
        return
    channels, rows, columns = start.shape
    yield Transpose(), start.transpose(0, 2, 1)
    yield ChannelsLast(), start.transpose(1, 2, 0)
    yield ChannelsFirst(), start.transpose(2, 0, 1)
    yield Tokens(), start.reshape(channels, -1).T
    if wanted.shape == start.shape:
        # The second channel comes from the second group: that tells the number of groups.
        second = int(wanted[1, 0, 0]) // (rows * columns) if channels > 1 else 0
        if second > 1 and channels % second == 0:
            parts = start.reshape(channels // second, second, rows, columns)
            shuffled = parts.transpose(1, 0, 2, 3).reshape(start.shape)
            yield ChannelShuffle(channels // second), shuffled
    if wanted.ndim == 3 and 0 < wanted.shape[1] < rows and rows % wanted.shape[1] == 0:
        factor = rows // wanted.shape[1]
        if columns % factor == 0:
            blocks = start.reshape(channels, rows // factor, factor, columns // factor, factor)
            yield (
                PixelUnshuffle(factor),
                blocks.transpose(0, 2, 4, 1, 3).reshape(-1, rows // factor, columns // factor),
            )
    if wanted.ndim == 3 and wanted.shape[0] > channels:
        yield from _folded(start, wanted.shape)
    if wanted.ndim == 3 and wanted.shape[1] > rows and wanted.shape[1] % rows == 0:
        factor = wanted.shape[1] // rows
        if channels % factor**2 == 0:
            blocks = start.reshape(-1, factor, factor, rows, columns)
            yield (
                PixelShuffle(factor),
                blocks.transpose(0, 3, 1, 4, 2).reshape(-1, rows * factor, columns * factor),
            )


def _folded(start: Array, wanted: tuple[int, ...]) -> Iterator[tuple[Layer, Array]]:
    """Blocks of cells that become channels, cell by cell and in Darknet's order."""
    channels, rows, columns = start.shape
    if rows % wanted[1] or columns % wanted[2]:
        return
    high, wide = rows // wanted[1], columns // wanted[2]
    blocks = start.reshape(channels, wanted[1], high, wanted[2], wide)
    yield Reorg(high, wide), blocks.transpose(2, 4, 0, 1, 3).reshape(wanted)
    if high == wide and channels % high**2 == 0:
        mixed = start.reshape(channels * rows // high**2, high, columns, high)
        yield DarknetReorg(high), mixed.transpose(1, 3, 0, 2).reshape(wanted)
