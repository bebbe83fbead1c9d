"""Keras's JSON: texts as versions 2 and 3 write them, and Keras itself where it is installed."""

import importlib.util
import json
import os
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from imported_graphs import kinds, module_of, network_of, parameters_of

from archdsl.api import load_source
from archdsl.diagnostics import ArchError
from archdsl.diagnostics.source import Source
from archdsl.importers import keras as reader
from archdsl.importers.imported_graph import ImportedGraph
from archdsl.importers.outlining.writer import written

Json = dict[str, Any]


def layer(kind: str, name: str, *reads: str, **config: Any) -> Json:
    """A layer of a functional model as version 2 writes it."""
    nodes = [[[read, 0, 0, {}] for read in reads]] if reads else []
    return {
        "class_name": kind,
        "name": name,
        "config": {"name": name, **config},
        "inbound_nodes": nodes,
    }


def entry(*shape: int | None) -> Json:
    return layer("InputLayer", "in", batch_input_shape=[None, *shape])


def model(*layers: Json, end: str | None = None, version: str = "2.15.0") -> str:
    last = end or layers[-1]["name"]
    config = {
        "name": "m",
        "layers": list(layers),
        "input_layers": [["in", 0, 0]],
        "output_layers": [[last, 0, 0]],
    }
    return json.dumps({"class_name": "Functional", "config": config, "keras_version": version})


def read(text: str, size: tuple[int, int, int] | None = None) -> ImportedGraph:
    return reader.graph_of_source(Source("m.json", text), "m", size)


def test_a_sequential_model_of_version_2() -> None:
    """The network of Keras's MNIST example; parameters by hand."""
    layers = [
        ("Conv2D", {"filters": 32, "kernel_size": [3, 3], "activation": "relu"}),
        ("MaxPooling2D", {"pool_size": [2, 2], "strides": [2, 2]}),
        ("Flatten", {}),
        ("Dropout", {"rate": 0.5}),
        ("Dense", {"units": 10, "activation": "softmax"}),
    ]
    layers[0][1]["batch_input_shape"] = [None, 28, 28, 1]
    config = {
        "name": "s",
        "layers": [
            {"class_name": kind, "config": {"name": f"l{number}", **given}}
            for number, (kind, given) in enumerate(layers)
        ],
    }
    document = {"class_name": "Sequential", "config": config, "keras_version": "2.4.0"}
    graph = read(json.dumps(document))
    assert kinds(graph) == ["con", "relu", "max_pool", "flatten", "dropout", "fc", "softmax"]
    assert parameters_of(graph) == 32 * 9 + 32 + 13 * 13 * 32 * 10 + 10
    assert "Keras flattens height×width×channels" in graph.notes[0]
    spec = load_source(Source("m", written(graph))).check()
    assert spec.summary().outputs == {"output": (10,)}


def test_a_functional_model_of_version_3() -> None:
    def tensor(name: str) -> Json:
        history = {"shape": [None, 8, 8, 4], "dtype": "float32", "keras_history": [name, 0, 0]}
        return {"class_name": "__keras_tensor__", "config": history}

    def node(*args: Any) -> list[Json]:
        return [{"args": list(args), "kwargs": {"training": False}}]

    body = layer("Conv2D", "body", filters=4, kernel_size=[3, 3], padding="same", use_bias=False)
    norm = layer("BatchNormalization", "norm", axis=-1, epsilon=1e-3, momentum=0.99)
    plus, relu = layer("Add", "plus"), layer("ReLU", "relu", max_value=6.0, negative_slope=0.0)
    body["inbound_nodes"], norm["inbound_nodes"] = node(tensor("in")), node(tensor("body"))
    plus["inbound_nodes"] = node([tensor("norm"), tensor("in")])
    relu["inbound_nodes"] = node(tensor("plus"))
    first = layer("InputLayer", "in", batch_shape=[None, 8, 8, 4])
    graph = read(model(relu, first, norm, body, plus, end="relu", version="3.5.0"))  # any order
    assert kinds(graph) == ["con", "batch_norm", "add", "relu6"]
    assert graph.operations[2].layer.effective() == {"eps": 1e-3, "momentum": 0.01}


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["Conv2D", "MaxPooling2D", "AveragePooling2D"]),
    st.integers(1, 4),
    st.integers(1, 3),
    st.integers(4, 9),
)
def test_same_padding_is_tensorflows(kind: str, kernel: int, stride: int, side: int) -> None:
    """tf.nn: ceil(size / stride) windows; of the padding the smaller half is in front."""
    sizes = {"kernel_size": kernel, "filters": 1, "use_bias": False, "activation": None}
    if kind != "Conv2D":
        sizes = {"pool_size": kernel}
    text = model(
        entry(side, side, 1), layer(kind, "l", "in", padding="same", strides=stride, **sizes)
    )
    data = torch.randn(1, 1, side, side)
    module = module_of(read(text))
    count = -(-side // stride)
    total = max((count - 1) * stride + kernel - side, 0)
    front, end = total // 2, total - total // 2
    fill = 0.0 if kind == "Conv2D" else float("nan")
    padded = torch.nn.functional.pad(data, (front, end, front, end), value=fill)
    windows = padded.unfold(2, kernel, stride).unfold(3, kernel, stride).flatten(4)
    if kind == "Conv2D":
        (weight,) = module.parameters()
        expected = (windows * weight.flatten()).sum(-1)
    elif kind == "MaxPooling2D":
        expected = windows.nan_to_num(-torch.inf).amax(-1)
    else:
        expected = windows.nanmean(-1)
    with torch.no_grad():
        found = module(data)
    assert found.shape == (1, 1, count, count)
    assert torch.allclose(found, expected, atol=1e-5)


def test_squeeze_and_excitation_is_a_gate() -> None:
    layers = [
        entry(6, 6, 4),
        layer("GlobalAveragePooling2D", "squeeze", "in"),
        layer("Reshape", "shape", "squeeze", target_shape=[1, 1, 4]),
        layer("Conv2D", "excite", "shape", filters=4, kernel_size=[1, 1], activation="sigmoid"),
        layer("Multiply", "scaled", "in", "excite"),
    ]
    graph = read(model(*layers))
    assert graph.operations[-1].layer.kind == "gate"
    spec = load_source(Source("m", written(graph))).check()
    assert spec.summary().parameters == 4 * 4 + 4


CONV = {"filters": 2, "kernel_size": [3, 3]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"class_name": ', "m.json:1:16"),
        ("[]", "no model of Keras"),
        ('{"class_name": "Functional", "config": {}}', "has no list of layers"),
        (model(entry(8, 8, 3), layer("Lambda", "f", "in")), "Lambda f: the catalogue has no layer"),
        (model(entry(8, 8, 3), layer("Conv2D", "c", "in", kernel_size=3)), "filters has to be"),
        (model(entry(8, 8, 3), layer("Conv2D", "c", "in", **CONV, strides=0)), "1 at least"),
        (model(entry(8, 8, 3), layer("Conv2D", "c", "in", **CONV, padding="causal")), "causal"),
        (model(entry(2, 2, 3), layer("Conv2D", "c", "in", **CONV)), "larger than its input"),
        (model(entry(None, None, 3), layer("Flatten", "f", "in")), "known size"),
        (model(entry(8, 8, None), layer("Flatten", "f", "in")), "InputLayer in: expected"),
        (model(entry(8, 8, 3), layer("ReLU", "r", "on")), "ReLU r: it reads on, which is not"),
        (model(entry(8, 8, 3), layer("ReLU", "r", "r")), "read each other in a circle"),
        (model(entry(8, 8, 3), layer("ReLU", "r", "in"), end="out"), "an output of a model"),
        (model(entry(8, 8, 3), layer("Softmax", "s", "in", axis=1)), "another axis"),
        (
            model(entry(8, 8, 3), layer("Activation", "a", "in", activation="hard_sigmoid")),
            "activation hard_sigmoid",  # of version 2
        ),
        (
            model(entry(8, 8, 3), layer("Reshape", "r", "in", target_shape=[8, 24])),
            "from 3×8×8 to [8, 24]",
        ),
    ],
)
def test_errors_name_the_layer(text: str, message: str) -> None:
    with pytest.raises(ArchError) as caught:
        read(text)
    assert message in str(caught.value)


def shared_text(*layers: dict[str, Any]) -> str:
    """The spec of a model, and of an activation behind the second application of its last layer."""
    behind = layer("Activation", "t", activation="relu")
    behind["inbound_nodes"] = [[[layers[-1]["name"], 1, 0, {}]]]
    return written(read(model(*layers, behind)))


def test_a_layer_that_is_used_twice_shares_its_weights() -> None:
    shared = layer("Conv2D", "c", "in", filters=4, kernel_size=[1, 1])
    shared["inbound_nodes"].append([["c", 0, 0, {}]])
    text = shared_text(entry(4, 4, 4), shared)
    assert "repeat<2,shared<c,con<4,1,1" in text
    assert load_source(Source("spec", text)).summary().parameters == 4 * 4 + 4


def test_a_model_that_is_used_twice_shares_its_weights() -> None:
    """Keras counts its parameters once."""
    inner = [
        entry(4, 4, 4),
        layer("Conv2D", "c", "in", filters=4, kernel_size=[1, 1]),
        layer("Activation", "a", "c", activation="tanh"),
    ]
    shared = json.loads(model(*inner)) | {"name": "sub", "inbound_nodes": [[["in", 0, 0, {}]]]}
    assert kinds(read(model(entry(4, 4, 4), shared))) == ["con", "htan"]
    shared["inbound_nodes"].append([["sub", 0, 0, {}]])
    text = shared_text(entry(4, 4, 4), shared)
    assert "shared<sub," in text
    assert load_source(Source("spec", text)).summary().parameters == 4 * 4 + 4


def test_a_layer_of_two_models_shares_its_weights() -> None:
    conv = layer("Conv2D", "c", "in", filters=4, kernel_size=[1, 1]) | {"shared_object_id": 7}
    sub = json.loads(model(entry(4, 4, 4), conv)) | {"name": "sub"}
    sub["inbound_nodes"] = [[["c", 0, 0, {}]]]
    text = written(read(model(entry(4, 4, 4), conv, sub)))
    assert load_source(Source("spec", text)).summary().parameters == 4 * 4 + 4


def test_a_size_that_the_file_leaves_open_is_given() -> None:
    text = model(entry(None, None, 3), layer("Flatten", "f", "in"))
    network = network_of(read(text, (3, 4, 4)))
    assert network.shape("layer1") == (48,)


NESTED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["class_name", "config", "layers", "name", "inbound_nodes", "filters"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(["Conv2D", "Dense", "Reshape", "ZeroPadding2D", "UpSampling2D", "Sequential"]),
    st.dictionaries(
        st.sampled_from(["filters", "kernel_size", "units", "padding", "target_shape", "size"]),
        NESTED,
    ),
    NESTED,
)
def test_junk_is_an_error_and_no_crash(kind: str, config: Json, nodes: Any) -> None:
    junk = {"class_name": kind, "name": "j", "config": config, "inbound_nodes": nodes}
    honest = layer(kind, "k", "in", **config)
    for text in (model(entry(4, 4, 3), junk), model(entry(4, 4, 3), honest)):
        try:
            found = read(text)
        except ArchError:
            continue
        network_of(found)


# ---- Keras itself ----


@pytest.mark.skipif(importlib.util.find_spec("keras") is None, reason="Keras is not installed")
@pytest.mark.parametrize("name", ["MobileNetV2", "ResNet50V2", "Xception"])
def test_networks_of_keras(name: str) -> None:
    """As many parameters as Keras counts, and with its weights the same output."""
    os.environ["KERAS_BACKEND"] = "torch"
    import keras

    theirs = getattr(keras.applications, name)(weights=None, classifier_activation=None)
    graph = read(theirs.to_json())
    weights = {}
    for part in theirs.layers:
        for variable in part.weights:
            values = np.asarray(variable.value.detach().cpu())
            depthwise = variable.name == "depthwise_kernel" or "Depthwise" in type(part).__name__
            axes = {4: (2, 3, 0, 1) if depthwise else (3, 2, 0, 1), 2: (1, 0)}.get(values.ndim)
            weights[f"{part.name}/{variable.name}"] = values.transpose(axes) if axes else values
    module = module_of(graph, weights)
    buffers = sum(v.numel() for n, v in module.named_buffers() if "num_batches" not in n)
    assert sum(v.numel() for v in module.parameters()) + buffers == theirs.count_params()
    side = theirs.input_shape[1]
    data = np.random.default_rng(0).random((1, side, side, 3), dtype=np.float32)
    with torch.no_grad():
        expected = theirs(data, training=False).cpu()
        found = module(torch.from_numpy(data).permute(0, 3, 1, 2))
    assert torch.allclose(found, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("kind", "config", "expected"),
    [
        ("BatchNormalization", {}, {"eps": 1e-3, "momentum": 0.01}),
        ("LayerNormalization", {}, {"eps": 1e-3}),
        ("GroupNormalization", {"groups": 2}, {"eps": 1e-3}),
        ("MaxPooling2D", {"pool_size": [3, 2]}, {"stride_h": 3, "stride_w": 2}),
        ("MaxPooling2D", {}, {"stride_h": 2, "stride_w": 2}),
        ("AveragePooling2D", {"pool_size": 4}, {"stride_h": 4, "stride_w": 4}),
    ],
)
def test_defaults_are_those_of_kerass_documentation(
    kind: str, config: Json, expected: Json
) -> None:
    """``epsilon=0.001`` and ``momentum=0.99``; without ``strides``, ``pool_size`` is the stride."""
    graph = read(model(entry(12, 12, 4), layer(kind, "l", "in", **config)))
    every = [operation.layer.effective() for operation in graph.operations]
    (found,) = (each for each in every if expected.keys() <= each.keys())
    assert {name: found[name] for name in expected} == pytest.approx(expected)
