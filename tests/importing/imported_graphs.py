"""An imported graph without the text that is made of it: as a network, and as a module."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import fx

from archdsl.analysis import shapes
from archdsl.backends.torch import compile_network
from archdsl.diagnostics.source import Source, Span
from archdsl.importers.imported_graph import ImportedGraph
from archdsl.ir.network import Network
from archdsl.ir.region import LayerStep, Region


def kinds(imported: ImportedGraph) -> list[str]:
    """The kind of each layer behind the input."""
    return [operation.layer.kind for operation in imported.operations[1:]]


def network_of(imported: ImportedGraph) -> Network:
    """The checked network; layers are ``layer0``, ``layer1``, in the order of the graph."""
    span = Span(Source("graph", " "), 0, 1)
    steps = tuple(
        LayerStep(operation.layer, f"layer{number}", span, tuple(operation.inputs), False)
        for number, operation in enumerate(imported.operations)
    )
    region = Region(steps=steps, named=dict(imported.outputs), entry=0, layers=len(steps))
    return shapes.check(Network(imported.name, region))


def module_of(
    imported: ImportedGraph, weights: Mapping[str, np.ndarray] | None = None
) -> fx.GraphModule:
    """The network as PyTorch runs it, for inference, with the origin's weights."""
    module = compile_network(network_of(imported), seed=0).eval()
    if weights is not None:
        state = module.state_dict()
        for number, operation in enumerate(imported.operations):
            for key, name in operation.tensors.items():
                target = state[f"layer{number}.{key}"]
                values = torch.from_numpy(np.array(weights[name], np.float32))
                target.copy_(values.reshape(target.shape))
    return module


def parameters_of(imported: ImportedGraph) -> int:
    return sum(value.numel() for value in module_of(imported).parameters())
