"""``.pte``: a program for ExecuTorch's runtime on phones, its layers for XNNPACK.

By ExecuTorch's own path: ``torch.export``, ``to_edge_transform_and_lower`` with the
``XnnpackPartitioner``, ``to_executorch`` (its documentation, "Model Export and Lowering"). What
XNNPACK does not have stays with ExecuTorch's portable kernels.
"""

from __future__ import annotations

from torch import nn

from archdsl.backends.formats.options import FormatOptions
from archdsl.backends.torch.export import exported
from archdsl.backends.torch.quiet import quiet
from archdsl.diagnostics import fail
from archdsl.ir.network import Network


def encode(network: Network, module: nn.Module, _: FormatOptions) -> bytes:
    """The network in eval mode for one sample, 1×C×H×W: the memory of a run is planned ahead.

    Several outputs come in the network's order. Raises ArchError where the executorch package is
    missing, and for detectors.
    """
    with quiet():
        try:
            from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
            from executorch.exir import to_edge_transform_and_lower
        except ImportError:
            raise fail(
                "ExecuTorch files need the package executorch",
                help="pip install 'archdsl[executorch]'",
            ) from None
    program = exported(network, module, "ExecuTorch", samples=1)
    with quiet():
        lowered = to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()])
        return bytes(lowered.to_executorch().buffer)
