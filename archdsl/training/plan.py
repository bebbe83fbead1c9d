"""The memory that a run needs, worked out from the network without running it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from archdsl.api import Network
from archdsl.backends.torch import compile_outline
from archdsl.backends.torch.trial_run import trial_input
from archdsl.diagnostics import fail
from archdsl.text.words import memory
from archdsl.training.blocks import recomputed
from archdsl.training.recipe import Machine, Recipe

_STATES = {"sgd": 1, "adam": 2, "adamw": 2}
"""Tensors that an optimiser keeps for each parameter; SGD one, for its momentum."""

_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}


@dataclass(frozen=True)
class Need:
    """Bytes that training takes on one device."""

    parameters: int
    """Of weights and buffers."""
    gradients: int
    optimizer: int
    activations: int
    """Kept from the forward pass until the backward pass needs them."""

    @property
    def total(self) -> int:
        """All of them at once, at the end of the forward pass of a later step."""
        return self.parameters + self.gradients + self.optimizer + self.activations

    def shared(self, devices: int) -> Need:
        """The same where parameters, gradients and states lie in parts on several devices."""
        return Need(
            -(-self.parameters // devices),
            -(-self.gradients // devices),
            -(-self.optimizer // devices),
            self.activations,
        )


def need(network: Network, recipe: Recipe, images: int, *, checkpointing: bool = False) -> Need:
    """What training takes for so many images at once on one device."""
    module = compile_outline(network.checked)
    if checkpointing:
        recomputed(module)
    module.train()
    learning = sum(_size(p) for p in module.parameters() if p.requires_grad)
    states = _STATES[recipe.optimizer] if recipe.optimizer != "sgd" or recipe.momentum else 0
    held = [*module.parameters(), *module.buffers()]
    return Need(
        sum(map(_size, held)), learning, states * learning, _kept(module, network, images, held)
    )


def _kept(module: nn.Module, network: Network, images: int, held: Sequence[Tensor]) -> int:
    """Bytes that autograd keeps from a forward pass on the meta device, but for what is held."""
    storages = {tensor.untyped_storage()._cdata for tensor in held}
    kept: dict[int, Any] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in storages:
            kept[storage._cdata] = storage
        return tensor

    given = trial_input(network.checked, "meta")
    if not isinstance(given.get("x"), Tensor):
        raise fail(
            f"{network.name} takes images of any size, which --plan does not reckon with yet"
        )
    batch = given["x"].expand(images, *given["x"].shape[1:]).clone()
    with saved_tensors_hooks(keep, lambda tensor: tensor):
        result = module(batch)
    kept.setdefault(batch.untyped_storage()._cdata, batch.untyped_storage())
    del result
    return sum(storage.nbytes() for storage in kept.values())


def _size(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


@dataclass(frozen=True)
class Stage:
    """Consecutive layers of a pipeline, of about as many multiply-accumulates as the others."""

    first: str
    last: str
    macs: int
    parameters: int


def stages(network: Network, count: int) -> list[Stage]:
    """The layers of a network in so many parts of about equal MACs, in execution order."""
    rows = network.summary().rows
    total = sum(row.macs for row in rows)
    made: list[Stage] = []
    first, done, part, parameters = 0, 0, 0, 0
    for index, row in enumerate(rows):
        part += row.macs
        parameters += row.parameters
        rest = len(rows) - 1 - index
        if rest == 0 or (len(made) < count - 1 and done + part >= total * (len(made) + 1) / count):
            made.append(Stage(rows[first].path, row.path, part, parameters))
            first, done, part, parameters = index + 1, done + part, 0, 0
    return made


def plan(
    network: Network, recipe: Recipe, machine: Machine, available: int
) -> list[tuple[str, str, str, str, str, str, str]]:
    """Rows for people: each way to spread a run over the devices, and whether it fits."""
    devices = machine.devices
    batch = recipe.batch or 32 * devices
    if batch % (devices * machine.accumulate):
        raise fail(f"a batch of {batch} pictures cannot be divided among {devices} devices")
    images = batch // devices // machine.accumulate
    plain = need(network, recipe, images)
    again = need(network, recipe, images, checkpointing=True)
    ways = [
        ("ddp", plain),
        ("ddp, checkpointing", again),
        (f"fsdp, {devices} parts", plain.shared(devices)),
        (f"fsdp, {devices} parts, checkpointing", again.shared(devices)),
    ]
    if devices > 1:
        parts = stages(network, devices)
        share = max(stage.parameters for stage in parts) / max(1, network.summary().parameters)
        # A stage holds its own layers, for all images that are under way.
        ways.append(
            (
                f"pipeline, {len(parts)} stages by MACs",
                Need(
                    round(plain.parameters * share),
                    round(plain.gradients * share),
                    round(plain.optimizer * share),
                    plain.activations,
                ),
            )
        )
    return [
        (
            name,
            memory(each.parameters),
            memory(each.gradients),
            memory(each.optimizer),
            memory(each.activations),
            memory(each.total),
            "yes" if each.total <= available else "no",
        )
        for name, each in ways
    ]


def size_of(text: str) -> int:
    """Bytes of ``80G`` (of 1024³); raises ArchError for anything else."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", text.strip().lower())
    if found is None:
        raise fail(f"--memory {text}: expected a size such as 80G")
    return int(float(found[1]) * _UNITS[found[2]])
