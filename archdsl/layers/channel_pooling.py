"""Pooling along the channels: one map of all."""

from __future__ import annotations

from dataclasses import dataclass

from archdsl.ir.layer import Category, Layer, Shape, define, image
from archdsl.ir.lowering import Emitter, Value
from archdsl.ir.storage import KEEPS_NOTHING, Storage

_SOURCE = "Woo et al. 2018 (CBAM), equation 3; "


@dataclass(frozen=True)
class _ChannelPooling(Layer):
    """Arguments and shape rule that both poolings along the channels share."""

    homogeneous = True

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        return 1, *image(inputs[0], self.kind)[1:]


@define(
    "channel_mean",
    category=Category.POOLING,
    stem="mean",
    source=f"{_SOURCE}torch.mean(x, 1, keepdim=True)",
)
@dataclass(frozen=True)
class ChannelMean(_ChannelPooling):
    """The mean of all channels at each place: channels×height×width to 1×height×width."""

    storage = KEEPS_NOTHING

    def label(self) -> str:
        return "mean of channels"

    def lower(self, emit: Emitter, operands: tuple[Value, ...], inputs: tuple[Shape, ...]) -> Value:
        return emit.call("torch.mean", *operands, 1, True)


@define(
    "channel_max",
    category=Category.POOLING,
    stem="max",
    source=f"{_SOURCE}torch.amax(x, 1, keepdim=True)",
)
@dataclass(frozen=True)
class ChannelMax(_ChannelPooling):
    """The largest of all channels at each place: channels×height×width to 1×height×width."""

    storage = Storage()

    def label(self) -> str:
        return "max of channels"

    def lower(self, emit: Emitter, operands: tuple[Value, ...], inputs: tuple[Shape, ...]) -> Value:
        return emit.call("torch.amax", *operands, 1, True)
