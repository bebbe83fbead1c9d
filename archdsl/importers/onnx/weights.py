"""The weights of an ONNX file in a compiled network, and whether it computes what the file says."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from archdsl.backends.torch import compile_network
from archdsl.backends.torch.trial_run import undisturbed
from archdsl.diagnostics import fail
from archdsl.importers import ImportOptions, Proof
from archdsl.importers.comparison import compared
from archdsl.importers.imported_graph import ImportedGraph
from archdsl.importers.onnx import read_with_weights
from archdsl.importers.onnx.network_input import CHANNELS_LAST
from archdsl.importers.weight_map import DifferentNetworkError, state
from archdsl.ir.edges import Shape
from archdsl.ir.network import Network


def read(path: Path, network: Network, module: nn.Module) -> dict[str, Tensor]:
    """The weights of an ONNX file by the names of a compiled network.

    Raises ArchError where the file holds another network. PyTorch's exporters fold batch norms
    into convolutions, so the spec that was imported from a file is what surely fits it.
    """
    return _read(path, network, module)[1]


def _read(
    path: Path, network: Network, module: nn.Module
) -> tuple[ImportedGraph, dict[str, Tensor]]:
    size = network.shape(network.input)
    options = ImportOptions(size if isinstance(size, tuple) else None)
    graph, weights = read_with_weights(str(path), options)
    shapes = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    try:
        found = state(graph, network, weights, shapes)
    except DifferentNetworkError:
        raise fail(
            f"{path} holds another network than {network.name}",
            None,
            "exporters fold batch norms into convolutions and leave out biases of zero",
            help=f"archdsl import {path} writes the spec that its weights fit",
        ) from None
    # Arrays of the file may be read-only, which tensors cannot be.
    return graph, {name: torch.tensor(array) for name, array in found.items()}


def proof(network: Network, what: str) -> Proof:
    """Compares the compiled network, with the file's weights, with what onnxruntime computes."""
    try:
        import onnxruntime
    except ImportError:
        return Proof(None, ("pip install 'archdsl[onnx]' brings onnxruntime, which runs the file",))
    module = compile_network(network)
    imported, weights = _read(Path(what), network, module)
    module.load_state_dict(weights, strict=False)
    try:
        session = onnxruntime.InferenceSession(what, providers=["CPUExecutionProvider"])
        (entry,) = session.get_inputs()
        batch = entry.shape[0] if isinstance(entry.shape[0], int) else 2
        sizes = [size or 1 for size in cast("Shape", network.shape(network.input))]
        x = torch.randn(batch, *sizes, generator=torch.Generator().manual_seed(0))
        given = x.movedim(1, -1) if CHANNELS_LAST in imported.notes else x
        theirs = session.run(None, {entry.name: given.numpy()})
    except Exception as error:  # what it raises is C++'s and has no common base
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        return Proof(None, (f"onnxruntime does not run the file: {reason}",))
    with undisturbed(module, training=False), torch.inference_mode():
        result = module(x)
    ours = list(result.values()) if isinstance(result, dict) else [result]
    return compared([part.numpy() for part in ours], theirs, "onnxruntime", "the file's weights")
