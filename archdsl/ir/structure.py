"""The nesting of a network: for every combinator, its blocks and the layers that it made.

The graph leaves this out on purpose. Formats whose files are nested as the text is, as dlib's, get
it here: the block that the network was built from is expanded once more and recorded on the way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from archdsl.diagnostics.source import Span
from archdsl.ir.block import Block, Combinator, Connection, Port
from archdsl.ir.build import Expansion
from archdsl.ir.layer import Layer
from archdsl.ir.network import Network
from archdsl.ir.trampoline import run


@dataclass(eq=False)
class Piece:
    """A layer of the expanded network, or a combinator with the pieces that its blocks hold."""

    what: Layer | Combinator
    span: Span
    made: list[str] = field(default_factory=list)
    """Paths of the layer itself, or of the layers that join a combinator's blocks."""
    parts: list[list[Piece]] = field(default_factory=list)
    """Pieces of each of its blocks, in the order in which the combinator applied them."""


def structure(network: Network) -> list[Piece]:
    """The outermost pieces of a network in the order in which data flows, templates expanded."""
    assert network.block is not None
    recorder = _Recorder()
    run(recorder.expand(network.block, Port(None, {})))
    paths = list(network.graph)
    for piece in walk(recorder.pieces):
        piece.made = [paths[int(index)] for index in piece.made]
    return recorder.pieces


def walk(pieces: list[Piece]) -> Iterator[Piece]:
    """All pieces, those of blocks behind the combinator that holds them."""
    pending = [iter(pieces)]
    while pending:
        piece = next(pending[-1], None)
        if piece is None:
            pending.pop()
            continue
        yield piece
        pending.extend(iter(part) for part in reversed(piece.parts))


class _Recorder(Expansion):
    """An expansion that records the combinator or layer of a block that emits each layer."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[Piece] = []
        self._within: Piece | None = None

    def _connect(self, what: Combinator, span: Span, port: Port) -> Connection:
        before = self._within, self.pieces
        self._within = Piece(what, span)
        self.pieces.append(self._within)
        end = yield super()._connect(what, span, port)
        self._within, self.pieces = before
        return end

    def apply(
        self, block: Block, port: Port, label: str | None = None, *, frozen: bool = False
    ) -> Connection:
        before = self._within, self.pieces
        self.pieces = []
        if self._within is not None:
            self._within.parts.append(self.pieces)
        self._within = None
        end = yield super().apply(block, port, label, frozen=frozen)
        self._within, self.pieces = before
        return end

    def _emit(self, layer: Layer, inputs: tuple[int, ...], name: str | None = None) -> int:
        index = super()._emit(layer, inputs, name)
        if self._within is not None:
            self._within.made.append(str(index))
        else:
            assert self._span is not None
            self.pieces.append(Piece(layer, self._span, [str(index)]))
        return index
