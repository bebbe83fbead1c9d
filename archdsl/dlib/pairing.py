"""The layers of a file beside those of a network, which have to be the same."""

from __future__ import annotations

from typing import Any

from archdsl.diagnostics import ArchError, fail
from archdsl.dlib.kinds import Record
from archdsl.dlib.nesting import Nest, PlacedLayer, TagOrSkip
from archdsl.dlib.tree import LayerNode, Saved


def paired(saved: Saved, found: Nest, name: str) -> list[tuple[Record, PlacedLayer]]:
    """The records of a file beside a network's layers, the input first and without the loss.

    ``name`` is the network's. Raises ArchError with the first place at which they part.
    """
    entry = saved.chain.input
    assert entry is not None
    pairs = [(entry, PlacedLayer(found.input))]
    theirs, ours = list(saved.nodes()), list(found.flat())
    if not saved.places_known:
        theirs = [each for each in theirs if isinstance(each, LayerNode)]
        ours = [each for each in ours if isinstance(each, PlacedLayer)]

    def part(at: list[PlacedLayer | TagOrSkip], there: str, meant: str) -> ArchError:
        place = next((each.instance for each in at if isinstance(each, PlacedLayer)), None)
        return fail(
            f"{saved.source} does not hold {name}",
            place.span if place is not None else None,
            f"counted from the input, the file goes on with {there}, the spec with {meant}",
            help="archdsl inspect lists the layers of a file, and --to-arch writes a spec for it",
            frames=place.scope.frames() if place is not None else (),
        )

    for index, (node, element) in enumerate(zip(theirs, ours, strict=False)):
        if isinstance(node, LayerNode) != isinstance(element, PlacedLayer):
            raise part(ours[index:], _named(node), _described(element))
        if isinstance(node, LayerNode) and isinstance(element, PlacedLayer):
            if not _same_kind(node.record, element):
                raise part(ours[index:], _named(node), _described(element))
            pairs.append((node.record, element))
    if len(theirs) != len(ours):
        common = min(len(theirs), len(ours))
        theirs_next = _named(theirs[common]) if common < len(theirs) else "the end"
        ours_next = _described(ours[common]) if common < len(ours) else "the end"
        raise part(ours[common:] or ours[-1:], theirs_next, ours_next)
    if not _same_kind(*pairs[0]):
        raise part([pairs[0][1]], entry.kind.name, found.input.layer.kind)
    return pairs


def _same_kind(record: Record, place: PlacedLayer) -> bool:
    if place.join is not None:
        return record.kind is place.join
    return record.kind.takes(place.instance.layer)


def _named(node: Any) -> str:
    return str(node.record.kind.name) if isinstance(node, LayerNode) else "a tag or skip"


def _described(element: PlacedLayer | TagOrSkip) -> str:
    if isinstance(element, PlacedLayer):
        return element.join.name if element.join is not None else element.instance.layer.kind
    return "a skip" if isinstance(element, TagOrSkip) and element.skip else "a tag"
