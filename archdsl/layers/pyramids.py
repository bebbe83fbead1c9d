"""Several feature maps at once: taps on a backbone, feature pyramids, heads for every map."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, TypeVar, cast

from archdsl.diagnostics import nearest
from archdsl.ir.block import Block, Builder, Combinator, Connection, Label, Mark, Port
from archdsl.ir.edges import EdgeType, FeatureMaps, Shape, required
from archdsl.ir.layer import Category, RuleError, arg, define, shown
from archdsl.ir.lowering import Emitter, Operand, Value
from archdsl.layers.joins import Add, ResizeToMatch
from archdsl.layers.typed import TypedLayer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_T = TypeVar("_T")


# ---- places with names ----


@define("tap", source="torchvision.models._utils.IntermediateLayerGetter")
@dataclass(frozen=True)
class Tap(Combinator):
    """Names this place, so that feature pyramids and heads can find it."""

    name: Label = arg("the name of the place")

    def layers(self) -> int:
        return 0

    def connect(self, build: Builder, port: Port) -> Connection:
        if port.node is None:
            raise RuleError("there is nothing to tap here", code="E205")
        return port.marked(self.name, port.node)
        yield


def place(name: Mark, port: Port) -> Port:
    """The nearest place of a name on the way to the input."""
    node = port.tags.get(name)
    if node is None:
        known = [mark for mark in port.tags if isinstance(mark, str) and mark.isidentifier()]
        there = ", ".join(known) or "none"
        raise RuleError(
            f"there is no place '{name}' between here and the input",
            f"places that are visible here: {there}",
            help=nearest(str(name), known)
            or f"put tap<{name}, ...> around the layer that is meant",
            code="E202",
        )
    return Port(node, port.tags)


@define("at", source="dlib add_skip_layer, by name")
@dataclass(frozen=True)
class At(Combinator):
    """Goes on from a place that tap named, leaving out the layers between."""

    name: Label = arg("the name of the place")

    def layers(self) -> int:
        return 0

    def connect(self, build: Builder, port: Port) -> Connection:
        return place(self.name, port)
        yield


@define("aside", source="Redmon and Farhadi 2018 (YOLOv3), section 2.3")
@dataclass(frozen=True)
class Aside(Combinator):
    """A named place behind a block beside the network, which goes on as if it were not there."""

    name: Label = arg("the name of the place")
    block: Block = arg("the block between here and the place")

    def layers(self) -> int:
        return self.block.layers

    def connect(self, build: Builder, port: Port) -> Connection:
        end = yield build.apply(self.block, port, self.name)
        return port if end.node is None else port.marked(self.name, end.node)


# ---- several maps as one value ----


@define("collect", category=Category.JOIN, stem="maps", source="torchvision's dicts of features")
@dataclass(frozen=True)
class Collect(TypedLayer):
    """Feature maps as one value; further layers are applied to each, with the same weights."""

    names: tuple[str, ...] = arg("the names of the maps, the finest first")

    def edge_shape(self, inputs: tuple[EdgeType, ...]) -> EdgeType:
        maps: list[tuple[str, Shape]] = []
        if len(inputs) > len(self.names):  # one more map for those that are there
            there: FeatureMaps = required(inputs[0], FeatureMaps, self.kind)
            maps += there.maps
            inputs = inputs[1:]
        for name, edge in zip(self.names, inputs, strict=True):
            shape: Shape = required(edge, tuple, f"the map {name}")
            if len(shape) != 3:
                raise RuleError(
                    f"the map {name} is no feature map", f"found {shown(shape)}", code="E304"
                )
            if name in dict(maps):
                raise RuleError(
                    f"there are two maps {name}", "maps are found by their names", code="E315"
                )
            maps.append((name, shape))
        return FeatureMaps(tuple(maps))

    def handed(self, parts: Sequence[tuple[_T, ...]]) -> tuple[_T, ...]:
        return tuple(chain.from_iterable(parts))

    def label(self) -> str:
        return "feature maps"

    def edge_lower(
        self, emit: Emitter, operands: tuple[Operand, ...], inputs: tuple[EdgeType, ...]
    ) -> Operand:
        maps: dict[str, Value] = {}
        if len(inputs) > len(self.names):
            maps.update(cast("Mapping[str, Value]", operands[0]))
            operands = operands[1:]
        maps.update(zip(self.names, cast("tuple[Value, ...]", operands), strict=True))
        return maps


@define("select", category=Category.RESHAPE, stem="map", source="torchvision's dicts of features")
@dataclass(frozen=True)
class Select(TypedLayer):
    """One out of several feature maps, by its number from the finest on; -1 is the coarsest."""

    inputs = 1
    passes = True

    index: int = arg("which map")

    def edge_shape(self, inputs: tuple[EdgeType, ...]) -> EdgeType:
        maps: FeatureMaps = required(inputs[0], FeatureMaps, self.kind)
        if not -len(maps.maps) <= self.index < len(maps.maps):
            raise RuleError(
                f"there is no map {self.index}",
                f"found {len(maps.maps)}: {shown(maps)}",
                code="E311",
            )
        return maps.shapes[self.index]

    def handed(self, parts: Sequence[tuple[_T, ...]]) -> tuple[_T, ...]:
        return (parts[0][self.index],)

    def label(self) -> str:
        return "coarsest map" if self.index == -1 else f"map {self.index}"

    def edge_lower(
        self, emit: Emitter, operands: tuple[Operand, ...], inputs: tuple[EdgeType, ...]
    ) -> Operand:
        maps = cast("Mapping[str, Value]", operands[0])
        return list(maps.values())[self.index]


@define("feature_maps", source="Liu et al. 2016 (SSD), figure 2")
@dataclass(frozen=True)
class TappedMaps(Combinator):
    """The feature maps of several taps as they are, the finest first."""

    taps: tuple[Label, ...] = arg("the names of the places, the finest first")

    def layers(self) -> int:
        return 1

    def connect(self, build: Builder, port: Port) -> Connection:
        found = [place(name, port) for name in self.taps]
        return build.join(Collect(self.taps), *found)._replace(tags=port.tags)
        yield


@define("fpn", source="Lin et al. 2017, figure 3; torchvision.ops.FeaturePyramidNetwork")
@dataclass(frozen=True)
class FeaturePyramid(Combinator):
    """A feature pyramid: each tap through a lateral block, the coarser level added to it, smoothed.

    The coarser level is enlarged to the finer one's size by taking the nearest value.
    """

    lateral: Block = arg("the block on each tap, which gives all levels the same channels")
    smooth: Block = arg("the block behind the sums")
    taps: tuple[Label, ...] = arg("the names of the places, the finest first")

    def layers(self) -> int:
        return len(self.taps) * (self.lateral.layers + self.smooth.layers + 2)

    def connect(self, build: Builder, port: Port) -> Connection:
        levels: list[Port] = []
        above: Port | None = None
        for name in reversed(self.taps):
            level = yield build.apply(self.lateral, place(name, port), f"lateral_{name}")
            if above is not None:
                top_down = build.join(_NEAREST, above, level)
                level = build.join(Add(), level, top_down)
            above = level
            levels.append((yield build.apply(self.smooth, level, f"smooth_{name}")))
        return build.join(Collect(self.taps), *reversed(levels))._replace(tags=port.tags)


@define("coarser", source="Lin et al. 2017, section 4.1; Lin et al. 2017 (RetinaNet), section 4")
@dataclass(frozen=True)
class Coarser(Combinator):
    """One more feature map: what a block makes of the coarsest one."""

    name: Label = arg("the name of the new map")
    block: Block = arg("the block")

    def layers(self) -> int:
        return self.block.layers + 2

    def connect(self, build: Builder, port: Port) -> Connection:
        coarsest = build.join(Select(-1), port)
        level = yield build.apply(self.block, coarsest, self.name)
        return build.join(Collect((self.name,)), port, level)._replace(tags=port.tags)


@define("each", source="Liu et al. 2016 (SSD), figure 2; torchvision SSDHead")
@dataclass(frozen=True)
class Each(Combinator):
    """A block for every feature map, each with weights of its own."""

    heads: tuple[Block, ...] = arg("a block for each map, the finest first")

    def layers(self) -> int:
        return sum(block.layers + 1 for block in self.heads) + 1

    def connect(self, build: Builder, port: Port) -> Connection:
        ends: list[Port] = []
        for number, block in enumerate(self.heads):
            chosen = build.join(Select(number), port)
            ends.append((yield build.apply(block, chosen, f"map{number + 1}")))
        names = tuple(f"map{number + 1}" for number in range(len(ends)))
        return build.join(Collect(names), *ends)._replace(tags=port.tags)


_NEAREST = ResizeToMatch(nearest=True, align_corners=False)
