"""Exported networks give what the compiled module gives, by the runtimes they are written for."""

import sys
import types
from typing import Any

import pytest
import torch
from onnx import checker, load_model_from_string
from running import RUNTIMES, assert_close, assert_telling, compiled, results, samples

import archdsl
from archdsl.backends.formats import FORMATS, encode, onnx_translations
from archdsl.backends.formats.options import OPSETS, FormatOptions
from archdsl.diagnostics import ArchError

SMALL = """
using net_type = fc<10, relu<bn_con<con<8,3,3,2,2,
    add_prev1<con<6,3,3,1,1,prelu<tag1<con<6,5,5,1,1,
    input<matrix<rgb_pixel>,20,20>>>>>>>>>>;
"""
OPEN = "fc<4, avg_pool_everything<relu<bn_con<con<8,3,3,2,2,input<3,20,20>>>>>>"


def written(spec: str, suffix: str, **options: Any) -> tuple[bytes, archdsl.Network, Any]:
    network = archdsl.load(spec)
    module = compiled(network)
    return (
        encode(FORMATS[suffix], network.checked, module, FormatOptions(**options)),
        network,
        module,
    )


def shape_of(network: archdsl.Network) -> tuple[int, ...]:
    return network.checked.shape(network.checked.input)


@pytest.mark.parametrize("suffix", RUNTIMES)
def test_runtime_gives_what_the_module_gives(suffix: str) -> None:
    content, network, module = written(SMALL, suffix)
    run = RUNTIMES[suffix](content)
    for count in (1, 3):
        x = samples(count, *shape_of(network))
        wanted = results(module.eval(), x)
        assert_close(run(x), wanted)
    assert_telling(wanted)


@pytest.mark.parametrize("suffix", RUNTIMES)
def test_outputs_keep_their_order(suffix: str) -> None:
    spec = "outputs<wide=fc<9>, narrow=fc<2>, relu<con<4,3,3,1,1,input<1,8,8>>>>"
    content, network, module = written(spec, suffix)
    x = samples(2, *shape_of(network))
    found = RUNTIMES[suffix](content)(x)
    assert [part.shape for part in found] == [(2, 9), (2, 2)]
    assert_close(found, results(module.eval(), x))


def test_onnx_names_what_the_network_names() -> None:
    content, *_ = written("outputs<wide=fc<9>, narrow=fc<2>, input<1,8,8>>", ".onnx")
    model = load_model_from_string(content)
    assert [value.name for value in model.graph.input] == ["x"]
    assert [value.name for value in model.graph.output] == ["wide", "narrow"]
    batch, *rest = model.graph.input[0].type.tensor_type.shape.dim
    assert batch.dim_param and [size.dim_value for size in rest] == [1, 8, 8]


@pytest.mark.parametrize("suffix", RUNTIMES)
def test_module_stays_in_its_mode(suffix: str) -> None:
    network = archdsl.load(SMALL)
    module = compiled(network)
    module.conv1.eval()
    encode(FORMATS[suffix], network.checked, module)
    assert module.training
    assert not module.conv1.training


def test_onnx_is_the_same_twice() -> None:
    first, second = (written(SMALL, ".onnx")[0] for _ in range(2))
    assert first == second


@pytest.mark.parametrize("suffix", RUNTIMES)
def test_torch_speaks_only_to_itself(suffix: str, recwarn: pytest.WarningsRecorder) -> None:
    """torch deprecates TorchScript; whoever writes a file of it has asked for that."""
    written(SMALL, suffix)
    assert not recwarn.list


# ---- sizes ----


@pytest.mark.parametrize("suffix", [".onnx", ".pt2", ".ts"])
def test_open_sizes(suffix: str) -> None:
    content, _, module = written(OPEN, suffix, dynamic_size=True)
    run = RUNTIMES[suffix](content)
    for shape in ((1, 3, 20, 20), (2, 3, 31, 24), (3, 3, 7, 50)):
        x = samples(*shape)
        assert_close(run(x), results(module.eval(), x))


def test_onnx_and_exported_programs_have_one_size_by_themselves() -> None:
    dims = load_model_from_string(written(OPEN, ".onnx")[0]).graph.input[0].type.tensor_type.shape
    assert [size.dim_value for size in dims.dim][1:] == [3, 20, 20]
    with pytest.raises(Exception, match="20"):
        RUNTIMES[".pt2"](written(OPEN, ".pt2")[0])(samples(2, 3, 31, 24))


@pytest.mark.parametrize("suffix", [".onnx", ".pt2", ".ts"])
@pytest.mark.parametrize(
    ("spec", "where", "said"),
    [
        # 4 filters, 8·8 and 16·16 places: 4·64·3 + 3 and 4·256·3 + 3 parameters.
        ("fc<3,relu<con<4,3,3,1,1,input<1,8,8>>>>", "fc", "771 .* 4×16×16 and have 3,075"),
        # As high as its input: nothing behind it knows the difference.
        ("avg_pool_everything<avg_pool<0,3,1,1,input<1,8,8>>>", "avg_pool<", "1×8×8"),
        ("avg_pool_everything<positional_encodings<input<1,8,8>>>", "positional_e", "1×16×16"),
        ("fc<3,extract<0,2,4,8,input<1,8,8>>>", None, None),
    ],
)
def test_layers_that_fix_the_size_are_named(
    spec: str, where: str | None, said: str | None, suffix: str
) -> None:
    if where is None:  # the first 64 values of any size
        written(spec, ".ts", dynamic_size=True)
        return
    with pytest.raises(ArchError, match=said) as caught:
        written(spec, suffix, dynamic_size=True)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.span is not None
    assert spec.index(where) == diagnostic.span.start
    assert "alone, not of any size" in diagnostic.message


def test_onnx_has_no_adaptive_pooling() -> None:
    spec = "fc<4,adaptive_avg_pool<3,3,con<8,3,3,2,2,input<3,40,40>>>>"
    with pytest.raises(ArchError, match="windows adapt to the map") as caught:
        written(spec, ".onnx", dynamic_size=True)
    (span,) = caught.value.spans
    assert span is not None and span.start == spec.index("adaptive")
    content, _, module = written(spec, ".ts", dynamic_size=True)
    x = samples(2, 3, 27, 90)
    assert_close(RUNTIMES[".ts"](content)(x), results(module.eval(), x))


# ---- ONNX's operators ----


@pytest.mark.parametrize("opset", [OPSETS[0], OPSETS[-1]])
def test_operator_sets(opset: int) -> None:
    content, network, module = written(SMALL, ".onnx", opset=opset)
    model = load_model_from_string(content)
    assert [(each.domain, each.version) for each in model.opset_import] == [("", opset)]
    x = samples(2, *shape_of(network))
    assert_close(RUNTIMES[".onnx"](content)(x), results(module.eval(), x))


@pytest.mark.parametrize("opset", [7, 17, 24])
def test_operator_sets_that_are_not_written(opset: int) -> None:
    with pytest.raises(ArchError, match="expected one of 18 to 23"):
        written(SMALL, ".onnx", opset=opset)


POOLS = """
template <typename SUBNET> using beyond = max_pool<2,2,3,3,padding=1,ceil_mode=true,SUBNET>;
using net_type = outputs<
    largest=beyond,
    mean=avg_pool<2,2,3,3,padding=1,ceil_mode=true>,
    padded=avg_pool<4,3,3,3,padding=1,ceil_mode=true,count_include_pad=true>,
    whole=max_pool<3,3,2,2,padding=1,ceil_mode=true>,
    adaptive=adaptive_max_pool<4,3>,
    con<3,3,3,1,1,input<2,5,8>>>;
"""
"""Of 5 rows, a stride of 3 and a row of padding, the third window would begin in the padding."""


@pytest.mark.parametrize("opset", [pytest.param(n, marks=pytest.mark.slow) for n in OPSETS[1:]])
def test_pools_are_right_by_onnxs_own_shape_rules(opset: int) -> None:
    check_pools(opset)


def test_pools_are_right_by_the_shape_rules_of_the_oldest_operators() -> None:
    check_pools(OPSETS[0])


def check_pools(opset: int) -> None:
    content, network, module = written(POOLS, ".onnx", opset=opset)
    checker.check_model(content, full_check=True)
    # torch.nn.MaxPool2d(2, 3, 1, ceil_mode=True) of 5×8 cells.
    assert network.summary().outputs["largest"] == (3, 2, 3)
    for count in (1, 3):
        x = samples(count, *shape_of(network))
        assert_close(RUNTIMES[".onnx"](content)(x), results(module.eval(), x))
    kept = {n.op_type for n in load_model_from_string(content).graph.node if n.op_type == "Pad"}
    assert kept == {"Pad"}  # zeros that count in means


def test_outputs_that_are_the_input_have_names_of_their_own() -> None:
    content, *_ = written("outputs<a=identity,b=relu,c=identity,input<1,2,3>>", ".onnx")
    x = samples(2, 1, 2, 3)
    found = RUNTIMES[".onnx"](content)(x)
    assert_close(found, [x.numpy(), x.relu().numpy(), x.numpy()])
    with pytest.raises(ArchError, match="no output can be called x"):
        written("outputs<a=relu,x=fc<2>,input<1,2,3>>", ".onnx")


def test_what_onnx_has_no_operator_for_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_translations, "TRANSLATIONS", {})
    with pytest.raises(ArchError, match=r"cannot write network as ONNX") as caught:
        written("adaptive_max_pool<3,2,input<2,7,5>>", ".onnx")
    assert "aten.adaptive_max_pool2d" in str(caught.value)


# ---- phones ----


def test_lite_programs_are_packed_where_torch_has_xnnpack(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch's own packing is not in all of its builds: what is asked of it, and that it is kept."""
    asked: list[Any] = []
    mobile = types.ModuleType("torch.utils.mobile_optimizer")
    mobile.optimize_for_mobile = lambda program: asked.append(program) or program  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch.utils.mobile_optimizer", mobile)
    enabled = types.SimpleNamespace(enabled=True)
    monkeypatch.setattr(torch.backends, "xnnpack", enabled, raising=False)
    content, *_ = written(SMALL, ".ptl")
    assert [type(program) for program in asked] == [torch.jit.RecursiveScriptModule]
    RUNTIMES[".ptl"](content)
    monkeypatch.setitem(sys.modules, "torch.utils.mobile_optimizer", None)
    with pytest.raises(ArchError, match=r"does not write \.ptl files any more") as caught:
        written(SMALL, ".ptl")
    assert ".pte" in str(caught.value)


@pytest.mark.parametrize("spec", [SMALL, OPEN, "resnet18", "mobilenet_v3_small"])
def test_executorch_gives_what_the_module_gives(spec: str) -> None:
    runtime = pytest.importorskip("executorch.runtime", reason="pip install 'archdsl[executorch]'")
    content, network, module = written(spec, ".pte")
    method = runtime.Runtime.get().load_program(content).load_method("forward")
    x = samples(1, *shape_of(network))
    assert_close([part.numpy() for part in method.execute([x])], results(module.eval(), x))


def test_executorch_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "executorch.exir", None)
    with pytest.raises(ArchError, match=r"pip install 'archdsl\[executorch\]'"):
        written(SMALL, ".pte")


# ---- detectors ----


@pytest.mark.parametrize("suffix", RUNTIMES)
def test_detectors_are_refused(suffix: str) -> None:
    network = archdsl.load("ssdlite320_mobilenet_v3_large")
    with pytest.raises(ArchError, match="takes images"):
        encode(FORMATS[suffix], network.checked, network.to_torch())
