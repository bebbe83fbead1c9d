"""The graph as JSON, in the node-link form that networkx reads.

``networkx.node_link_graph(document, edges="edges")`` makes the graph of it, whose nodes and edges
have as attributes what follows. The document:

=============== ================ ===================================================================
``directed``    true
``multigraph``  true             a layer may take the same output twice
``graph.name``  string           the spec's name
``graph.input`` string           the id of the node that data enters by
``graph.outputs`` object         for each output's name the id of the node that gives it, in order
``nodes``       list of objects  the layers, each behind those that it takes from
``edges``       list of objects  what flows from layer to layer
=============== ================ ===================================================================

A node:

============= ======= =============================================================================
``id``        string  the path, as the compiled module's submodules are named: ``stage1.conv1``
``kind``      string  the layer's name: ``con``
``scope``     string  the path of the template's instance that it stands in, empty for none
``arguments`` object  the layer's arguments by name, null where one was left open; what is written
                      as a layer itself has ``kind`` and ``arguments`` in turn
``shape``     shape   of the output, for one sample
``params``    integer learned values
``macs``      integer multiply-accumulates for one sample, null where the input's size is open
============= ======= =============================================================================

An edge:

========== ======= ================================================================================
``source`` string  the id of the layer that gives
``target`` string  the id of the layer that takes
``key``    integer which input of the target it feeds, from 0
``shape``  shape   of what flows
========== ======= ================================================================================

A shape is a list of integers, null where a size is open: ``[channels, height, width]`` or
``[features]``. Detectors hand on other things, which are objects: feature maps by their names, and
``{"regions": count, "shape": shape}``, ``{"anchors": counts}``, ``{"proposals": count}``,
``{"detections": count, "classes": count, "parts": names}``.
"""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

from archdsl.backends.formats.options import FormatOptions
from archdsl.ir.block import Block
from archdsl.ir.edges import document
from archdsl.ir.network import Network

if TYPE_CHECKING:
    from torch import nn


def encode(network: Network, _module: nn.Module, _options: FormatOptions) -> bytes:
    """The graph as JSON text; see :func:`node_link`."""
    return (json.dumps(node_link(network), indent=1, default=_part) + "\n").encode()


def _part(argument: Any) -> dict[str, Any] | None:
    """An argument that is a definition of its own, such as a level of SSD's default boxes."""
    what = argument.meant if isinstance(argument, Block) else argument
    if what is None:
        return None
    return {"kind": what.kind, "arguments": _arguments(what)}


def node_link(network: Network) -> dict[str, Any]:
    """The graph as a document, which the module's docstring describes."""
    nodes = []
    for instance in network.instances():
        inputs, shape = network.input_shapes(instance), network.shape(instance.path)
        layer = instance.layer
        nodes.append(
            {
                "id": instance.path,
                "kind": layer.kind,
                "scope": instance.scope.path,
                "arguments": _arguments(layer),
                "shape": document(shape),
                "params": layer.edge_parameters(inputs),
                "macs": layer.edge_macs(inputs, shape),
            }
        )
    edges = [
        {"source": source, "target": target, "key": key, "shape": document(network.shape(source))}
        for target, instance in network.by_path.items()
        for key, source in enumerate(instance.inputs)
    ]
    return {
        "directed": True,
        "multigraph": True,
        "graph": {
            "name": network.name,
            "input": network.input,
            "outputs": dict(network.outputs),
        },
        "nodes": nodes,
        "edges": edges,
    }


def _arguments(layer: Any) -> dict[str, Any]:
    # Not dataclasses.asdict: the values are numbers and small tuples already.
    return {field.name: getattr(layer, field.name) for field in dataclasses.fields(layer)}
