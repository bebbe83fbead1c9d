"""Parameters of a spec are arguments of the written class, as far as they decide numbers."""

from __future__ import annotations

import contextlib
import inspect
import re
from dataclasses import replace
from typing import Any

import pytest
import torch
from test_source import made
from torch import Tensor, nn

import archdsl
from archdsl.backends.source import source as source_of
from archdsl.backends.torch import compile_outline
from archdsl.backends.torch.trial_run import trial_input
from archdsl.diagnostics import ArchError
from archdsl.frontend.bundled import spec_names


def tensors(value: Any) -> list[Tensor]:
    """The tensors in a result, in order."""
    if isinstance(value, Tensor):
        return [value]
    parts = value.values() if isinstance(value, dict) else value
    return [tensor for part in parts for tensor in tensors(part)]


def assert_set(spec: str, size: str | None = None, **settings: Any) -> None:
    """The class with arguments is the network with these parameters, weights and results."""
    twin = made(archdsl.load(spec, input=size).to_python(), **settings).eval()
    network = archdsl.load(spec, input=size, **settings)
    module = network.to_torch(seed=3).eval()
    assert list(twin.state_dict()) == list(module.state_dict())
    twin.load_state_dict(module.state_dict())
    given = trial_input(network.checked)
    with torch.no_grad():
        wanted, found = (tensors(each(*given.values())) for each in (module, twin))
    assert len(wanted) == len(found) > 0
    assert all(map(torch.equal, wanted, found))


@pytest.mark.parametrize(
    ("spec", "size", "settings"),
    [
        ("lenet5", None, {"classes": 7}),
        ("resnet50", "3x64x64", {"classes": 5}),
        ("googlenet", "3x64x64", {"classes": 5}),
        ("mobilenet_v1", "3x64x64", {"classes": 6, "width": 0.55}),
        ("densenet_bc_100", "3x16x16", {"growth": 7, "classes": 3}),
        ("unet", "1x64x64", {"classes": 4}),
        ("unet", "2x64x64", {"classes": 4, "channels": 2}),
        *(
            pytest.param(*each, marks=pytest.mark.slow)
            for each in [
                ("densenet121", "3x64x64", {"classes": 5}),
                ("mobilenet_v1", "3x64x64", {"width": 1.3}),
                ("mobilenet_v2", "3x64x64", {"width": 1.4, "classes": 5}),
                ("mobilenet_v2", "3x64x64", {"width": 0.35}),
                ("vgg16", "3x64x64", {"classes": 5}),
                ("vit_b_16", None, {"width": 96, "heads": 3, "classes": 5}),
                ("yolo_v3", "3x96x96", {"classes": 4}),
                ("faster_rcnn_resnet50_fpn", None, {"classes": 5, "min_size": 96, "max_size": 160}),
                ("keypoint_rcnn_resnet50_fpn", None, {"keypoint_count": 5}),
            ]
        ),
    ],
)
def test_arguments_give_the_network_of_the_parameters(
    spec: str, size: str | None, settings: dict[str, Any]
) -> None:
    if "channels" in settings:
        wide = archdsl.load(spec, **settings).to_torch(seed=1)
        twin = made(archdsl.load(spec).to_python(), **settings)
        twin.load_state_dict(wide.state_dict())
        x = torch.rand(1, *map(int, str(size).split("x")))
        assert torch.equal(twin(x), wide(x))
    else:
        assert_set(spec, size, **settings)


def argued(module: nn.Module) -> dict[str, Any]:
    """The arguments of a written class, with their defaults."""
    parameters = inspect.signature(type(module).__init__).parameters.values()
    return {each.name: each.default for each in parameters if each.name != "self"}


def other(value: Any) -> list[Any]:
    """Values that a parameter may have instead."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 5, 5 * value, 7 * value, value // 3]
    return [value * 0.77 + 0.01, value / 2]


def parts(module: nn.Module) -> dict[str, str]:
    """The modules of layers, with what they show of their numbers: 3 is as good as (3, 3)."""
    found = {}
    for name, part in module.named_modules():
        if not list(part.children()):
            with contextlib.suppress(NotImplementedError):  # it shows a tensor, which is on meta
                numbers = re.sub(r"\((.+), \1\)", r"\1", part.extra_repr())
                found[name] = f"{type(part).__name__.removeprefix('Frozen')}({numbers})"
    return found


@pytest.mark.slow
@pytest.mark.parametrize("spec", spec_names())
def test_every_argument_is_the_parameter_of_its_name(spec: str) -> None:
    """Sizes and numbers of all layers; where several may not change at once, one at a time."""
    source = archdsl.load(spec).to_python()
    with torch.device("meta"):
        own = made(source)
    for name, default in argued(own).items():
        for value in other(default):
            try:
                network = archdsl.load(spec, **{name: value}).checked
            except ArchError:
                continue
            module = compile_outline(network)
            with torch.device("meta"):
                twin = made(source, **{name: value})
            wanted, found = (
                [(k, v.shape) for k, v in each.state_dict().items()] for each in (module, twin)
            )
            assert wanted == found, (name, value)
            assert parts(module) == parts(twin), (name, value)
            break
        else:
            pytest.fail(f"no other value of {name} was tried")


def written(text: str) -> tuple[str, nn.Module]:
    source = archdsl.load(text).to_python()
    return source, made(source)


def test_what_changes_more_than_numbers_stays_and_is_told() -> None:
    text = """param int count = 3; param bool wide = false; param int classes = 4;
    template <typename SUBNET> using body = relu<con<8,3,3,1,1,SUBNET>>;
    using net_type = fc<classes,repeat<count,body,con<wide ? 9 : 8,1,1,1,1,input<3,8,8>>>>;"""
    source, module = written(text)
    assert argued(module) == {"wide": False, "classes": 4}
    assert "Fixed here: count = 3." in source
    twin = made(source, classes=2, wide=True)
    assert [tuple(p.shape) for p in twin.parameters()][-2:] == [(2, 512), (2,)]


def test_a_number_that_follows_in_no_known_way_leaves_its_parameter() -> None:
    text = """param int n = 3; param int m = 4; using net_type = fc<m,fc<n*n*n+1,input<3,4,4>>>;"""
    source, module = written(text)
    assert argued(module) == {"m": 4}
    assert "Fixed here: n = 3." in source


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a", "a"), ("3*a", "3 * a"), ("a+5", "a + 5"), ("2*(a+5)", "2 * (a + 5)"),
        ("a/4", "a // 4"), ("3*a/8", "3 * a // 8"), ("a*b", "a * b"),
        ("2*b*(a+5)", "2 * (a + 5) * b"), ("20-a", "-1 * a + 20"),
        ("floor(64*w)", "int(64 * w)"), ("make_divisible(64*w,8)", "make_divisible(64 * w, 8)"),
    ],
)  # fmt: skip
def test_numbers_are_expressions_of_parameters(expression: str, expected: str) -> None:
    """By hand: at other values the layer has as many outputs as the expression says."""
    text = f"""param int a = 8; param int b = 3; param float w = 1.0;
    using net_type = fc<{expression},input<3,4,4>>;"""
    source, _ = written(text)
    assert f"nn.Linear(48, {expected})" in source
    for settings in ({"a": 12}, {"b": 5}, {"w": 0.4}, {"a": 16, "b": 2, "w": 0.7}):
        used = {k: v for k, v in settings.items() if k in expression.replace("make_divisible", "")}
        wanted = archdsl.load(text, **used).summary().outputs["output"]
        twin = made(source, **{k: v for k, v in used.items() if k in argued(made(source))})
        assert twin(torch.rand(1, 3, 4, 4)).shape[1:] == wanted


def test_equal_blocks_of_which_one_takes_a_parameter_are_one_class() -> None:
    source, _ = written(
        """param int classes = 8; template <int N, typename SUBNET> using head = relu<fc<N,SUBNET>>;
        using net_type = head<classes,head<8,input<3,4,4>>>;"""
    )
    assert source.count("class Head(") == 1
    twin = made(source, classes=5)
    assert [tuple(p.shape) for p in twin.parameters()] == [(8, 48), (8,), (5, 8), (5,)]


def test_parameters_in_loops_and_calls() -> None:
    text = """param int classes = 4; param int n = 8; param float p = 0.5;
    template <int N, typename SUBNET> using body = dropout<p,residual<relu<con<N,3,3,1,1>>,SUBNET>>;
    using net_type = outputs<out=fc<classes>, map=reshape_to<n,-1,2>,
        repeat<3,body<n>,con<n,1,1,1,1,input<3,8,8>>>>;"""
    source, module = written(text)
    assert argued(module) == {"classes": 4, "n": 8, "p": 0.5}
    network = archdsl.load(text, n=6, p=0.25, classes=2)
    wanted, twin = network.to_torch(seed=1), made(source, n=6, p=0.25, classes=2)
    twin.load_state_dict(wanted.state_dict())
    x = torch.rand(1, 3, 8, 8)
    assert parts(wanted) == parts(twin)
    assert all(map(torch.equal, tensors(wanted.eval()(x)), tensors(twin.eval()(x))))


@pytest.mark.parametrize(
    "name", ["self", "x", "i", "training", "half", "Head", "Network", "nn", "print"]
)
def test_any_name_of_a_parameter_is_legal(name: str) -> None:
    """Those that Python, torch or the file has get an underscore."""
    text = f"""param int {name} = 8; param int {name}_ = 4;
    template <int N, typename SUBNET> using head = reshape_to<{name},2,1,fc<N,SUBNET>>;
    using net_type = fc<{name}_,head<2*{name},input<3,4,4>>>;"""
    source, module = written(text)
    first, second = argued(module)
    assert {first, second} & {name, f"{name}_"}
    network = archdsl.load(text, **{name: 6, f"{name}_": 3})
    wanted, twin = network.to_torch(seed=1), made(source, **{first: 6, second: 3})
    twin.load_state_dict(wanted.state_dict())
    x = torch.rand(2, 3, 4, 4)
    assert torch.equal(wanted(x), twin(x))


def test_a_size_that_is_rounded_off_nearby_is_told() -> None:
    """Of 32 or 33 pixels a stride of 2 leaves 16, of 64 it leaves more: the head depends on it."""
    text = """param int pixels = 32; param int free = 5;
    using net_type = fc<3,max_pool<2,2,2,2,input<1,pixels,pixels>>>;"""
    source, module = written(text)
    assert argued(module) == {}
    assert "Fixed here: pixels = 32." in source


def test_a_network_without_its_text_has_no_arguments() -> None:
    network = archdsl.load("param int n = 3; using net_type = fc<n,input<3,4,4>>;")
    alone = replace(network.checked, origin=None)
    assert "def __init__(self) -> None:" in source_of(alone)
