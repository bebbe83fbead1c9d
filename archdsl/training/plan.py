"""The memory that a run needs, worked out from the network without running it."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from archdsl.api import Network
from archdsl.backends.torch import compile_outline
from archdsl.backends.torch.trial_run import trial_input
from archdsl.diagnostics import fail
from archdsl.text.words import memory
from archdsl.training import schedule
from archdsl.training.blocks import recomputed
from archdsl.training.recipe import Machine, Recipe


@dataclass(frozen=True)
class Need:
    """Bytes that training takes on one device."""

    parameters: int
    """Of weights and buffers."""
    gradients: int
    optimizer: int
    activations: int
    """The rest of the most that is held at once in a step: what the backward pass waits for."""

    @property
    def total(self) -> int:
        """All of them at once."""
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
    """Memory that training takes for so many images at once on one device.

    A step goes through torch's own rules on the meta device, where tensors have sizes alone.
    """
    module = compile_outline(network.checked)
    if checkpointing:
        recomputed(module)
    module.train()
    given = trial_input(network.checked, "meta")
    if not isinstance(given.get("x"), Tensor):
        raise fail(
            f"{network.name} takes images of any size, whose memory --plan does not know",
        )
    batch = torch.empty(images, *given["x"].shape[1:], device="meta")
    held = [*module.parameters(), *module.buffers()]
    learner = schedule.optimizer(module, replace(recipe, rate=0.1))
    _step(module, batch, learner)  # makes the optimiser's states
    states = [v for each in learner.state.values() for v in each.values() if isinstance(v, Tensor)]
    held_at_once = _Held([*held, *states, batch])
    with held_at_once:
        _step(module, batch, learner)
    parameters, kept = _sizes(held), _sizes(states)
    gradients = _sizes([p for p in module.parameters() if p.requires_grad])
    # What is not held at the same time as the gradients is no need beside them.
    rest = max(0, held_at_once.most - parameters - kept - gradients)
    return Need(parameters, gradients, kept, rest)


def _step(module: nn.Module, batch: Tensor, learner: torch.optim.Optimizer) -> None:
    result = module(batch)
    outputs = [result] if isinstance(result, Tensor) else list(result.values())
    torch.stack([output.sum() for output in outputs]).sum().backward()  # type: ignore[no-untyped-call]
    learner.step()
    learner.zero_grad()


class _Held(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of tensors as they come and go."""

    def __init__(self, there: Sequence[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.most = 0
        self._known: set[int] = set()
        for tensor in there:
            self._note(tensor)

    def _note(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key in self._known:
            return
        self._known.add(key)
        self.now += size
        self.most = max(self.most, self.now)
        weakref.finalize(storage, self._gone, key, size)

    def _gone(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.now -= size

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for part in tree_leaves(result):
            if isinstance(part, Tensor):
                self._note(part)
        return result


def _sizes(tensors: Sequence[Tensor]) -> int:
    return sum(map(_size, tensors))


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
    work = [row.macs or 0 for row in rows]
    total = sum(work)
    made: list[Stage] = []
    first, done, part, parameters = 0, 0, 0, 0
    for index, row in enumerate(rows):
        part += work[index]
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
