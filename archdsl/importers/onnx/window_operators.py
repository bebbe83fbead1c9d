"""Layers for the ONNX operators with windows, and for those that reduce maps: functions by type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archdsl.importers.made_layers import makes
from archdsl.importers.onnx.file import Tensor
from archdsl.importers.onnx.graph import OnnxGraphReader
from archdsl.importers.onnx.nodes import Node
from archdsl.importers.onnx.rows import Handler, Row
from archdsl.importers.onnx.values import Signal
from archdsl.importers.windows import Sides, avg_pool, convolve, known, max_pool, same
from archdsl.ir.layer import RuleError, image, shown
from archdsl.layers.attention import TokenMean
from archdsl.layers.channel_pooling import ChannelMax, ChannelMean
from archdsl.layers.convolution import Pair, TransposedConvolution
from archdsl.layers.pooling import AvgPool, MaxPool

if TYPE_CHECKING:
    from archdsl.importers.onnx.file import Array


from archdsl.importers.onnx.nodes import tensors_of


def _pair(node: Node, name: str, default: int) -> Pair:
    values = list(node.get(name, (default, default)))
    if len(values) != 2:
        raise RuleError("windows have a height and a width here", f"{name} is {values}")
    if min(values) < default:  # 1 of sizes, strides and gaps, 0 of padding
        raise RuleError(f"{name} is too small", f"expected {default} or more, found {values}")
    return int(values[0]), int(values[1])


def _sides(reader: OnnxGraphReader, node: Node, kernel: Pair, stride: Pair) -> Sides:
    """Padding as written, or as ``auto_pad`` computes it; ``kernel`` counts gaps."""
    auto = node.get("auto_pad")
    if auto not in ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"):
        raise RuleError("padding of a kind that ONNX has not", f"auto_pad = {auto}")
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        sizes = known(reader.draft, reader.settled(node.signal()))
        return same(sizes, kernel, stride, upper=auto == "SAME_UPPER")
    pads = [int(pad) for pad in node.get("pads", (0, 0, 0, 0))]
    if auto == "VALID" or not any(pads):
        return Sides()
    if len(pads) != 4:
        raise RuleError("windows have a height and a width here", f"pads are {pads}")
    if min(pads) < 0:
        raise RuleError("padding takes nothing away here", f"pads are {pads}")
    return Sides(*pads)


def _kernel(node: Node, weight: Tensor) -> Pair:
    """The window of a weight, which the node may say as well."""
    if len(weight.shape) != 4:
        raise RuleError("only convolutions of pictures", f"the weight is {shown(weight.shape)}")
    kernel = weight.shape[2], weight.shape[3]
    if node.get("kernel_shape", [*kernel]) != [*kernel]:
        raise RuleError(
            "the weight has another window",
            f"kernel_shape = {node.get('kernel_shape')}, and the weight is {shown(weight.shape)}",
        )
    return kernel


# ---- convolutions and fully connected layers ----


@makes(convolve)
def _conv(reader: OnnxGraphReader, node: Node) -> Signal:
    index = reader.settled(node.signal())
    weight, bias = node.weight(1), node.constant(2)
    kernel, stride = _kernel(node, weight), _pair(node, "strides", 1)
    dilations = _pair(node, "dilations", 1)
    if dilations[0] != dilations[1]:
        raise RuleError("a dilation that is not the same on both axes", f"found {dilations}")
    extent = tuple((k - 1) * dilations[0] + 1 for k in kernel)
    channels, groups = image(reader.draft.shape(index), "Conv")[0], int(node.get("group"))
    if min((*weight.shape, *stride, groups)) < 1 or weight.shape[1] * groups != channels:
        raise RuleError(
            "the weight does not fit the input",
            f"found {shown(weight.shape)} in {groups} groups for {channels} channels",
        )
    arguments = {
        "filters": weight.shape[0],
        "kernel_h": kernel[0],
        "kernel_w": kernel[1],
        "stride_h": stride[0],
        "stride_w": stride[1],
        "dilation": dilations[0],
        "groups": 0 if groups == channels > 1 else groups,
        "bias": bias is not None,
    }
    sides = _sides(reader, node, (extent[0], extent[1]), stride)
    tensors = tensors_of(weight=weight, bias=bias)
    return reader.of(convolve(reader.draft, index, sides, arguments, tensors))


@makes(TransposedConvolution)
def _conv_transpose(reader: OnnxGraphReader, node: Node) -> Signal:
    weight, bias = node.weight(1), node.constant(2)
    kernel = _kernel(node, weight)
    sides = Sides(*(int(pad) for pad in node.get("pads", (0, 0, 0, 0))))
    more = _pair(node, "output_padding", 0)
    if sides.first != sides.last or more[0] != more[1]:
        raise RuleError("padding that is not the same on opposite sides", f"found {tuple(sides)}")
    stride, groups = _pair(node, "strides", 1), int(node.get("group"))
    layer = TransposedConvolution(
        weight.shape[1] * groups,
        *kernel,
        *stride,
        *sides.first,
        output_padding=more[0],
        groups=groups,
        bias=bias is not None,
    )
    return reader.add(layer, node.signal(), tensors=tensors_of(weight=weight, bias=bias))


# ---- pooling ----


def _pool_window(reader: OnnxGraphReader, node: Node) -> tuple[Pair, Pair, Sides, bool]:
    """Kernel, stride and padding of a pooling, and whether its size is rounded up."""
    kernel, stride = _pair(node, "kernel_shape", 1), _pair(node, "strides", 1)
    sides = _sides(reader, node, kernel, stride)
    if node.get("auto_pad").startswith("SAME"):
        sizes = known(reader.draft, reader.settled(node.signal()))
        if any(
            (-(-size // step) - 1) * step + k < size
            for size, k, step in zip(sizes, kernel, stride, strict=True)
        ):
            raise RuleError(
                "runtimes differ where strides leave out cells",
                f"auto_pad = {node.get('auto_pad')}, windows {kernel} in steps {stride} on {sizes}",
            )
    return kernel, stride, sides, bool(node.get("ceil_mode"))


@makes(max_pool)
def _max_pool(reader: OnnxGraphReader, node: Node) -> Signal:
    kernel, stride, sides, ceil = _pool_window(reader, node)
    index = reader.settled(node.signal())
    return reader.of(max_pool(reader.draft, index, kernel, stride, sides, ceil=ceil))


@makes(avg_pool)
def _avg_pool(reader: OnnxGraphReader, node: Node) -> Signal:
    kernel, stride, sides, ceil = _pool_window(reader, node)
    counts = bool(node.get("count_include_pad")) and any(sides)
    index = reader.settled(node.signal())
    return reader.of(avg_pool(reader.draft, index, kernel, stride, sides, ceil=ceil, counts=counts))


def _global(kind: type[MaxPool] | type[AvgPool]) -> Handler:
    @makes(kind)
    def pool(reader: OnnxGraphReader, node: Node) -> Signal:
        return reader.add(kind(0, 0, 1, 1, 0, 0), node.signal())

    return pool


def _reduced(
    kind: type[MaxPool] | type[AvgPool], over_channels: type[ChannelMax] | type[ChannelMean]
) -> Handler:
    @makes(kind, over_channels, *([TokenMean] if kind is AvgPool else []))
    def pool(reader: OnnxGraphReader, node: Node) -> Signal:
        shape = node.signal().shape
        axes = node.axes(1, len(shape) + 1)
        if len(shape) == 3 and axes == [1]:
            found = reader.add(over_channels(), node.signal())
            return found if node.get("keepdims") else reader.rearranged(found, _without_channels)
        if len(shape) == 2 and axes == [1] and not node.get("keepdims") and kind is AvgPool:
            return reader.add(TokenMean(), node.signal())
        if len(shape) != 3 or sorted(axes or ()) != [2, 3]:
            raise RuleError("a mean over other axes than height and width", f"found {axes}")
        pooled = reader.add(kind(0, 0, 1, 1, 0, 0), node.signal())
        if node.get("keepdims"):
            return pooled
        return reader.rearranged(pooled, lambda order: order.reshape(order.shape[:2]))

    return pool


def _without_channels(order: Array) -> Array:
    return order.reshape(order.shape[0], *order.shape[2:])


_WINDOW = "auto_pad kernel_shape pads strides"
_FLAT = {"dilations": [1, 1]}

WINDOWS: dict[str, Row] = {
    "Conv": Row(_conv, 22, f"{_WINDOW} dilations group"),
    "ConvTranspose": Row(
        _conv_transpose, 22, "group kernel_shape output_padding pads strides", _FLAT
    ),
    "MaxPool": Row(_max_pool, 22, f"{_WINDOW} ceil_mode storage_order", _FLAT),
    "AveragePool": Row(_avg_pool, 22, f"{_WINDOW} ceil_mode count_include_pad", _FLAT),
    "GlobalAveragePool": Row(_global(AvgPool), 22),
    "GlobalMaxPool": Row(_global(MaxPool), 22),
    "ReduceMean": Row(_reduced(AvgPool, ChannelMean), 18, "axes keepdims noop_with_empty_axes"),
    "ReduceMax": Row(_reduced(MaxPool, ChannelMax), 20, "axes keepdims noop_with_empty_axes"),
}
"""By the operator's name."""
