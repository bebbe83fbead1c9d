"""Anchors: boxes of some sizes and shapes at every place of every feature map."""

from __future__ import annotations

from dataclasses import dataclass

from archdsl.ir.block import INPUT, Builder, Combinator, Connection, Port
from archdsl.ir.edges import Anchors, EdgeType, Images, required
from archdsl.ir.layer import Category, RuleError, arg, define
from archdsl.ir.lowering import Construct, Emitter, Operand, made
from archdsl.layers.pyramids import place
from archdsl.layers.typed import TypedLayer, argument, levels_of, listed


@dataclass(frozen=True)
class _AnchorArguments:
    """The sizes and shapes of anchors."""

    sizes: tuple[int, ...] = arg("a size in pixels for each map, the finest first")
    octaves: int = arg(
        "sizes at each place: s, and s times 2^(1/octaves), ...",
        1,
        minimum=1,
        maximum=100,
        positional=False,
    )
    aspect: float = arg(
        "boxes are 1:aspect, square and aspect:1; only square if it is 1",
        2.0,
        minimum=1e-6,
        positional=False,
    )
    everywhere: bool = arg(
        "put all the sizes on every map, not each on its own", False, positional=False
    )


@define("anchor_grid", category=Category.DETECTION, stem="anchors", source="Ren et al. 2015, 3.1")
@dataclass(frozen=True)
class AnchorGrid(_AnchorArguments, TypedLayer):
    """The anchors of feature maps; made by anchors."""

    locating = (1,)

    @property
    def ratios(self) -> tuple[float, ...]:
        """The aspect ratios of the boxes, height divided by width."""
        return (1.0,) if self.aspect == 1 else (1 / self.aspect, 1.0, self.aspect)

    def sizes_of(self, maps: int) -> tuple[tuple[int, ...], ...]:
        """Box sizes in pixels at every place, one tuple for each of ``maps`` feature maps."""
        if self.everywhere:
            return (self.sizes,) * maps
        steps = range(self.octaves)
        return tuple(tuple(int(s * 2 ** (k / self.octaves)) for k in steps) for s in self.sizes)

    @property
    def at_one_place(self) -> int:
        """Number of anchors at every place of a feature map."""
        each = len(self.sizes) if self.everywhere else self.octaves
        return each * len(self.ratios)

    def edge_shape(self, inputs: tuple[EdgeType, ...]) -> EdgeType:
        required(inputs[1], Images, "anchors")
        maps = levels_of(inputs[0], "anchors")
        if not self.everywhere and len(maps) != len(self.sizes):
            raise RuleError(
                "anchors and feature maps do not agree in number",
                f"expected a size for each of {len(maps)} maps, found {len(self.sizes)} sizes",
                help="everywhere=true puts all sizes on every map",
                code="E316",
            )
        return Anchors((self.at_one_place,) * len(maps))

    def label(self) -> str:
        return f"anchors, {self.at_one_place} at a place"

    def edge_module(self, inputs: tuple[EdgeType, ...]) -> Construct:
        return made(
            "detection.two_stage.AnchorGrid",
            self.sizes_of(len(levels_of(inputs[0], self.kind))),
            self.ratios,
        )

    def edge_lower(
        self, emit: Emitter, operands: tuple[Operand, ...], inputs: tuple[EdgeType, ...]
    ) -> Operand:
        maps, batch = map(argument, operands, inputs)
        return emit.module(self.edge_module(inputs), batch, listed(maps))


@define("anchors", source="Ren et al. 2015, section 3.1.1; torchvision AnchorGenerator")
@dataclass(frozen=True)
class AnchorBlock(_AnchorArguments, Combinator):
    """Boxes of some sizes and aspect ratios at every place of every feature map."""

    def grid(self) -> AnchorGrid:
        """The layer that this expands to."""
        return AnchorGrid.made_by(self)

    def layers(self) -> int:
        return 1

    def connect(self, build: Builder, port: Port) -> Connection:
        return build.join(self.grid(), port, place(INPUT, port))
        yield
