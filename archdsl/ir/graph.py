"""The layers of a network as a networkx graph."""

from __future__ import annotations

from typing import TypeAlias

import networkx as nx

from archdsl.ir.flat import Flat
from archdsl.ir.gc_pause import collector_paused

Graph: TypeAlias = "nx.MultiDiGraph[str]"


@collector_paused()
def graph_of(name: str, flat: Flat) -> Graph:
    """The frozen graph of a flat network; with types nodes and edges have an attribute ``shape``.

    The key of an edge is the position of the input that it feeds.
    """
    graph: Graph = nx.MultiDiGraph(name=name)
    types = flat.types
    # One by one is quicker than networkx's add_..._from, which copies every dict again.
    for path, instance in flat.instances.items():
        if not types:
            graph.add_node(path, instance=instance)
            for port, source in enumerate(instance.inputs):
                graph.add_edge(source, path, port)
        else:
            graph.add_node(path, instance=instance, shape=types[path])
            for port, source in enumerate(instance.inputs):
                graph.add_edge(source, path, port, shape=types[source])
    nx.freeze(graph)
    return graph
