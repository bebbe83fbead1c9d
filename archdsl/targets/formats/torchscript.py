"""``.ts``: TorchScript, for ``torch.jit.load`` in Python and in C++ (libtorch).

torch has deprecated it for ``torch.export``; programs in C++ still load it.
"""

from __future__ import annotations

import io

import torch
from torch import fx

from archdsl.graph.model import Network
from archdsl.targets.options import Options
from archdsl.targets.torch.exporting import scripted
from archdsl.targets.torch.quiet import quiet


def encode(network: Network, module: fx.GraphModule, options: Options) -> bytes:
    """The network in eval mode, N×C×H×W; raises ArchError for detectors.

    The program takes whatever the module takes, any N, and other sizes where the layers allow it;
    ``dynamic_size`` makes sure that they do.
    """
    program = scripted(network, module, "TorchScript", dynamic_size=options.dynamic_size)
    buffer = io.BytesIO()
    with quiet():
        torch.jit.save(program, buffer)
    return buffer.getvalue()
