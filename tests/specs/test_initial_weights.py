"""Specs start as their references' own constructors start them, weight by weight."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from scipy import stats
from support import families
from torch import Tensor, nn

import archdsl
from archdsl.frontend.bundled import spec_names
from archdsl.frontend.files import open_source
from archdsl.frontend.header import facts
from archdsl.importers.verification import canonical, match, reference
from archdsl.importers.verification.weight_transfer import tensors

REFERENCES = {name: found for name in spec_names() if (found := facts(open_source(name)).reference)}
DRAWN_BY_OPTION = {"googlenet", "inception_v3"}
"""Models that start as their papers say if asked, and have auxiliary heads."""
OTHERWISE = {
    "repvgg_a0": "timm draws the factors and offsets of norms, which the paper does not",
    "res2net50": "timm starts the last norm of a block as zero (Goyal et al. 2017, section 5.1)",
    "se_resnet50": "timm starts the last norm of a block as zero",
    "mlp_mixer_b16": "timm cuts the normal distribution of the patches' convolution off",
}
"""References that start otherwise than a spec can say, or than the paper does."""
QUICK = {
    "faster_rcnn_mobilenet_v3_large_320_fpn", "googlenet", "mnasnet1_0", "mobilenet_v1",
    "mobilenet_v3_small", "resnet18", "squeezenet1_1",
}  # fmt: skip
SEEDS = {"mobilenet_v3_small": 3, "shufflenet_v2_x1_0": 3, "squeezenet1_1": 3}
"""Networks of small tensors, which tell more in several draws."""
LARGE = 20_000
"""So many values of a tensor tell its distribution."""


def _original(name: str) -> nn.Module:
    """A network as the constructor of its library makes it."""
    library, _, model = REFERENCES[name].partition(":")
    if library == "timm":
        pytest.importorskip("timm")
    elif name in DRAWN_BY_OPTION:
        # That the input is normalised in another way would be one more layer.
        options = {"init_weights": True, "transform_input": False}
        return torchvision.models.get_model(model, weights=None, **options)
    return reference(REFERENCES[name])


def _pairs(name: str, seed: int) -> Iterator[tuple[str, torch.Size, Tensor, Tensor]]:
    """Each parameter of a spec's module and the reference's of the same layer, by its name."""
    with torch.random.fork_rng():
        torch.manual_seed(100 + seed)
        theirs = _original(name)
    aux = name in DRAWN_BY_OPTION
    ours = archdsl.compile(name, seed=seed, **({"aux": True} if aux else {}))
    # timm cuts the maps of ghosts by their number, which is known of images of a size.
    examples = [torch.zeros(2, 3, 64, 64)] if name == "ghostnet" else []
    found = match(
        canonical(theirs, training=aux, for_weights=True, examples=examples),
        canonical(ours, training=aux, for_weights=True, examples=examples),
        partial=not aux,
    )
    assert found.matched, found.differences
    mine, others = dict(ours.named_parameters()), tensors(theirs)
    # Symmetrical branches may be exchanged, and start alike.
    names = {key: other for other, key in found.tensors}
    assert names.keys() >= mine.keys()
    for key, value in mine.items():
        yield key, value.shape, value.detach().flatten(), others[names[key]].detach().flatten()


def _differences(ours: Tensor, theirs: Tensor) -> Iterator[str]:
    """What tells two samples of weights from each other; five standard errors are allowed."""
    if bool((theirs == theirs[0]).all()):
        if not torch.equal(ours, theirs):
            yield f"{ours.mean():.4g} on average where {theirs[0]:.4g} is expected"
        return
    count = len(theirs)
    mine, other = ours.double(), theirs.double()
    deviation, wanted = mine.std().item(), other.std().item()
    # Of a normal sample's deviation the standard error is σ/√2n, of its mean σ/√n; of two √2 times.
    if abs(deviation / wanted - 1) > 5 / count**0.5:
        yield f"deviation {deviation:.4g} where {wanted:.4g} is expected"
    if abs(mine.mean() - other.mean()) > 5 * (2 / count) ** 0.5 * wanted:
        yield f"mean {mine.mean():.4g} where {other.mean():.4g} is expected"
    ends = mine.abs().max().item(), other.abs().max().item()
    uniform = count > 100 and ends[1] < 1.8 * wanted  # their ends are at √3 deviations
    if uniform and not 0.9 < ends[0] / ends[1] < 1.1:
        yield f"extreme {ends[0]:.4g} where {ends[1]:.4g} is expected"
    if count < 50:
        return
    test = stats.ks_2samp(mine[:LARGE].numpy(), other[:LARGE].numpy(), method="asymp")
    if test.pvalue < 1e-7:
        yield "another distribution (Kolmogorov-Smirnov)"


@pytest.mark.parametrize("name", families.family(sorted(REFERENCES.keys() - OTHERWISE), QUICK))
def test_weights_start_as_the_reference_starts_them(name: str) -> None:
    draws: defaultdict[str, list[tuple[Tensor, Tensor]]] = defaultdict(list)
    pools: defaultdict[str, list[tuple[Tensor, Tensor]]] = defaultdict(list)
    for seed in range(SEEDS.get(name, 1)):
        for key, shape, ours, theirs in _pairs(name, seed):
            draws[key].append((ours, theirs))
            if len(ours) < LARGE and not bool((theirs == theirs[0]).all()):
                pools[f"all of {key.rpartition('.')[2]} {shape}"].append((ours, theirs))
    wrong = [
        f"{key}: {difference}"
        for key, pairs in (draws | pools).items()
        for difference in _differences(*(torch.cat(side) for side in zip(*pairs, strict=True)))
    ]
    assert not wrong, "\n".join(wrong)


def test_other_weights_are_told_apart() -> None:
    random = torch.Generator().manual_seed(0)
    normal, other = torch.randn(2, LARGE, generator=random)
    uniform = 3**0.5 * (2 * torch.rand(LARGE, generator=random) - 1)
    others = (0.8 * other, other + 0.3, uniform, other.clamp(-1.3, 1.3), torch.zeros(LARGE))
    for wrong in others:
        assert list(_differences(wrong, normal))
    assert list(_differences(torch.zeros(4), torch.full((4,), 0.01)))
    assert list(_differences(other, torch.zeros(LARGE)))
    assert not list(_differences(other, normal))


DLIB: dict[str, list[list[float]]] = json.loads(
    (Path(__file__).parents[1] / "oracle" / "initial.json").read_text()
)
INPUTS = {"fc_no_bias": (1, 16, 24), "embeddings": (1, 12, 1)}
"""Channels, rows and columns of what dlib was given, where not 1×12×12."""


@pytest.mark.parametrize("text", DLIB)
def test_layers_start_as_dlib_starts_them(text: str) -> None:
    """``oracle/initial.cpp`` asked dlib's setup(); its layers are told from the output on."""
    module = archdsl.compile(text, input=INPUTS.get(text.partition("<")[0], (1, 12, 12)), seed=0)
    layers = [list(part.parameters(recurse=False)) for part in module.modules()]
    ours = [torch.cat([p.detach().flatten() for p in layer]) for layer in layers if layer]
    for values, expected in zip(reversed(ours), DLIB[text], strict=True):
        size, zeros, mean, deviation, least, most = expected
        others = values[values != 0].double()
        assert (len(values), len(values) - len(others)) == (size, zeros)
        assert others.mean().item() == pytest.approx(mean, abs=7 * deviation / len(others) ** 0.5)
        found = others.std().item() if len(others) > 1 else 0
        assert found == pytest.approx(deviation, rel=5 / len(others) ** 0.5)
        if most < 3 * deviation or deviation == 0:  # not normal: the ends are at √3 deviations
            ends = others.min().item(), others.max().item()
            assert ends == pytest.approx((least, most), rel=0.01)


@pytest.mark.parametrize(
    "name",
    families.family(["lenet", "mnasnet1_0", "densenet121", "vit_b_32"], ["lenet", "mnasnet1_0"]),
)
def test_the_written_source_starts_in_the_same_way(name: str) -> None:
    network = archdsl.load(name)
    scope: dict[str, Any] = {}
    exec(compile(network.to_python(), name, "exec"), scope)
    ours = network.to_torch(seed=0)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        theirs = scope[type(ours).__name__]()
    values = dict(theirs.named_parameters())
    for key, value in ours.named_parameters():
        differences = _differences(values[key].detach().flatten(), value.detach().flatten())
        assert not list(differences), key
