"""Specs start as their references' own constructors start them: pooled over tensors of a shape."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn

import archdsl

QUICK = [
    "alexnet_torchvision",
    "densenet121",
    "efficientnet_b0",
    "googlenet",
    "mnasnet1_0",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "regnet_y_400mf",
    "resnet18",
    "resnext50_32x4d",
    "shufflenet_v2_x1_0",
    "squeezenet1_0",
    "squeezenet1_1",
    "vgg11_bn",
]
SLOW = ["convnext_tiny", "inception_v3", "vit_b_32"]
NAMES = {"alexnet_torchvision": "alexnet"}


def _pooled(module: nn.Module) -> dict[tuple[Any, ...], Tensor]:
    """The values of all parameters of a shape, weights and biases apart, in one tensor."""
    pools: defaultdict[tuple[Any, ...], list[Tensor]] = defaultdict(list)
    for name, value in module.named_parameters():
        shape = tuple(size for size in value.shape if size != 1)
        pools[("bias" in name, *shape)].append(value.detach().flatten())
    return {key: torch.cat(values) for key, values in pools.items()}


@pytest.mark.parametrize("name", [*QUICK, *(pytest.param(n, marks=pytest.mark.slow) for n in SLOW)])
def test_weights_start_as_the_reference_starts_them(name: str) -> None:
    torch.manual_seed(0)
    options = {"init_weights": True} if name in ("googlenet", "inception_v3") else {}
    with torch.random.fork_rng():
        reference = torchvision.models.get_model(NAMES.get(name, name), weights=None, **options)
    sides = {"aux": True} if options else {}
    ours, theirs = _pooled(archdsl.compile(name, seed=1, **sides)), _pooled(reference)
    assert ours.keys() == theirs.keys()
    wrong = []
    for key, mine in ours.items():
        other = theirs[key]
        # The spread of an estimated deviation is at most 1/√(2n) of it for normal values.
        near = 8 / len(mine) ** 0.5
        deviation, wanted = mine.std(correction=0), other.std(correction=0)
        if wanted < 1e-12:
            same = torch.equal(mine.sort().values, other.sort().values)
        else:
            same = bool((deviation / wanted - 1).abs() < near)
            same &= bool((mine.mean() - other.mean()).abs() < near * wanted)
            if len(mine) > 1000:  # the extremes tell uniform values from normal ones
                ends = mine.abs().max() / other.abs().max()
                same &= bool(0.6 < ends < 1.7)
        if not same:
            wrong.append(f"{key}: {deviation.item():.4g} where {wanted.item():.4g} is expected")
    assert not wrong, "\n".join(wrong)


def test_layers_of_dlib_start_within_glorots_bounds() -> None:
    """dlib/dnn/layers.h, setup(): the kernel area counts for inputs, not for outputs."""
    text = "fc<64,linear<100,cont<32,3,3,2,2,con<24,5,5,1,1,input<16,32,32>>>>>"
    module = archdsl.compile(text, seed=0)
    bounds = {
        "conv": (6 / (25 * 16 + 24)) ** 0.5,
        "deconv": (6 / (9 * 24 + 32)) ** 0.5,
        "linear": (6 / (module.get_submodule("linear").in_features + 100)) ** 0.5,
        "fc": (6 / (module.get_submodule("fc").in_features + 64)) ** 0.5,
    }
    for name, bound in bounds.items():
        layer = module.get_submodule(name)
        assert layer.weight.abs().max().item() <= bound
        assert layer.weight.abs().max().item() > 0.99 * bound
        assert layer.weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.03)
        assert not layer.bias.any()


def test_the_written_source_starts_in_the_same_way() -> None:
    for name in ("lenet", "densenet121", "mnasnet1_0"):
        network = archdsl.load(name)
        scope: dict[str, Any] = {}
        text = network.to_python()
        exec(compile(text, name, "exec"), scope)
        classes = [v for v in scope.values() if isinstance(v, type) and v.__module__ == "builtins"]
        keys = network.to_torch(seed=0).state_dict()
        made = next(m for m in (_made(c) for c in reversed(classes)) if m is not None)
        assert made.state_dict().keys() == keys.keys()
        for key, value in _pooled(made).items():
            mine = _pooled(network.to_torch(seed=2))[key]
            near = 8 / len(mine) ** 0.5
            assert (value.std(correction=0) - mine.std(correction=0)).abs() <= near * mine.std(
                correction=0
            ), (name, key)


def _made(each: type) -> nn.Module | None:
    try:
        return each() if issubclass(each, nn.Module) else None
    except TypeError:
        return None
