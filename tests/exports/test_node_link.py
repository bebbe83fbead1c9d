"""The graph as JSON: what networkx's own reader makes of it, against the documented schema."""

import json
import re
from typing import Any

import networkx as nx
import pytest
from support import families
from torch import fx, nn

import archdsl
from archdsl.backends.formats import FORMATS, encode, node_link

NO_MODULE = fx.symbolic_trace(nn.Identity())
NODE = {
    "kind": str,
    "scope": str,
    "arguments": dict,
    "shape": (list, dict),
    "params": int,
    "macs": int,
}


def refused(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


def read(spec: str) -> "nx.MultiDiGraph[str]":
    content = encode(FORMATS[".json"], archdsl.load(spec).checked, NO_MODULE)
    document = json.loads(content, parse_constant=refused)  # no NaN
    return nx.node_link_graph(document, edges="edges")


def test_lenet_by_hand() -> None:
    graph = read("lenet")
    path = list(nx.topological_sort(graph))
    assert path == list(graph)
    assert graph.graph["input"] == path[0]
    assert list(graph.graph["outputs"].values()) == path[-1:]
    learned = {path: data for path, data in graph.nodes(data=True) if data["params"]}
    # dlib pads 5×5 windows of stride 1 by two; figure 2 of LeNet: 6 and 16 maps, 120, 84, 10.
    assert [data["params"] for data in learned.values()] == [
        6 * 25 + 6,
        16 * 6 * 25 + 16,
        120 * 16 * 7 * 7 + 120,
        84 * 120 + 84,
        10 * 84 + 10,
    ]
    first = next(iter(learned.values()))
    assert first["kind"] == "con" and first["shape"] == [6, 28, 28]
    assert first["macs"] == 28 * 28 * 6 * 25
    assert first["arguments"]["filters"] == 6 and first["arguments"]["padding_h"] is None


def test_keys_are_positions_of_inputs() -> None:
    graph = read("add_prev1<relu<tag1<con<2,1,1,1,1,input<1,4,4>>>>>")
    (join,) = [node for node, degree in graph.in_degree if degree == 2]
    kinds = {key: graph.nodes[source]["kind"] for source, _, key in graph.in_edges(join, keys=True)}
    assert kinds == {0: "relu", 1: "con"}


def test_arguments_that_are_layers_themselves() -> None:
    """SSD300's first map: 4 boxes at a place, 0.07 of the image, 8 pixels apart (torchvision)."""
    (grid,) = [d for _, d in read("ssd300_vgg16").nodes(data=True) if "levels" in d["arguments"]]
    first, *others = grid["arguments"]["levels"]
    assert first == {"kind": "ssd_level", "arguments": {"count": 4, "scale": 0.07, "step": 8}}
    assert len(others) == 5
    pyramid = next(iter(read("dlib_mmod_face_detection").nodes.values()))["arguments"]["pyramid"]
    assert pyramid["kind"] == "pyramid_down"


@pytest.mark.parametrize("name", families.specs())
def test_every_spec_follows_the_schema(name: str) -> None:
    graph = read(name)
    assert isinstance(graph, nx.MultiDiGraph)
    assert set(graph.graph) == {"name", "input", "outputs"}
    assert graph.graph["name"] == name
    assert {graph.graph["input"], *graph.graph["outputs"].values()} <= set(graph)
    for data in graph.nodes.values():
        assert data.keys() == NODE.keys()
        assert all(isinstance(data[key], kind) for key, kind in NODE.items())
        assert_shape(data["shape"])
    for source, target, key, data in graph.edges(keys=True, data=True):
        assert data.keys() == {"shape"} and data["shape"] == graph.nodes[source]["shape"]
        assert 0 <= key < graph.in_degree(target)


def assert_shape(shape: Any) -> None:
    if isinstance(shape, list):
        assert all(size is None or isinstance(size, int) for size in shape)


def test_the_schema_documents_every_field() -> None:
    words = set(re.findall(r"^``([\w.]+)``", node_link.__doc__ or "", re.M))
    document = node_link.node_link(archdsl.load("lenet").checked)
    nodes, edges = document["nodes"][1], document["edges"][0]
    graph = {f"graph.{name}" for name in document["graph"]}
    assert words == {*document, *nodes, *edges, *graph} - {"graph"}
