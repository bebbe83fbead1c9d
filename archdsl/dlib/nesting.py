"""A spec's network in dlib's order: the nesting that its C++ type would have."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from archdsl.diagnostics import ArchError, Frame, fail
from archdsl.dlib.kinds import Join
from archdsl.dlib.kinds.definition import joins
from archdsl.ir.block import Combinator
from archdsl.ir.input_layer import InputLayer
from archdsl.ir.network import LayerInstance, Network
from archdsl.ir.region import Call, LayerStep, Region
from archdsl.ir.trampoline import Task, run
from archdsl.layers import combinators
from archdsl.layers.dlib_detection import DlibDetections, LossMmod, LossYolo
from archdsl.layers.losses import Loss


@dataclass(frozen=True)
class PlacedLayer:
    """A layer of the spec; ``join`` where a combinator made it, which says what it is in dlib."""

    instance: LayerInstance
    join: Join | None = None
    count: int = 0
    """Number of tags that it joins."""


@dataclass(frozen=True)
class TagOrSkip:
    """A tag, or a skip to one."""

    skip: bool


@dataclass(frozen=True)
class RepeatedBlocks:
    """Equal blocks in a row, the innermost first."""

    blocks: tuple[tuple[Element, ...], ...]


Element = PlacedLayer | TagOrSkip | RepeatedBlocks

_LOSSES = (Loss, DlibDetections)


@dataclass(frozen=True)
class Nest:
    """A network as dlib nests it: elements from the input outwards."""

    loss: LayerInstance | None
    input: LayerInstance
    elements: tuple[Element, ...]

    def flat(self) -> Iterator[PlacedLayer | TagOrSkip]:
        """The layers, tags and skips from the input outwards, repeated ones one by one."""
        pending = [iter(self.elements)]
        while pending:
            element = next(pending[-1], None)
            if element is None:
                pending.pop()
            elif isinstance(element, RepeatedBlocks):
                pending.extend(iter(block) for block in reversed(element.blocks))
            else:
                yield element


def nest(network: Network) -> Nest:
    """The nesting of a network. Raises ArchError where dlib has nothing like a combinator of it."""
    elements = run(_Nesting(network).sequence(network.root))
    entry, *others = elements
    if not (isinstance(entry, PlacedLayer) and isinstance(entry.instance.layer, InputLayer)):
        raise fail(f"{network.name} does not begin with its input, as dlib's networks do")
    last = others[-1] if others else None
    loss = None
    if isinstance(last, PlacedLayer) and isinstance(last.instance.layer, _LOSSES):
        loss = last.instance
        others.pop()
    found = Nest(loss, entry.instance, tuple(others))
    for place in found.flat():
        if isinstance(place, PlacedLayer) and isinstance(place.instance.layer, _LOSSES):
            raise fail(
                "dlib has no loss inside of a network",
                place.instance.span,
                "expected one loss at most, as the outermost layer",
                frames=place.instance.scope.frames(),
            )
    return found


class _Nesting:
    """A walk through the regions of a network, beside one through its layers."""

    def __init__(self, network: Network) -> None:
        self._instances = network.instances()
        self._frames: list[Frame] = []

    def sequence(self, region: Region) -> Task[list[Element]]:
        """The elements of a block, in the order in which data flows."""
        found: list[Element] = []
        for step in region.steps:
            if isinstance(step, LayerStep):
                found.append(PlacedLayer(self.instance()))
                continue
            combinator = step.region.combinator
            if combinator is None:  # a template
                found += yield self.part(step)
                continue
            mark = _MARKS.get(type(combinator))
            if mark is not None:
                found.append(mark)
            else:
                found += yield _RULES.get(type(combinator), _joined)(self, step)
        return found

    def part(self, call: Call) -> Task[list[Element]]:
        """The elements of a template's instance, or of a combinator's part."""
        framed = call.region.template is not None and call.span is not None
        if framed:
            assert call.span is not None
            self._frames.append(Frame(call.title, call.span))
        found: list[Element] = yield self.sequence(call.region)
        if framed:
            self._frames.pop()
        return found

    def instance(self) -> LayerInstance:
        """The next layer of the walk."""
        return next(self._instances)

    def join(self, call: Call) -> Element:
        """The layer by which a combinator joins its parts, or tagged places; the next one."""
        found = joins(type(call.region.combinator))
        made = [step for step in call.region.steps if isinstance(step, LayerStep)]
        if found is None or len(made) != 1:
            raise self.no_place(call)
        instance = self.instance()
        return PlacedLayer(instance, found, len(instance.inputs))

    def no_place(self, call: Call) -> ArchError:
        """The error for a combinator that dlib does not have."""
        combinator = call.region.combinator
        assert combinator is not None
        return fail(
            f"dlib has nothing like {combinator.kind}",
            call.span,
            "its files hold layers, tags, skips, repeat, inception and what joins tagged places",
            help="add_prev1<block<tag1<SUBNET>>> is a residual block that dlib has",
            frames=tuple(reversed(self._frames)),
        )


def _inline(nesting: _Nesting, call: Call) -> Task[list[Element]]:
    found: list[Element] = []
    for part in call.region.calls:
        found += yield nesting.part(part)
    return found


def _repeat(nesting: _Nesting, call: Call) -> Task[list[Element]]:
    blocks = []
    for part in call.region.calls:
        for _ in range(part.times):
            blocks.append(tuple((yield nesting.part(part))))
    return [RepeatedBlocks(tuple(blocks))] if blocks else []


def _inception(nesting: _Nesting, call: Call) -> Task[list[Element]]:
    """dlib's inceptionN: a tag at its input, and the last branch is the innermost."""
    parts: list[list[Element]] = []
    for part in call.region.calls:
        parts.append((yield nesting.part(part)))
    if len(parts) == 1:
        return parts[0]
    found: list[Element] = [TagOrSkip(skip=False)]
    for number, branch in enumerate(reversed(parts)):
        if number:
            found.append(TagOrSkip(skip=True))
        found += [*branch, TagOrSkip(skip=False)]
    return [*found, nesting.join(call)]


def _detector(nesting: _Nesting, _: Call) -> Task[list[Element]]:
    """A loss that decides by itself; in dlib it has one input, and finds the others."""
    return [PlacedLayer(nesting.instance())]
    yield


def _joined(nesting: _Nesting, call: Call) -> Task[list[Element]]:
    if any(call.region.calls):  # scale with a gate of its own, residual, dense
        raise nesting.no_place(call)
    return [nesting.join(call)]
    yield


_Rule = Callable[[_Nesting, Call], Task[list[Element]]]

_MARKS: dict[type[Combinator], TagOrSkip] = {
    combinators.AddTag: TagOrSkip(skip=False),
    combinators.AddSkip: TagOrSkip(skip=True),
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
"""Converters of the combinators that dlib has; all others have to join tagged places."""
