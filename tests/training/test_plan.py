"""The memory that a plan reckons with against what torch's profiler measures on the CPU."""

import dataclasses

import pytest
import torch
from support.commands import run
from support.families import family
from torch.profiler import ProfilerActivity, profile

import archdsl
from archdsl.cli.options import MemorySize
from archdsl.training import schedule
from archdsl.training.plan import need, stages
from archdsl.training.recipe import Recipe

CASES = {
    "lenet": (32, None),
    "vgg11": (1, "3x224x224"),
    "resnet18": (4, "3x128x128"),
    "mobilenet_v2": (4, "3x96x96"),
    "squeezenet1_1": (4, "3x96x96"),
    "densenet121": (2, "3x64x64"),
}


def measured(network: archdsl.Network, images: int, recipe: Recipe) -> int:
    """The most bytes that are held in a step, as the profiler notes each allocation."""
    module = network.to_torch(seed=0).train()
    optimizer = schedule.optimizer(module, recipe)
    batch = torch.rand(images, *network.summary().input)

    def step() -> None:
        module(batch).sum().backward()
        optimizer.step()
        optimizer.zero_grad()

    step()
    states = [v for s in optimizer.state.values() for v in s.values() if torch.is_tensor(v)]
    there = [*module.parameters(), *module.buffers(), batch, *states]
    now = most = sum(tensor.untyped_storage().nbytes() for tensor in there)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        step()
    events = profiled.profiler.kineto_results.events()
    for event in sorted(events, key=lambda each: each.start_ns()):
        if event.name() == "[memory]":
            now += event.nbytes()
            most = max(most, now)
    return most


@pytest.mark.parametrize("name", family(list(CASES), ["lenet", "squeezenet1_1"]))
def test_memory_is_what_the_profiler_measures(name: str) -> None:
    images, size = CASES[name]
    network = archdsl.load(name, input=size)
    recipe = dataclasses.replace(Recipe(), rate=1e-3)
    assert need(network, recipe, images).total == pytest.approx(
        measured(network, images, recipe), rel=0.1
    )


def test_parameters_and_states_by_arithmetic() -> None:
    network = archdsl.load("fc<10,input<1,8,8>>")
    weights = (64 * 10 + 10) * 4
    found = need(network, Recipe(optimizer="adamw"), 2)
    assert (found.parameters, found.gradients) == (weights, weights)
    assert weights * 2 <= found.optimizer <= weights * 2 + 16  # and the count of steps


def test_stages_have_about_equal_macs() -> None:
    network = archdsl.load("vgg16")
    found = stages(network, 4)
    total = network.summary().macs
    assert sum(stage.macs for stage in found) == total
    assert sum(stage.parameters for stage in found) == network.summary().parameters
    assert all(abs(stage.macs / total - 0.25) < 0.1 for stage in found)


def test_the_command_says_what_fits() -> None:
    told = run("train", "resnet18", "--plan", "--devices", 4, "--batch", 64, "--memory", "100M")
    assert told.exit_code == 0, told.output
    assert "pipeline, 4 stages" in told.output and "no" in told.output.split()
    assert run("train", "resnet18", "--plan", "--memory", "lots").exit_code == 2


@pytest.mark.parametrize(
    ("text", "size"), list({"80G": 80 * 2**30, "1.5 MiB": 3 * 2**19, "7": 7}.items())
)
def test_sizes(text: str, size: int) -> None:
    assert MemorySize().convert(text, None, None) == size
