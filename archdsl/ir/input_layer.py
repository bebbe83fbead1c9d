"""The base class of layers through which data enters a network."""

from __future__ import annotations

from typing import ClassVar

from archdsl.ir.edges import EdgeType, Images
from archdsl.ir.layer import Layer, Shape


class InputLayer(Layer):
    """The base of all inputs: a layer without inputs, with a shape that ``--input`` may change."""

    samples: ClassVar[int | None] = 1
    """Number of samples of the batch that one item becomes, dlib's sample_expansion_factor;
    ``None`` where the items say it."""

    def size(self) -> Shape:
        """The shape as written, unknown sizes as ``None``."""
        raise NotImplementedError

    def undeclared(self) -> None:
        """Raise RuleError where ``--input`` alone could say the shape, and it is not given."""
        return

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        return self.size()

    def edge_shape(self, inputs: tuple[EdgeType, ...]) -> EdgeType:
        return self.size()

    def with_channels(self, channels: int) -> InputLayer | None:
        """The layer for tensors of other channels; ``None`` where its kind fixes them."""
        return None

    def other_kind(self, channels: int) -> str | None:
        """The input that takes so many channels, in words; ``None`` where none is known."""
        return None

    def resized(self, declared: EdgeType, wanted: Shape) -> EdgeType:
        """Output type of the layer for ``--input wanted``, whose channels must agree already."""
        return Images(wanted) if isinstance(declared, Images) else wanted
