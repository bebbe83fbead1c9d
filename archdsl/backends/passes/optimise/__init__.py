"""Faster modules for inference that compute the same in fewer steps.

``EXACT`` are the transformations that always apply, in their order: functions from a module in
eval mode to a rewritten copy. :func:`optimise` also tries ways to compute that depend on the
machine, measures all, and keeps what is fastest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, fx, nn

from archdsl.backends.passes.optimise.copies import prepared
from archdsl.backends.passes.optimise.dead_layers import drop
from archdsl.backends.passes.optimise.inductor import compiled
from archdsl.backends.passes.optimise.measure import OutputDifference, Speed, difference, speed
from archdsl.backends.passes.optimise.memory_layout import channels_last
from archdsl.backends.passes.optimise.norm_folding import fold
from archdsl.backends.passes.optimise.precision import bfloat16
from archdsl.backends.passes.optimise.prepack import pack, packable
from archdsl.backends.torch.blocks import Block, Chain
from archdsl.backends.torch.trial_run import device_of, trial_input, undisturbed
from archdsl.diagnostics import fail
from archdsl.ir.network import Network

__all__ = ["EXACT", "Optimised", "Way", "exactly", "optimise", "ways"]

Transformation = Callable[[fx.GraphModule], fx.GraphModule]

EXACT: tuple[Transformation, ...] = (drop, fold)
"""Exact transformations; without the dropouts, norms directly follow their convolutions."""


class Way(NamedTuple):
    """A way to compute a network: ``module`` on this machine, ``portable`` in a file."""

    name: str
    module: nn.Module
    portable: nn.Module


class Optimised(NamedTuple):
    """The result of :func:`optimise`: the fastest equivalent module, and its measured speed.

    ``kept`` says whether it was faster, in the way called ``way``; if not, both modules are the
    one that was given. ``removed`` counts the modules that are gone by the names of their classes.
    ``difference`` is ``None`` where an output's size changed, as the number of detections may.
    """

    way: str
    kept: bool
    module: nn.Module
    portable: nn.Module
    removed: dict[str, int]
    speed: Speed
    difference: OutputDifference | None


def exactly(module: nn.Module, arguments: Mapping[str, Any]) -> fx.GraphModule:
    """A copy in eval mode with all exact transformations; ``arguments`` are those of a call."""
    made = prepared(module, arguments)
    for transform in EXACT:
        made = transform(made)
    return made.eval()


def ways(
    exact: fx.GraphModule, arguments: Mapping[str, Any], *, dtype: str, inductor: bool
) -> list[Way]:
    """Variants of an exactly transformed module that may be faster on this machine."""
    if dtype == "bf16":
        exact = bfloat16(exact)
    last = channels_last(exact)
    found = [Way("as it lies", exact, exact), Way("channels last", last, last)]
    one_tensor = all(isinstance(value, Tensor) for value in arguments.values())
    if dtype == "float32" and one_tensor and packable() and not inductor:
        found.append(Way("packed for oneDNN", pack(exact), exact))
    if inductor:
        found = [Way(f"torch.compile, {w.name}", compiled(w.module), w.portable) for w in found]
    return found


def optimise(
    network: Network,
    module: nn.Module,
    *,
    dtype: str = "float32",
    inductor: bool = False,
) -> Optimised:
    """The fastest module for inference that computes what a compiled one does in eval mode.

    ``dtype`` is ``float32`` or ``bf16``, for numbers of 16 bits inside; ``inductor`` uses
    torch.compile. All is measured on one random image. The module given stays as it was, and is
    the result where nothing is faster. Raises ArchError where the size of the input is open, for
    bf16 in networks that take anything but one tensor, and where torch.compile finds no compiler.
    """
    arguments = trial_input(network, device_of(module))
    if dtype != "float32" and not all(isinstance(v, Tensor) for v in arguments.values()):
        raise fail(
            f"--dtype {dtype}: {network.name} takes images, whose values stay as they are",
            help="leave the option away",
        )
    plain = Way("plain", module, module)
    with undisturbed(module, training=False):
        # Not in inference mode: its tensors could not be exported.
        exact = exactly(module, arguments)
        rivals = ways(exact, arguments, dtype=dtype, inductor=inductor)
    with undisturbed(module, training=False), torch.inference_mode():
        # The first that keeps its promise in a second measurement: the best of several is in part
        # the luckiest.
        rivals.sort(key=lambda way: _speed(way, plain, arguments).best)
        for way in rivals:
            measured = _speed(way, plain, arguments)
            if measured.ratio < 1:
                apart = difference(way.module(**arguments), module(**arguments))
                gone = _removed(module, exact)
                return Optimised(way.name, True, way.module, way.portable, gone, measured, apart)
    return Optimised(way.name, False, module, module, {}, measured, OutputDifference(0.0, 0.0))


def _speed(way: Way, plain: Way, arguments: Mapping[str, Any]) -> Speed:
    return speed(lambda: way.module(**arguments), lambda: plain.module(**arguments))


def _removed(module: nn.Module, made: nn.Module) -> dict[str, int]:
    """Number of modules that optimisation removed, by the names of their classes."""
    before, after = ([type(part) for part in each.modules()] for each in (module, made))
    gone = {kind: before.count(kind) - after.count(kind) for kind in dict.fromkeys(before)}
    return {
        kind.__name__: count
        for kind, count in gone.items()
        if count > 0 and not issubclass(kind, (Block, Chain, fx.GraphModule, nn.Sequential))
    }
