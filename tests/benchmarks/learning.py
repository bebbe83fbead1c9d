"""How fast classifiers learn 16 pictures by one plain recipe, from the weights they start with.

Four photographs of skimage's, four cut-outs of each; its class is the photograph. SGD with a rate
of 0.01 and momentum 0.9, all pictures a batch, no decay and no schedule, the same for all.
A network has learned when its loss in training, the mean of three steps, is below a tenth of the
first one. Specs are compiled for the smallest square input that their layers allow, from 64×64.

    python tests/benchmarks/learning.py                   # all classifiers; hours
    python tests/benchmarks/learning.py lenet5 resnet18   # some
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterator

import torch
from skimage import data
from torch import Tensor, nn
from torch.nn import functional

import archdsl
from archdsl.frontend.bundled import spec_names

SIZES = (64, 96, 128, 224, 299)
RATE, MOMENTUM = 0.01, 0.9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="SPEC")
    parser.add_argument("--steps", type=int, default=400, help="at most, by default 400")
    parser.add_argument("--seconds", type=float, default=120, help="of a network, by default 120")
    options = parser.parse_args()
    print("| network | input | classes | loss, first | last | steps | s | |")
    print("|---|---|---|---|---|---|---|---|")
    for name in options.names or classifiers():
        print(_row(name, options.steps, options.seconds), flush=True)


def classifiers() -> Iterator[str]:
    """The bundled specs that give a picture a row of scores."""
    for name in spec_names():
        checked = archdsl.load(name).check().checked
        graph = checked.graph
        shapes = [graph.nodes[path]["shape"] for path in checked.outputs.values()]
        if (
            isinstance(shapes[0], tuple)
            and len(shapes[0]) == 1
            and not name.startswith("dlib_face")
        ):
            yield name


def pictures(channels: int, size: int) -> tuple[Tensor, Tensor]:
    """16 pictures, values 0..1, and the photograph that each is cut out of."""
    found = []
    for photograph in (data.astronaut(), data.coffee(), data.chelsea(), data.rocket()):
        whole = torch.from_numpy(photograph.copy()).permute(2, 0, 1) / 255
        side = min(whole.shape[1:]) * 3 // 4
        height, width = whole.shape[1:]
        for top in (0, height - side):
            for left in (0, width - side):
                found.append(whole[:, top : top + side, left : left + side])
    batch = torch.stack([_resized(picture, size) for picture in found])
    if channels == 1:
        batch = batch.mean(1, keepdim=True)
    return batch, torch.arange(4).repeat_interleave(4)


def _resized(picture: Tensor, size: int) -> Tensor:
    options = {"mode": "bilinear", "align_corners": False, "antialias": True}
    return functional.interpolate(picture[None], (size, size), **options)[0]


def _compiled(name: str) -> tuple[nn.Module, tuple[int, ...]]:
    """The module for the smallest input that the spec's layers allow."""
    network = archdsl.load(name).check()
    checked = network.checked
    own = checked.shape(checked.input)
    for size in SIZES:
        if size >= own[1]:
            break
        try:
            smaller = archdsl.load(name, input=(own[0], size, size)).check()
            module = smaller.to_torch(seed=1)
            batch, _ = pictures(own[0], size)
            module(batch)
        except (archdsl.ArchError, RuntimeError, ValueError):
            continue  # a window is larger than the map, or the last layer wants another size
        return smaller.to_torch(seed=1), (own[0], size, size)
    return network.to_torch(seed=1), own


def _row(name: str, steps: int, seconds: float) -> str:
    module, (channels, size, _) = _compiled(name)
    batch, labels = pictures(channels, size)
    # Modules that norm pixels themselves take them as bytes hold them.
    if any(type(part).__name__ == "Normalize" for part in module.children()):
        batch = batch * 255
    else:
        batch = (batch - batch.mean()) / batch.std()
    optimiser = torch.optim.SGD(module.parameters(), lr=RATE, momentum=MOMENTUM)
    losses: list[float] = []
    classes = 0
    start = time.perf_counter()
    torch.manual_seed(1)  # dropout
    while len(losses) < steps and time.perf_counter() - start < seconds:
        output = module(batch)
        scores = next(iter(output.values())) if isinstance(output, dict) else output
        classes = scores.shape[1]
        loss = functional.cross_entropy(scores, labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
        if not math.isfinite(losses[-1]) or _last(losses) < losses[0] / 10:
            break
    verdict = "learned" if _last(losses) < losses[0] / 10 else "not yet"
    spent = time.perf_counter() - start
    return (
        f"| {name} | {channels}×{size}×{size} | {classes} | {losses[0]:.2f} "
        f"| {_last(losses):.3f} | {len(losses)} | {spent:.0f} | {verdict} |"
    )


def _last(losses: list[float]) -> float:
    return sum(losses[-3:]) / len(losses[-3:])


if __name__ == "__main__":
    main()
