"""``.pt2``: the network as a program of ``torch.export``, for ``torch.export.load``."""

from __future__ import annotations

import io

import torch
from torch import nn

from archdsl.backends.formats.options import FormatOptions
from archdsl.backends.torch.export import exported
from archdsl.ir.network import Network


def encode(network: Network, module: nn.Module, options: FormatOptions) -> bytes:
    """The network in eval mode, N×C×H×W with an open N; raises ArchError for detectors.

    With ``dynamic_size`` H and W are open too.
    """
    program = exported(network, module, "torch.export", dynamic_size=options.dynamic_size)
    buffer = io.BytesIO()
    torch.export.save(program, buffer, extra_files=dict(options.notes))
    return buffer.getvalue()
