"""Chains of steps, and the pieces of a graph from which nesting builds them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from archdsl.importers.imported_graph import Home, Operation
from archdsl.ir.layer import Layer


@dataclass(eq=False)
class ChainStep:
    """A layer, or a combinator with its blocks; ``tags`` are the tags that it names or refers to.

    ``names`` are what ``branch`` and ``outputs`` call their blocks.
    """

    what: Layer | str
    blocks: list[Chain] = field(default_factory=list)
    names: tuple[str, ...] = ()
    tags: tuple[int, ...] = ()
    homes: tuple[Home, ...] = ()


Chain = list[ChainStep]
"""Steps in the order in which data flows."""


@dataclass(eq=False)
class ChainPiece:
    """A part of the graph: a chain between two operations, or a join not yet nested.

    ``inputs`` are the operations whose results its first step reads, ``end`` the last one of its
    own, ``highest`` the highest tag inside of its combinators.
    """

    steps: deque[ChainStep]
    inputs: tuple[int, ...]
    first: int
    end: int
    join: Operation | None = None
    highest: int = 0
