"""The memory that a plan reckons with against what torch's profiler measures on the CPU."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from peaks import RECIPE, step_peak
from support.commands import run
from support.families import family

import archdsl
from archdsl.cli.options import MemorySize
from archdsl.training.need import need, sharded_need, stage_needs
from archdsl.training.recipe import Recipe

CASES = {
    "lenet": (32, None),
    "vgg11": (1, "3x224x224"),
    "resnet18": (4, "3x128x128"),
    "mobilenet_v2": (4, "3x96x96"),
    "squeezenet1_1": (4, "3x96x96"),
    "densenet121": (2, "3x64x64"),
}


def measured(network: archdsl.Network, images: int) -> int:
    """The most bytes that are held in a step, as the profiler notes each allocation."""
    module = network.to_torch(seed=0).train()
    return step_peak(module, torch.rand(images, *network.summary().input))


@pytest.mark.parametrize("name", family(list(CASES), ["lenet", "squeezenet1_1"]))
def test_memory_is_what_the_profiler_measures(name: str) -> None:
    images, size = CASES[name]
    network = archdsl.load(name, input=size)
    assert need(network, RECIPE, images).total == pytest.approx(measured(network, images), rel=0.1)


SPREAD = {
    "resnet18": (4, "3x128x128"),
    "vgg11": (1, "3x224x224"),
    "mobilenet_v2": (4, "3x96x96"),
    "squeezenet1_1": (4, "3x96x96"),
    "resnet34": (2, "3x96x96"),
    "shufflenet_v2_x1_0": (4, "3x96x96"),
    "densenet121": (2, "3x64x64"),
}


@pytest.mark.slow
def test_memory_of_parts_and_stages_is_what_processes_measure(tmp_path: Path) -> None:
    """About three minutes: two processes of gloo.

    Its clone of the gradients that it reduces is reckoned with: for VGG's classifier it is 0.49 GB
    of 1.84.
    """
    file = tmp_path / "networks.json"
    file.write_text(json.dumps(SPREAD))
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    subprocess.run(
        [*launch, str(Path(__file__).with_name("peaks.py")), str(file)],
        env={**os.environ, "OMP_NUM_THREADS": "1"}, check=True,
    )  # fmt: skip
    found = json.loads(file.read_text())
    for name, (images, size) in SPREAD.items():
        network = archdsl.load(name, input=size)
        told = sharded_need(network, RECIPE, images, 2, gloo=True).total
        for most in found[name]["fsdp"]:
            assert told == pytest.approx(most, rel=0.1), name
        staged = stage_needs(network, RECIPE, 2 * images, 2, parts=2)
        for stage, most in zip(staged, found[name]["pipeline"], strict=True):
            assert stage.total == pytest.approx(most, rel=0.1), name


def test_parameters_and_states_by_arithmetic() -> None:
    network = archdsl.load("fc<10,input<1,8,8>>")
    weights = (64 * 10 + 10) * 4
    found = need(network, Recipe(optimizer="adamw"), 2)
    assert (found.parameters, found.gradients) == (weights, weights)
    assert weights * 2 <= found.optimizer <= weights * 2 + 16  # and the count of steps


def test_parts_and_stages_by_arithmetic() -> None:
    """Three layers of 8×8 weights and 8 biases, of which each stage of two has its own."""
    text = """
    template <typename SUBNET> using block = fc<8,relu<fc<8,SUBNET>>>;
    using net_type = block<block<input<8,1,1>>>;
    """
    network = archdsl.load(text)
    layer = (8 * 8 + 8) * 4
    parts = sharded_need(network, RECIPE, 4, 4)
    assert (parts.parameters, parts.gradients, parts.optimizer) == (layer, layer, layer)
    stages = stage_needs(network, RECIPE, 4, 2, parts=2)
    for stage in stages:
        assert (stage.parameters, stage.gradients, stage.optimizer) == (2 * layer,) * 3


def test_gloo_clones_what_it_reduces() -> None:
    """Two layers of 1000×1000: with the gradients of one it holds them twice for a moment."""
    text = "fc<1000,relu<fc<1000,input<1000,1,1>>>>"
    network = archdsl.load(text)
    plain, cloned = (sharded_need(network, RECIPE, 1, 2, gloo=gloo).total for gloo in (False, True))
    assert 0 < cloned - plain <= 2 * (1000 * 1000 + 1000) * 4


def test_computing_anew_needs_less() -> None:
    network = archdsl.load("resnet_cifar")
    kept, anew = (need(network, RECIPE, 8, checkpointing=each) for each in (False, True))
    assert anew.activations < kept.activations / 2 and anew.parameters == kept.parameters


@pytest.mark.slow
def test_the_command_says_what_fits() -> None:
    told = run("train", "resnet18", "--plan", "--devices", 4, "--batch", 64, "--memory", "100M")
    assert told.exit_code == 0, told.output
    assert "pipeline, 4 stages" in told.output and "no" in told.output.split()
    assert "fsdp, 4 parts, checkpointing" in told.output
    alone = run("train", "lenet", "--plan", "--devices", 1)
    assert alone.exit_code == 0 and "fsdp" not in alone.output and "yes" in alone.output
    other = run("train", "lenet", "--plan", "--devices", 2)
    assert other.exit_code == 0 and "no: lenet cannot be cut into 2 stages" in other.output
    assert run("train", "resnet18", "--plan", "--memory", "lots").exit_code == 2


@pytest.mark.parametrize(
    ("text", "size"), list({"80G": 80 * 2**30, "1.5 MiB": 3 * 2**19, "7": 7}.items())
)
def test_sizes(text: str, size: int) -> None:
    assert MemorySize().convert(text, None, None) == size
