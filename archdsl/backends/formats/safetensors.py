"""Weights in the safetensors format, under the module's own names."""

from __future__ import annotations

from safetensors.torch import save
from torch import nn

from archdsl.backends.formats.options import FormatOptions
from archdsl.ir.network import Network


def encode(_network: Network, module: nn.Module, _options: FormatOptions) -> bytes:
    """The state_dict, parameters and buffers, as safetensors; reads back with ``--weights``."""
    state = {
        name: tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()
    }
    # One entry of metadata only: more come in another order from run to run.
    return save(state, metadata={"format": "pt"})
