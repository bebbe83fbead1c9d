"""ONNX files of PyTorch's exporters and of archdsl; onnxruntime says what they compute."""

import io
import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from imported_graphs import kinds, module_of, network_of
from torch import nn

import archdsl
from archdsl.api import load_source
from archdsl.backends.formats import encode, format_of
from archdsl.cli import main
from archdsl.diagnostics import ArchError
from archdsl.diagnostics.source import Source
from archdsl.importers import ImportOptions
from archdsl.importers import onnx as reader
from archdsl.importers.imported_graph import Home, ImportedGraph
from archdsl.importers.outlining.writer import written
from archdsl.importers.weight_map import state

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")


def exported(module: nn.Module, path: Path, *shape: int, dynamo: bool = False) -> Path:
    settings = {"external_data": False} if dynamo else {"opset_version": 17}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(), (torch.randn(1, *shape),), path, dynamo=dynamo, verbose=False, **settings
        )
    return path


def read(path: Path) -> ImportedGraph:
    return reader.read(str(path), ImportOptions())


def check(path: Path) -> ImportedGraph:
    """The imported graph, with the file's weights, computes what onnxruntime computes."""
    graph = read(path)
    session = runtime.InferenceSession(str(path))
    (entry,) = session.get_inputs()
    sizes = [size if isinstance(size, int) else 2 for size in entry.shape]
    data = np.random.default_rng(0).standard_normal(sizes).astype(np.float32)
    expected = session.run(None, {entry.name: data})[0]
    with torch.no_grad():
        found = module_of(*reader.read_with_weights(str(path), ImportOptions()))(
            torch.from_numpy(data)
        )
    assert np.allclose(found.numpy(), expected, rtol=1e-4, atol=1e-4)
    return graph


SPEC = """
template <int N, typename SUBNET>
using unit = hardswish<batch_norm<con<N,3,3,1,1,bias=false,SUBNET>>>;
using gate = sig<con<8,1,1,relu<con<2,1,1,avg_pool_everything>>>>;

using net_type = fc<5,relu<fc<9,
                 channel_shuffle<2,parallel<unit<4>,max_pool<3,3,1,1>,
                 lrn<5,alpha=1e-2,scale<gate,residual<unit<8>,
                 max_pool<3,3,2,2,padding=1,ceil_mode=true,
                 silu<con<8,3,3,2,2,padding=1,input<3,22,22>>>>>>>>>>>>;
"""


def test_what_archdsl_writes_comes_back(tmp_path: Path) -> None:
    network = load_source(Source("net", SPEC)).check()
    file = tmp_path / "net.onnx"
    module = network.to_torch(seed=0)
    for value in module.parameters():  # the exporter leaves out biases of zero
        nn.init.normal_(value, std=0.2)
    file.write_bytes(encode(format_of(file), network.checked, module))
    graph = check(file)
    assert [operation.name for operation in graph.operations][-1] == "fc2"
    text = load_source(Source("net", written(graph))).check()
    wanted, found = network.summary(), text.summary()
    assert found.outputs == wanted.outputs
    # Exporters fold batch norms into convolutions, which have a bias from then on.
    norms = [row for row in wanted.rows if row.kind == "batch_norm"]
    assert found.parameters == wanted.parameters - sum(row.parameters for row in norms) // 2
    assert [row.shape for row in found.rows if row.kind not in ("sig", "relu")] == [
        row.shape for row in wanted.rows if row.kind not in ("batch_norm", "sig", "relu")
    ]


LAYERS: list[tuple[nn.Module, str]] = [
    (nn.Conv2d(4, 8, 3, padding=2, dilation=2, groups=4), "con"),
    (nn.ReLU6(), "relu6"),
    (nn.Conv2d(8, 4, 1), "con"),
    (nn.LeakyReLU(0.1), "leaky_relu"),
    (nn.GroupNorm(2, 4), "group_norm"),
    (nn.SiLU(), "silu"),
    (nn.GELU(), "gelu"),
    (nn.Mish(), "mish"),
    (nn.BatchNorm2d(4, eps=1e-3), "batch_norm"),
    (nn.Hardswish(), "hardswish"),
    (nn.Hardsigmoid(), "hardsigmoid"),
    (nn.InstanceNorm2d(4), "instance_norm"),
    (nn.ReflectionPad2d(1), "reflection_pad"),
    (nn.ReplicationPad2d((0, 1, 2, 1)), "replication_pad"),
    (nn.ZeroPad2d((1, 2, 0, 3)), "pad"),
    (nn.PReLU(4), "prelu"),
    (nn.PixelUnshuffle(2), "pixel_unshuffle"),
    (nn.Conv2d(16, 16, 1), "con"),
    (nn.PixelShuffle(2), "pixel_shuffle"),
    (nn.Hardtanh(0, 4), "clipped_relu"),
    (nn.Softplus(), "softplus"),
    (nn.ConvTranspose2d(4, 6, 3, 2, 1, 1), "cont"),
    (nn.ELU(0.7), "elu"),
    (nn.PReLU(init=0.3), "prelu"),
    (nn.MaxPool2d(3, 2, 1, ceil_mode=True), "max_pool"),
    (nn.AvgPool2d(3, 2, 1), "avg_pool"),
    (nn.Upsample(scale_factor=2), "upsample_nearest"),
    (nn.Upsample(scale_factor=2, mode="bilinear"), "upsample"),
    (nn.Upsample(size=(5, 7), mode="bilinear", align_corners=True), "resize_to"),
    (nn.Tanh(), "htan"),
    (nn.Flatten(), "fc"),
    (nn.Linear(210, 5), "log_softmax"),
    (nn.LogSoftmax(1), ""),
]


@pytest.mark.parametrize("dynamo", [True, False], ids=["dynamo", "script"])
def test_every_layer_however_it_is_spelled(dynamo: bool, tmp_path: Path) -> None:
    module = nn.Sequential(*(layer for layer, _ in LAYERS))
    graph = check(exported(module, tmp_path / "x.onnx", 4, 8, 8, dynamo=dynamo))
    assert kinds(graph) == [kind for _, kind in LAYERS if kind]


class Joined(nn.Module):
    """Squeeze and excitation, a residual, a split and a concatenation, a shape that is computed."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.SiLU())
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(4, 4, 1), nn.Sigmoid())
        self.head = nn.Linear(4 * 8 * 8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.body(x)
        x = x * self.gate(x)
        first, second = x.chunk(2, 1)
        x = torch.cat([second, first], 1)
        return self.head(x.reshape(x.shape[0], -1))  # type: ignore[no-any-return]


@pytest.mark.parametrize("dynamo", [True, False], ids=["dynamo", "script"])
def test_joins_and_homes(dynamo: bool, tmp_path: Path) -> None:
    graph = check(exported(Joined(), tmp_path / "x.onnx", 4, 8, 8, dynamo=dynamo))
    joins = "con silu add avg_pool con sig gate chunk chunk concat fc"
    assert sorted(kinds(graph)) == sorted(joins.split())
    names = {operation.name: operation.homes for operation in graph.operations}
    assert names["body.0"] == (Home("body", "Sequential" if dynamo else ""),)


def test_what_no_layer_computes_is_named_with_its_place(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Conv2d(4, 4, 1), nn.Sequential(nn.ReLU(), nn.Softsign()))
    file = exported(module, tmp_path / "x.onnx", 4, 8, 8)
    with pytest.raises(ArchError, match=r"Div /1/1.1/Div in 1: .* no layer for this formula"):
        read(file)


# ---- files that are not to be trusted ----


def small(**changes: object) -> "onnx.ModelProto":
    helper = onnx.helper
    weight = helper.make_tensor("w", 1, (2, 1, 1, 1), [1.0, 2.0])
    settings = {
        "nodes": [helper.make_node("Conv", ["x", "w"], ["y"], name="c")],
        "inputs": [helper.make_tensor_value_info("x", 1, ("n", 1, 4, 4))],
        "outputs": [helper.make_tensor_value_info("y", 1, None)],
        "initializer": [weight],
        **changes,
    }
    graph = helper.make_graph(
        settings["nodes"], "g", settings["inputs"], settings["outputs"], settings["initializer"]
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


def saved(model: "onnx.ModelProto", folder: Path) -> Path:
    file = folder / "small.onnx"
    file.write_bytes(model.SerializeToString())
    return file


def test_broken_graphs_are_errors(tmp_path: Path) -> None:
    node = onnx.helper.make_node
    circle = [node("Relu", ["b"], ["a"], name="one"), node("Relu", ["a"], ["b"], name="two")]
    info = onnx.helper.make_tensor_value_info
    for changes, message in (
        ({"nodes": circle}, "Relu one: it reads b, which nothing gives"),
        ({"nodes": [node("Conv", ["x", "v"], ["y"])]}, "it reads v"),
        ({"nodes": [node("Conv", ["x"], ["y"])]}, "has input size 1"),
        ({"nodes": [node("NonZero", ["x"], ["y"], name="n")]}, "NonZero n: the catalogue has no"),
        ({"nodes": [node("Conv", ["x", "w"], ["y"], group=3)]}, "does not fit the input"),
        ({"nodes": [node("Conv", ["x", "w"], ["y"], strides=[0, 1])]}, "strides is too small"),
        ({"nodes": [node("Conv", ["x", "w"], ["z"])]}, "the output y does not come"),
        ({"inputs": []}, "found none"),
        ({"inputs": [info("x", 1, ("n", 1, 4, 4)), info("z", 1, (1,))]}, "found x, z"),
        ({"outputs": []}, "no outputs"),
    ):
        with pytest.raises(ArchError) as caught:
            read(saved(small(**changes), tmp_path))
        assert message in str(caught.value)


@pytest.mark.parametrize("location", ["../secret", "/etc/hostname", "missing", "", "short"])
def test_values_outside_of_the_folder_are_not_read(location: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(bytes(64))
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "short").write_bytes(bytes(7))
    model = small()
    (tensor,) = model.graph.initializer
    tensor.ClearField("float_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    file = saved(model, folder)
    assert kinds(read(file)) == ["con"]  # its shape is enough
    with pytest.raises(ArchError, match="cannot be read from|ends before"):
        reader.read_with_weights(str(file), ImportOptions())


def test_tensors_of_names_that_no_file_could_have(tmp_path: Path) -> None:
    model = small()
    (tensor,) = model.graph.initializer
    for node in model.graph.node:
        for place, name in enumerate(node.input):
            if name == tensor.name:
                node.input[place] = "w" * 5000 + "\n"
    tensor.name = "w" * 5000 + "\n"
    _, arrays = reader.read_with_weights(str(saved(model, tmp_path)), ImportOptions())
    assert len(arrays) == 1


def test_a_missing_file_and_another_format(tmp_path: Path) -> None:
    with pytest.raises(ArchError, match="cannot read"):
        read(tmp_path / "none.onnx")
    (tmp_path / "x.onnx").write_text("using net_type = relu<input<3,8,8>>;")
    with pytest.raises(ArchError, match="not an ONNX model"):
        read(tmp_path / "x.onnx")


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_damaged_files_are_errors_and_no_crash(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    nodes = [
        onnx.helper.make_node("Conv", ["x", "w"], ["a"], pads=[0, 0, 1, 1]),
        onnx.helper.make_node("MaxPool", ["a"], ["b"], kernel_shape=[2, 2], strides=[1, 1]),
        onnx.helper.make_node("Flatten", ["b"], ["y"]),
    ]
    content = bytearray(small(nodes=nodes).SerializeToString())
    for _ in range(data.draw(st.integers(0, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(content)))
    file = tmp_path_factory.getbasetemp() / "damaged.onnx"
    file.write_bytes(io.BytesIO(content).getvalue()[: end if data.draw(st.booleans()) else None])
    try:
        graph = read(file)
    except ArchError:
        return
    network_of(graph)


class Branches(nn.Module):
    """Two branches that only their weights tell apart, joined both ways."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 1)
        self.left = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 1))
        self.right = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        left, right = self.left(x), self.right(x)
        return torch.cat([right, left, x + left], 1)


def test_weights_go_to_the_layers_of_the_spec(tmp_path: Path) -> None:
    file = exported(Branches(), tmp_path / "x.onnx", 3, 6, 6)
    module = archdsl.compile(written(read(file)), weights=file)
    data = torch.randn(1, 3, 6, 6)
    session = runtime.InferenceSession(str(file))
    expected = session.run(None, {session.get_inputs()[0].name: data.numpy()})[0]
    with torch.no_grad():
        assert np.allclose(module(data).numpy(), expected, atol=1e-5)


def test_import_compares_with_onnxruntime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One weight too large, and the spec is no longer what the runtime computes."""
    file = exported(Branches(), tmp_path / "x.onnx", 3, 6, 6)
    done = CliRunner().invoke(main, ["import", str(file)])
    assert done.exit_code == 0 and "outputs as onnxruntime's" in done.stderr
    assert done.stdout.startswith("// x, imported from x.onnx.\n")
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "onnxruntime", None)
        done = CliRunner().invoke(main, ["import", str(file)])
        assert done.exit_code == 3 and "warning: NOT VERIFIED: the spec was" in done.stderr
        assert "pip install 'archdsl[onnx]'" in done.stderr
        told = CliRunner().invoke(main, ["import", str(file), "--json"])
        assert told.exit_code == 3 and json.loads(told.stdout)["verified"] is None
        assert "onnxruntime" in json.loads(told.stdout)["proof"][0] and "NOT" in told.stderr
        known = CliRunner().invoke(main, ["import", str(file), "--no-verify"])
        assert known.exit_code == 0 and known.stdout == done.stdout and not known.stderr
    honest = reader.read_with_weights

    def off(what: str, options: ImportOptions) -> tuple[ImportedGraph, dict[str, np.ndarray]]:
        graph, weights = honest(what, options)
        first = next(iter(weights))
        return graph, {**weights, first: weights[first] + 0.5}

    monkeypatch.setattr("archdsl.importers.onnx.weights.read_with_weights", off)
    done = CliRunner().invoke(main, ["import", str(file), "-o", str(tmp_path / "x.arch")])
    assert done.exit_code == 1 and "differs from it" in done.stderr
    assert not (tmp_path / "x.arch").exists()


def test_weights_of_another_file_are_refused(tmp_path: Path) -> None:
    file = exported(Branches(), tmp_path / "x.onnx", 3, 6, 6)
    with pytest.raises(ArchError, match=r"x\.onnx holds another network than"):
        archdsl.compile("con<4,1,1,input<3,6,6>>", weights=file)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    graph = read(exported(Branches(), tmp_path / "x.onnx", 3, 6, 6))
    other = load_source(Source("x", "con<4,1,1,input<3,6,6>>")).check()
    with pytest.raises(ArchError, match="another network than its origin"):
        state(graph, other.checked, {}, {})


@pytest.mark.parametrize("opset", [11, 13])
@pytest.mark.parametrize("axis", [None, 1, 2, 3, -1, -2, -3])
def test_softmax_is_onnxruntimes_or_refused(opset: int, axis: int | None, tmp_path: Path) -> None:
    """Before opset 13 it is over all axes from the one that is named, 1 by default."""
    named = {} if axis is None else {"axis": axis}
    node = onnx.helper.make_node("Softmax", ["x"], ["y"], **named)
    info = onnx.helper.make_tensor_value_info
    model = small(nodes=[node], inputs=[info("x", 1, (2, 3, 4, 4))], initializer=[])
    model.opset_import[0].version, model.ir_version = opset, 8
    if axis in (2, -2):
        with pytest.raises(ArchError, match=f"axis {axis}"):
            read(saved(model, tmp_path))
    else:
        check(saved(model, tmp_path))
