"""``.ts``: TorchScript, for ``torch.jit.load`` in Python and in C++ (libtorch).

torch has deprecated it for ``torch.export``; programs in C++ still load it.
"""

from __future__ import annotations

import io

import torch
from torch import nn

from archdsl.backends.formats.options import FormatOptions
from archdsl.backends.torch.export import scripted
from archdsl.backends.torch.quiet import quiet
from archdsl.ir.network import Network


def encode(network: Network, module: nn.Module, options: FormatOptions) -> bytes:
    """The network in eval mode, N×C×H×W; raises ArchError for detectors.

    The program takes whatever the module takes, any N, and other sizes where the layers allow it;
    ``dynamic_size`` makes sure that they do.
    """
    program = scripted(network, module, "TorchScript", dynamic_size=options.dynamic_size)
    buffer = io.BytesIO()
    with quiet():
        torch.jit.save(program, buffer, _extra_files=dict(options.notes))
    return buffer.getvalue()
