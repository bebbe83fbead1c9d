"""From a compiled module to torch's programs, the common ground of deployment formats."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.export import Dim, ExportedProgram

from archdsl.backends.torch.flat import flat
from archdsl.backends.torch.input_sizes import require_open_size
from archdsl.backends.torch.quiet import quiet
from archdsl.backends.torch.trial_run import device_of, trial_input, undisturbed
from archdsl.diagnostics import fail
from archdsl.ir.network import Network


def exported(
    network: Network,
    module: nn.Module,
    form: str,
    *,
    samples: int | None = None,
    dynamic_size: bool = False,
) -> ExportedProgram:
    """A checked network's module in eval mode, for so many samples at once, by itself for any.

    Input ``x`` is N×C×H×W; ``dynamic_size`` leaves H and W open as well. Raises ArchError for
    networks that take anything but one tensor, and where a size cannot be open; ``form`` names the
    format in the messages.
    """
    example = one_tensor(network, module, form)
    free: dict[int, Any] = {0: Dim("N")} if samples is None else {}
    if dynamic_size:
        require_open_size(network, module)
        # Not named: torch then finds out by itself what a size has to be a multiple of.
        free |= {2: Dim.DYNAMIC, 3: Dim.DYNAMIC}
    # Not one sample where any number is meant: a size of 1 would be taken for a constant.
    batch = torch.cat([example] * (samples or 2))
    with undisturbed(module, training=False), quiet():
        try:
            program = torch.export.export(module, (batch,), dynamic_shapes=(free,))
            if dynamic_size:
                _try_out(program, batch)
            return program
        except (AssertionError, RuntimeError, ValueError) as error:
            if not dynamic_size:
                raise
            # The network allows it, so what torch says is about its own reasoning.
            raise fail(
                f"torch.export cannot leave the size of the input of {network.name} open",
                network.instance(network.input).span,
                next((line for line in str(error).splitlines() if line.strip()), ""),
                help="maps of 1×1 are taken for constants: try a larger --input",
            ) from None


def _try_out(program: ExportedProgram, batch: Tensor) -> None:
    """Runs a program for another size without computing; raises what its guards raise.

    torch keeps a guard where it took a size for a constant, and speaks only when that fails.
    """
    samples, channels, height, width = batch.shape
    with FakeTensorMode(allow_non_fake_inputs=True):
        program.module()(torch.empty(samples, channels, 2 * height, 2 * width, device=batch.device))


def scripted(
    network: Network, module: nn.Module, form: str, *, dynamic_size: bool = False
) -> torch.jit.ScriptModule:
    """A checked network's module in eval mode as TorchScript; see :func:`exported`.

    By scripting, not by tracing: nothing of an example's size gets into the program, so it takes
    what the module takes.
    """
    one_tensor(network, module, form)
    if dynamic_size:
        require_open_size(network, module)
    with undisturbed(module, training=False), quiet():
        # TorchScript takes an argument without a type for a tensor, and blocks may take lists.
        program: torch.jit.ScriptModule = torch.jit.script(flat(module))
        return program


def one_tensor(network: Network, module: nn.Module, form: str) -> Tensor:
    """A random input of one sample, on the module's device.

    Raises ArchError for networks that take anything but one tensor.
    """
    example = trial_input(network, device_of(module)).get("x")
    if not isinstance(example, Tensor):
        raise fail(
            f"{form} holds networks that take one tensor, and {network.name} takes images",
            network.instance(network.input).span,
            help="write it as PyTorch source (.py), and its weights as .safetensors",
        )
    return example
