"""The memory that sizes alone tell against what torch's own tracker counts while a network runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from support.commands import run
from support.families import family
from torch import nn
from torch.distributed._tools.mem_tracker import MemTracker

import archdsl
from archdsl.analysis.memory import UnknownMemoryError

CASES = {
    "lenet": (8, None),
    "squeezenet1_1": (4, "3x64x64"),
    "alexnet_paper": (2, None),
    "convnext_tiny": (2, "3x64x64"),
    "densenet121": (2, "3x64x64"),
    "dlib_face_recognition": (4, None),
    "efficientnet_b0": (2, "3x64x64"),
    "googlenet": (2, "3x64x64"),
    "mobilenet_v1": (2, None),
    "mobilenet_v2": (4, "3x64x64"),
    "mobilenet_v3_large": (4, "3x64x64"),
    "resnet50": (2, "3x64x64"),
    "shufflenet_v2_x1_0": (4, "3x64x64"),
    "unet": (1, "1x192x192"),
    "siamese": (2, None),
    "swin_t": (2, None),
    "vgg11": (2, "3x64x64"),
    "vit_b_16": (4, None),
}


def most(module: nn.Module, batch: torch.Tensor, step: Callable[[], object]) -> int:
    """Bytes of the most that is held at one time in a step, weights and batch included."""
    tracker = MemTracker()
    tracker.track_external(module, batch)
    with tracker:
        step()
    (snapshot,) = tracker.get_tracker_snapshot("peak").values()
    return int(snapshot["Total"])


@pytest.mark.parametrize("name", family(list(CASES), ["lenet", "squeezenet1_1"]))
def test_memory_is_what_torch_holds(name: str) -> None:
    images, size = CASES[name]
    network = archdsl.load(name, input=size)
    module = network.to_torch(seed=0)
    batch = torch.rand(images, *network.summary().input)
    predicted = network.summary().memory(images)

    def infer() -> None:
        with torch.inference_mode():
            module(batch)

    held = most(module.eval(), batch, infer)
    assert predicted.weights + predicted.inference == pytest.approx(held, rel=0.05)
    held = most(module.train(), batch, lambda: module(batch).sum().backward())
    assert predicted.weights + predicted.training == pytest.approx(held, rel=0.05)


def test_memory_by_arithmetic() -> None:
    """A row of 4 and its 3 outputs; in the backward pass two gradients, and those of 15 weights."""
    memory = archdsl.load("fc<3,input<4,1,1>>").summary().memory(10)
    assert memory.weights == memory.learned == 15 * 4
    assert memory.inference == 10 * (4 + 3) * 4
    assert memory.training == 10 * (4 + 3 + 3) * 4 + 15 * 4


def test_what_is_frozen_keeps_nothing() -> None:
    body = "relu<con<8,3,3,1,1,input<1,8,8>>>"
    free = archdsl.load(f"fc<2,{body}>").summary().memory()
    frozen = archdsl.load("fc<2,frozen<compose<relu,con<8,3,3,1,1>>,input<1,8,8>>>").summary()
    assert frozen.memory().learned == (8 * 64 + 1) * 2 * 4
    assert frozen.memory().training < free.training


def test_summary_tells_memory(tmp_path: Path) -> None:
    spec = tmp_path / "small.arch"
    spec.write_text("fc<3,input<4,1,1>>")
    told = run("summary", spec, "--batch", 10)
    assert "60 B of weights, 340 B with what inference of 10 images holds" in told.output
    assert "memory: unknown" in run("summary", "yolo_v3").output


def test_open_sizes_are_unknown() -> None:
    with pytest.raises(UnknownMemoryError, match="is open"):
        archdsl.load("relu<con<3,3,3,1,1,input<matrix<float>>>>").summary().memory()


@pytest.mark.parametrize(
    "text",
    [
        "relu<input<3,4,4>>",
        "mish<chunk<0,2,input<4,4,4>>>",
        "relu<flatten<sig<con<3,1,1,input<3,4,4>>>>>",
        "relu6<dropout<sig<con<3,1,1,input<3,4,4>>>>>",
    ],
)
def test_nothing_is_written_over_that_is_needed(text: str) -> None:
    """Neither the caller's tensor, nor what a sigmoid's gradient is worked out from."""
    network = archdsl.load(text)
    module = network.to_torch(seed=0).eval()
    batch = torch.randn(2, *network.summary().input)
    before = batch.clone()
    module(batch.requires_grad_()).sum().backward()
    assert torch.equal(batch, before)
