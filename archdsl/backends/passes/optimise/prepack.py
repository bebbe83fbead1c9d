"""Convolutions with weights in oneDNN's own order, which compute what follows them as well.

A sum and an activation are done while the values are still in the processor's cache: what
torch.compile does of it needs no C++ compiler. The operators are those that its inductor calls.
"""

from __future__ import annotations

import operator
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


class Ending(NamedTuple):
    """An activation in the terms of oneDNN's operators."""

    name: str
    numbers: tuple[float, ...] = ()
    algorithm: str = ""


_ENDINGS: dict[type[nn.Module], Callable[[Any], Ending]] = {
    nn.ReLU: lambda _: Ending("relu"),
    nn.ReLU6: lambda _: Ending("hardtanh", (0.0, 6.0)),
    nn.Hardtanh: lambda layer: Ending("hardtanh", (layer.min_val, layer.max_val)),
    nn.LeakyReLU: lambda layer: Ending("leaky_relu", (layer.negative_slope,)),
    nn.SiLU: lambda _: Ending("swish"),
    nn.Hardswish: lambda _: Ending("hardswish"),
    nn.Sigmoid: lambda _: Ending("sigmoid"),
    nn.Tanh: lambda _: Ending("tanh"),
}
_SUMS = operator.add, operator.iadd


class PackedConv2d(nn.Module):
    """A convolution, perhaps a sum with another tensor, perhaps an activation; for inference.

    Weights are packed for the size of the first input, and anew when the size changes.
    """

    def __init__(self, layer: nn.Conv2d) -> None:
        super().__init__()
        self.weight, self.bias = layer.weight, layer.bias
        self.numbers = (list(layer.padding), list(layer.stride), list(layer.dilation), layer.groups)
        self.ending: Ending | None = None
        self._packed: tuple[torch.Size, Tensor] | None = None

    def forward(self, input: Tensor, other: Tensor | None = None) -> Tensor:
        """Input N×C×H×W; ``other`` has the size of the result."""
        weight, ending = self._weight_for(input.shape), self.ending
        compute: Any = torch.ops.mkldnn._convolution_pointwise
        made: Tensor
        if other is None:
            name, numbers, algorithm = ending if ending is not None else Ending("none")
            convolution = input, weight, self.bias, *self.numbers
            made = compute(*convolution, name, list(numbers), algorithm)
        else:
            summed = input, other, weight, self.bias, *self.numbers
            activation = ending.name if ending is not None else None
            made = compute.binary(*summed, "add", None, activation, [], None)
        return made

    def _weight_for(self, size: torch.Size) -> Tensor:
        if self._packed is None or self._packed[0] != size:
            order: Any = torch._C._nn.mkldnn_reorder_conv2d_weight
            with torch.inference_mode(False):  # it may be used outside later
                weight = self.weight.detach().to_mkldnn()
                self._packed = size, order(weight, *self.numbers, list(size))
        return self._packed[1]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_packed": None}  # it cannot be copied or saved

    def extra_repr(self) -> str:
        after = f", {self.ending.name}" if self.ending is not None else ""
        return "×".join(map(str, self.weight.shape)) + after


def packable() -> bool:
    """True if this build of torch has oneDNN and its operators for packed convolutions."""
    known = getattr(torch.ops.mkldnn, "_convolution_pointwise", None)
    available: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return available and known is not None


def pack(module: fx.GraphModule) -> fx.GraphModule:
    """A copy whose convolutions are packed, with sums and activations behind them taken in.

    Convolutions that are called several times stay: each size would pack their weights anew.
    """
    made = duplicate(module)
    order = {node: place for place, node in enumerate(made.graph.nodes)}
    for path, calls in module_calls(made).items():
        layer = made.get_submodule(path)
        if len(calls) != 1 or not _is_plain(layer):
            continue
        assert isinstance(layer, nn.Conv2d)
        packed, (call,) = PackedConv2d(layer), calls
        made.set_submodule(path, packed)
        summed = _take_sum(call, order)
        reader = only_reader(call)
        ending = _ending(called(made, reader))
        # Sums end in nothing but a ReLU there.
        if reader is not None and ending is not None and (not summed or ending.name == "relu"):
            packed.ending = ending
            bypass(reader, call)
    return finished(made)


def _is_plain(layer: nn.Module) -> bool:
    return (
        type(layer) is nn.Conv2d
        and layer.padding_mode == "zeros"
        and not isinstance(layer.padding, str)
        and layer.weight.dtype == torch.float32
        and layer.weight.device.type == "cpu"
    )


def _ending(activation: nn.Module | None) -> Ending | None:
    read = _ENDINGS.get(type(activation)) if activation is not None else None
    return read(activation) if read is not None else None


def _take_sum(call: fx.Node, order: dict[fx.Node, int]) -> bool:
    """Make a convolution compute the sum that alone reads it; says whether it could.

    The other summand has to be there already when the convolution runs, and of the same shape.
    """
    reader = only_reader(call)
    if reader is None or reader.op != "call_function" or reader.target not in _SUMS:
        return False
    others = [part for part in reader.args if part is not call]
    if len(reader.args) != 2 or len(others) != 1 or not isinstance(others[0], fx.Node):
        return False
    other = others[0]
    if order[other] > order[call] or _shape(other) is None or _shape(other) != _shape(call):
        return False
    call.args = (*call.args, other)
    bypass(reader, call)
    return True


def _shape(node: fx.Node) -> torch.Size | None:
    meta = node.meta.get("tensor_meta")
    return meta.shape if meta is not None else None
