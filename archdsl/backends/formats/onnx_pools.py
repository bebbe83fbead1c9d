"""Pools that round their size up, where ONNX and torch round it differently.

Where the last window would begin in the padding behind the map, torch has no such window. ONNX's
shape rule has it, and runtimes differ. Rounded down behind as much padding as the last window
needs, all of them have what torch has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import onnx
from onnx import helper

_POOLS = ("MaxPool", "AveragePool")


def write_dropped_windows(model: Any) -> None:
    """Rewrite the pools of an ONNX model whose last window torch drops; sizes may be open."""
    sizes = _sizes(model)
    nodes = []
    for node in model.graph.node:
        if node.op_type in _POOLS:
            nodes += _padded(node, sizes)
        nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _sizes(model: Any) -> Mapping[str, Sequence[int]]:
    """Heights and widths of the maps in a model by name, 0 where they are open."""
    graph = model.graph
    return {
        value.name: [size.dim_value for size in value.type.tensor_type.shape.dim[2:]]
        for value in (*graph.value_info, *graph.input, *graph.output)
    }


def _padded(node: Any, sizes: Mapping[str, Sequence[int]]) -> list[Any]:
    """Rewrite a pool in place where it drops windows; returns the nodes to stand before it."""
    options = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    given, made = sizes.get(node.input[0], ()), sizes.get(node.output[0], ())
    if not options.get("ceil_mode") or not all((*given, *made)):
        return []
    kernel = options["kernel_shape"]
    strides = options.get("strides", [1] * len(kernel))
    before = options.get("pads", [0] * 2 * len(kernel))[: len(kernel)]
    axes = list(zip(given, kernel, strides, before, made, strict=True))
    if all(-(-(size + 2 * pad - k) // stride) + 1 == n for size, k, stride, pad, n in axes):
        return []
    behind = [max(0, (n - 1) * stride + k - pad - size) for size, k, stride, pad, n in axes]
    inserted = []
    if options.get("count_include_pad"):
        # Padding that the layer asks for counts in its means, what rounding adds does not.
        inserted = _zeros_around(node, before)
        behind = [more - pad for more, pad in zip(behind, before, strict=True)]
        before = [0] * len(before)
    changed = {
        **options,
        "ceil_mode": 0,
        "count_include_pad": 0,
        "pads": [*before, *(max(0, more) for more in behind)],
    }
    del node.attribute[:]
    node.attribute.extend(
        helper.make_attribute(name, value)
        for name, value in sorted(changed.items())
        if name != "count_include_pad" or node.op_type == "AveragePool"
    )
    return inserted


def _zeros_around(node: Any, padding: Sequence[int]) -> list[Any]:
    """Nodes that pad a pool's input with zeros on both sides; the pool reads what they give."""
    name = f"{node.output[0]}_padded"
    pads = helper.make_tensor(
        f"{name}_pads", onnx.TensorProto.INT64, [8], [0, 0, *padding, 0, 0, *padding]
    )
    nodes = [
        helper.make_node("Constant", [], [f"{name}_pads"], value=pads),
        helper.make_node("Pad", [node.input[0], f"{name}_pads"], [name]),
    ]
    node.input[0] = name
    return nodes
