"""Layers for sums, products and concatenations: of several values, and with weights."""

from __future__ import annotations

from collections.abc import Mapping

from archdsl.importers.made_layers import makes
from archdsl.importers.pytorch.proposals import Proposal, Proposals, Recogniser, Seen
from archdsl.layers.attention import (
    ClassToken,
    PositionEmbedding,
)
from archdsl.layers.factors import Affine, Bias, BiasLast, LayerScale, LayerScaleLast
from archdsl.layers.joins import (
    Add,
    AddPadded,
    BroadcastSum,
    Concat,
    Gate,
    MatrixProduct,
    Mult,
)
from archdsl.layers.linear import (
    AddConstant,
    Multiply,
)
from archdsl.layers.normalization import (
    L2NormScaled,
)


@makes(Add, BroadcastSum, Affine, Bias, BiasLast, PositionEmbedding, AddConstant)
def _sum(seen: Seen) -> Proposals:
    if len(seen.tensors()) == 2:
        yield Proposal(Add(), seen.tensors())
        yield Proposal(AddPadded(), seen.before("pad"))
        yield from _broadcast(BroadcastSum(), seen)
    elif isinstance(value := seen["other"], (int, float)):
        yield Proposal(AddConstant(float(value)), seen.tensors())
    else:
        scaled = seen.before("mul")
        yield Proposal(Affine(), scaled)
        yield Proposal(Affine(per_value=True), scaled)
        yield Proposal(Bias(), seen.tensors())
        yield Proposal(Bias(per_channel=False), seen.tensors())
        yield Proposal(PositionEmbedding(), seen.tensors())
        yield Proposal(BiasLast(), seen.tensors())


def _broadcast(join: Gate | BroadcastSum, seen: Seen) -> Proposals:
    """A join of a map with numbers for its channels or places, in either order."""
    first, second = seen.tensors()
    yield Proposal(join, (first, second))
    yield Proposal(join, (second, first))
    rows = seen.before("reshape")  # a row of numbers made a map of one cell
    yield Proposal(join, (first, rows[1]))
    yield Proposal(join, (second, rows[0]))


@makes(Gate, Mult, LayerScale, LayerScaleLast, L2NormScaled, Multiply)
def _product(seen: Seen) -> Proposals:
    first, *others = seen.tensors()
    if others:
        shapes = {seen.shapes.get(index) for index in (first, *others)}
        if len(shapes) == 1:
            yield Proposal(Mult(), (first, *others))
        yield from _broadcast(Gate(), seen)
        yield Proposal(Mult(), (first, *others))
        yield Proposal(Mult(), seen.before("pad"))
    elif len(seen.node.inputs) == 2:
        yield Proposal(LayerScale(), (first,))
        yield Proposal(LayerScale(per_channel=False), (first,))
        yield Proposal(LayerScaleLast(), (first,))
        yield Proposal(L2NormScaled(), seen.before("normalize"))
    elif isinstance(factor := seen["other"], (int, float)):
        yield Proposal(Multiply(float(factor)), (first,))


@makes(Concat, ClassToken)
def _concatenation(seen: Seen) -> Proposals:
    yield Proposal(Concat(), seen.node.inputs)
    if len(seen.node.inputs) == 2:
        yield Proposal(ClassToken(), seen.node.inputs[1:])


@makes(MatrixProduct)
def _matrix_product(seen: Seen) -> Proposals:
    yield Proposal(MatrixProduct(), seen.node.inputs)


JOINING: Mapping[str, Recogniser] = {
    "add": _sum,
    "mul": _product,
    "cat": _concatenation,
    "matmul": _matrix_product,
}
"""By the operation's name."""
