"""Compiled modules against torchvision's: forward passes, construction, peak memory.

Run: python tests/benchmarks/modules.py [NETWORK...]
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time

import torch
import torchvision
from measure import paired, report

import archdsl
from archdsl.importers.verification import canonical, match, transfer_weights


def forward(name: str, batch: int, pairs: int) -> None:
    """One pass in eval mode on the same image, with the same weights."""
    theirs = getattr(torchvision.models, name)(weights=None, **_OPTIONS.get(name, {})).eval()
    ours = archdsl.compile(name).eval()
    transfer_weights(match(canonical(theirs), canonical(ours)), theirs, ours)
    image = torch.randn(batch, 3, 224, 224)
    with torch.inference_mode():
        ratio = paired(lambda: ours(image), lambda: theirs(image), pairs, time.process_time)
    report(f"forward {name}, batch {batch} / torchvision", ratio, 1.02)


# GoogLeNet's own initialisation draws truncated normal numbers for half a minute.
_OPTIONS = {"googlenet": {"aux_logits": False, "init_weights": False, "transform_input": False}}


def construction(name: str, pairs: int) -> None:
    ratio = paired(
        lambda: archdsl.compile(name),
        lambda: getattr(torchvision.models, name)(weights=None),
        pairs,
        time.process_time,
    )
    report(f"construction of {name} / torchvision", ratio, 1.0)


_PEAK = "import torch, torchvision, archdsl, archdsl.backends.torch, resource\n"
_READ = "\nprint(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"


def peak_memory(name: str) -> None:
    """Peak resident memory of a process that constructs the network and imports the same."""

    def peak(statement: str) -> int:
        done = subprocess.run(
            [sys.executable, "-c", _PEAK + statement + _READ],
            check=True,
            capture_output=True,
            text=True,
        )
        return int(done.stdout)

    ours = peak(f"m = archdsl.compile({name!r})")
    theirs = peak(f"m = torchvision.models.{name}(weights=None)")
    report(f"peak memory of constructing {name} / torchvision", ours / theirs, 1.1)


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, CPU time of one thread")
    networks = sys.argv[1:] or ("resnet50", "googlenet", "densenet121", "mobilenet_v2")
    if not sys.argv[1:]:
        peak_memory("vgg19")
    for net in networks:
        if net not in _OPTIONS:
            construction(net, pairs=15)
    for net in networks:
        forward(net, 1, pairs=31)
        forward(net, 8, pairs=15)
    print(f"peak of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB")
