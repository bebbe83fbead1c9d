"""Positions of the cells of a layer's output, in pixels of the network's input."""

from __future__ import annotations

from archdsl.ir.network import Network
from archdsl.ir.window import Cells


def cells(network: Network, path: str) -> Cells:
    """The cells of a layer of a checked network.

    As dlib's output_tensor_to_input_tensor, back through every layer's first input: where paths
    join, the one that goes on counts, not the one that was tagged.
    """
    stride, first = Cells()
    while True:
        instance = network.instance(path)
        if not instance.inputs:
            return Cells(stride, first)
        window = instance.layer.edge_window(network.input_shapes(instance))
        if window is not None:
            (tall, wide), (down, right) = window.stride, window.first
            first = tall * first[0] + down, wide * first[1] + right
            stride = tall * stride[0], wide * stride[1]
        path = instance.inputs[0]
