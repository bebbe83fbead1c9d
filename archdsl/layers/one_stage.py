"""Detectors of one stage: RetinaNet, FCOS and SSD, which decide at every place of every map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from archdsl.ir.block import INPUT, Block, Builder, Combinator, Connection, Port
from archdsl.ir.edges import Anchors, Detections, EdgeType, Images, required
from archdsl.ir.layer import Category, RuleError, arg, define, shown
from archdsl.ir.lowering import Construct, Emitter, Operand, made
from archdsl.layers.anchors import AnchorBlock
from archdsl.layers.pyramids import place
from archdsl.layers.typed import (
    DecisionLayer,
    TypedLayer,
    agreed_classes,
    argument,
    levels_of,
    listed,
)

# ---- default boxes ----


@define("ssd_level", source="Liu et al. 2016 (SSD), section 2.2")
@dataclass(frozen=True)
class SsdLevel(Combinator):
    """The default boxes of one feature map; an argument of default_boxes."""

    count: int = arg(
        "boxes at a place: 4 with aspect ratio 2, 6 with 2 and 3", minimum=2, maximum=100
    )
    scale: float = arg("their size by that of the image")
    step: int = arg("their distance in pixels; 0: as the map divides the image", 0, minimum=0)

    def layers(self) -> int:
        return 0

    def ratios(self) -> tuple[int, ...]:
        """The aspect ratios beside 1: two boxes each."""
        return tuple(range(2, self.count // 2 + 1))

    def connect(self, build: Builder, port: Port) -> Connection:
        raise RuleError("ssd_level describes a map of default_boxes", "it is no layer", code="E320")
        yield


@define(
    "default_box_grid", category=Category.DETECTION, stem="defaults", source="Liu et al. 2016, 2.2"
)
@dataclass(frozen=True)
class DefaultBoxGrid(TypedLayer):
    """The default boxes of feature maps; made by default_boxes."""

    locating = (1,)

    levels: tuple[SsdLevel, ...] = arg("the levels")
    last: float = arg("the scale behind the last")

    def edge_shape(self, inputs: tuple[EdgeType, ...]) -> EdgeType:
        required(inputs[1], Images, self.kind)
        maps = levels_of(inputs[0], "default_boxes")
        if len(maps) != len(self.levels):
            raise RuleError(
                "default_boxes and feature maps do not agree in number",
                f"expected a level for each of {len(maps)} maps, found {len(self.levels)}",
                code="E316",
            )
        return Anchors(tuple(level.count for level in self.levels))

    def label(self) -> str:
        return f"default boxes, {'/'.join(str(level.count) for level in self.levels)}"

    def edge_lower(
        self, emit: Emitter, operands: tuple[Operand, ...], inputs: tuple[EdgeType, ...]
    ) -> Operand:
        steps = tuple(level.step for level in self.levels)
        module = made(
            "detection.one_stage.DefaultBoxes",
            tuple(level.ratios() for level in self.levels),
            (*(level.scale for level in self.levels), self.last),
            steps if any(steps) else None,
        )
        maps, batch = map(argument, operands, inputs)
        return emit.module(module, batch, listed(maps))


@define(
    "default_boxes", source="Liu et al. 2016 (SSD), section 2.2; torchvision DefaultBoxGenerator"
)
@dataclass(frozen=True)
class DefaultBoxes(Combinator):
    """Boxes of some shapes at every place of every feature map, in parts of the image's size.

    A map's boxes are a square of its scale, one of the geometric mean of this and the next map's
    scale, and two for every further aspect ratio.
    """

    maps: tuple[Block, ...] = arg("ssd_level<...> for each map, the finest first")
    last: float = arg("the scale behind the last map's", 1.0, positional=False)

    def layers(self) -> int:
        return 1

    def connect(self, build: Builder, port: Port) -> Connection:
        levels = []
        for block in self.maps:
            level = block.meant
            if not isinstance(level, SsdLevel):
                raise RuleError("default_boxes takes ssd_level<...> for each map", code="E320")
            levels.append(level)
        return build.join(DefaultBoxGrid(tuple(levels), self.last), port, place(INPUT, port))
        yield


# ---- what all places decide ----


@dataclass(frozen=True)
class _DenseLayer(DecisionLayer):
    """The base of one-stage decisions; its inputs are class logits, box deltas, further maps of
    predictions, anchors and images.
    """

    locating = (-1,)
    takes: ClassVar[tuple[str, ...]] = ("scores", "boxes")
    of: ClassVar[str]
    """Name of the combinator that makes the layer, for messages."""
    extra: ClassVar[tuple[tuple[str, int], ...]] = ()
    """Further prediction maps besides scores and boxes: name, and channels for each anchor."""

    def edge_shape(self, inputs: tuple[EdgeType, ...]) -> EdgeType:
        *heads, anchor, images = inputs
        anchors: Anchors = required(anchor, Anchors, self.of)
        names = (("box deltas", 4), *self.extra)
        for (name, factor), edge in zip(names, heads[1:], strict=True):
            for level, each in zip(levels_of(edge, self.of), anchors.counts, strict=True):
                if level[0] != factor * each:
                    raise RuleError(
                        f"the {name} of {self.of} do not fit its anchors",
                        f"expected {factor * each} channels for {each} anchors at a place, "
                        f"found {shown(level)}",
                        code="E317",
                    )
        return Detections(
            self.count, self._classes(heads[0], anchors), required(images, Images, self.of).shape
        )

    def _classes(self, logits: EdgeType, anchors: Anchors) -> int:
        found = set()
        for level, each in zip(levels_of(logits, self.of), anchors.counts, strict=True):
            channels = level[0] or 0
            if channels % each:
                raise RuleError(
                    f"the class scores of {self.of} do not fit its anchors",
                    f"expected a multiple of {each} channels, one for each class and anchor, "
                    f"found {shown(level)}",
                    code="E317",
                )
            found.add(channels // each)
        return agreed_classes(found, self.of)

    def settled(self, classes: int, anchors: int) -> Construct:
        """The module for a number of classes, and of anchors at each place."""
        raise NotImplementedError

    def edge_lower(
        self, emit: Emitter, operands: tuple[Operand, ...], inputs: tuple[EdgeType, ...]
    ) -> Operand:
        *heads, anchors, batch = map(argument, operands, inputs)
        found, grid = self.edge_shape(inputs), inputs[-2]
        assert isinstance(found, Detections) and isinstance(grid, Anchors)
        module = self.settled(found.classes, grid.counts[0])
        return emit.module(module, *map(listed, heads), anchors, batch)


@dataclass(frozen=True, kw_only=True)
class _RetinaArguments:
    """The thresholds of RetinaNet in use and in training."""

    score: float = arg("least score of a detection", 0.05, minimum=0, maximum=1, positional=False)
    nms: float = arg("overlap (IoU) that suppresses", 0.5, minimum=0, maximum=1, positional=False)
    count: int = arg("detections of an image at most", 300, minimum=1, positional=False)
    candidates: int = arg("kept of each map before suppression", 1000, minimum=1, positional=False)
    positive: float = arg("least IoU of an anchor that is an object", 0.5, positional=False)
    negative: float = arg("IoU below which it is background", 0.4, positional=False)
    giou: bool = arg("learn boxes by generalised IoU, not by L1", False, positional=False)


@define(
    "retina_detections", category=Category.DETECTION, stem="detections", source="Lin et al. 2017"
)
@dataclass(frozen=True)
class RetinaDetections(_RetinaArguments, _DenseLayer):
    """Decides on every anchor; made by retinanet."""

    of = "retinanet"

    def settled(self, classes: int, anchors: int) -> Construct:
        return made(
            "detection.one_stage.RetinaDetections",
            classes,
            anchors,
            self.score,
            self.nms,
            self.count,
            self.candidates,
            self.positive,
            self.negative,
            self.giou,
        )


@dataclass(frozen=True, kw_only=True)
class _FcosArguments:
    """The thresholds of FCOS in use and in training."""

    score: float = arg("least score of a detection", 0.2, minimum=0, maximum=1, positional=False)
    nms: float = arg("overlap (IoU) that suppresses", 0.6, minimum=0, maximum=1, positional=False)
    count: int = arg("detections of an image at most", 100, minimum=1, positional=False)
    candidates: int = arg("kept of each map before suppression", 1000, minimum=1, positional=False)
    radius: float = arg(
        "how far from an object's centre places learn of it, in strides", 1.5, positional=False
    )


@define(
    "fcos_detections", category=Category.DETECTION, stem="detections", source="Tian et al. 2019"
)
@dataclass(frozen=True)
class FcosDetections(_FcosArguments, _DenseLayer):
    """Decides on every place; made by fcos."""

    of = "fcos"
    extra = (("centerness", 1),)
    takes = ("scores", "boxes", "centerness")

    def settled(self, classes: int, anchors: int) -> Construct:
        return made(
            "detection.one_stage.FcosDetections",
            classes,
            self.score,
            self.nms,
            self.count,
            self.candidates,
            self.radius,
        )


@dataclass(frozen=True, kw_only=True)
class _SsdArguments:
    """The thresholds of SSD in use and in training."""

    score: float = arg("least score of a detection", 0.01, minimum=0, maximum=1, positional=False)
    nms: float = arg("overlap (IoU) that suppresses", 0.45, minimum=0, maximum=1, positional=False)
    count: int = arg("detections of an image at most", 200, minimum=1, positional=False)
    candidates: int = arg("kept of each class before suppression", 400, minimum=1, positional=False)
    positive: float = arg("least IoU of a box that is an object", 0.5, positional=False)
    fraction: float = arg("objects among the boxes that learn", 0.25, positional=False)


@define("ssd_detections", category=Category.DETECTION, stem="detections", source="Liu et al. 2016")
@dataclass(frozen=True)
class SsdDetections(_SsdArguments, _DenseLayer):
    """Decides on every default box; made by ssd."""

    of = "ssd"

    def settled(self, classes: int, anchors: int) -> Construct:
        return made(
            "detection.one_stage.SsdDetections",
            classes,
            self.score,
            self.nms,
            self.count,
            self.candidates,
            self.positive,
            self.fraction,
        )


# ---- the combinators ----


@define("retinanet", source="Lin et al. 2017 (RetinaNet), figure 3; torchvision RetinaNet")
@dataclass(frozen=True)
class RetinaNet(_RetinaArguments, Combinator):
    """A class and a moved box for every anchor of every feature map, by two heads.

    The heads are the same for every map; the first ends in classes × anchors channels, the second
    in 4 × anchors. Trained with the focal loss.
    """

    classification: Block = arg("the head of class logits")
    boxes: Block = arg("the head of box deltas")
    anchors: Block = arg("anchors<...>")

    def layers(self) -> int:
        return self.classification.layers + self.boxes.layers + 2

    def connect(self, build: Builder, port: Port) -> Connection:
        logits = yield build.apply(self.classification, port, "classification")
        deltas = yield build.apply(self.boxes, port, "boxes")
        grid = yield build.apply(self.anchors, port)
        decide = RetinaDetections.made_by(self)
        found = build.join(decide, logits, deltas, grid, place(INPUT, port))
        return found._replace(tags=port.tags)


@define("fcos", source="Tian et al. 2019, figure 2; torchvision FCOS")
@dataclass(frozen=True)
class Fcos(_FcosArguments, Combinator):
    """A class, four distances and a centerness for every place of every feature map.

    The heads are the same for every map. The second one is a tower that boxes (4 channels, not
    negative) and centerness (1 channel) share. Anchors are only places: one square of the map's
    stride each.
    """

    classification: Block = arg("the head of class logits")
    tower: Block = arg("what comes before boxes and centerness")
    boxes: Block = arg("the distances to the four sides")
    centerness: Block = arg("how central a place is in its object")
    anchors: Block = arg("anchors<...,aspect=1>, the strides")

    def layers(self) -> int:
        heads = (self.classification, self.tower, self.boxes, self.centerness)
        return sum(block.layers for block in heads) + 2

    def connect(self, build: Builder, port: Port) -> Connection:
        anchors = self.anchors.meant
        if not isinstance(anchors, AnchorBlock) or anchors.grid().at_one_place != 1:
            raise RuleError(
                "fcos needs one place for each anchor",
                "expected anchors<...,aspect=1>",
                code="E320",
            )
        logits = yield build.apply(self.classification, port, "classification")
        tower = yield build.apply(self.tower, port, "tower")
        distances = yield build.apply(self.boxes, tower, "boxes")
        centerness = yield build.apply(self.centerness, tower, "centerness")
        grid = yield build.apply(self.anchors, port)
        decide = FcosDetections.made_by(self)
        found = build.join(decide, logits, distances, centerness, grid, place(INPUT, port))
        return found._replace(tags=port.tags)


@define("ssd", source="Liu et al. 2016 (SSD), figure 2; torchvision SSD")
@dataclass(frozen=True)
class Ssd(_SsdArguments, Combinator):
    """A class and a moved box for every default box of every feature map; label 0 is background."""

    classification: Block = arg("the heads of class logits: each<...>")
    boxes: Block = arg("the heads of box deltas: each<...>")
    defaults: Block = arg("default_boxes<...>")

    def layers(self) -> int:
        return self.classification.layers + self.boxes.layers + 2

    def connect(self, build: Builder, port: Port) -> Connection:
        logits = yield build.apply(self.classification, port, "classification")
        deltas = yield build.apply(self.boxes, port, "boxes")
        grid = yield build.apply(self.defaults, port)
        decide = SsdDetections.made_by(self)
        found = build.join(decide, logits, deltas, grid, place(INPUT, port))
        return found._replace(tags=port.tags)
