"""Every layer of dlib's headers is in the catalogue, and dlib was asked about it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from cases import CASES

from archdsl.ir.layer import lookup

_LAYERS = """
    con cont upsample resize_to reshape_to flatten max_pool max_pool_everything avg_pool
    avg_pool_everything layer_norm rms_norm bn_con bn_fc fc fc_no_bias linear linear_no_bias dropout
    dropout_rate dropout_10 multiply affine add_prev mult_prev multm_prev resize_prev_to_tagged
    scale scale_prev relu prelu leaky_relu sig mish htan clipped_relu elu gelu smelu silu softmax
    softmaxm softmax_all concat2 concat3 concat4 concat5 itag0 itag1 itag2 itag3 itag4 itag5 iskip
    inception2 inception3 inception4 inception5 l2normalize extract slice reorg transpose
    positional_encodings embeddings tril tril_mask tril_diag
    adaptive_computation_time act act4 act16
"""
LAYERS = _LAYERS.split()
"""The aliases of dlib's layers.h."""

INPUTS = ["input", "input_rgb_image", "input_rgb_image_sized", "input_rgb_image_pair",
          "input_tensor"]  # fmt: skip
"""The inputs of dlib's input.h that take one size at a time."""

PYRAMIDS = ["input_grayscale_image_pyramid", "input_rgb_image_pyramid"]
"""Those that put several sizes of an image into one; detectors' tests are about them."""

NUMBERED = ["tag", "skip", "add_prev", "mult_prev", "multm_prev", "scale", "scale_prev"]
"""What dlib has for each of its tags 1 to 10."""

PARTS = {f"itag{number}" for number in (3, 4, 5)} | {"concat4", "concat5"}
"""Only there to make inception blocks, which are compared whole."""


def test_the_catalogue_has_every_alias() -> None:
    numbered = [f"{name}{number}" for name in NUMBERED for number in range(1, 11)]
    spelled = [f"{name}_" for name in LAYERS]  # dlib's computing classes, add_layer's argument
    missing = [n for n in [*LAYERS, *INPUTS, *numbered, *spelled] if lookup(n) is None]
    assert missing == []


@pytest.mark.parametrize("name", [name for name in [*LAYERS, *INPUTS] if name not in PARTS])
def test_dlib_was_asked_about_every_alias(name: str) -> None:
    assert any(re.search(rf"\b{name}\d*\b", case.text) for case in CASES)


def test_the_lists_are_those_of_the_headers() -> None:
    source = os.environ.get("DLIB_SOURCE")
    if source is None:
        pytest.skip("needs dlib's source in DLIB_SOURCE")
    folder = Path(source) / "dlib" / "dnn"
    layers = (folder / "layers.h").read_text(encoding="utf-8")
    core = (folder / "core.h").read_text(encoding="utf-8")
    aliases = set(re.findall(r"\busing\s+(\w+)\s*=\s*\w+\s*<", layers + core))
    aliases = {name for name in aliases if not name.endswith("_")}
    numbered = {f"{name}{number}" for name in NUMBERED for number in range(1, 11)}
    assert aliases == {*LAYERS, *numbered}
    inputs = (folder / "input.h").read_text(encoding="utf-8")
    classes = set(re.findall(r"^    class (input\w*)", inputs, re.MULTILINE))
    assert classes == {*INPUTS, *PYRAMIDS}
