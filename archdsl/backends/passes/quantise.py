"""Static quantisation of classifiers to 8-bit integers, calibrated on pictures (Jacob et al. 2018).

Post-training static quantisation as torch does it now: torch.export's program, observed while it
looks at pictures, then converted by torchao for the int8 kernels of x86 processors. Weights have a
scale for each output channel, what flows one for each tensor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import torch
from torch import Tensor, fx, nn

from archdsl.backends.passes.optimise.measure import Speed, speed
from archdsl.backends.torch.export import exported
from archdsl.backends.torch.quiet import quiet
from archdsl.backends.torch.trial_run import undisturbed
from archdsl.diagnostics import fail
from archdsl.ir.network import Network

READER = "torch.ao.quantization.fx._decomposed"
"""Module to import before a quantised program is loaded: it registers the operators with torch."""

Inputs = Callable[[], Iterable[Tensor]]
"""Gives the calibration's inputs 1×C×H×W, anew with each call; they need not fit into memory."""


class Agreement(NamedTuple):
    """Agreement of two classifiers on ``images`` pictures, ``same`` of them with equal likeliest
    class.

    ``relative`` is the largest difference of two scores in parts of the largest score of its image.
    """

    images: int
    same: int
    relative: float


class Quantised(NamedTuple):
    """``module`` computes in eval mode what the quantised program does; sizes are in bytes.

    ``speed`` is that of plain torch, which computes with the rounded numbers as floats.
    torch.compile makes integer arithmetic of it, which is fast where the processor has it (VNNI).
    """

    module: fx.GraphModule
    size: int
    float_size: int
    agreement: Agreement
    speed: Speed


def quantise(network: Network, module: nn.Module, inputs: Inputs, output: str | None) -> Quantised:
    """A classifier with weights and activations of 8 bits, calibrated on pictures.

    ``output`` names the one that counts where there are several. The module given stays as it was.
    Raises ArchError where torchao is missing, and for networks that do not take a tensor.
    """
    prepare, convert, quantiser = _torchao()
    with quiet():
        program: Any = exported(network, module, "a quantised network").module()
        observed = prepare(program, quantiser)
        with torch.no_grad():
            for x in inputs():
                observed(x)
        converted = convert(observed)
    # A module of the same graph has only what the graph uses: the weights as floats are left out.
    made = fx.GraphModule(converted, converted.graph, class_name=type(module).__name__)
    made.train(False)
    agreement = _agreement(made, module, inputs, output)
    x = next(iter(inputs()))
    with undisturbed(module, training=False), torch.inference_mode():
        measured = speed(lambda: made(x), lambda: module(x))
    return Quantised(made, _size(made), _size(module), agreement, measured)


def _torchao() -> tuple[Callable[..., Any], Callable[..., Any], Any]:
    """torchao's functions that prepare and convert a program, and its quantiser for x86."""
    try:
        with quiet():
            from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e
            from torchao.quantization.pt2e.quantizer import x86_inductor_quantizer as x86
    except ImportError:
        raise fail(
            "quantisation needs the package torchao", help="pip install 'archdsl[quantize]'"
        ) from None
    quantiser = x86.X86InductorQuantizer()
    quantiser.set_global(x86.get_default_x86_inductor_quantization_config())
    return prepare_pt2e, convert_pt2e, quantiser


def _agreement(made: nn.Module, module: nn.Module, inputs: Inputs, output: str | None) -> Agreement:
    images, same, relative = 0, 0, 0.0
    with undisturbed(module, training=False), torch.inference_mode():
        for x in inputs():
            ours, theirs = (
                each(x) if output is None else each(x)[output] for each in (made, module)
            )
            images += 1
            same += int(ours.argmax() == theirs.argmax())
            scale = theirs.abs().max().clamp(min=torch.finfo(theirs.dtype).tiny)
            relative = max(relative, ((ours - theirs).abs().max() / scale).item())
    return Agreement(images, same, relative)


def _size(module: nn.Module) -> int:
    """The bytes of all parameters and buffers, each counted once."""
    tensors = {id(t): t for t in (*module.parameters(), *module.buffers())}
    return sum(tensor.nbytes for tensor in tensors.values())
