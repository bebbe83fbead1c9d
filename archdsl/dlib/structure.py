"""A spec's network in dlib's order: the nesting that its C++ type would have."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from archdsl.diagnostics import ArchError, fail
from archdsl.dlib.kinds import Join
from archdsl.dlib.kinds.definition import joins
from archdsl.elaborate.trampoline import Task, run
from archdsl.graph.model import LayerInstance, Network
from archdsl.graph.structure import Piece, structure
from archdsl.layers import combinators
from archdsl.layers.block import Combinator
from archdsl.layers.definition import Layer
from archdsl.layers.dlib_detection import DlibDetections, LossMmod, LossYolo
from archdsl.layers.input_layer import InputLayer
from archdsl.layers.losses import Loss


@dataclass(frozen=True)
class Placed:
    """A layer of the spec; ``join`` where a combinator made it, which says what it is in dlib."""

    instance: LayerInstance
    join: Join | None = None
    count: int = 0
    """How many tags it joins."""


@dataclass(frozen=True)
class Mark:
    """A tag, or a skip to one."""

    skip: bool


@dataclass(frozen=True)
class Repeat:
    """Equal blocks in a row, the innermost first."""

    blocks: tuple[tuple[Element, ...], ...]


Element = Placed | Mark | Repeat


@dataclass(frozen=True)
class Nest:
    """A network as dlib nests it: elements from the input outwards."""

    loss: LayerInstance | None
    input: LayerInstance
    elements: tuple[Element, ...]

    def flat(self) -> Iterator[Placed | Mark]:
        """The layers, tags and skips from the input outwards, repeated ones one by one."""
        pending = [iter(self.elements)]
        while pending:
            element = next(pending[-1], None)
            if element is None:
                pending.pop()
            elif isinstance(element, Repeat):
                pending.extend(iter(block) for block in reversed(element.blocks))
            else:
                yield element


def nest(network: Network) -> Nest:
    """The nesting of a network. Raises ArchError where dlib has nothing like a combinator of it."""
    pieces = structure(network)
    elements = run(_Nesting(network).sequence(pieces))
    entry, *others = elements
    if not (isinstance(entry, Placed) and isinstance(entry.instance.layer, InputLayer)):
        raise fail(f"{network.name} does not begin with its input, as dlib's networks do")
    last = others[-1] if others else None
    loss = None
    if isinstance(last, Placed) and isinstance(last.instance.layer, (Loss, DlibDetections)):
        loss = last.instance
        others.pop()
    return Nest(loss, entry.instance, tuple(others))


class _Nesting:
    def __init__(self, network: Network) -> None:
        self._nodes = network.graph.nodes

    def sequence(self, pieces: list[Piece]) -> Task[list[Element]]:
        found: list[Element] = []
        for piece in pieces:
            if isinstance(piece.what, Layer):
                found.append(Placed(self.instance(piece.made[0])))
                continue
            mark = _MARKS.get(type(piece.what))
            if mark is not None:
                found.append(mark)
            else:
                found += yield _RULES.get(type(piece.what), _joined)(self, piece)
        return found

    def instance(self, path: str) -> LayerInstance:
        instance: LayerInstance = self._nodes[path]["instance"]
        return instance

    def join(self, piece: Piece) -> Element:
        found = joins(type(piece.what))
        if found is None or len(piece.made) != 1:
            raise no_place(self.instance(piece.made[0]) if piece.made else None, piece)
        instance = self.instance(piece.made[0])
        return Placed(instance, found, len(instance.inputs))


def no_place(instance: LayerInstance | None, piece: Piece) -> ArchError:
    """What is wrong with a combinator that dlib does not have."""
    assert isinstance(piece.what, Combinator)
    frames = instance.scope.frames() if instance is not None else ()
    return fail(
        f"dlib has nothing like {piece.what.kind}",
        piece.span,
        "its files hold layers, tags, skips, repeat, inception and what joins tagged places",
        help="add_prev1<block<tag1<SUBNET>>> is a residual block that dlib has",
        frames=frames,
    )


def _inline(nesting: _Nesting, piece: Piece) -> Task[list[Element]]:
    found: list[Element] = []
    for part in piece.parts:
        found += yield nesting.sequence(part)
    return found


def _repeat(nesting: _Nesting, piece: Piece) -> Task[list[Element]]:
    blocks = []
    for part in piece.parts:
        blocks.append(tuple((yield nesting.sequence(part))))
    return [Repeat(tuple(blocks))] if blocks else []


def _inception(nesting: _Nesting, piece: Piece) -> Task[list[Element]]:
    """dlib's inceptionN: a tag at its input, and the last branch is the innermost."""
    if len(piece.parts) == 1:
        return (yield from _inline(nesting, piece))
    found: list[Element] = [Mark(skip=False)]
    for number, part in enumerate(reversed(piece.parts)):
        if number:
            found.append(Mark(skip=True))
        found += yield nesting.sequence(part)
        found.append(Mark(skip=False))
    return [*found, nesting.join(piece)]


def _detector(nesting: _Nesting, piece: Piece) -> Task[list[Element]]:
    """A loss that decides by itself; in dlib it has one input, and finds the others."""
    return [Placed(nesting.instance(piece.made[0]))]
    yield


def _joined(nesting: _Nesting, piece: Piece) -> Task[list[Element]]:
    if piece.parts:  # scale with a gate of its own, residual, dense
        made = nesting.instance(piece.made[0]) if piece.made else None
        raise no_place(made, piece)
    return [nesting.join(piece)]
    yield


_Rule = Callable[[_Nesting, Piece], Task[list[Element]]]

_MARKS: dict[type[Combinator], Mark] = {
    combinators.AddTag: Mark(skip=False),
    combinators.AddSkip: Mark(skip=True),
}

_RULES: dict[type[Combinator], _Rule] = {
    combinators.Compose: _inline,
    combinators.When: _inline,
    combinators.Frozen: _inline,
    combinators.Repeat: _repeat,
    combinators.Parallel: _inception,
    LossMmod: _detector,
    LossYolo: _detector,
}
"""What combinators are in dlib; all others have to be layers that join tagged places."""
