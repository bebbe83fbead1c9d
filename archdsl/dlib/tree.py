"""The tree of layers in a file of a trained network, from the input outwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from archdsl.dlib.kinds import Record
from archdsl.dlib.stream import NO_TENSOR, Floats


@dataclass(frozen=True)
class LayerNode:
    """A layer that computes, with what dlib keeps of the last batch."""

    record: Record
    version: int
    set_up: bool = True
    gradient_is_stale: bool = True
    output_disabled: bool = False
    """True if the layer above works in place, so that this one has no output of its own."""
    scratch: tuple[Floats, ...] = (NO_TENSOR,) * 3
    expansion: int = 0


class Wrapper(NamedTuple):
    """A tag or a skip. Serialized files do not say which, nor its number; XML does."""

    at: int = 0
    skip: bool | None = None
    tag: int | None = None


@dataclass(frozen=True)
class InputTag:
    """A tag right at the input."""

    version: int = 2
    gradient_is_stale: bool = True
    scratch: tuple[Floats, ...] = (NO_TENSOR,) * 2
    expansion: int = 0
    tag: int | None = None


@dataclass(frozen=True)
class Repeated:
    """A ``repeat``: its blocks as the file has them, the outermost first."""

    blocks: tuple[Chain, ...]
    at: int = 0


Node = LayerNode | Wrapper | InputTag | Repeated


@dataclass(frozen=True)
class Chain:
    """Layers from the input outwards; in a block of a ``repeat`` there is no input."""

    nodes: tuple[Node, ...]
    input: Record | None


@dataclass(frozen=True)
class Saved:
    """A whole file. ``source`` names it, ``behind`` counts the bytes that follow the network."""

    source: str
    loss: Record | None
    chain: Chain
    behind: int = 0
    labels: tuple[str, ...] = field(default=())
    """The strings that follow, such as names of classes."""
    places_known: bool = True
    """True if the file tells the places of its tags and skips; dlib's before 2017 do not."""

    def nodes(self) -> Iterator[Node]:
        """All nodes from the input outwards, those of repeated blocks one by one."""
        pending = [iter(self.chain.nodes)]
        while pending:
            node = next(pending[-1], None)
            if node is None:
                pending.pop()
            elif isinstance(node, Repeated):
                pending.extend(iter(block.nodes) for block in node.blocks)  # the innermost on top
            else:
                yield node

    def records(self) -> list[Record]:
        """The records of all layers that compute, from the input outwards."""
        return [node.record for node in self.nodes() if isinstance(node, LayerNode)]
