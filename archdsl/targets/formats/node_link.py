"""The graph as JSON, in the node-link form that networkx reads."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

from archdsl.graph.model import Network
from archdsl.layers.edges import document
from archdsl.targets.options import Options

if TYPE_CHECKING:
    from torch import fx


def encode(network: Network, _module: fx.GraphModule, _options: Options) -> bytes:
    """The graph as JSON text; see :func:`node_link`."""
    return (json.dumps(node_link(network), indent=1) + "\n").encode()


def node_link(network: Network) -> dict[str, Any]:
    """The graph as a document that ``networkx.node_link_graph(document, edges="edges")`` reads.

    Nodes have ``id`` (the path), ``kind``, ``scope``, ``arguments``, ``shape`` (of the output),
    ``params`` and ``macs``. Edges have ``source``, ``target``, ``key`` (the position of the input
    that they feed) and ``shape``. The graph's attributes are ``name``, ``input`` and ``outputs``.
    """
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
                "params": layer.learned(inputs),
                "macs": layer.cost(inputs, shape),
            }
        )
    edges = [
        {"source": source, "target": target, "key": key, "shape": document(data["shape"])}
        for source, target, key, data in network.graph.edges(keys=True, data=True)
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
