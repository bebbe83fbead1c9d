"""One of several processes: the most bytes that each holds in a step, as torch's profiler notes.

    python -m torch.distributed.run --nproc-per-node 2 tests/training/peaks.py FILE

FILE names the networks in JSON, ``{name: [images, input]}``; it is overwritten with a dict of the
peaks of every process by network and way, ``fsdp`` and ``pipeline``.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from torch import Tensor, distributed, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.pipelining import ScheduleGPipe, SplitPoint, pipeline
from torch.distributed.tensor import DTensor
from torch.profiler import ProfilerActivity, profile

import archdsl
from archdsl.training import schedule
from archdsl.training.blocks import shard
from archdsl.training.recipe import Recipe

RECIPE = dataclasses.replace(Recipe(), rate=1e-3)


def peak(step: Callable[[], None], there: Iterable[Tensor]) -> int:
    """The most bytes that are held in a step, with those of tensors that are there before it."""
    parts = [t.to_local() if isinstance(t, DTensor) else t for t in there]
    storages = {t.untyped_storage()._cdata: t.untyped_storage().nbytes() for t in parts}
    now = most = sum(storages.values())
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        step()
    events = profiled.profiler.kineto_results.events()
    for event in sorted(events, key=lambda each: each.start_ns()):
        if event.name() == "[memory]":
            now += event.nbytes()
            most = max(most, now)
    return most


@contextmanager
def seen() -> Iterator[None]:
    """Let gloo's thread part with a collective's tensors before the main thread does.

    The profiler does not see what is freed in gloo's thread: whichever of the two is last decides
    whether gloo's clones seem to stay for ever.
    """

    def waiting(call: Callable[..., distributed.Work]) -> Callable[..., None]:
        def called(*given: object, async_op: bool, **more: object) -> None:
            assert not async_op
            work = call(*given, async_op=True, **more)
            work.wait()
            time.sleep(0.02)

        return called

    with pytest.MonkeyPatch.context() as patch:
        for name in ("all_gather_single", "reduce_scatter_single"):
            patch.setattr(distributed, name, waiting(getattr(distributed, name)))
        yield


def states(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    return [v for s in optimizer.state.values() for v in s.values() if torch.is_tensor(v)]


def step_peak(module: nn.Module, batch: Tensor) -> int:
    """The peak of a step of training, the second one: the first makes the optimizer's states."""
    optimizer = schedule.optimizer(module, RECIPE)

    def step() -> None:
        module(batch).sum().backward()
        optimizer.step()
        optimizer.zero_grad()

    step()
    return peak(step, [*module.parameters(), *module.buffers(), batch, *states(optimizer)])


def fsdp(network: archdsl.Network, images: int) -> int:
    """The peak of a process that holds half of the parameters."""
    module = network.to_torch(seed=0).train()
    shard(module, init_device_mesh("cpu", (2,)))
    with seen():
        return step_peak(module, torch.rand(images, *network.summary().input))


def piped(network: archdsl.Network, images: int) -> int:
    """The peak of a process that holds one of two stages; two parts of so many images each."""
    rank = distributed.get_rank()
    shape = network.summary().input
    cuts = dict.fromkeys(archdsl.split_points(network, 2), SplitPoint.BEGINNING)
    whole = network.to_torch(seed=0).train()
    pipe = pipeline(whole, mb_args=(torch.rand(images, *shape),), split_spec=cuts)
    stage = pipe.build_stage(rank, torch.device("cpu"))
    module: nn.Module = stage.submod
    del whole, pipe
    optimizer = schedule.optimizer(module, RECIPE)
    batch = torch.rand(2 * images, *shape)
    target = torch.zeros(2 * images)
    gpipe = ScheduleGPipe(stage, 2, loss_fn=lambda output, _: output.sum())

    def step() -> None:
        if rank == 0:
            gpipe.step(batch)
        else:
            gpipe.step(target=target)
        optimizer.step()
        optimizer.zero_grad()

    step()
    there = [*module.parameters(), *module.buffers(), *states(optimizer)]
    return peak(step, [*there, batch] if rank == 0 else there)


def main() -> None:
    distributed.init_process_group("gloo")
    file = Path(sys.argv[1])
    found = {}
    for name, (images, size) in json.loads(file.read_text()).items():
        network = archdsl.load(name, input=size).check()
        ways = {"fsdp": fsdp(network, images), "pipeline": piped(network, images)}
        every: list[dict[str, int]] = [{}, {}]
        distributed.all_gather_object(every, ways)
        found[name] = {way: [each[way] for each in every] for way in ways}
    if distributed.get_rank() == 0:
        file.write_text(json.dumps(found))
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
