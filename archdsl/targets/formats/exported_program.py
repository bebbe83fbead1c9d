"""``.pt2``: what ``torch.export`` makes of the network, for ``torch.export.load``."""

from __future__ import annotations

import io

import torch
from torch import fx

from archdsl.graph.model import Network
from archdsl.targets.torch.exporting import exported


def encode(network: Network, module: fx.GraphModule) -> bytes:
    """The network in eval mode, N×C×H×W with an open N; raises ArchError for detectors."""
    buffer = io.BytesIO()
    torch.export.save(exported(network, module, "torch.export"), buffer)
    return buffer.getvalue()
