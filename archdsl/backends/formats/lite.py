"""``.ptl``: TorchScript for the lite interpreter of PyTorch Mobile (Android, iOS).

As PyTorch's Android quickstart makes it: TorchScript, ``optimize_for_mobile``, and
``_save_for_lite_interpreter``. torch has left PyTorch Mobile for ExecuTorch (``.pte``), and its
newer builds are without XNNPACK, for which ``optimize_for_mobile`` packs the weights. There the
program is frozen instead, which folds batch norms as well and runs on every build.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from archdsl.backends.formats.options import FormatOptions
from archdsl.backends.torch.export import scripted
from archdsl.backends.torch.quiet import quiet
from archdsl.diagnostics import ArchError, fail
from archdsl.ir.network import Network


def encode(network: Network, module: nn.Module, options: FormatOptions) -> bytes:
    """The network in eval mode, N×C×H×W with any N.

    Raises ArchError for detectors, and where torch has no lite interpreter any more.
    """
    program = scripted(network, module, "PyTorch Mobile")
    with quiet():
        save = getattr(_optimised(program), "_save_to_buffer_for_lite_interpreter", None)
        if save is None:
            raise _gone()
        return bytes(save(_extra_files=dict(options.notes)))


def _optimised(program: torch.jit.ScriptModule) -> Any:
    if not _has_xnnpack():
        return torch.jit.freeze(program)
    try:
        from torch.utils.mobile_optimizer import optimize_for_mobile
    except ImportError:
        raise _gone() from None
    return optimize_for_mobile(program)


def _has_xnnpack() -> bool:
    backend: Any = getattr(torch.backends, "xnnpack", None)
    return backend is not None and bool(backend.enabled)


def _gone() -> ArchError:
    return fail(
        f"torch {torch.__version__} does not write .ptl files any more",
        help="ExecuTorch takes the place of PyTorch Mobile: write a .pte file",
    )
