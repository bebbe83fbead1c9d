"""Layers for operations that compute: with weights, norms, poolings and activations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archdsl.importers.made_layers import makes
from archdsl.importers.pytorch.proposals import Proposal, Proposals, Recogniser, Seen
from archdsl.layers.activation import (
    ELU,
    ClippedReLU,
    LeakyReLU,
    LogSoftmax,
    PReLU,
    Softmax,
)
from archdsl.layers.attention import (
    TokenMean,
)
from archdsl.layers.channel_pooling import ChannelMax, ChannelMean
from archdsl.layers.convolution import Convolution, TransposedConvolution
from archdsl.layers.linear import (
    Dropout,
    FullyConnected,
    Linear,
    SpatialDropout,
    StochasticDepth,
)
from archdsl.layers.normalization import (
    BatchNorm,
    GroupNorm,
    InstanceNorm,
    LayerNormLast,
    LocalResponseNorm,
)
from archdsl.layers.pooling import (
    AdaptiveAvgPool,
    AdaptiveMaxPool,
    AvgPool,
    MaxPool,
)


@makes(Convolution)
def _convolution(seen: Seen) -> Proposals:
    groups = seen["groups"]
    layer = Convolution(
        seen["out_channels"],
        *seen.window(),
        dilation=seen.pair("dilation")[0],
        groups=0 if groups == seen["in_channels"] and groups > 1 else groups,
        bias=seen["bias"],
    )
    yield Proposal(layer, seen.node.inputs)


@makes(TransposedConvolution)
def _transposed(seen: Seen) -> Proposals:
    layer = TransposedConvolution(
        seen["out_channels"],
        *seen.window(),
        output_padding=seen.pair("output_padding")[0],
        groups=seen["groups"],
        bias=seen["bias"],
    )
    yield Proposal(layer, seen.node.inputs)


@makes(FullyConnected, Linear)
def _linear(seen: Seen) -> Proposals:
    flattened = seen.behind("flatten")
    connected = FullyConnected(seen["out_features"], bias=seen["bias"])
    if flattened is not None:
        yield Proposal(connected, (flattened,))
    if len(seen.shape()) == 1:
        yield Proposal(connected, seen.node.inputs)
    yield Proposal(Linear(seen["out_features"], bias=seen["bias"]), seen.node.inputs)


@makes(BatchNorm)
def _batch_norm(seen: Seen) -> Proposals:
    yield Proposal(BatchNorm(seen["eps"], seen["momentum"]), seen.node.inputs)


@makes(LayerNormLast)
def _layer_norm(seen: Seen) -> Proposals:
    yield Proposal(LayerNormLast(seen["eps"]), seen.node.inputs)


@makes(GroupNorm)
def _group_norm(seen: Seen) -> Proposals:
    yield Proposal(GroupNorm(seen["num_groups"], seen["eps"]), seen.node.inputs)


@makes(InstanceNorm)
def _instance_norm(seen: Seen) -> Proposals:
    yield Proposal(InstanceNorm(seen["eps"], affine=bool(seen["weight"])), seen.node.inputs)


@makes(LocalResponseNorm)
def _response_norm(seen: Seen) -> Proposals:
    layer = LocalResponseNorm(seen["size"], seen["alpha"], seen["beta"], seen["k"])
    yield Proposal(layer, seen.node.inputs)


def _pooling(cls: type[MaxPool] | type[AvgPool]) -> Recogniser:
    @makes(cls)
    def recognise(seen: Seen) -> Proposals:
        options: dict[str, Any] = {"ceil_mode": seen["ceil_mode"]}
        if cls is AvgPool:
            options["count_include_pad"] = seen["count_include_pad"] and any(seen.pair("padding"))
        yield Proposal(cls(*seen.window(), **options), seen.node.inputs)

    return recognise


def _adaptive(
    whole: type[MaxPool] | type[AvgPool], cls: type[AdaptiveAvgPool] | type[AdaptiveMaxPool]
) -> Recogniser:
    @makes(whole, cls)
    def recognise(seen: Seen) -> Proposals:
        size = seen.pair("output_size")
        if size == (1, 1):
            yield Proposal(whole(0, 0, padding_h=0, padding_w=0), seen.node.inputs)
        yield Proposal(cls(*size), seen.node.inputs)

    return recognise


@makes(Dropout)
def _dropout(seen: Seen) -> Proposals:
    yield Proposal(Dropout(float(seen["p"])), seen.node.inputs)


@makes(SpatialDropout)
def _spatial_dropout(seen: Seen) -> Proposals:
    yield Proposal(SpatialDropout(float(seen["p"])), seen.node.inputs)


@makes(StochasticDepth)
def _stochastic_depth(seen: Seen) -> Proposals:
    yield Proposal(StochasticDepth(float(seen["p"])), seen.node.inputs)


@makes(LeakyReLU)
def _leaky_relu(seen: Seen) -> Proposals:
    yield Proposal(LeakyReLU(float(seen["negative_slope"])), seen.node.inputs)


@makes(ELU)
def _elu(seen: Seen) -> Proposals:
    yield Proposal(ELU(float(seen["alpha"])), seen.node.inputs)


@makes(PReLU)
def _prelu(seen: Seen) -> Proposals:
    yield Proposal(PReLU(), seen.node.inputs)
    yield Proposal(PReLU(per_channel=True), seen.node.inputs)


@makes(ClippedReLU)
def _hardtanh(seen: Seen) -> Proposals:
    yield Proposal(ClippedReLU(float(seen["max_val"])), seen.node.inputs)


@makes(Softmax)
def _softmax(seen: Seen) -> Proposals:
    yield Proposal(Softmax(), seen.node.inputs)


@makes(LogSoftmax)
def _log_softmax(seen: Seen) -> Proposals:
    yield Proposal(LogSoftmax(), seen.node.inputs)


@makes(ChannelMean, TokenMean)
def _mean(seen: Seen) -> Proposals:
    yield Proposal(ChannelMean(), seen.node.inputs)
    yield Proposal(TokenMean(), seen.node.inputs)


@makes(ChannelMax)
def _maximum(seen: Seen) -> Proposals:
    yield Proposal(ChannelMax(), seen.node.inputs)


COMPUTING: Mapping[str, Recogniser] = {
    "conv2d": _convolution,
    "conv_transpose2d": _transposed,
    "linear": _linear,
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "group_norm": _group_norm,
    "instance_norm": _instance_norm,
    "local_response_norm": _response_norm,
    "max_pool2d": _pooling(MaxPool),
    "avg_pool2d": _pooling(AvgPool),
    "adaptive_avg_pool2d": _adaptive(AvgPool, AdaptiveAvgPool),
    "adaptive_max_pool2d": _adaptive(MaxPool, AdaptiveMaxPool),
    "dropout": _dropout,
    "dropout2d": _spatial_dropout,
    "stochastic_depth": _stochastic_depth,
    "leaky_relu": _leaky_relu,
    "elu": _elu,
    "prelu": _prelu,
    "hardtanh": _hardtanh,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "mean": _mean,
    "amax": _maximum,
}
"""By the operation's name."""
