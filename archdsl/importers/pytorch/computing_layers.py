"""Layers for operations that compute: with weights, norms, poolings and activations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from archdsl.importers.made_layers import makes
from archdsl.importers.pytorch.proposals import Proposal, Proposals, Recogniser, Seen
from archdsl.ir.layer import Layer
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
from archdsl.layers.windows import RelativeAttention


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


_RELATIVE = ("einsum", "softmax", "add", "einsum", "transpose", "reshape", "part", "linear")


@makes(RelativeAttention)
def _relative_attention(seen: Seen) -> Proposals:
    """Attention among the cells of windows ends in a linear layer."""
    sums = seen.behind("reshape", "transpose")
    source = seen.behind("reshape", "transpose", *_RELATIVE)
    if sums is not None and source is not None:
        nodes = seen.graph.nodes
        values = nodes[nodes[nodes[sums].inputs[1]].inputs[0]]
        *_, heads, _ = cast("tuple[int, ...]", values.label.value("shape"))
        yield Proposal(RelativeAttention(heads), (source,))


@makes(FullyConnected, Linear, _relative_attention)
def _linear(seen: Seen) -> Proposals:
    yield from _relative_attention(seen)
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


def _of_number(cls: Callable[[float], Layer], field: str) -> Recogniser:
    """Layers of one number, which is a field of the operation."""

    @makes(cls)
    def recognise(seen: Seen) -> Proposals:
        yield Proposal(cls(float(seen[field])), seen.node.inputs)

    return recognise


def _one_of(*layers: Layer) -> Recogniser:
    """Layers that the operation may be, whatever its fields."""

    @makes(*layers)
    def recognise(seen: Seen) -> Proposals:
        for layer in layers:
            yield Proposal(layer, seen.node.inputs)

    return recognise


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
    "dropout": _of_number(Dropout, "p"),
    "dropout2d": _of_number(SpatialDropout, "p"),
    "stochastic_depth": _of_number(StochasticDepth, "p"),
    "leaky_relu": _of_number(LeakyReLU, "negative_slope"),
    "elu": _of_number(ELU, "alpha"),
    "prelu": _one_of(PReLU(), PReLU(per_channel=True)),
    "hardtanh": _of_number(ClippedReLU, "max_val"),
    "softmax": _one_of(Softmax()),
    "log_softmax": _one_of(LogSoftmax()),
    "mean": _one_of(ChannelMean(), TokenMean()),
    "amax": _one_of(ChannelMax()),
}
"""By the operation's name."""
