"""The blocks of a module: what is sharded, and computed anew, as one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from torch import nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import fully_shard

from archdsl.backends.torch.blocks import is_block as compiled
from archdsl.backends.torch.blocks import recomputing


def is_block(part: nn.Module) -> bool:
    """True for a part of a compiled network that holds several layers with filters or weights.

    A convolution with its norm alone is none: what is kept for it would be all that it computes.
    """
    return compiled(part) and sum(parameter.dim() > 1 for parameter in part.parameters()) > 1


def blocks(
    module: nn.Module, wanted: Callable[[nn.Module], bool] = is_block
) -> Iterator[nn.Module]:
    """The innermost blocks of a module, the module itself left out."""
    for part in module.modules():
        if part is not module and wanted(part) and not any(map(wanted, list(part.modules())[1:])):
            yield part


def recomputed(module: nn.Module) -> None:
    """Make the blocks of a module keep their inputs alone, and compute what is inside anew."""
    for block in blocks(module):
        recomputing(block)


def shard(module: nn.Module, mesh: DeviceMesh) -> None:
    """Spread the parameters of each block, and those outside of blocks, over the devices."""
    for block in blocks(module):
        fully_shard(block, mesh=mesh)
    fully_shard(module, mesh=mesh)
