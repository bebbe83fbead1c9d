"""Proposals: regions of an image that may hold an object, from a network or from outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from archdsl.ir.block import INPUT, Block, Builder, Combinator, Connection, Port
from archdsl.ir.edges import Anchors, EdgeType, Images, Proposals, required
from archdsl.ir.layer import Category, RuleError, arg, define, shown
from archdsl.ir.lowering import Construct, Emitter, Operand, made
from archdsl.ir.trial import RandomBoxes, Trial
from archdsl.layers.anchors import AnchorBlock
from archdsl.layers.convolution import Convolution
from archdsl.layers.inputs import known_size
from archdsl.layers.pyramids import place
from archdsl.layers.typed import TypedLayer, argument, levels_of, listed

_TRIED = 16
"""Number of proposals in a trial run, which the full number would make slow."""


@dataclass(frozen=True, kw_only=True)
class _RpnArguments:
    """The thresholds of a region proposal network in use and in training."""

    before_nms: int = arg("kept of each map before suppression", 1000, minimum=1, positional=False)
    after_nms: int = arg("proposals of an image", 1000, minimum=1, positional=False)
    train_before_nms: int = arg("before_nms in training", 2000, minimum=1, positional=False)
    train_after_nms: int = arg("after_nms in training", 2000, minimum=1, positional=False)
    nms: float = arg("overlap (IoU) that suppresses", 0.7, minimum=0, maximum=1, positional=False)
    score: float = arg("least objectness, 0..1", 0.0, minimum=0, maximum=1, positional=False)
    positive: float = arg("least IoU of an anchor that is an object", 0.7, positional=False)
    negative: float = arg("IoU below which it is background", 0.3, positional=False)
    batch: int = arg("anchors of an image that learn", 256, minimum=1, positional=False)
    fraction: float = arg("objects among them at most", 0.5, positional=False)


@define("propose", category=Category.DETECTION, stem="proposals", source="Ren et al. 2015, 3.1")
@dataclass(frozen=True)
class Propose(_RpnArguments, TypedLayer):
    """Chooses the best of the moved anchors; made by rpn."""

    locating = (3,)
    takes = ("objectness", "boxes", "anchors")

    def edge_shape(self, inputs: tuple[EdgeType, ...]) -> EdgeType:
        anchors = required(inputs[2], Anchors, "rpn")
        image = required(inputs[3], Images, "rpn").shape
        for edge, factor, what in ((inputs[0], 1, "objectness"), (inputs[1], 4, "box deltas")):
            for level, count in zip(levels_of(edge, "rpn"), anchors.counts, strict=True):
                if level[0] != factor * count:
                    raise RuleError(
                        f"the {what} of rpn do not fit its anchors",
                        f"expected {factor * count} channels for {count} anchors at a place, "
                        f"found {shown(level)}",
                        code="E317",
                    )
        return Proposals(self.after_nms, image)

    def label(self) -> str:
        return f"best {self.after_nms:,}, NMS {self.nms:g}"

    def edge_module(self, inputs: tuple[EdgeType, ...]) -> Construct:
        return made(
            "detection.two_stage.ProposalFilter",
            (self.train_before_nms, self.before_nms),
            (self.train_after_nms, self.after_nms),
            self.nms,
            self.score,
            self.positive,
            self.negative,
            self.batch,
            self.fraction,
        )

    def edge_lower(
        self, emit: Emitter, operands: tuple[Operand, ...], inputs: tuple[EdgeType, ...]
    ) -> Operand:
        rated, moved, anchors, batch = map(argument, operands, inputs)
        return emit.module(self.edge_module(inputs), listed(rated), listed(moved), anchors, batch)


@define("rpn", source="Ren et al. 2015, figure 3; torchvision RegionProposalNetwork")
@dataclass(frozen=True)
class RegionProposalNetwork(_RpnArguments, Combinator):
    """A region proposal network: at every place of every map, whether and where an object is.

    Behind the head two 1×1 convolutions give the objectness of each anchor and four numbers that
    move it; overlapping ones are suppressed.
    """

    head: Block = arg("the block before the two convolutions, the same for every map")
    anchors: Block = arg("anchors<...>")

    def layers(self) -> int:
        return self.head.layers + 4

    def connect(self, build: Builder, port: Port) -> Connection:
        anchors = self.anchors.meant
        if not isinstance(anchors, AnchorBlock):
            raise RuleError(
                "rpn needs anchors as its second argument", "expected anchors<...>", code="E320"
            )
        count = anchors.grid().at_one_place
        features = yield build.apply(self.head, port, "head")
        # Ren et al. 2015, section 3.1.3: as they start, no anchor is an object, none is moved far.
        rate = Convolution(count, 1, 1, deviation=0.01)
        move = Convolution(4 * count, 1, 1, deviation=0.01)
        objectness = build.join(rate, features, name="objectness")
        deltas = build.join(move, features, name="deltas")
        grid = yield build.apply(self.anchors, port)
        choose = Propose.made_by(self)
        found = build.join(choose, objectness, deltas, grid, place(INPUT, port))
        return found._replace(tags=port.tags)


@dataclass(frozen=True)
class _GivenArguments:
    """The number of proposals from outside."""

    count: int = arg("proposals of an image at most; counts as many MACs", 2000, minimum=1)


@define(
    "given_proposals",
    category=Category.INPUT,
    stem="proposals",
    source="Girshick et al. 2014, section 2.1",
)
@dataclass(frozen=True)
class GivenProposals(_GivenArguments, TypedLayer):
    """Region proposals as a second argument of the module; made by region_proposals."""

    def edge_shape(self, inputs: tuple[EdgeType, ...]) -> EdgeType:
        return Proposals(self.count, required(inputs[0], Images, "region_proposals").shape)

    def label(self) -> str:
        return f"{self.count:,} region proposals"

    def edge_lower(
        self, emit: Emitter, operands: tuple[Operand, ...], inputs: tuple[EdgeType, ...]
    ) -> Operand:
        return emit.module(
            made("detection.two_stage.GivenProposals"),
            emit.entry("proposals", None),
            *map(argument, operands, inputs),
        )

    def fed(self, output: EdgeType) -> Mapping[str, Trial]:
        proposals: Proposals = required(output, Proposals, self.kind)
        _, height, width = known_size(proposals.image)
        return {"proposals": [RandomBoxes(min(self.count, _TRIED), height, width)]}


@define("region_proposals", source="Girshick 2015 (Fast R-CNN), section 2")
@dataclass(frozen=True)
class RegionProposals(_GivenArguments, Combinator):
    """Region proposals from outside, such as selective search makes: another input.

    The compiled module takes them as ``proposals=``: for each image a tensor n×4 of boxes x1, y1,
    x2, y2 in its pixels.
    """

    def layers(self) -> int:
        return 1

    def connect(self, build: Builder, port: Port) -> Connection:
        found = build.join(GivenProposals.made_by(self), place(INPUT, port))
        return found._replace(tags=port.tags)
        yield


@define("samples", category=Category.DETECTION, source="Girshick 2015 (Fast R-CNN), section 2.3")
@dataclass(frozen=True)
class RegionSamples(TypedLayer):
    """In training, some of the proposals and the objects to be found; in use, all proposals."""

    inputs = 1
    takes = ("proposals",)

    count: int = arg("regions of an image that learn", 512, minimum=1)
    fraction: float = arg("objects among them at most", 0.25, positional=False)
    positive: float = arg("least IoU of a region that holds an object", 0.5, positional=False)
    negative: float = arg("IoU below which it is background", 0.5, positional=False)

    def edge_shape(self, inputs: tuple[EdgeType, ...]) -> EdgeType:
        proposals: Proposals = required(inputs[0], Proposals, self.kind)
        return Proposals(proposals.count, proposals.image, sampled=True)

    def label(self) -> str:
        return f"{self.count} samples in training"

    def edge_module(self, inputs: tuple[EdgeType, ...]) -> Construct:
        return made(
            "detection.two_stage.RegionSampling",
            self.count,
            self.fraction,
            self.positive,
            self.negative,
        )
