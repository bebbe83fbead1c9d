"""torch.compile, on machines that have the C++ compiler it needs."""

from __future__ import annotations

import os
import shutil
from typing import cast

import torch
from torch import nn

from archdsl.diagnostics import fail


def compiled(module: nn.Module) -> nn.Module:
    """The module by torch's inductor, made when it is first run.

    Raises ArchError where there is no C++ compiler.
    """
    compiler = os.environ.get("CXX", "g++")
    if shutil.which(compiler) is None:
        raise fail(
            "torch.compile needs a C++ compiler",
            None,
            f"found no {compiler} in the PATH",
            help="install g++, or set CXX to another compiler, or leave --torch-compile away",
        )
    return cast("nn.Module", torch.compile(module))
