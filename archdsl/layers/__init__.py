"""The layer catalogue: one definition per layer kind and combinator.

Importing the package fills the catalogue; :func:`definitions` lists it.
"""

from archdsl.layers import (
    activation,
    combinators,
    convolution,
    dense,
    detection,
    endpoints,
    joining,
    linear,
    normalization,
    pooling,
    pyramids,
    rearranging,
    svm,
    yolo,
)
from archdsl.layers.definition import (
    Argument,
    Category,
    Definition,
    Layer,
    Shape,
    Window,
    definitions,
    elements,
    shown,
)

__all__ = [
    "Argument",
    "Category",
    "Definition",
    "Layer",
    "Shape",
    "Window",
    "activation",
    "combinators",
    "convolution",
    "definitions",
    "dense",
    "detection",
    "elements",
    "endpoints",
    "joining",
    "linear",
    "normalization",
    "pooling",
    "pyramids",
    "rearranging",
    "shown",
    "svm",
    "yolo",
]
