"""The layer catalogue: one definition per layer kind and combinator.

Importing the package fills the catalogue; :func:`definitions` lists it.
"""

from archdsl.layers import (
    activation,
    combinators,
    convolution,
    detection,
    endpoints,
    joining,
    linear,
    normalization,
    pooling,
    pyramids,
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
    "detection",
    "elements",
    "endpoints",
    "joining",
    "linear",
    "normalization",
    "pooling",
    "pyramids",
    "shown",
]
