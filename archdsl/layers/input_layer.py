"""Layers where data enters a network, as the graph and the shape stage know them."""

from __future__ import annotations

from archdsl.layers.definition import Layer, Shape
from archdsl.layers.edges import EdgeType, Images


class InputLayer(Layer):
    """The base of all inputs: what the shape stage and ``--input`` need to know of them."""

    def size(self) -> Shape:
        """The shape as written, unknown sizes as ``None``."""
        raise NotImplementedError

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        return self.size()

    def output(self, inputs: tuple[EdgeType, ...]) -> EdgeType:
        return self.size()

    def resized(self, declared: EdgeType, wanted: Shape) -> EdgeType:
        """What the layer gives where ``--input`` says ``wanted``; channels agree already."""
        return Images(wanted) if isinstance(declared, Images) else wanted
