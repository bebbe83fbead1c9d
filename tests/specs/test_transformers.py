"""The Vision Transformer in its other sizes is torchvision's, and near misses are not.

Graphs alone are compared here; that numbers are equal is for test_torchvision.py.
"""

from functools import cache
from pathlib import Path

import pytest
import torch
import torchvision
from inlining import inlined

import archdsl
from archdsl.importers.verification import CanonicalGraph, canonical, match

SPEC = Path(__file__).resolve().parents[2] / "specs" / "vit_b_16.arch"
LARGE = {"width": 1024, "depth": 24, "heads": 16}
HUGE = {"width": 1280, "depth": 32, "heads": 16, "patch": 14}


@cache
def expected(name: str, **options: float) -> CanonicalGraph:
    with torch.device("meta"):
        return canonical(torchvision.models.get_model(name, **options))


@pytest.mark.parametrize(
    ("size", "millions"),
    [({}, 86), (LARGE, 307), (HUGE, 632)],
)
def test_parameters_of_table_1(size: dict[str, int], millions: int) -> None:
    """Dosovitskiy et al. 2020; the paper's have no classifier of 1000 classes, or another."""
    summary = archdsl.load("vit_b_16", classes=1, **size).summary()
    assert summary.parameters / 1e6 == pytest.approx(millions, rel=0.02)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("vit_l_16", LARGE),
        ("vit_l_32", LARGE | {"patch": 32}),
        ("vit_h_14", HUGE),
    ],
)
def test_other_sizes_have_torchvisions_totals(name: str, size: dict[str, int]) -> None:
    """Of its default weights, whose images have 224 or, for the huge one, 518 pixels."""
    meta = torchvision.models.get_model_weights(name).DEFAULT.meta
    summary = archdsl.load("vit_b_16", input=(3, *meta["min_size"]), **size).summary()
    assert summary.parameters == meta["num_params"]
    assert summary.macs / 1e9 == pytest.approx(meta["_ops"], abs=6e-4)


@pytest.mark.slow
def test_the_large_one_is_torchvisions() -> None:
    module = archdsl.load("vit_b_16", **LARGE).to_torch()
    found = match(expected("vit_l_16"), canonical(module))
    assert found.matched, found.differences


def test_dropout_is_where_torchvision_has_it() -> None:
    """A small one: two layers, which the reference is cut down to by its own arguments."""
    shape = {"patch_size": 32, "num_layers": 2, "num_heads": 4, "hidden_dim": 64, "mlp_dim": 256}
    with torch.device("meta"):
        model = torchvision.models.VisionTransformer(image_size=224, dropout=0.1, **shape)
    small = {"patch": 32, "depth": 2, "heads": 4, "width": 64}
    for drop, equal in ((0.1, True), (0.2, False), (0.0, False)):
        module = archdsl.load("vit_b_16", drop=drop, **small).to_torch()
        for training in (False, True):
            found = match(canonical(model, training=training), canonical(module, training=training))
            assert found.matched is equal, found.differences


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "heads = 12",
            "heads = 6",
            "num_heads is 12 in encoder.layers.encoder_layer_0.self_attention, 6",
        ),
        ("attention<heads, layer", "attention<heads, 0.1, layer", "dropout is 0.0 in"),
        ("4*width, layer_norm_last<1e-6>", "4*width, layer_norm_last<1e-5>", "eps"),
        ("gelu<", "relu<", "relu"),
        ("position_embedding<class_token<", "identity<class_token<", "pos_embedding"),
        ("position_embedding<class_token<", "class_token<position_embedding<", "shape"),
        ("token<0,", "token<1,", "getitem"),
        ("depth = 12", "depth = 11", "MultiheadAttention"),
        ("patch = 16", "patch = 14", "kernel_size"),
        ("token<0,layer_norm_last<1e-6,SUBNET>>", "token<0,SUBNET>", "layer_norm"),
    ],
)
def test_near_misses_are_refused(old: str, new: str, words: str) -> None:
    text = inlined(SPEC)
    assert old in text
    module = archdsl.compile(text.replace(old, new))
    found = match(expected("vit_b_16"), canonical(module))
    assert not found.matched
    assert any(words in difference for difference in found.differences), found.differences
