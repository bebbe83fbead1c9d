"""The layers of the catalogue that each file format is read as, and has a place for.

Collected from the tables of the formats. What is written through PyTorch, which is all but the
files of dlib and Darknet, is no column: every layer is a module of PyTorch.
"""

from __future__ import annotations

from archdsl.backends.formats.darknet_layers import LAYOUTS
from archdsl.dlib.kinds import dlib_layers
from archdsl.importers.darknet import first_layer
from archdsl.importers.darknet.kinds import SECTIONS
from archdsl.importers.draft import Draft
from archdsl.importers.keras.kinds import KINDS
from archdsl.importers.made_layers import made_by
from archdsl.importers.onnx import OPERATOR_ROWS
from archdsl.importers.onnx.activations import recognised as activations
from archdsl.importers.onnx.patterns import PATTERNS
from archdsl.importers.onnx.permutations import layer_of
from archdsl.importers.pytorch.layer_candidates import recognised
from archdsl.layers.reference import Coverage


def coverage() -> Coverage:
    """The layers of each format, by the format's title."""
    rows = (row.handler for row in OPERATOR_ROWS.values())
    norms = (norm for layout in LAYOUTS.values() for norm in layout.norms)
    return {
        "PyTorch": recognised(),
        "ONNX": made_by([*rows, *PATTERNS, activations, layer_of, Draft.row]),
        "Keras": made_by([*KINDS.values(), Draft.row]),
        "Darknet": made_by([*SECTIONS.values(), first_layer]),
        "Darknet's weights": made_by([*LAYOUTS, *norms]),
        "dlib": frozenset(dlib_layers()),
    }
