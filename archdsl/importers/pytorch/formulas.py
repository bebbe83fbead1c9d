"""Layers that are formulas in PyTorch: several operations, the last of which proposes them.

The numbers of a formula are settings of its operations. The value that it is applied to is found by
trying those before it, the nearest first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from archdsl.analysis.equivalence.graph import CanonicalNode
from archdsl.importers.made_layers import makes
from archdsl.importers.pytorch.proposals import Proposal, Proposals, Seen
from archdsl.importers.triangles import diagonals
from archdsl.ir.layer import Layer
from archdsl.layers.activation import SmeLU, SoftmaxAll, SoftmaxRows
from archdsl.layers.normalization import BatchNormFc, L2Normalize, RMSNorm
from archdsl.layers.permutation import DarknetReorg
from archdsl.layers.reshape import Extract
from archdsl.layers.sequences import (
    AdaptiveComputationTime,
    Embeddings,
    PositionalEncodings,
    Tril,
    TrilDiag,
    TrilMask,
)

_LONGEST = 16
"""Operations of a formula; those that repeat steps have more."""
_OF_STEPS = 256

Nodes = Sequence[CanonicalNode]


@makes(
    *(
        RMSNorm,
        L2Normalize,
        SmeLU,
        SoftmaxRows,
        SoftmaxAll,
        BatchNormFc,
        Extract,
        Embeddings,
        DarknetReorg,
    ),
    *(PositionalEncodings, Tril, TrilMask, TrilDiag, AdaptiveComputationTime),
)
def formulas(seen: Seen) -> Proposals:
    """The layers that a node may be the end of, on each value that they may be applied to."""
    candidates = _FORMULAS.get(seen.node.label.operation)
    if candidates is None:
        return
    near = seen.nearest(_LONGEST)
    if any(node.label.operation == "minimum" for node in near):
        near = seen.nearest(_OF_STEPS)
    for layer in candidates(seen.node, near):
        for node in near:
            if node.index in seen.shapes:
                yield Proposal(layer, (node.index,))


def _numbers(nodes: Nodes, *operations: str) -> list[float]:
    """The numbers that operations of those names take, each once."""
    values = [
        value
        for node in nodes
        if node.label.operation in operations
        for name, value in node.label.fields
        if name in ("other", "a", "b") and isinstance(value, (int, float))
    ]
    return list(dict.fromkeys(values))


def _names(nodes: Nodes) -> set[str]:
    return {node.label.operation for node in nodes}


def _product(_: CanonicalNode, near: Nodes) -> Iterator[Layer]:
    names = _names(near)
    if "rsqrt" in names:
        for eps in _numbers(near, "add"):
            yield RMSNorm(eps)
            yield L2Normalize(eps)
    if "minimum" in names:
        steps = sum(node.label.operation == "minimum" for node in near)
        for threshold in _numbers(near, "add", "sub"):
            yield AdaptiveComputationTime(steps, threshold=threshold)


def _sum(_: CanonicalNode, near: Nodes) -> Iterator[Layer]:
    if any(len(shape) == 2 for shape in _stored(near[:2])):
        yield PositionalEncodings()


def _choice(end: CanonicalNode, near: Nodes) -> Iterator[Layer]:
    names = _names(near)
    if "softmax" in names:
        yield SoftmaxRows()
    elif "embedding" in names:
        yield from _embeddings(near)
    elif "lt" in names:
        yield from (SmeLU(float(beta)) for beta in _numbers(near, "lt"))
    else:
        yield Tril()
        yield TrilMask()
        given = end.label.value("arguments")
        for value in given if isinstance(given, tuple) else ():
            if isinstance(value, (int, float)) and abs(value) != float("inf"):
                yield from diagonals(value)


def _embeddings(near: Nodes) -> Iterator[Layer]:
    for shape in _stored(near):
        if len(shape) == 2:
            yield Embeddings(*shape)


def _stored(nodes: Nodes) -> Iterator[tuple[int, ...]]:
    """The shapes of weights and constants with names."""
    for node in nodes:
        shape = node.label.value("shape")
        if node.tensors and isinstance(shape, tuple):
            yield shape


def _regrouped(end: CanonicalNode, near: Nodes) -> Iterator[Layer]:
    """Layers of all values of a sample, in a row or in blocks, whose result has its sizes again."""
    first = near[0].label
    if first.operation == "batch_norm":
        eps, momentum = first.value("eps"), first.value("momentum")
        if isinstance(eps, float) and isinstance(momentum, float):
            yield BatchNormFc(eps, momentum)
    elif first.operation == "softmax":
        yield SoftmaxAll()
    elif first.operation == "permute" and len(near) > 1:
        blocks = near[1].label.value("shape")
        if isinstance(blocks, tuple) and len(blocks) == 5 and isinstance(blocks[2], int):
            yield DarknetReorg(blocks[2])
    elif first.operation == "part" and isinstance(sizes := end.label.value("shape"), tuple):
        start = first.value("start")
        if len(sizes) == 4 and isinstance(start, int):
            yield Extract(start, *sizes[1:])


_FORMULAS: Mapping[str, Callable[[CanonicalNode, Nodes], Iterator[Layer]]] = {
    "mul": _product,
    "add": _sum,
    "where": _choice,
    "reshape": _regrouped,
}
"""By the last operation's name."""
