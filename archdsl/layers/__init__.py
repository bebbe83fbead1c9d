"""The layer catalogue: one definition per layer kind and combinator.

Importing the package brings what most networks consist of. The other modules are imported when a
name is looked up that is in none of these, since defining a layer takes time that every start of
the command line would pay; :func:`definitions` lists all.
"""

from archdsl.layers import (
    activation,
    combinators,
    convolution,
    endpoints,
    joining,
    linear,
    normalization,
    pooling,
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
    further,
    shown,
)

further(
    f"{__name__}.{module}"
    for module in (
        "losses",
        "padding",
        "reshaping",
        "resizing",
        "sequences",
        "attention",
        "pyramids",
        "images",
        "anchors",
        "proposals",
        "regions",
        "detection",
        "svm",
        "dense",
        "rearranging",
        "yolo",
        "dlib_detection",
    )
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
    "elements",
    "endpoints",
    "joining",
    "linear",
    "normalization",
    "pooling",
    "shown",
]
