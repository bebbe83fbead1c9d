"""Layers that ONNX has no operator for, told by what several nodes compute of sample values.

A node that no layer is like may be the last of a formula. The formula begins at a value through
which all that it reads goes; it is computed for samples of that value, and compared with the layers
that its operators suggest, the file's constants as their weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice, permutations, product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from archdsl.importers.draft import check_range
from archdsl.importers.made_layers import makes
from archdsl.importers.onnx.activations import round_off
from archdsl.importers.onnx.graph import OnnxGraphReader
from archdsl.importers.onnx.nodes import Node
from archdsl.importers.onnx.spans import Span, is_float, spans
from archdsl.importers.onnx.values import Signal
from archdsl.importers.triangles import diagonals
from archdsl.ir.layer import Layer, RuleError
from archdsl.layers.activation import SmeLU, SoftmaxRows
from archdsl.layers.attention import Attention
from archdsl.layers.normalization import GroupNorm, L2Normalize, L2NormScaled, RMSNorm
from archdsl.layers.pooling import AdaptiveMaxPool, MaxPool
from archdsl.layers.sequences import (
    AdaptiveComputationTime,
    Embeddings,
    PositionalEncodings,
    Tril,
    TrilDiag,
    TrilMask,
)
from archdsl.layers.windows import MergePatches

if TYPE_CHECKING:
    from archdsl.importers.onnx.file import Array

_MOST_WEIGHTS = 4
_MOST_ORDERS = 24


@makes(
    *(L2NormScaled, RMSNorm, L2Normalize, GroupNorm, SoftmaxRows, SmeLU, MaxPool, AdaptiveMaxPool),
    *(Embeddings, PositionalEncodings, Tril, TrilMask, TrilDiag, AdaptiveComputationTime),
    *(MergePatches, Attention),
)
def formula(reader: OnnxGraphReader, node: Node) -> Signal | None:
    """The layer of a formula that ends in a node; None where it ends none."""
    if node.type not in _ENDS:
        return None
    for found in spans(node.proto, reader.values, reader.position):
        layers = list(_candidates(found))
        if not layers:
            continue
        try:
            x = found.samples(reader.samples)
            wanted = found.computed(x, reader.opsets)
        except RuleError:
            continue
        for layer in [*layers, *_by_shape(found, wanted.shape[1:])]:
            if (weights := _weights(layer, found, x, wanted)) is not None:
                value = reader.values[found.source]
                assert isinstance(value, Signal)
                tensors = {
                    key: reader.computed(f"{name}.T", found.constants[name].array.T).name
                    if turned
                    else name
                    for key, (name, turned) in weights.items()
                }
                return reader.add(layer, value, tensors=tensors)
    return None


_ENDS = frozenset(
    ("Mul", "Add", "Where", "ReduceMax", "Concat", "Transpose", "Gemm", "MatMul", "Reshape")
)


def _candidates(found: Span) -> Iterator[Layer]:
    """The layers that the operators of a formula suggest."""
    end, count, sizes = found.end, found.count, found.sizes()
    if end == "Mul" and count("ReduceL2"):
        yield L2NormScaled()
    elif end == "Mul" and count("Min"):
        yield from (
            AdaptiveComputationTime(count("Min"), threshold=number)
            for number in sorted(found.numbers(), reverse=True)
            if 0 < number < 1  # the others are much smaller
        )
    elif end == "Mul" and (count("ReduceMean") or count("ReduceSum")):
        for eps in found.numbers():
            yield RMSNorm(eps)
            yield L2Normalize(eps)
    elif end == "Where":
        yield from _choices(found)
    elif end == "Add" and count("InstanceNormalization"):
        (norm,) = [node for node in found.nodes if node.op_type == "InstanceNormalization"][:1]
        groups = found.constants.get(norm.input[1])
        eps = next((round_off(a.f) for a in norm.attribute if a.name == "epsilon"), 1e-5)
        if groups is not None:
            yield GroupNorm(groups.size, eps)
    elif end == "Add" and len(found.nodes) == 1 and found.shape[1:] in _shapes(found):
        yield PositionalEncodings()
    elif end == "Concat" and count("Slice") and len(found.shape) == 3:
        yield MergePatches()
    elif end == "ReduceMax" and count("ReduceMax") > 1:
        yield MaxPool(0, 0, 1, 1, 0, 0)
    elif count("Softmax") == 1 and count("MatMul") > 1 and len(found.shape) == 2:
        channels = found.shape[-1] or 0
        if {3 * channels, channels, channels**2, 3 * channels**2} <= set(sizes):
            yield from (Attention(heads) for heads in _heads(found, channels))


def _by_shape(found: Span, shape: Sequence[int]) -> Iterator[Layer]:
    """The layers whose arguments are sizes of the result."""
    if len(found.shape) == 3 == len(shape) and found.count("ReduceMax") > 1:
        yield AdaptiveMaxPool(shape[1], shape[2])


def _choices(found: Span) -> Iterator[Layer]:
    if found.count("Softmax"):
        yield SoftmaxRows()
    elif found.count("Less") and found.count("Abs"):
        yield from (SmeLU(beta) for beta in found.numbers() if beta > 0)
    elif found.count("Gather"):
        yield from (Embeddings(*shape) for shape in _shapes(found) if len(shape) == 2)
    elif len(found.nodes) == 1:
        yield Tril()
        yield TrilMask()
        for number in found.numbers():
            yield from diagonals(number)


def _shapes(found: Span) -> list[tuple[int, ...]]:
    return [each.shape for each in found.constants.values() if is_float(each)]


def _heads(found: Span, channels: int) -> list[int]:
    """The sizes in the formula that may be a number of heads."""
    given = [each for each in found.constants.values() if each.array.dtype.kind == "i"]
    sizes = {int(size) for each in given for size in each.array.reshape(-1).tolist()}
    return sorted(size for size in sizes if 0 < size <= channels and channels % size == 0)


class _Weight(NamedTuple):
    """A constant as a layer's weight; ``turned``: its two axes are exchanged there."""

    name: str
    turned: bool


def _weights(layer: Layer, found: Span, x: Array, wanted: Array) -> dict[str, _Weight] | None:
    """The constants that are a layer's weights, by its names; None where it is another layer."""
    import torch

    from archdsl.importers.single_layer import single_layer

    try:
        check_range(layer)
        if layer.edge_shape((found.shape,)) != wanted.shape[1:]:
            return None
        module = single_layer(layer, (found.shape,), "cpu")
    except (RuleError, ValueError):
        return None
    slots = dict(module.named_parameters())
    for names in _assignments([value.numel() for value in slots.values()], found):
        chosen: dict[str, _Weight] = {}
        with torch.no_grad():
            for (slot, value), name in zip(slots.items(), names, strict=True):
                array = found.constants[name].array
                shape = tuple(value.shape)
                turned = array.ndim == 2 and array.shape != shape == array.shape[::-1]
                given = np.array(array.T if turned else array, np.float32).reshape(shape)
                value.copy_(torch.from_numpy(given))
                chosen[slot.partition(".")[2]] = _Weight(name, turned)
            made = module(torch.from_numpy(x)).numpy()
        if np.allclose(made, wanted, rtol=1e-3, atol=1e-4, equal_nan=True):
            return chosen
    return None


def _assignments(sizes: Sequence[int], found: Span) -> Iterator[tuple[str, ...]]:
    """The constants that weights of some sizes may be, in every order of those of one size."""
    if len(sizes) > _MOST_WEIGHTS:
        return
    named = {
        size: [n for n, each in found.constants.items() if each.size == size and is_float(each)]
        for size in dict.fromkeys(sizes)
    }
    orders = [permutations(names, sizes.count(size)) for size, names in named.items()]
    for choice in islice(product(*orders), _MOST_ORDERS):
        given = dict(zip(named, map(iter, choice), strict=True))
        yield tuple(next(given[size]) for size in sizes)
