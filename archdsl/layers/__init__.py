"""The layer catalogue: one definition per layer kind and combinator.

Importing the package brings what most networks consist of. The other modules are imported when a
name is looked up that is in none of these, since defining a layer takes time that every start of
the command line would pay; :func:`definitions` lists all.
"""

from archdsl.ir.layer import (
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
from archdsl.layers import (
    activation,
    combinators,
    convolution,
    factors,
    inputs,
    joins,
    linear,
    normalization,
    pooling,
)

further(
    f"{__name__}.{module}"
    for module in (
        "channel_pooling",
        "losses",
        "padding",
        "reshape",
        "resize",
        "sequences",
        "attention",
        "windows",
        "pyramids",
        "images",
        "anchors",
        "proposals",
        "regions",
        "roi_heads",
        "svm",
        "one_stage",
        "permutation",
        "yolo",
        "dlib_pyramids",
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
    "factors",
    "inputs",
    "joins",
    "linear",
    "normalization",
    "pooling",
    "shown",
]
