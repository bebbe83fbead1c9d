"""Exported networks give what the compiled module gives, by the runtimes they are written for."""

import io
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from onnx import load_model_from_string

import archdsl
from archdsl.diagnostics import ArchError
from archdsl.targets import FORMATS, encode

SMALL = """
using net_type = fc<10, relu<bn_con<con<8,3,3,2,2,
    add_prev1<con<6,3,3,1,1,prelu<tag1<con<6,5,5,1,1,
    input<matrix<rgb_pixel>,20,20>>>>>>>>>>;
"""
SLOW = ("googlenet", "mobilenet_v3_small", "densenet121", "shufflenet_v2_x1_0", "fcn_resnet50")
SIZES = {"fcn_resnet50": "3x97x97"}  # stride 8 leaves 13 rows: the same operators, in less time


def compiled(spec: str, **settings: Any) -> tuple[archdsl.Network, torch.fx.GraphModule]:
    """A network and its module, with batch norms whose statistics are no identity."""
    network = archdsl.load(spec, **settings)
    module = network.to_torch(seed=3)
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if name.endswith(("running_mean", "running_var")):
                tensor.uniform_(0.5, 1.5)
    return network, module


def samples(network: archdsl.Network, count: int) -> torch.Tensor:
    shape = network.checked.shape(network.checked.input)
    return torch.randn(count, *shape, generator=torch.Generator().manual_seed(count))


def expected(module: torch.nn.Module, x: torch.Tensor) -> list[np.ndarray]:
    module.eval()
    with torch.inference_mode():
        result = module(x)
    results = result.values() if isinstance(result, dict) else [result]
    return [part.numpy() for part in results]


def assert_close(found: list[np.ndarray], wanted: list[np.ndarray]) -> None:
    assert len(found) == len(wanted)
    for ours, theirs in zip(found, wanted, strict=True):
        assert ours.shape == theirs.shape
        assert np.abs(ours - theirs).max() <= 1e-4 * np.abs(theirs).max()


def run_onnx(content: bytes, x: torch.Tensor) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x.numpy()})


def run_exported(content: bytes, x: torch.Tensor) -> list[np.ndarray]:
    program = torch.export.load(io.BytesIO(content)).module()
    with torch.inference_mode():
        result = program(x)
    results = result.values() if isinstance(result, dict) else [result]
    return [part.numpy() for part in results]


RUNS = {".onnx": run_onnx, ".pt2": run_exported}


@pytest.mark.parametrize("suffix", RUNS)
@pytest.mark.parametrize("spec", [SMALL, *(pytest.param(s, marks=pytest.mark.slow) for s in SLOW)])
def test_runtime_gives_what_the_module_gives(spec: str, suffix: str) -> None:
    network, module = compiled(spec, input=SIZES.get(spec))
    content = encode(FORMATS[suffix], network.checked, module)
    for count in (1, 3):
        x = samples(network, count)
        assert_close(RUNS[suffix](content, x), expected(module, x))


@pytest.mark.parametrize("suffix", RUNS)
def test_outputs_keep_their_order(suffix: str) -> None:
    network, module = compiled(
        "outputs<wide=fc<9>, narrow=fc<2>, relu<con<4,3,3,1,1,input<1,8,8>>>>"
    )
    content = encode(FORMATS[suffix], network.checked, module)
    x = samples(network, 2)
    found = RUNS[suffix](content, x)
    assert [part.shape for part in found] == [(2, 9), (2, 2)]
    assert_close(found, expected(module, x))


def test_onnx_names_what_the_network_names() -> None:
    network, module = compiled("outputs<wide=fc<9>, narrow=fc<2>, input<1,8,8>>")
    model = load_model_from_string(encode(FORMATS[".onnx"], network.checked, module))
    assert [value.name for value in model.graph.input] == ["x"]
    assert [value.name for value in model.graph.output] == ["wide", "narrow"]
    batch, *rest = model.graph.input[0].type.tensor_type.shape.dim
    assert batch.dim_param and [size.dim_value for size in rest] == [1, 8, 8]


@pytest.mark.parametrize("suffix", RUNS)
def test_module_stays_in_its_mode(suffix: str) -> None:
    network, module = compiled(SMALL)
    module.conv1.eval()
    encode(FORMATS[suffix], network.checked, module)
    assert module.training
    assert not module.conv1.training


def test_onnx_is_the_same_twice() -> None:
    network, module = compiled(SMALL)
    first, second = (encode(FORMATS[".onnx"], network.checked, module) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("suffix", RUNS)
def test_detectors_are_refused(suffix: str) -> None:
    network = archdsl.load("ssdlite320_mobilenet_v3_large")
    with pytest.raises(ArchError, match="takes images"):
        encode(FORMATS[suffix], network.checked, network.to_torch())
