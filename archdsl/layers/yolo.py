"""The detectors of YOLO: a grid of cells, or anchors on feature maps."""

from __future__ import annotations

from dataclasses import dataclass

from archdsl.ir.block import INPUT, Block, Builder, Combinator, Connection, Port
from archdsl.ir.edges import Detections, EdgeType, Images, required
from archdsl.ir.layer import Category, Layer, RuleError, arg, define, shown
from archdsl.ir.lowering import Construct, Emitter, Operand, made
from archdsl.layers.pyramids import place
from archdsl.layers.typed import DecisionLayer, agreed_classes, argument, levels_of, listed

Anchor = tuple[float, float]
"""Width and height in pixels of the network's input."""


@dataclass(frozen=True)
class _YoloLayer(DecisionLayer):
    """The base of YOLO's decisions; its inputs are the predictions and the images."""

    locating = (1,)

    def classes(self, predictions: EdgeType) -> int:
        """Number of classes of the predictions; raises RuleError if their channels do not fit."""
        raise NotImplementedError

    def detector(self, predictions: EdgeType) -> Construct:
        """The module that decodes predictions, and computes the losses in training."""
        raise NotImplementedError

    def edge_shape(self, inputs: tuple[EdgeType, ...]) -> EdgeType:
        images: Images = required(inputs[1], Images, self.kind)
        return Detections(self.count, self.classes(inputs[0]), images.shape, background=False)

    def edge_lower(
        self, emit: Emitter, operands: tuple[Operand, ...], inputs: tuple[EdgeType, ...]
    ) -> Operand:
        predictions, batch = map(argument, operands, inputs)
        return emit.module(
            made("detection.yolo.YoloDetections", self.detector(inputs[0])),
            listed(predictions),
            batch,
        )


@dataclass(frozen=True)
class _GridArguments:
    """The arguments of the first YOLO."""

    boxes: int = arg("boxes that a cell predicts", 2, minimum=1)
    score: float = arg("least score of a detection", 0.2, minimum=0, maximum=1, positional=False)
    nms: float = arg("overlap (IoU) that suppresses", 0.4, minimum=0, maximum=1, positional=False)
    count: int = arg("detections of an image at most", 100, minimum=1, positional=False)


@define(
    "grid_detections",
    category=Category.DETECTION,
    stem="detections",
    source="Redmon et al. 2016, section 2",
)
@dataclass(frozen=True)
class GridDetections(_GridArguments, _YoloLayer):
    """Decodes a grid of cells; made by yolo_v1."""

    def classes(self, predictions: EdgeType) -> int:
        shape = required(predictions, tuple, "yolo_v1")
        if len(shape) != 3 or shape[0] != shape[1] or (shape[2] or 0) <= 5 * self.boxes:
            raise RuleError(
                "yolo_v1 needs a grid of cells",
                f"expected S×S×({5 * self.boxes} + classes), found {shown(shape)}",
                help="yolo_grid<S,boxes,classes> makes one of a row of numbers",
                code="E317",
            )
        return int(shape[2] - 5 * self.boxes)

    def detector(self, predictions: EdgeType) -> Construct:
        return made(
            "detection.yolo.YoloV1",
            self.classes(predictions),
            self.boxes,
            required(predictions, tuple, self.kind)[0],
            score_threshold=self.score,
            nms_threshold=self.nms,
            max_detections=self.count,
        )


@dataclass(frozen=True, kw_only=True)
class _AnchoredArguments:
    """The thresholds of YOLO from its second version on."""

    score: float = arg("least score of a detection", 0.5, minimum=0, maximum=1, positional=False)
    nms: float = arg("overlap (IoU) that suppresses", 0.45, minimum=0, maximum=1, positional=False)
    count: int = arg("detections of an image at most", 100, minimum=1, positional=False)


@dataclass(frozen=True, kw_only=True)
class _SquaredArguments:
    """The form of a fourth YOLO's boxes."""

    squared: bool = arg(
        "sides are the anchor's times (2x)², and maps have numbers behind their sigmoid, as "
        "new_coords of Darknet", False, positional=False,
    )  # fmt: skip


@dataclass(frozen=True)
class _AnchoredLayer(_AnchoredArguments, _YoloLayer):
    """The base of YOLO's decisions from its second version on: equally many anchors on each map."""

    of = ""

    anchors: tuple[Anchor, ...] = arg("width and height of each, the finest map's first")

    def edge_buffers(self, inputs: tuple[EdgeType, ...]) -> int:
        return 2 * len(self.anchors)

    def groups(self, predictions: EdgeType) -> tuple[tuple[Anchor, ...], ...]:
        """The anchors of each map."""
        maps = len(levels_of(predictions, self.of))
        if len(self.anchors) % maps:
            raise RuleError(
                f"the anchors of {self.of} and its feature maps do not agree in number",
                f"expected a multiple of {maps} anchors, found {len(self.anchors)}",
                help="anchors are written as width, height, width, height, ...",
                code="E316",
            )
        each = len(self.anchors) // maps
        return tuple(self.anchors[at : at + each] for at in range(0, len(self.anchors), each))

    def classes(self, predictions: EdgeType) -> int:
        each = len(self.groups(predictions)[0])
        found = set()
        for level in levels_of(predictions, self.of):
            channels = level[0] or 0
            if len(level) != 3 or channels % each or channels <= 5 * each:
                raise RuleError(
                    f"the feature maps of {self.of} do not fit its anchors",
                    f"expected {each}·(5 + classes) channels for {each} anchors at a place, "
                    f"found {shown(level)}",
                    code="E317",
                )
            found.add(channels // each - 5)
        return agreed_classes(found, self.of)


@define(
    "anchor_detections",
    category=Category.DETECTION,
    stem="detections",
    source="Redmon and Farhadi 2017, section 2",
)
@dataclass(frozen=True)
class AnchorDetections(_AnchoredLayer):
    """Decodes anchors of one map; made by yolo_v2."""

    of = "yolo_v2"

    def detector(self, predictions: EdgeType) -> Construct:
        return made(
            "detection.yolo.YoloV2",
            self.classes(predictions),
            self.anchors,
            score_threshold=self.score,
            nms_threshold=self.nms,
            max_detections=self.count,
        )


@define(
    "scale_detections",
    category=Category.DETECTION,
    stem="detections",
    source="Redmon and Farhadi 2018, section 2",
)
@dataclass(frozen=True)
class ScaleDetections(_AnchoredLayer):
    """Decodes anchors of several maps; made by yolo_v3."""

    of = "yolo_v3"

    def detector(self, predictions: EdgeType) -> Construct:
        return made(
            "detection.yolo.YoloV3",
            self.classes(predictions),
            self.groups(predictions),
            score_threshold=self.score,
            nms_threshold=self.nms,
            max_detections=self.count,
        )


@define(
    "reaching_detections",
    category=Category.DETECTION,
    stem="detections",
    source="Bochkovskiy et al. 2020, section 3.4; yolo_layer.c of its Darknet",
)
@dataclass(frozen=True)
class ReachingDetections(_SquaredArguments, _AnchoredLayer):
    """Decodes anchors of maps whose centres reach beyond their cells; made by yolo_v4."""

    of = "yolo_v4"

    reach: tuple[float, ...] = arg("range of a centre in cells for each map")

    def detector(self, predictions: EdgeType) -> Construct:
        groups = self.groups(predictions)
        if len(groups) != len(self.reach):
            raise RuleError(
                "the heads of yolo_v4 and its feature maps do not agree in number",
                f"expected a yolo_head for each of {len(groups)} maps, found {len(self.reach)}",
                code="E316",
            )
        return made(
            "detection.yolo.YoloV4",
            self.classes(predictions),
            groups,
            self.reach,
            squared=self.squared,
            score_threshold=self.score,
            nms_threshold=self.nms,
            max_detections=self.count,
        )


# ---- the combinators ----


@dataclass(frozen=True)
class _Yolo(Combinator):
    """The base of YOLO's combinators: one layer, of the predictions and the images."""

    def layers(self) -> int:
        return 1

    def layer(self) -> Layer:
        """The layer that decodes."""
        raise NotImplementedError

    def connect(self, build: Builder, port: Port) -> Connection:
        return build.join(self.layer(), port, place(INPUT, port))
        yield


@define("yolo_v1", source="Redmon et al. 2016, You Only Look Once, section 2")
@dataclass(frozen=True)
class YoloV1(_GridArguments, _Yolo):
    """The first YOLO: each cell of an S×S grid predicts boxes with confidences and one class.

    Trained with the sum of squares of equation 3.
    """

    def layer(self) -> Layer:
        return GridDetections.made_by(self)


@dataclass(frozen=True)
class _Anchored(_AnchoredArguments, _Yolo):
    """The base of YOLO's combinators from its second version on."""

    anchors: tuple[float, ...] = arg(
        "width and height of each anchor in pixels of the network's input, the finest map's first"
    )


def _pairs(sides: tuple[float, ...]) -> tuple[Anchor, ...]:
    """Width and height of each anchor."""
    if len(sides) % 2:
        raise RuleError(
            "an anchor has a width and a height", f"found {len(sides)} numbers", code="E321"
        )
    return tuple(zip(sides[::2], sides[1::2], strict=True))


@define("yolo_v2", source="Redmon and Farhadi 2017, YOLO9000, section 2")
@dataclass(frozen=True)
class YoloV2(_Anchored):
    """YOLO detector on a map of anchors × (5 + classes) channels; classes exclude each other."""

    def layer(self) -> Layer:
        return AnchorDetections.made_by(self, anchors=_pairs(self.anchors))


@define("yolo_v3", source="Redmon and Farhadi 2018, YOLOv3, section 2")
@dataclass(frozen=True)
class YoloV3(_Anchored):
    """YOLO detector on maps of anchors × (5 + classes) channels; classes are independent."""

    def layer(self) -> Layer:
        return ScaleDetections.made_by(self, anchors=_pairs(self.anchors))


@define("yolo_head", source="Bochkovskiy et al. 2020, section 3.4")
@dataclass(frozen=True)
class YoloHead(Combinator):
    """The anchors of a map, and how far its centres reach; an argument of yolo_v4."""

    reach: float = arg("range of a centre in cells, around its own: scale_x_y of Darknet")
    anchors: tuple[float, ...] = arg(
        "width and height of each anchor in pixels of the network's input"
    )

    def layers(self) -> int:
        return 0

    def connect(self, build: Builder, port: Port) -> Connection:
        raise RuleError("yolo_head describes a map of yolo_v4", "it is no layer", code="E320")
        yield


@define("yolo_v4", source="Bochkovskiy et al. 2020, YOLOv4, section 3.4; Wang et al. 2021")
@dataclass(frozen=True)
class YoloV4(_SquaredArguments, _AnchoredArguments, _Yolo):
    """YOLO detector on maps of anchors × (5 + classes) channels, centres reaching beyond cells.

    Trained with the complete IoU of boxes.
    """

    heads: tuple[Block, ...] = arg(
        "yolo_head<reach, width,height, ...> for each map, the finest first"
    )

    def layer(self) -> Layer:
        heads = [block.meant for block in self.heads]
        known = [head for head in heads if isinstance(head, YoloHead)]
        if len(known) < len(heads) or len({len(head.anchors) for head in known}) > 1:
            raise RuleError(
                "yolo_v4 takes yolo_head<reach, width,height, ...> for each map",
                "expected as many anchors in each",
                code="E320",
            )
        return ReachingDetections.made_by(
            self,
            anchors=tuple(pair for head in known for pair in _pairs(head.anchors)),
            reach=tuple(head.reach for head in known),
        )
