"""Networks with weights and statistics that are no identity, and how near outputs have to be."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

import archdsl
from archdsl.backends.torch.blocks import is_block
from archdsl.backends.torch.trial_run import trial_input

NEAR = 1e-5


def randomise(module: nn.Module, seed: int = 0) -> None:
    """Batch norms and affines scale and move what they get; no channel as another."""
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if name.endswith("running_var"):
                tensor.uniform_(0.3, 2, generator=random)
            elif name.endswith("running_mean"):
                tensor.normal_(0, 0.3, generator=random)
            elif tensor.dim() == 1 and name.endswith(("weight", "bias")):
                tensor.uniform_(0.4, 1.6, generator=random)


def network_of(spec: str, **settings: Any) -> tuple[archdsl.Network, torch.fx.GraphModule, Any]:
    """A network, its module in eval mode, and the arguments of a call."""
    network = archdsl.load(spec, **settings)
    module = network.to_torch(seed=5).eval()
    randomise(module)
    torch.manual_seed(7)
    return network, module, trial_input(network.checked)


def tensors(result: Any) -> list[Tensor]:
    if isinstance(result, Tensor):
        return [result]
    parts = result.values() if isinstance(result, dict) else result
    return [tensor for part in parts for tensor in tensors(part)]


def assert_near(result: Any, expected: Any) -> None:
    ours, theirs = tensors(result), tensors(expected)
    assert [t.shape for t in ours] == [t.shape for t in theirs]
    for a, b in zip(ours, theirs, strict=True):
        scale = b.abs().max() if b.numel() else torch.zeros(())
        assert scale.isfinite()
        assert b.numel() == 0 or (a - b).abs().max() <= NEAR * scale


def module_types(module: nn.Module) -> list[str]:
    return [type(part).__name__ for part in module.modules() if not is_block(part)]
