"""How fast the bundled networks learn 16 pictures by one plain recipe, from their first weights.

The recipe is in ``tests/support/learning.py``. Classifiers and segmentation networks are compiled
for the smallest square input that their layers allow, from 64×64; detectors take pictures of
64×64, or of the size that they are made for.

    python tests/benchmarks/learning.py                   # all of them; hours
    python tests/benchmarks/learning.py lenet5 resnet18   # some
    python tests/benchmarks/learning.py --keep states --seconds 150 ssd300_vgg16

With ``--keep`` a network that is not done goes on at the next call where this one ended.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch
from support.learning import RATE, Learning, learning

import archdsl
from archdsl.frontend.bundled import spec_names
from archdsl.ir.edges import Detections

SIZES = (64, 96, 128, 224, 299)
DETECTED = 64
"""Side of a detector's pictures, where its input leaves that open."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="SPEC")
    parser.add_argument("--steps", type=int, default=1000, help="at most, by default 1000")
    parser.add_argument(
        "--seconds",
        type=float,
        default=120,
        help="a network's, of processors; by default 120",
    )
    parser.add_argument("--batch", type=int, default=4, help="a detector's pictures in a step")
    parser.add_argument("--rate", type=float, default=RATE, help="to try another one")
    parser.add_argument("--input", type=int, default=0, help="side of the pictures")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="states, to go on with later")
    options = parser.parse_args()
    print("| network | input | loss, first | last | steps | s | |")
    print("|---|---|---|---|---|---|---|")
    for name in options.names or names():
        network, size = _smallest(name, options.input)
        made = learning(network, size, options.batch, options.rate)
        state = options.keep and options.keep / f"{name}.pt"
        if state and state.is_file():
            made.restore(torch.load(state, weights_only=True))
        print(_row(name, size, made, options.steps, options.seconds), flush=True)
        if state and not made.over:
            state.parent.mkdir(exist_ok=True)
            torch.save(made.saved(), state)


def names() -> Iterator[str]:
    """The bundled specs that give scores, of pictures or pixels, or detections."""
    for name in spec_names():
        summary = archdsl.load(name).check().summary()
        output = next(iter(summary.outputs.values()))
        pictured = summary.input[0] in (1, 3)
        single = not isinstance(output, tuple) or output[0] == 1
        if (
            name.startswith("dlib_face")
            or not pictured
            or (single and not isinstance(output, Detections))
        ):
            continue  # embeddings, generators and pairs learn in tests of their own
        yield name


def _smallest(name: str, asked: int) -> tuple[archdsl.Network, int]:
    """The network for the smallest input that the spec's layers allow, and its side."""
    network = archdsl.load(name).check()
    outputs = network.summary().outputs.values()
    if any(isinstance(output, Detections) for output in outputs):
        side = asked or DETECTED
        sized = "min_size" in network.setting.values
        if sized:
            return archdsl.load(name, min_size=side, max_size=side).check(), side
        return network, asked or network.summary().input[1]
    own = network.summary().input
    for size in (asked,) if asked else SIZES:
        if size >= own[1]:
            break
        try:
            smaller = archdsl.load(name, input=(own[0], size, size)).check()
            smaller.to_torch(seed=1)(torch.zeros(2, own[0], size, size))
        except (archdsl.ArchError, RuntimeError, ValueError):
            continue  # a window is larger than the map, or the last layer wants another size
        return smaller, size
    return network, own[1]


def _row(name: str, size: int, made: Learning, steps: int, seconds: float) -> str:
    start = time.process_time()
    made.go_on(steps, seconds)
    spent = time.process_time() - start
    verdict = "learned" if made.learned else "not yet"
    return (
        f"| {name} | {size}×{size} | {made.first:.2f} | {made.last:.3f} | {len(made.losses)} "
        f"| {spent:.0f} | {verdict} |"
    )


if __name__ == "__main__":
    main()
