"""What is said of random networks is what their modules are, in eval and in training mode."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import event, given
from modules import by_name, cases, compiled
from support.random_networks import networks
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import archdsl
from archdsl.layers.sequences import AdaptiveComputationTime


def shapes_by_layer(module: nn.Module, batch: Tensor) -> tuple[dict[str, Any], dict[str, Any]]:
    """The output shape of every module that is called, by name, and those of the outputs."""
    found: dict[str, Any] = {}
    hooks = []
    for name, part in module.named_modules():

        def hook(_: nn.Module, inputs: object, output: Any, name: str = name) -> None:
            first = output[0] if isinstance(output, tuple) else output  # attention has two
            if isinstance(first, Tensor):
                found[name] = tuple(first.shape[1:])

        hooks.append(part.register_forward_hook(hook))
    with torch.no_grad():
        outputs = by_name(module(batch))
    for each in hooks:
        each.remove()
    return found, {name: tuple(value.shape[1:]) for name, value in outputs.items()}


@cases(60)
@given(networks())
def test_a_summary_is_what_torch_counts(text: str) -> None:
    network, module, batch = compiled(text)
    summary = network.summary()
    assert summary.parameters == sum(value.numel() for value in module.parameters())
    assert summary.buffers == sum(value.numel() for value in module.buffers())
    learning = sum(value.numel() for value in module.parameters() if value.requires_grad)
    assert summary.trainable == learning
    rows = {row.path: row for row in summary.rows}
    for training in (False, True):
        module.train(training)
        found, outputs = shapes_by_layer(module, batch)
        assert outputs == summary.outputs
        common = found.keys() & rows.keys()
        assert {name: rows[name].shape for name in common} == {n: found[n] for n in common}
    assert all(len(value) == len(batch) for value in by_name(module(batch)).values())
    if any(isinstance(i.layer, AdaptiveComputationTime) for i in network.checked.instances()):
        event("MACs not counted: adaptive computation multiplies by a row, which is a pooling")
        return
    with (
        sdpa_kernel(SDPBackend.MATH),
        FlopCounterMode(display=False) as counter,
        torch.no_grad(),
    ):
        module(batch)
    assert 2 * len(batch) * summary.macs == counter.get_total_flops()
