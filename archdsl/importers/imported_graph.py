"""An imported network as a graph of the catalogue's layers, before a spec is written of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from archdsl.ir.layer import Layer


class Home(NamedTuple):
    """A part of the origin that holds operations: ``name`` is the last part of its path.

    ``kind`` is what equal parts have in common, a class such as ``Bottleneck``; empty where the
    origin has no word for it.
    """

    name: str
    kind: str


@dataclass(frozen=True)
class Operation:
    """A layer of the catalogue with its arguments, and its place in the origin.

    ``inputs`` are the indices of earlier operations, in the order in which the layer takes them.
    ``name`` is what the origin calls it (``layer1.0.conv1``), ``homes`` are the parts around it,
    the outermost first. ``tensors`` name the origin's weights by the state_dict key that they have
    in a compiled layer of this kind (``weight``, ``running_mean``).
    """

    layer: Layer
    inputs: tuple[int, ...]
    name: str
    homes: tuple[Home, ...] = ()
    tensors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ImportedGraph:
    """A network: operations in an order in which each comes after its inputs, the input first.

    ``outputs`` are indices by name, in the origin's order. ``notes`` are lines of the comment that
    heads the spec, without the slashes. ``in_order`` says that the spec has to name the layers in
    the order of the operations, by which the origin's weights are known.
    """

    name: str
    operations: tuple[Operation, ...]
    outputs: Mapping[str, int]
    notes: tuple[str, ...] = ()
    in_order: bool = False
