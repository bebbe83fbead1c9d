"""Import of ONNX: the graph of a model in layers of the catalogue, its constants folded.

The specification is that of https://onnx.ai/onnx/operators; the files are those of PyTorch's
exporters and of archdsl itself, and others that keep to the same operations.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from archdsl.diagnostics.foreign import parsing
from archdsl.importers import ImportOptions, Proof
from archdsl.importers.imported_graph import ImportedGraph
from archdsl.importers.onnx.data_movement import MOVING
from archdsl.importers.onnx.file import Tensor, load
from archdsl.importers.onnx.graph import OnnxGraphReader
from archdsl.importers.onnx.operators import OPERATORS
from archdsl.importers.onnx.patterns import PATTERNS
from archdsl.importers.onnx.window_operators import WINDOWS

OPERATOR_ROWS = {**OPERATORS, **WINDOWS, **MOVING}
"""The row of every operator by its name."""

if TYPE_CHECKING:
    from archdsl.importers.onnx.file import Array
    from archdsl.ir.network import Network


def read(what: str, options: ImportOptions) -> ImportedGraph:
    """The network of an ONNX file; ``options.input`` stands in for sizes that it leaves open.

    Raises ArchError with the name, type and place of a node that the catalogue has no layer for,
    where the file is broken, and where the package onnx is missing.
    """
    return _read(what, options)[0]


def proof(network: Network, what: str) -> Proof:
    """Compares the network with what onnxruntime makes of the file, where that is installed."""
    from archdsl.importers.onnx.weights import proof

    return proof(network, what)


def read_with_weights(what: str, options: ImportOptions) -> tuple[ImportedGraph, dict[str, Array]]:
    """The network, and the values that the tensors of its operations name."""
    imported, reader = _read(what, options)
    names = {name for operation in imported.operations for name in operation.tensors.values()}
    found = {name: reader.values[name] for name in sorted(names)}
    arrays = {name: value.array for name, value in found.items() if isinstance(value, Tensor)}
    return imported, arrays


def _read(what: str, options: ImportOptions) -> tuple[ImportedGraph, OnnxGraphReader]:
    path = Path(what)
    with parsing(path, "an ONNX model", other="E412"):
        reader = OnnxGraphReader(load(path), path, OPERATOR_ROWS, PATTERNS, options.input)
        outputs = reader.run()
        return reader.draft.graph(outputs), reader
