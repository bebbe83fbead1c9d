"""Factors and offsets per channel, computed into the weights of the layer before them.

In eval mode a batch norm is x·a + b with constants a, b for each channel (Ioffe and Szegedy 2015,
section 3.1), and a convolution or a fully connected layer takes both into its weights and biases.
torch's fuse_conv_bn_eval does so for batch norms alone, and not for transposed convolutions in
groups; here the arithmetic is that of doubles, whose rounding nobody sees.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, fx, nn

from archdsl.backends.passes.optimise.copies import (
    bypass,
    called,
    duplicate,
    finished,
    module_calls,
    only_reader,
)
from archdsl.backends.torch.freeze import FrozenBatchNorm1d, FrozenBatchNorm2d
from archdsl.backends.torch.modules import Affine, DlibDropout, LayerScale, Multiply


class Scaling(NamedTuple):
    """x·factor + offset: both have a number per channel, or one for all."""

    factor: Tensor
    offset: Tensor


# ---- what norms do in eval mode ----


def _batch_norm(norm: Any) -> Scaling | None:
    if norm.training or norm.running_mean is None:
        return None  # it has the statistics of the batch
    mean, variance = norm.running_mean.double(), norm.running_var.double()
    factor = (variance + norm.eps).rsqrt()
    if norm.weight is None:
        return Scaling(factor, -mean * factor)
    factor = factor * norm.weight.double()
    return Scaling(factor, norm.bias.double() - mean * factor)


def _affine(norm: Any) -> Scaling | None:
    return Scaling(norm.weight, norm.bias) if norm.weight.dim() == 1 else None


def _layer_scale(norm: Any) -> Scaling:
    return Scaling(norm.weight.flatten(), torch.zeros(()))


def _constant(norm: Any) -> Scaling:
    return Scaling(torch.tensor(norm.factor), torch.zeros(()))


def _dropout(norm: Any) -> Scaling | None:
    return None if norm.training else Scaling(torch.tensor(1.0 - norm.p), torch.zeros(()))


_SCALINGS: dict[type[nn.Module], Callable[[Any], Scaling | None]] = {
    nn.BatchNorm1d: _batch_norm,
    nn.BatchNorm2d: _batch_norm,
    FrozenBatchNorm1d: _batch_norm,
    FrozenBatchNorm2d: _batch_norm,
    Affine: _affine,
    LayerScale: _layer_scale,
    Multiply: _constant,
    DlibDropout: _dropout,
}
"""Readers of a norm's scaling by class of module; ``None`` where it depends on the input."""


# ---- what takes it ----


def _rows(weighted: Any, factor: Tensor) -> Tensor:
    """Weights whose first axis is that of the outputs."""
    weight: Tensor = weighted.weight.double()
    return weight * factor.reshape([-1] + [1] * (weight.dim() - 1))


def _columns(weighted: Any, factor: Tensor) -> Tensor:
    """Weights of a transposed convolution: inputs, then the outputs of the input's group."""
    weight: Tensor = weighted.weight.double()
    grouped = weight.reshape(weighted.groups, -1, *weight.shape[1:])
    return (grouped * factor.reshape(weighted.groups, 1, -1, 1, 1)).reshape(weight.shape)


_SCALED: dict[type[nn.Module], Callable[[Any, Tensor], Tensor]] = {
    nn.Conv2d: _rows,
    nn.ConvTranspose2d: _columns,
    nn.Linear: _rows,
}
"""Functions that scale a layer's outputs in its weights, by class of module."""


# ---- the transformation ----


@torch.no_grad()
def fold(module: fx.GraphModule) -> fx.GraphModule:
    """A copy whose factors and offsets per channel are in the weights before them, where exact.

    That is where a layer's result goes to nothing but the norm, in all its calls, and where the
    axis of the norm is that of the layer's outputs.
    """
    made = duplicate(module)
    for path, calls in module_calls(made).items():
        weighted = made.get_submodule(path)
        if type(weighted) not in _SCALED:
            continue
        while (target := _common_norm(made, calls)) is not None:
            scaling = _scaling(made.get_submodule(target), weighted, calls)
            if scaling is None:
                break
            weighted = _scaled(weighted, scaling)
            made.set_submodule(path, weighted)
            for call in calls:
                norm = only_reader(call)
                assert norm is not None
                bypass(norm, call)
    return finished(made)


def _common_norm(module: fx.GraphModule, calls: list[fx.Node]) -> str | None:
    """The path of the module that alone reads the result of each call."""
    readers = {only_reader(call) for call in calls}
    paths = {reader.target if called(module, reader) else None for reader in readers if reader}
    if None in readers or len(paths) != 1:
        return None
    path = paths.pop()
    return path if isinstance(path, str) else None


def _scaling(norm: nn.Module, weighted: nn.Module, calls: list[fx.Node]) -> Scaling | None:
    """Factor and offset of a norm for each output of the layer; ``None`` if not foldable."""
    read = _SCALINGS.get(type(norm))
    scaling = read(norm) if read is not None else None
    if scaling is None or scaling.factor.numel() == 1:
        return scaling
    if isinstance(weighted, nn.Linear) and not all(_rank(call) == 2 for call in calls):
        return None  # its outputs are along the last axis, channels along the second
    return scaling


def _rank(node: fx.Node) -> int | None:
    meta = node.meta.get("tensor_meta")
    return len(meta.shape) if meta is not None else None


def _scaled(weighted: Any, scaling: Scaling) -> nn.Module:
    """A copy of a layer that scales its result by itself."""
    made = copy.deepcopy(weighted)
    dtype, device = weighted.weight.dtype, weighted.weight.device
    linear = isinstance(weighted, nn.Linear)
    outputs = weighted.out_features if linear else weighted.out_channels
    factor, offset = (part.detach().to(device).double().expand(outputs) for part in scaling)
    if weighted.bias is not None:
        offset = offset + weighted.bias.double() * factor
    weight = _SCALED[type(weighted)](weighted, factor)
    made.weight = nn.Parameter(weight.to(dtype), requires_grad=False)
    if weighted.bias is not None or offset.any():
        made.bias = nn.Parameter(offset.to(dtype), requires_grad=False)
    return made  # type: ignore[no-any-return]
