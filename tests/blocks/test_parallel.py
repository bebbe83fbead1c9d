"""Networks over several processes and stages give what one process gives."""

from __future__ import annotations

import os
import socket
from typing import Any

import pytest
import torch
import torch.multiprocessing as mp
from torch import Tensor, nn

import archdsl
from archdsl.backends.torch.blocks import is_block

pytestmark = pytest.mark.filterwarnings("ignore")


def network() -> archdsl.Network:
    return archdsl.load("resnet18", input="3x64x64", classes=10)


def stepped(module: nn.Module, x: Tensor, whole: Tensor) -> Tensor:
    """The outputs after one step on the mean square of the outputs."""
    learner = torch.optim.SGD(module.parameters(), 0.1)
    module(x).square().mean().backward()
    learner.step()
    result: Tensor = module(whole)
    return result.detach()


def data() -> Tensor:
    return torch.randn(4, 3, 64, 64, generator=torch.Generator().manual_seed(3))


def staged(module: nn.Module, rank: int, x: Tensor) -> Tensor:
    """The outputs after the same step, by two stages that pass on one image at a time."""
    from torch.distributed.pipelining import ScheduleGPipe, SplitPoint, pipeline

    (half,) = archdsl.split_points(network(), 2)
    pipe = pipeline(module, mb_args=(x[:1],), split_spec={half: SplitPoint.BEGINNING})
    stage = pipe.build_stage(rank, torch.device("cpu"))
    learner = torch.optim.SGD(stage.submod.parameters(), 0.1)
    given = (x,) if rank == 0 else ()
    wanted = {"target": torch.zeros(4, 10)} if rank == 1 else {}
    ScheduleGPipe(stage, 4, loss_fn=nn.functional.mse_loss).step(*given, **wanted)
    learner.step()
    found = ScheduleGPipe(stage, 4).step(*given)
    return torch.empty(0) if found is None else found.detach()


def work(rank: int, way: str, port: int, results: Any) -> None:
    where = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    os.environ.update(where, RANK=str(rank), WORLD_SIZE="2")
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", rank=rank, world_size=2)
    module = network().to_torch(seed=1).eval()
    x = data()
    if way == "pipeline":
        found = staged(module, rank, x)
    elif way == "fsdp":
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import fully_shard

        mesh = init_device_mesh("cpu", (2,))
        for path, part in module.named_modules():
            if is_block(part) and path.count(".") == 1:
                fully_shard(part, mesh=mesh)
        fully_shard(module, mesh=mesh)
        found = stepped(module, x[2 * rank : 2 * rank + 2], x)
    else:
        module = nn.parallel.DistributedDataParallel(module)
        found = stepped(module, x[2 * rank : 2 * rank + 2], x)
    if rank == (way == "pipeline"):  # the last stage has a pipeline's outputs
        results.put(found.numpy())
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


@pytest.mark.slow
@pytest.mark.parametrize("way", ["ddp", "fsdp", "pipeline"])
def test_two_processes_step_as_one(way: str) -> None:
    x = data()
    expected = stepped(network().to_torch(seed=1).eval(), x, x)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = mp.get_context("spawn")
    results = context.Queue()
    processes = [context.Process(target=work, args=(r, way, port, results)) for r in range(2)]
    for process in processes:
        process.start()
    found = torch.tensor(results.get(timeout=240))
    for process in processes:
        process.join(60)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_a_pipeline_is_cut_where_the_work_is_halved() -> None:
    from torch.distributed.pipelining import SplitPoint, pipeline

    module = network().to_torch(seed=1).eval()
    (half,) = archdsl.split_points(network(), 2)
    macs = {row.path: row.macs for row in network().summary().rows}
    paths = list(macs)
    first = next(i for i, path in enumerate(paths) if path.startswith(f"{half}."))
    before = sum(macs[path] for path in paths[:first])
    assert 0.4 < before / sum(macs.values()) < 0.6
    pipe = pipeline(module, mb_args=(data(),), split_spec={half: SplitPoint.BEGINNING})
    assert pipe.num_stages == 2
    (result,) = pipe(data())
    torch.testing.assert_close(result, module(data()))


def test_more_stages_than_blocks_are_refused() -> None:
    with pytest.raises(archdsl.ArchError, match="cannot be cut into 9 stages"):
        archdsl.split_points(archdsl.load("lenet"), 9)
