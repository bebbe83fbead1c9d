"""Compiled networks are ordinary modules: they copy, pickle, script, export, compile and train."""

import copy
import io
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from support import families
from torch import Tensor, fx

import archdsl

KINDS = """\
template <typename SUBNET> using gate =
    sig<con<12,1,1,relu<con<3,1,1,avg_pool_everything<SUBNET>>>>>;
template <int N> using conv = silu<bn_con<con<N,3,3,bias=false>>>;
using features =
    scale<gate,
    concat2<tag1,tag2,
    tag2<mish<group_norm<2,con<6,3,3,
    tag1<hardswish<affine<con<6,1,1,
    add_prev3<max_pool<3,3,1,1,2,2,
    tag3<residual<conv<8>,batch_norm<con<8,1,1>>,
    avg_pool<3,3,1,1,2,2,parallel<prelu<con<4,3,3>>,avg_pool<3,3,1,1>,
    dense<gelu<con<2,3,3>>,2,
    mult_prev4<max_pool<2,2,1,1,0,0,lrn<3,
    tag4<upsample<2,cont<4,2,2,2,2,
    input_rgb_image_sized<4,6>>>>>>>>>>>>>>>>>>>>>>>>;
using net_type = outputs<
    classes=loss_multiclass_log<fc<5,dropout<bn_fc<fc<7,layer_norm<smelu<flatten>>>>>>>,
    map=softmax_all<l2normalize<multiply<0.5,adaptive_avg_pool<3,resize_prev_to_tagged3<htan>>>>>,
    branch<side,fc_no_bias<2,leaky_relu<clipped_relu<4.0,elu<max_pool_everything>>>>,
    features>>;
"""
SEQUENCE = """\
template <typename SUBNET> using attended =
    multm_prev1<softmaxm<tril_mask<multm_prev2<transpose<tag2<linear<6,tag1<SUBNET>>>>>>>>;
using net_type =
    fc<3,con<4,1,1,affine<per_value=true,fc<8,rms_norm<act4<slice<0,1,0,2,4,3,resize_to<5,4,reshape_to<2,6,3,
    attended<positional_encodings<embeddings<300,6,input<1,6,1>>>>>>>>>>>>>;
"""
NETWORKS = {
    "lenet": ("lenet", {}, (1, 28, 28)),
    "resnet18": ("resnet18", {"classes": 10}, (3, 64, 64)),
    "googlenet": ("googlenet", {"classes": 10, "aux": True}, (3, 224, 224)),
    "kinds": (KINDS, {}, (3, 4, 6)),
    "sequence": (SEQUENCE, {}, (1, 6, 1)),
}
QUICK = ["lenet", "kinds", "sequence", "resnet18"]
ALL = families.family([*QUICK, "googlenet"], QUICK)


def build(name: str, seed: int = 7) -> tuple[fx.GraphModule, Tensor]:
    """A module in eval mode with statistics of its own, and a batch for it."""
    spec, params, shape = NETWORKS[name]
    module = archdsl.compile(spec, seed=seed, **params)
    generator = torch.Generator().manual_seed(seed)
    for key, value in module.state_dict().items():
        if "running" in key:
            value.copy_(torch.rand(value.shape, generator=generator) + 0.5)
    return module.eval(), torch.rand(2, *shape, generator=generator) * 255


def values(outputs: Tensor | dict[str, Tensor]) -> list[Tensor]:
    return list(outputs.values()) if isinstance(outputs, dict) else [outputs]


def same(found: object, expected: object, *, exact: bool = True) -> None:
    assert isinstance(found, dict) == isinstance(expected, dict)
    if isinstance(expected, dict):
        assert list(found) == list(expected)
    for one, other in zip(values(found), values(expected), strict=True):
        if exact:
            assert torch.equal(one, other)
        else:
            torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", ALL)
def test_weights_go_through_safetensors(name: str, tmp_path: Path) -> None:
    module, data = build(name)
    other, _ = build(name, seed=8)
    path = tmp_path / "weights.safetensors"
    save_file(module.state_dict(), path)
    with torch.no_grad():
        expected = module(data)
        assert not torch.equal(values(other(data))[0], values(expected)[0])
        other.load_state_dict(load_file(path))
        same(other(data), expected)


def by_torch_save(module: fx.GraphModule) -> fx.GraphModule:
    buffer = io.BytesIO()
    torch.save(module, buffer)
    buffer.seek(0)
    return torch.load(buffer, weights_only=False)


COPIES: dict[str, Callable[[fx.GraphModule], fx.GraphModule]] = {
    "deepcopy": copy.deepcopy,
    "pickle": lambda module: pickle.loads(pickle.dumps(module)),
    "torch.save": by_torch_save,
}


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("name", QUICK)
def test_copies(name: str, how: str) -> None:
    module, data = build(name)
    other = COPIES[how](module)
    with torch.no_grad():
        expected = module(data)
        same(other(data), expected)
        for parameter in other.parameters():
            parameter.zero_()
        same(module(data), expected)
    assert list(other.state_dict()) == list(module.state_dict())
    assert not other.training


@pytest.mark.parametrize("name", QUICK)
def test_double_precision(name: str) -> None:
    module, data = build(name)
    with torch.no_grad():
        expected = module(data)
        found = module.double()(data.double())
    assert all(value.dtype == torch.float64 for value in values(found))
    for one, other in zip(values(found), values(expected), strict=True):
        torch.testing.assert_close(one.float(), other, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", QUICK)
def test_moving_to_another_device(name: str) -> None:
    """The meta device stands in for any other: nothing may stay behind on the CPU."""
    module, data = build(name)
    shapes = [value.shape for value in values(module(data))]
    moved = module.to("meta")
    assert {p.device.type for p in [*moved.parameters(), *moved.buffers()]} == {"meta"}
    found = values(moved(data.to("meta")))
    assert all(value.device.type == "meta" for value in found)
    assert [value.shape for value in found] == shapes


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("name", QUICK)
def test_cuda(name: str) -> None:
    module, data = build(name)
    with torch.no_grad():
        expected = module(data)
        found = module.cuda()(data.cuda())
    for one, other in zip(values(found), values(expected), strict=True):
        torch.testing.assert_close(one.cpu(), other, rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("name", ALL)
def test_torchscript(name: str, tmp_path: Path) -> None:
    module, data = build(name)
    scripted = torch.jit.script(module)
    torch.jit.save(scripted, str(tmp_path / "module.pt"))
    loaded = torch.jit.load(str(tmp_path / "module.pt"))
    with torch.no_grad():
        expected = module(data)
        same(scripted(data), expected, exact=False)
        same(loaded(data), expected, exact=False)


@pytest.mark.parametrize("name", QUICK)
def test_export(name: str) -> None:
    module, data = build(name)
    program = torch.export.export(module, (data,))
    with torch.no_grad():
        same(program.module()(data), module(data), exact=False)


@pytest.mark.parametrize("name", ["lenet", "kinds", "sequence"])
def test_export_for_any_batch(name: str) -> None:
    module, data = build(name)
    program = torch.export.export(
        module, (data,), dynamic_shapes=({0: torch.export.Dim("batch", min=2, max=64)},)
    )
    more = torch.cat([data, data.flip(0), data])
    with torch.no_grad():
        same(program.module()(more), module(more), exact=False)


@pytest.mark.slow
@pytest.mark.skipif(
    not any(map(shutil.which, ("c++", "g++", "clang++"))), reason="no C++ compiler for inductor"
)
def test_torch_compile() -> None:
    module, data = build("lenet")
    with torch.no_grad():
        same(torch.compile(module)(data), module(data), exact=False)


@pytest.mark.parametrize("name", QUICK)
def test_torch_compile_without_a_compiler(name: str) -> None:
    """The whole network is one graph for dynamo: it meets nothing it cannot trace."""
    module, data = build(name)
    compiled = torch.compile(module, backend="eager", fullgraph=True)
    with torch.no_grad():
        same(compiled(data), module(data), exact=False)
    torch.compiler.reset()


@pytest.mark.parametrize("name", ALL)
def test_gradients_reach_every_parameter(name: str) -> None:
    module, data = build(name)
    module.train()
    outputs = values(module(data / 255))
    sum((value * torch.randn_like(value)).sum() for value in outputs).backward()
    without = [key for key, p in module.named_parameters() if p.grad is None]
    assert without == []
    assert all(p.grad is not None and p.grad.isfinite().all() for p in module.parameters())


def test_training_lowers_the_loss() -> None:
    module = archdsl.compile("loss_multiclass_log<fc<3,relu<con<4,3,3,input<1,8,8>>>>>", seed=1)
    generator = torch.Generator().manual_seed(2)
    images = torch.randn(12, 1, 8, 8, generator=generator)
    labels = torch.arange(12) % 3
    losses = []
    for _ in range(15):
        loss = module.criterion(module(images), labels)
        module.zero_grad()
        loss.backward()
        with torch.no_grad():
            for parameter in module.parameters():
                parameter -= 0.1 * parameter.grad
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]


@pytest.mark.parametrize("name", QUICK)
def test_a_seed_gives_the_same_weights_again(name: str) -> None:
    spec, params, _ = NETWORKS[name]
    before = torch.random.get_rng_state()
    first = archdsl.compile(spec, seed=3, **params).state_dict()
    again = archdsl.compile(spec, seed=3, **params).state_dict()
    other = archdsl.compile(spec, seed=4, **params).state_dict()
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(first[key], again[key]) for key in first)
    drawn = [key for key in first if key.endswith("weight") and first[key].dim() > 1]
    assert drawn
    assert not any(torch.equal(first[key], other[key]) for key in drawn)


def test_modules_have_the_paths_of_their_layers() -> None:
    network = archdsl.load(KINDS)
    module = network.to_torch()
    scopes = {row.path for row in network.summary().rows}
    assert {n for n, part in module.named_modules() if part._parameters} <= scopes
    assert isinstance(module.criterion, torch.nn.CrossEntropyLoss)
    assert set(module.eval()(torch.rand(1, 3, 4, 6))) == {"side", "classes", "map"}
