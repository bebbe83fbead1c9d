"""Networks as ``--optimize`` makes them, against the plain ones and torchvision's; a table.

Run: python tests/benchmarks/optimise.py [NETWORK...]

One image, eval mode, in inference mode. Prints a row of the README's table for every network, and
MISSED behind one that is slower than 1.02 of the plain one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import torch
import torchvision
from measure import paired, seconds

import archdsl
from archdsl.backends.passes.optimise import optimise
from archdsl.frontend.header import facts

BOUND = 1.02
_SECONDS = 3.0  # for a comparison, as far as _FEWEST pairs fit into that
_FEWEST, _MOST = 5, 41

# Other sizes than the spec's: as large ones would take minutes.
_SIZES = {"unet": "1x256x256", "fcn_resnet50": "3x224x224"}

NETWORKS = (
    "lenet", "alexnet_torchvision", "vgg16", "googlenet", "inception_v3", "resnet18", "resnet50",
    "resnet152", "resnext50_32x4d", "densenet121", "mobilenet_v2", "mobilenet_v3_large",
    "efficientnet_b0", "shufflenet_v2_x1_0", "squeezenet1_1", "convnext_tiny", "vit_b_16",
    "fcn_resnet50", "unet",
)  # fmt: skip


def ratio(ours: Callable[[], Any], reference: Callable[[], Any]) -> float:
    ours(), reference()
    pair = seconds(ours) + seconds(reference)
    return paired(ours, reference, min(_MOST, max(_FEWEST, int(_SECONDS / pair))))


def torchvisions(network: archdsl.Network) -> torch.nn.Module | None:
    """The model that the spec is proven equal to; with random weights, which cost no time."""
    library, _, name = (facts(network.source).reference or "").partition(":")
    if library != "torchvision":
        return None
    more = {"weights_backbone": None} if "fcn" in name else {}
    if name in ("googlenet", "inception_v3"):
        # Their own initialisation draws truncated normal numbers for half a minute.
        more = {"aux_logits": False, "init_weights": False, "transform_input": False}
    model: torch.nn.Module = torchvision.models.get_model(name, weights=None, **more)
    return model.eval()


def row(name: str) -> str:
    network = archdsl.load(name, input=_SIZES.get(name))
    plain = network.to_torch(seed=1).eval()
    made = optimise(network.checked, plain)
    x = torch.rand(1, *network.summary().input)
    with torch.inference_mode():
        # The same module against itself would only tell of the machine.
        gain = ratio(lambda: made.module(x), lambda: plain(x)) if made.kept else 1.0
        theirs = torchvisions(network)
        other = f"{ratio(lambda: made.module(x), lambda: theirs(x)):.2f}" if theirs else "–"
        taken = sorted(seconds(lambda: made.module(x)) for _ in range(_FEWEST))[_FEWEST // 2]
    way = made.way if made.kept else "plain"
    folded = sum(count for kind, count in made.removed.items() if "Norm" in kind)
    missed = "" if gain <= BOUND else " MISSED"
    size = f" ({_SIZES[name].replace('x', '×')})" if name in _SIZES else ""
    return (
        f"| {name}{size} | {gain:.2f} | {other} | {taken * 1000:.3g} | {folded} | {way} |{missed}"
    )


if __name__ == "__main__":
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads\n")
    print("| network | optimised / plain | optimised / torchvision | ms | norms folded | how |")
    print("|---|---|---|---|---|---|", flush=True)
    for each in sys.argv[1:] or NETWORKS:
        print(row(each), flush=True)
