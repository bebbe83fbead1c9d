"""Every bundled spec that takes a tensor gives the same in every format as in PyTorch.

At the smallest size of 96 pixels or more that its layers take, with few classes: the layers are the
same, the weights random. A member of each family is slow, the others are exhaustive.
"""

import copy
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import torch
from running import RUNTIMES, assert_close, assert_telling, compiled, results, samples
from support import families

import archdsl
from archdsl.backends.formats import FORMATS, encode, exported_program, onnx
from archdsl.backends.formats.options import FormatOptions
from archdsl.diagnostics import ArchError
from archdsl.frontend.bundled import spec_names, specs_folder

DETECTORS = re.compile("input_images|pyramid")
SPECS = [
    name
    for name in spec_names()
    if not DETECTORS.search((specs_folder() / f"{name}.arch").read_text(encoding="utf-8"))
]
FAMILIES = {"lenet", "resnet18", "shufflenet_v2_x1_0", "squeezenet1_1", "unet", "vit_b_32"}
FLATTENED = {
    *("alexnet", "alexnet_d2l", "alexnet_paper", "dlib_inception_mnist", "googlenet_paper"),
    *("lenet", "lenet5", "lenet_d2l", "maxvit_t", "vgg_d2l", "vit_b_16", "vit_b_32", "zfnet"),
}
"""Those that their papers give one size: maps flattened for a fully connected layer, averages over
7×7 places, an embedding for every patch, so many windows."""
ADAPTIVE = re.compile(r"alexnet_torchvision|vgg\d+(_bn|_lrn|_conv1)?")
"""Those with torchvision's adaptive pooling to 6×6 or 7×7 places, which ONNX does not have."""
PADDED = {"dlib_face_recognition"}
"""Sums that pad zeros: torch.export needs minutes to reason about their open sizes."""


@pytest.mark.parametrize("name", families.family(SPECS, (), FAMILIES))
def test_formats_give_what_the_module_gives(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    network, other = _small(name)
    module = compiled(network).eval()
    shared = cache(exported_program.exported)  # .onnx is made of what .pt2 holds
    for form in (exported_program, onnx):
        monkeypatch.setattr(form, "exported", _without_title(shared))
    _, *size = network.checked.shape(network.checked.input)
    channels = network.checked.shape(network.checked.input)[0]
    options = FormatOptions(dynamic_size=name not in FLATTENED | PADDED)
    inputs = [samples(count, channels, *size) for count in (1, 3)]
    if options.dynamic_size:
        inputs.append(samples(2, channels, *other))
    wanted = [results(module, x) for x in inputs]
    assert_telling(wanted[1])
    tolerance = max(1e-4, *(5 * _rounding(module, x) for x in inputs))
    for suffix, runtime in RUNTIMES.items():
        if suffix == ".onnx" and ADAPTIVE.fullmatch(name):
            with pytest.raises(ArchError, match="ONNX cannot leave the size"):
                encode(FORMATS[suffix], network.checked, module, options)
            run = runtime(encode(FORMATS[suffix], network.checked, module))
            assert_close(run(inputs[1]), wanted[1], tolerance)
            continue
        run = runtime(encode(FORMATS[suffix], network.checked, module, options))
        for x, expected in zip(inputs, wanted, strict=True):
            assert_close(run(x), expected, tolerance)


def _rounding(module: torch.fx.GraphModule, x: torch.Tensor) -> float:
    """How far a module's numbers are from those in double precision.

    Deep networks with random weights make much of a float's last digit.
    """
    exact = results(copy.deepcopy(module).double(), x.double())
    pairs = zip(results(module, x), exact, strict=True)
    return max(float(abs(ours - theirs).max() / abs(theirs).max()) for ours, theirs in pairs)


def _without_title(export: Callable[..., Any]) -> Callable[..., Any]:
    return lambda network, module, _, **options: export(network, module, "a test", **options)


@pytest.mark.parametrize("name", families.family(sorted(FLATTENED), FLATTENED & FAMILIES, ()))
def test_flattened_networks_have_one_size(name: str) -> None:
    network, _ = _small(name)
    module = compiled(network)
    with pytest.raises(ArchError, match="alone, not of any size"):
        encode(FORMATS[".ts"], network.checked, module, FormatOptions(dynamic_size=True))


def _small(name: str) -> tuple[archdsl.Network, tuple[int, int]]:
    """A network for small images and few classes, and another size that its layers take."""
    network = archdsl.load(name)
    channels, rows, columns = network.checked.shape(network.checked.input)
    if "classes" in (network._network.parameters or {}):
        network = archdsl.load(name, classes=7)
    # Below that, maps of later Inceptions are 1×1, which torch.export takes for constants.
    sides = (160,) if name.startswith("inception") else (96, 128, 160)
    sizes = [(side, side) for side in sides if side < rows] + [(rows, columns)]
    smallest = next(size for size in sizes if _takes(network, channels, *size))
    more = [(smallest[0] + add, smallest[1] + 32) for add in (64, 32)]
    other = next((size for size in more if _takes(network, channels, *size)), smallest)
    return network.sized((channels, *smallest)), other


def _takes(network: archdsl.Network, *shape: int) -> bool:
    try:
        network.sized(shape).check()
    except ArchError:
        return False
    return True
