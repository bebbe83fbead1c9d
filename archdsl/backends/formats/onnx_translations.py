"""Operators of torch that its ONNX exporter does not know, in operators of ONNX."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from onnxscript import opset18

op: Any = opset18  # takes lists for constants, which its annotations do not say


def _adaptive_max_pool2d(input: Any, output_size: Any) -> tuple[Any, Any]:
    """The maximum of each band of rows, and of each band of columns of these.

    Bands are those of torch.nn.AdaptiveMaxPool2d: from the fraction of the size rounded down to
    that of the next one rounded up. The second result stands for torch's indices, which nobody
    reads.
    """
    sizes = input.shape[2:]
    for axis, (size, count) in enumerate(zip(sizes, output_size, strict=True), 2):
        bands = []
        for place in range(count):
            start, stop = place * size // count, -(-(place + 1) * size // count)
            band = op.Slice(input, [start], [stop], [axis])
            bands.append(op.ReduceMax(band, [axis], keepdims=1))
        input = op.Concat(*bands, axis=axis)
    return input, input


TRANSLATIONS: Mapping[Any, Callable[..., Any]] = {
    torch.ops.aten.adaptive_max_pool2d.default: _adaptive_max_pool2d,
}
"""For ``torch.onnx.export(custom_translation_table=...)``; sizes of maps are known."""
