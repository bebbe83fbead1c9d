"""Tags between pieces of a network that do not nest."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.diagnostics import fail
from archdsl.importers.imported_graph import Operation
from archdsl.importers.outlining.chains import Chain, ChainPiece, ChainStep
from archdsl.ir.layer import Layer
from archdsl.layers.joins import (
    Add,
    AddPadded,
    BroadcastSum,
    Concat,
    Gate,
    MatrixProduct,
    Mult,
    ResizeToMatch,
)
from archdsl.layers.pyramids import Collect


def in_a_row(pieces: Sequence[ChainPiece], kept: Sequence[int], highest: int = 0) -> Chain:
    """Pieces one behind the other; what is read later than by the next one has a tag."""
    steps: Chain = []
    if len(pieces) == 1:
        return list(pieces[0].steps)
    taps = _taps(pieces)
    last = {
        source: place
        for place, piece in enumerate(pieces)
        if _maps(piece) is None
        for source in piece.inputs
    }
    highest = max(highest, *(piece.highest for piece in pieces))
    tags: dict[int, int] = {}
    free: list[int] = []
    for place, piece in enumerate(pieces):
        current = pieces[place - 1].end if place else None
        if piece.join is not None:
            steps += _tagged_join(piece.join, piece.inputs, current, tags)
            steps += list(piece.steps)[1:]
        else:
            if piece.inputs and piece.inputs[0] != current:
                homes = piece.steps[0].homes
                steps.append(ChainStep("skip", tags=(tags[piece.inputs[0]],), homes=homes))
            elif not piece.inputs and place:
                raise fail("a network with several inputs; a spec has one")
            steps += piece.steps
        if piece.end in taps:
            steps.append(ChainStep("tap", names=(taps[piece.end],)))
        for source in set(piece.inputs):
            if last.get(source) == place and source in tags:
                free.append(tags.pop(source))
        if _needs_tag(pieces, place, last.get(piece.end)):
            if not free:
                highest += 1
                free.append(highest)
            tags[piece.end] = min(free)
            free.remove(tags[piece.end])
            homes = steps[-1].homes if steps else ()
            steps.append(ChainStep("tag", tags=(tags[piece.end],), homes=homes))
    if pieces[-1].end not in kept:
        raise fail("a network whose outputs do not follow from one another cannot be spelled")
    return steps


def _maps(piece: ChainPiece) -> Collect | None:
    """The layer that a piece begins with, where it makes one value of several feature maps."""
    layer = piece.join.layer if piece.join is not None else None
    return layer if isinstance(layer, Collect) else None


def _taps(pieces: Sequence[ChainPiece]) -> dict[int, str]:
    """The places that feature maps are taken from; these have names in place of tags."""
    found: dict[int, str] = {}
    for piece in pieces:
        layer = _maps(piece)
        if layer is not None:
            found.update(zip(piece.inputs, layer.names, strict=True))
    return found


def _needs_tag(pieces: Sequence[ChainPiece], place: int, last: int | None) -> bool:
    """True if the end of a piece is referred to by a tag."""
    if last is None:
        return False
    if last > place + 1:
        return True
    reader = pieces[place + 1]
    if reader.join is None:
        return False
    # What follows at once is current; a join refers to it where it takes it in another place.
    layer, end = reader.join.layer, pieces[place].end
    if isinstance(layer, Concat) or reader.inputs.count(end) > 1:
        return True
    return isinstance(layer, _ORDERED) and reader.inputs[0] != end


_ORDERED = (AddPadded, BroadcastSum, MatrixProduct, ResizeToMatch)
"""Joins whose first input is current."""

_BY_TAG: dict[type[Layer], str] = {
    Add: "add_prev",
    AddPadded: "add_prev",
    Mult: "mult_prev",
    MatrixProduct: "multm_prev",
    Gate: "scale_prev",
    BroadcastSum: "offset_prev",
    ResizeToMatch: "resize_like",
}


def _tagged_join(
    join: Operation, inputs: tuple[int, ...], current: int | None, tags: dict[int, int]
) -> Chain:
    """A join by tags, from the place where the network is."""
    layer, homes = join.layer, join.homes
    if isinstance(layer, Concat):
        return [ChainStep("concat", tags=tuple(tags[source] for source in inputs), homes=homes)]
    if isinstance(layer, Collect):
        return [ChainStep("feature_maps", names=layer.names, homes=homes)]
    name = _BY_TAG.get(type(layer))
    if name is None:
        raise fail(f"no combinator joins tensors by {layer.kind}")
    first, *others = inputs
    steps: Chain = []
    if isinstance(layer, (Add, Mult)) and current in inputs:
        others = list(inputs)
        others.remove(current)
    elif isinstance(layer, Gate) and current == others[0] and current != first:
        return [ChainStep("scale_tagged", tags=(tags[first],), homes=homes)]
    elif first != current:
        steps.append(ChainStep("skip", tags=(tags[first],), homes=homes))
    if isinstance(layer, ResizeToMatch):
        names = tuple(
            f"{option}=true"
            for option, given in (
                ("nearest", layer.nearest),
                ("align_corners", layer.align_corners),
            )
            if given
        )
        return [*steps, ChainStep(name, names=names, tags=(tags[others[0]],), homes=homes)]
    return steps + [ChainStep(name, tags=(tags[source],), homes=homes) for source in others]
