"""Comparison of layers with modules of torch: shape, counts, outputs, and what is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

import archdsl
from archdsl.analysis.cost import Row


def word(flag: bool) -> str:
    return "true" if flag else "false"


def randomise(module: nn.Module) -> None:
    """Random weights, and running statistics that are not those a fresh module has."""
    for name, value in module.state_dict().items():
        if value.is_floating_point():
            value.normal_()
            if "var" in name:
                value.abs_().add_(0.1)


def macs_of(module: nn.Module, data: Tensor) -> int:
    """Half of the operations that torch counts for one sample."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(data)  # several samples: a norm refuses a single value
    return counter.get_total_flops() // (2 * len(data))


def agree(layer: str, shape: tuple[int, ...], reference: nn.Module) -> Row:
    """The layer (``SUBNET`` standing for its input) does what a torch module does."""
    data = torch.randn(3, *shape)
    before = data.clone()
    inner = f"input<{','.join(map(str, shape))}>"
    network = archdsl.load(layer.replace("SUBNET", inner))
    module = network.to_torch().eval()
    reference.eval()
    randomise(reference)
    theirs = list(reference.state_dict().values())
    names = list(module.state_dict())
    assert [tuple(v.shape) for v in module.state_dict().values()] == [
        tuple(v.shape) for v in theirs
    ]
    module.load_state_dict(dict(zip(names, theirs, strict=True)))
    with torch.no_grad():
        expected = reference(data.clone())
        found = module(data)
        macs = macs_of(reference, data)
    assert torch.equal(data, before)
    torch.testing.assert_close(found, expected)
    summary = network.summary()
    row = summary.rows[-1]
    assert row.shape == tuple(expected.shape[1:])
    assert summary.parameters == sum(p.numel() for p in reference.parameters())
    assert summary.buffers == sum(b.numel() for b in reference.buffers())
    assert summary.macs == macs
    return row


def agree_or_refuse(layer: str, shape: tuple[int, ...], build: Callable[[], nn.Module]) -> None:
    """As :func:`agree`; where torch refuses, or gives an empty output, we refuse."""
    try:
        reference = build()
        accepted = reference(torch.zeros(1, *shape)).numel() > 0
    except (RuntimeError, ValueError):
        accepted = False
    if not accepted:
        with pytest.raises(archdsl.ArchError):
            archdsl.load(layer.replace("SUBNET", f"input<{','.join(map(str, shape))}>")).check()
        return
    agree(layer, shape, reference)
