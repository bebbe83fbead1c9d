"""Writer of dlib's serialized networks, in dlib's newest versions."""

from __future__ import annotations

from archdsl.dlib.kinds import Record
from archdsl.dlib.stream import NO_TENSOR, flag, integer, tensor, text
from archdsl.dlib.tree import Chain, InputTag, LayerNode, Node, Repeated, Saved
from archdsl.ir.trampoline import Task, run


def encode(saved: Saved) -> bytes:
    """The file that dlib's ``deserialize()`` reads; what follows a network is left out."""
    pieces: list[bytes] = []
    if saved.loss is not None:
        pieces += [integer(1), _record(saved.loss)]
    run(_chain(saved.chain, pieces))
    return b"".join(pieces)


def _record(record: Record) -> bytes:
    return text(record.kind.versions[-1]) + record.kind.write(record.values)


def _chain(chain: Chain, pieces: list[bytes]) -> Task[None]:
    first, *others = chain.nodes
    for node in reversed(others):
        if isinstance(node, Repeated):
            pieces += [integer(1), integer(len(node.blocks))]
            for block in node.blocks:
                yield _chain(block, pieces)
        else:
            pieces.append(integer(2 if isinstance(node, LayerNode) else 1))
    pieces.append(integer(3 if isinstance(first, LayerNode) else 2))
    if chain.input is not None:
        pieces.append(_record(chain.input))
    pieces.append(_at_input(first))
    pieces += [_tail(node, 3) for node in others if isinstance(node, LayerNode)]
    return


def _at_input(node: Node) -> bytes:
    if isinstance(node, LayerNode):
        return _tail(node, 3) + integer(node.expansion)
    assert isinstance(node, InputTag)
    scratch = b"".join(map(tensor, node.scratch))
    return scratch + flag(node.gradient_is_stale) + integer(node.expansion)


def _tail(node: LayerNode, tensors: int) -> bytes:
    """A record, the flags, and what is left of the last batch."""
    scratch = (*node.scratch, NO_TENSOR)[:tensors]
    return b"".join(
        (
            _record(node.record),
            flag(node.set_up),
            flag(node.gradient_is_stale),
            flag(node.output_disabled),
            *map(tensor, scratch),
        )
    )
