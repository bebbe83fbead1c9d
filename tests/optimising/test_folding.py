"""Networks without their norms compute the same; what cannot be folded exactly stays."""

from __future__ import annotations

import copy
import operator
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from randomised import assert_near, module_types, network_of, randomise
from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

import archdsl
from archdsl.backends.passes.optimise import exactly, ways
from archdsl.backends.passes.optimise.norm_folding import fold
from archdsl.backends.torch.freeze import FrozenBatchNorm2d
from archdsl.backends.torch.modules import Affine, LayerScale, Multiply
from archdsl.importers.verification import canonical, match, transfer_weights

MIXED = """
using net_type = fc<5, dropout<affine<fc<12, relu<affine<con<8,3,3,2,2,
    prelu<multiply<bn_con<con<6,3,3,1,1, relu<bn_con<cont<6,3,3,2,2,
    relu<bn_con<con<4,3,3,1,1,input<2,9,9>>>>>>>>>>>>>>>>>>;
"""

NETWORKS = {
    MIXED: {},
    "lenet": {},
    "resnet18": {"input": "3x32x32"},
    "googlenet": {"input": "3x64x64", "aux": True},
    "mobilenet_v3_large": {"input": "3x32x32"},
    "shufflenet_v2_x1_0": {"input": "3x32x32"},
    "dlib_face_recognition": {},
}


@pytest.mark.parametrize("spec", NETWORKS)
def test_all_ways_compute_the_same(spec: str) -> None:
    _, module, arguments = network_of(spec, **NETWORKS[spec])
    exact = exactly(module, arguments)
    with torch.inference_mode():
        expected = module(**arguments)
        for way in ways(exact, arguments, dtype="float32", inductor=False):
            assert_near(way.module(**arguments), expected)
            # Weights that were packed for another size are packed anew.
            two = {name: torch.cat([x, x.flip(-1)]) for name, x in arguments.items()}
            assert_near(way.module(**two), module(**two))


def test_a_detector_finds_the_same() -> None:
    size = {"input": "3x64x64"}
    _, module, arguments = network_of("dlib_mmod_face_detection", **size)
    exact = exactly(module, arguments)
    assert not any("BatchNorm" in kind for kind in module_types(exact))
    with torch.inference_mode():
        assert_near(exact(**arguments), module(**arguments))


def test_resnet50_loses_as_many_modules_as_torchvisions_has_norms() -> None:
    theirs = torchvision.models.resnet50().eval()
    randomise(theirs)
    ours = archdsl.compile("resnet50").eval()
    transfer_weights(match(canonical(theirs), canonical(ours)), theirs, ours)
    x = torch.rand(1, 3, 32, 32)
    exact = exactly(archdsl.compile("resnet50", input="3x32x32"), {"x": x})
    before, after = Counter(module_types(ours)), Counter(module_types(exact))
    assert before - after == {"BatchNorm2d": 53} == {"BatchNorm2d": _norms(theirs)}
    assert after["Conv2d"] == module_types(theirs).count("Conv2d")
    with torch.inference_mode():
        assert_near(exactly(ours, {"x": x})(x), theirs(x))


def _norms(module: nn.Module) -> int:
    return module_types(module).count("BatchNorm2d")


def test_the_original_is_untouched() -> None:
    _, module, arguments = network_of(MIXED)
    module.train()
    code, state = str(module), copy.deepcopy(module.state_dict())
    exact = exactly(module, arguments)
    for way in ways(exact, arguments, dtype="bf16", inductor=False):
        way.module(**arguments)
    assert str(module) == code
    assert all(part.training for part in module.modules())
    assert all(p.requires_grad for p in module.parameters())
    assert all(torch.equal(tensor, state[name]) for name, tensor in module.state_dict().items())
    assert not exact.training
    theirs = {t.data_ptr() for t in (*module.parameters(), *module.buffers())}
    assert theirs.isdisjoint(t.data_ptr() for t in exact.parameters())


def test_what_a_loss_decides_stays() -> None:
    network = archdsl.load("loss_multiclass_log<fc<3,bn_fc<fc<4,input<1,2,2>>>>>")
    module = network.to_torch(seed=1)
    exact = exactly(module, {"x": torch.rand(1, 1, 2, 2)})
    assert exact.decision is module.decision
    assert "BatchNorm1d" not in module_types(exact)


# ---- single rules ----


def graph_of(build: Callable[..., Any], **modules: nn.Module) -> fx.GraphModule:
    """A module of an fx graph, in eval mode with random statistics; ``build(x, **modules)``."""

    class Root(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for name, module in modules.items():
                setattr(self, name, module)

        def forward(self, x: torch.Tensor) -> Any:
            return build(x, **{name: getattr(self, name) for name in modules})

    class Leaves(fx.Tracer):
        def is_leaf_module(self, module: nn.Module, path: str) -> bool:
            return True

    root = Root()
    made = fx.GraphModule(root, Leaves().trace(root)).eval()
    randomise(made)
    return made


def folded(module: fx.GraphModule, x: torch.Tensor) -> fx.GraphModule:
    """The exact transformations, once it is proven that they are exact."""
    made = exactly(module, {"x": x})
    with torch.inference_mode():
        assert_near(made(x), module.eval()(x))
    return made


IMAGE = torch.rand(2, 4, 7, 7, generator=torch.Generator().manual_seed(2)) - 0.5


def test_as_torch_folds_it() -> None:
    conv, norm = nn.Conv2d(4, 6, 3, groups=2), nn.BatchNorm2d(6)
    module = graph_of(lambda x, conv, norm: norm(conv(x)), conv=conv, norm=norm)
    theirs = fuse_conv_bn_eval(module.conv, module.norm)
    ours = fold(module).conv
    torch.testing.assert_close(ours.weight, theirs.weight)
    torch.testing.assert_close(ours.bias, theirs.bias)


@pytest.mark.parametrize(
    ("layer", "norm"),
    [
        (nn.Conv2d(4, 6, 3, 2, padding=1, padding_mode="reflect", bias=False), nn.BatchNorm2d(6)),
        (nn.ConvTranspose2d(4, 6, 3, 2, groups=2), nn.BatchNorm2d(6, affine=False)),
        (nn.Conv2d(4, 6, 1), FrozenBatchNorm2d(6)),
        (nn.Conv2d(4, 6, 1, bias=False), LayerScale((6, 1, 1), 0.3)),
        (nn.Conv2d(4, 6, 3, dilation=2), Affine(6)),
        (nn.Linear(7, 3), Multiply(-0.25)),
    ],
    ids=lambda part: type(part).__name__,
)
def test_norms_go_into_weights(layer: nn.Module, norm: nn.Module) -> None:
    module = graph_of(lambda x, layer, norm: norm(layer(x)), layer=layer, norm=norm)
    assert type(norm).__name__ not in module_types(folded(module, IMAGE))


def test_a_chain_of_norms_goes_at_once() -> None:
    parts = {"a": nn.Conv2d(4, 3, 1), "b": nn.BatchNorm2d(3), "c": Affine(3), "d": nn.Dropout()}
    module = graph_of(lambda x, a, b, c, d: c(d(b(a(x)))), **parts)
    assert module_types(folded(module, IMAGE))[1:] == ["Conv2d"]


def test_shared_layers_fold_where_all_their_calls_do() -> None:
    parts = {"conv": nn.Conv2d(4, 4, 1), "norm": nn.BatchNorm2d(4)}
    module = graph_of(lambda x, conv, norm: norm(conv(norm(conv(x)))), **parts)
    assert "BatchNorm2d" not in module_types(folded(module, IMAGE))


@pytest.mark.parametrize(
    "build",
    [
        lambda x, conv, norm: norm(conv(x)) + conv(x),
        lambda x, conv, norm: norm(x) + conv(x),
        lambda x, conv, norm: operator.add(*(lambda y: (norm(y), y))(conv(x))),
        lambda x, conv, norm: norm(conv(x).relu()),
        lambda x, conv, norm: (norm(conv(x)), conv(x)),
        lambda x, conv, norm: {"a": norm(conv(x) * 2)},
    ],
)
def test_a_norm_that_others_would_notice_stays(build: Callable[..., Any]) -> None:
    module = graph_of(build, conv=nn.Conv2d(4, 4, 1), norm=nn.BatchNorm2d(4))
    assert "BatchNorm2d" in module_types(folded(module, IMAGE))


def test_another_axis_than_that_of_the_outputs_stays() -> None:
    module = graph_of(lambda x, a, b: b(a(x)), a=nn.Linear(7, 4), b=nn.BatchNorm1d(4))
    assert "BatchNorm1d" in module_types(folded(module, torch.rand(3, 4, 7)))
    assert "BatchNorm1d" not in module_types(folded(module, torch.rand(3, 7)))


def test_statistics_of_the_batch_stay() -> None:
    norm = nn.BatchNorm2d(4, track_running_stats=False)
    module = graph_of(lambda x, a, b: b(a(x)), a=nn.Conv2d(4, 4, 1), b=norm)
    assert "BatchNorm2d" in module_types(folded(module, IMAGE))
    parts = {"a": nn.Conv2d(4, 4, 1), "b": nn.BatchNorm2d(4)}
    training = graph_of(lambda x, a, b: b(a(x)), **parts).train()
    assert "BatchNorm2d" in module_types(fold(training))


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["conv", "norm", "affine", "relu", "sum", "again", "drop"]),
        st.integers(0, 30),
        st.integers(0, 30),
    ),
    min_size=2,
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@given(STEPS)
def test_any_graph_computes_the_same(steps: list[tuple[str, int, int]]) -> None:
    """Layers read any earlier result; "again" calls an earlier layer once more."""
    graph = fx.Graph()
    results = [graph.placeholder("x")]
    modules: dict[str, nn.Module] = {}
    make = {
        "conv": lambda: nn.Conv2d(4, 4, 3, padding=1),
        "norm": lambda: nn.BatchNorm2d(4),
        "affine": lambda: Affine(4),
        "relu": nn.ReLU,
        "drop": nn.Dropout,
    }
    for index, (kind, first, second) in enumerate(steps):
        # Near the end most of the time, so that there are chains.
        operand = results[max(0, len(results) - 1 - first // 10)]
        if kind == "sum":
            other = results[second % len(results)]
            results.append(graph.call_function(operator.add, (operand, other)))
            continue
        if kind == "again" and modules:
            name = list(modules)[second % len(modules)]
        else:
            name = f"layer{index}"
            modules[name] = make.get(kind, nn.ReLU)()
        results.append(graph.call_module(name, (operand,)))
    graph.output(tuple(results[-2:]))
    module = fx.GraphModule(modules, graph).eval()
    randomise(module, len(steps))
    exact = folded(module, IMAGE)
    with torch.inference_mode():
        for way in ways(exact, {"x": IMAGE}, dtype="float32", inductor=False):
            assert_near(way.module(IMAGE), module(IMAGE))
