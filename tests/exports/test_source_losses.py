"""The written class has the loss and the decision of the compiled module: equal numbers."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from support.losses import COSTS
from test_source import pair
from torch import Tensor, nn


def same(one: Any, other: Any) -> None:
    if isinstance(one, dict):
        assert list(one) == list(other)
        for name, value in one.items():
            same(value, other[name])
    else:
        assert isinstance(one, Tensor)
        assert torch.equal(one, other)


@pytest.mark.parametrize("name", COSTS)
def test_losses_and_decisions_are_those_of_the_module(name: str) -> None:
    arguments, output, labels = COSTS[name]
    channels = output.shape[1] if output.dim() > 1 else 1
    loss = name.removesuffix("_focal").removesuffix("_close")
    _, module, twin = pair(f"loss_{loss}<{arguments}input<{channels},1,1>>")
    for each in (module, twin):
        assert isinstance(each.criterion, nn.Module)
        assert isinstance(each.decision, nn.Module)
    cost = module.criterion(output, *labels)
    assert cost.isfinite()
    same(cost, twin.criterion(output, *labels))
    same(module.decision(output), twin.decision(output))


def test_a_written_network_with_a_loss_still_gives_its_output() -> None:
    """No chain, whose every part would be called, and no loop over its children."""
    body = "template <typename SUBNET> using body = relu<con<3,3,3,1,1,SUBNET>>;"
    loss = "loss_mean_squared_per_channel_and_pixel"
    text = f"{body} using net_type = {loss}<3,repeat<4,body,input<3,6,6>>>;"
    _, module, twin = pair(text)
    x = torch.rand(2, 3, 6, 6)
    assert torch.equal(module(x), twin(x))
    assert list(module.state_dict()) == list(twin.state_dict())
