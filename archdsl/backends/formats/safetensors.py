"""Weights in the safetensors format, under the module's own names."""

from __future__ import annotations

import json

from safetensors.torch import save
from torch import nn

from archdsl.backends.formats.options import FormatOptions
from archdsl.ir.network import Network


def encode(_network: Network, module: nn.Module, options: FormatOptions) -> bytes:
    """The state_dict, parameters and buffers, as safetensors; reads back with ``--weights``."""
    state = {
        name: tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()
    }
    return _ordered(save(state, metadata={"format": "pt", **options.notes}))


def _ordered(content: bytes) -> bytes:
    """A file with the entries of its metadata in order: they come in another one in every run."""
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # tensors begin at a multiple of eight
    # A view: the weights of a large network are not copied once more.
    return b"".join((len(text).to_bytes(8, "little"), text, memoryview(content)[end:]))
