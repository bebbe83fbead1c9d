"""The memory that a step of training takes on a device, worked out without running it.

A step goes through torch's own rules, with tensors that have sizes and no values: on the meta
device, and where parameters are spread over devices, by torch's FSDP in a group of processes that
there is not. Space that a library's kernels use inside of one call is not counted.
"""

from __future__ import annotations

import weakref
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.tensor import DTensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from archdsl.api import Network
from archdsl.backends.plan.splits import split_points
from archdsl.backends.torch import compile_outline
from archdsl.backends.torch.trial_run import trial_input
from archdsl.diagnostics import fail
from archdsl.training import schedule
from archdsl.training.blocks import recomputed, shard
from archdsl.training.recipe import Recipe


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


def need(network: Network, recipe: Recipe, images: int, *, checkpointing: bool = False) -> Need:
    """The need of a device that trains the whole network, with so many images at once."""
    module = _outline(network, checkpointing)
    batch = _batch(network, images)
    return _needs(module, recipe, batch, _Line(module))[0]


def sharded_need(
    network: Network,
    recipe: Recipe,
    images: int,
    devices: int,
    *,
    checkpointing: bool = False,
    gloo: bool = False,
) -> Need:
    """The need of each of so many devices that hold parameters in parts, with its own images.

    Blocks come together when they are computed, as :func:`archdsl.training.blocks.shard` has it.
    ``gloo`` is for processes on CPUs: their library clones what it is to reduce, while GPUs' does
    not.
    """
    from torch._subclasses.fake_tensor import FakeTensorMode

    module = _outline(network, checkpointing)
    with _group(devices) as mesh, FakeTensorMode(allow_non_fake_inputs=True):
        module = module.to_empty(device="cpu")
        shard(module, mesh)
        batch = torch.empty_like(_batch(network, images), device="cpu")
        return _needs(module, recipe, batch, _Line(module), gloo=gloo)[0]


def stage_needs(
    network: Network,
    recipe: Recipe,
    images: int,
    count: int,
    *,
    parts: int,
    checkpointing: bool = False,
) -> list[Need]:
    """The needs of so many stages of a pipeline, cut where :func:`archdsl.split_points` says.

    The images go through it in equal parts, all of them forward before the first goes backward
    (Huang et al. 2019, "GPipe"). Raises ArchError where the network has too few blocks.
    """
    module = _outline(network, checkpointing)
    batch = _batch(network, images)
    line = _Line(module, split_points(network.checked, count))
    with torch.no_grad():
        module(batch)  # tells which parameters belong to which stage
    return _needs(module, recipe, batch, line, parts)


def _outline(network: Network, checkpointing: bool) -> nn.Module:
    module = compile_outline(network.checked).train()
    if checkpointing:
        recomputed(module)
    return module


def _batch(network: Network, images: int) -> Tensor:
    given = trial_input(network.checked, "meta").get("x")
    if not isinstance(given, Tensor):
        raise fail(f"{network.name} takes images of any size, whose memory --plan does not know")
    return torch.empty(images, *given.shape[1:], device="meta")


@contextmanager
def _group(devices: int) -> Iterator[DeviceMesh]:
    """A group of so many processes of which only the first is there."""
    from torch.testing._internal.distributed.fake_pg import FakeStore

    store = FakeStore()
    torch.distributed.init_process_group("fake", store=store, rank=0, world_size=devices)
    try:
        yield init_device_mesh("cpu", (devices,))
    finally:
        torch.distributed.destroy_process_group()


class _Line:
    """A network's stages: which one computes, and what lies where.

    A stage ends before each of some blocks; without any the network is one stage.
    """

    def __init__(self, module: nn.Module, cuts: Sequence[str] = ()) -> None:
        self.now = 0
        self.count = len(cuts) + 1
        self.received: Counter[int] = Counter()
        """Bytes of maps and gradients that come from a stage's neighbours."""
        self._owners: dict[int, int] = {}
        for part in module.modules():
            part.register_forward_pre_hook(self._note_tensors)
        for index, name in enumerate(cuts):
            enter = partial(self._enter, index + 1)
            module.get_submodule(name).register_forward_pre_hook(enter, prepend=True)

    def of(self, tensor: Tensor) -> int:
        """The stage of a parameter or buffer."""
        return self._owners.get(id(tensor), 0)

    def _note_tensors(self, part: nn.Module, _: object) -> None:
        for tensor in (*part.parameters(recurse=False), *part.buffers(recurse=False)):
            self._owners[id(tensor)] = self.now

    def _enter(self, stage: int, _: nn.Module, given: tuple[Tensor, ...]) -> None:
        self.now = stage
        if given[0].requires_grad:
            given[0].register_hook(partial(self._leave, stage))  # type: ignore[no-untyped-call]

    def _leave(self, stage: int, gradient: Tensor) -> None:
        """In the backward pass the stage before goes on."""
        self.now = stage - 1
        self.received[stage] += gradient.nbytes
        self.received[stage - 1] += gradient.nbytes


def _needs(
    module: nn.Module,
    recipe: Recipe,
    batch: Tensor,
    line: _Line,
    parts: int = 1,
    gloo: bool = False,
) -> list[Need]:
    """The needs of all stages for a step of a batch in so many parts."""
    learner = schedule.optimizer(module, replace(recipe, rate=0.1))
    for parameter in module.parameters():
        parameter.grad = torch.zeros_like(parameter)
    learner.step()  # makes its states
    learner.zero_grad()
    learned = {p: line.of(p) for p in module.parameters()}
    held = {_local(tensor): line.of(tensor) for tensor in (*learned, *module.buffers())}
    states = {
        _local(value): line.of(parameter)
        for parameter, each in learner.state.items()
        for value in each.values()
        if isinstance(value, Tensor)
    }
    counted = _Held({**held, **states, batch: 0}, line, gloo)
    with counted:
        _step(module, batch, learner, line, parts)
    found = []
    for stage in range(line.count):
        parameters = _sizes(tensor for tensor, owner in held.items() if owner == stage)
        kept = _sizes(tensor for tensor, owner in states.items() if owner == stage)
        gradients = _sizes(
            _local(p) for p, owner in learned.items() if owner == stage and p.requires_grad
        )
        # What is not held at the same time as the gradients is no need beside them.
        most = counted.most[stage] + line.received[stage]
        found.append(
            Need(parameters, gradients, kept, max(0, most - parameters - kept - gradients))
        )
    return found


def _step(
    module: nn.Module, batch: Tensor, learner: torch.optim.Optimizer, line: _Line, parts: int
) -> None:
    losses = []
    for part in batch.chunk(parts):
        line.now = 0
        result = module(part)
        outputs = [result] if isinstance(result, Tensor) else list(result.values())
        losses.append(torch.stack([output.sum() for output in outputs]).sum())
        del result, outputs
    for loss in losses:
        line.now = line.count - 1
        loss.backward()  # type: ignore[no-untyped-call]
    gradients = {p: p.grad for p in module.parameters()}
    for stage in range(line.count):  # each has an optimiser of its own
        line.now = stage
        for parameter, gradient in gradients.items():
            parameter.grad = gradient if line.of(parameter) == stage else None
        learner.step()
    gradients.clear()
    learner.zero_grad()


class _Held(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of tensors in each stage as they come and go."""

    def __init__(self, there: Mapping[Tensor, int], line: _Line, gloo: bool) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._gloo = gloo
        self._line = line
        self._now: Counter[int] = Counter()
        self.most: defaultdict[int, int] = defaultdict(int)
        self._known: dict[int, tuple[int, int]] = {}
        self._changing: dict[int, weakref.ref[torch.UntypedStorage]] = {}
        for tensor, stage in there.items():
            self._note(tensor.untyped_storage(), stage)

    def _note(self, storage: torch.UntypedStorage, stage: int) -> None:
        key, size = storage._cdata, storage.nbytes()
        stage, before = self._known.get(key, (stage, -1))
        if size == before:
            return
        if before < 0:
            weakref.finalize(storage, self._gone, key)
        self._known[key] = stage, size
        self._now[stage] += size - max(0, before)
        self.most[stage] = max(self.most[stage], self._now[stage])

    def _gone(self, key: int) -> None:
        stage, size = self._known.pop(key)
        self._changing.pop(key, None)
        self._now[stage] -= size

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if DTensor in types:
            return NotImplemented  # it calls the operations on parts, which come here then
        result = func(*args, **(kwargs or {}))
        gathering = func.namespace in _GATHERING
        if self._gloo and func is torch.ops.c10d._reduce_scatter_base_.default:
            self._cloned(args[1])
        if gathering or func is torch.ops.aten.empty.memory_format:
            self._follow((args, kwargs) if gathering else ())
        for part in tree_leaves(result):
            if isinstance(part, Tensor):
                self._note(part.untyped_storage(), self._line.now)
        return result

    def _cloned(self, given: Tensor) -> None:
        """Count the clone of a block's gradients that gloo reduces in their stead."""
        stage = self._line.now
        self.most[stage] = max(self.most[stage], self._now[stage] + given.nbytes)

    def _follow(self, given: Any) -> None:
        """Note what FSDP has filled and emptied since, which is no operation."""
        for part in tree_leaves(given):
            if isinstance(part, Tensor):
                storage = part.untyped_storage()
                self._changing[storage._cdata] = weakref.ref(storage)
        for reference in list(self._changing.values()):
            changed = reference()
            if changed is not None:
                self._note(changed, self._line.now)


_GATHERING = ("fsdp", "c10d")
"""Namespaces of the operations by which FSDP brings parameters together."""


def _local(tensor: Tensor) -> Tensor:
    """The part of a tensor that lies on this device."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def _sizes(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
