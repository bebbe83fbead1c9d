"""Heads of region-based detectors: classes, boxes, masks and keypoints from region features.

Regions keep to a chain of layers like everything else: behind ``rpn`` flow proposals, behind
``roi_align`` the features of each, behind ``detect`` detections. Layers that need the images or the
regions of the features before them find these by their marks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from archdsl.ir.block import Block, Builder, Combinator, Connection, Port
from archdsl.ir.edges import Detections, EdgeType, Proposals, RegionFeatures, Shape, required
from archdsl.ir.layer import Category, Layer, RuleError, arg, define, shown
from archdsl.ir.lowering import Construct, made
from archdsl.layers.initial import SCHEMES, Scheme
from archdsl.layers.linear import FullyConnected
from archdsl.layers.regions import REGIONS
from archdsl.layers.typed import DecisionLayer, TypedLayer


@dataclass(frozen=True)
class RegionDecision(DecisionLayer):
    """The base of layers that decide on regions: scores, box deltas, the regions themselves."""

    takes = ("scores", "boxes", "proposals")
    warning_code = "W009"

    def edge_warning(self, inputs: tuple[EdgeType, ...]) -> str | None:
        regions = inputs[2]
        if isinstance(regions, Proposals) and not regions.sampled:
            return "this detector cannot be trained: there is no samples<...> behind its proposals"
        return None


def regions_of(port: Port, kind: str, example: str) -> Port:
    """The port of the regions whose features flow; raises RuleError where none do."""
    regions = port.tags.get(REGIONS)
    if regions is None:
        raise RuleError(
            f"{kind} needs features of regions",
            "there is no roi_align, roi_pool or warp before it",
            help=example,
            code="E314",
        )
    return Port(regions, port.tags)


@dataclass(frozen=True, kw_only=True)
class _DetectArguments:
    """The thresholds of a detection head."""

    score: float = arg("least score of a detection", 0.05, minimum=0, maximum=1, positional=False)
    nms: float = arg(
        "overlap (IoU) that suppresses the lesser of a class",
        0.5,
        minimum=0,
        maximum=1,
        positional=False,
    )
    count: int = arg("detections of an image at most", 100, minimum=1, positional=False)


@define("region_detections", category=Category.DETECTION, stem="detections", source="Girshick 2015")
@dataclass(frozen=True)
class RegionDetections(_DetectArguments, RegionDecision):
    """Decides on every region; made by detect."""

    def edge_shape(self, inputs: tuple[EdgeType, ...]) -> EdgeType:
        logits: RegionFeatures = required(inputs[0], RegionFeatures, "detect")
        deltas: RegionFeatures = required(inputs[1], RegionFeatures, "detect")
        regions: Proposals = required(inputs[2], Proposals, "detect")
        (classes,) = logits.shape
        if deltas.shape != (4 * (classes or 0),):
            raise RuleError(
                "the class scores and box deltas of detect disagree",
                f"expected {4 * (classes or 0)} deltas, four for each of {classes} classes, "
                f"found {shown(deltas.shape)}",
                code="E318",
            )
        return Detections(self.count, classes or 0, regions.image)

    def edge_module(self, inputs: tuple[EdgeType, ...]) -> Construct:
        return made("detection.two_stage.RegionDetections", self.score, self.nms, self.count)


@define("detect", source="Girshick 2015 (Fast R-CNN), figure 1; torchvision FastRCNNPredictor")
@dataclass(frozen=True)
class Detect(_DetectArguments, Combinator):
    """Box head of Fast R-CNN: class scores and a box for every class, for each region.

    Two fully connected layers behind the features of regions; label 0 is the background.
    """

    classes: int = arg("classes, the background among them", minimum=2)
    init: Scheme | None = arg(
        "how the weights of both layers start: " + ", ".join(SCHEMES),
        None,
        positional=False,
        shown="normal, 0.01 and 0.001",
    )

    def layers(self) -> int:
        return 3

    def connect(self, build: Builder, port: Port) -> Connection:
        regions = regions_of(port, "detect", "detect<classes, head<roi_align<maps, 7, rpn<...>>>>")
        starts: tuple[dict[str, Any], ...]
        if self.init is None:  # Girshick 2015, section 2.3
            starts = {"deviation": 0.01}, {"deviation": 0.001}
        else:
            starts = {"init": self.init}, {"init": self.init}
        rate = FullyConnected(self.classes, **starts[0])
        move = FullyConnected(4 * self.classes, **starts[1])
        scores = build.join(rate, port, name="scores")
        deltas = build.join(move, port, name="deltas")
        decide = RegionDetections.made_by(self)
        return build.join(decide, scores, deltas, regions)
        yield


@dataclass(frozen=True)
class _DetectionPart(TypedLayer):
    """The base of heads that add a part to every detection, such as masks."""

    part: ClassVar[str]

    def edge_shape(self, inputs: tuple[EdgeType, ...]) -> EdgeType:
        features: RegionFeatures = required(inputs[0], RegionFeatures, self.part)
        found: Detections = required(inputs[1], Detections, self.part)
        if len(features.shape) != 3:
            raise RuleError(
                f"{self.part} need a map for each region", f"found {shown(features)}", code="E314"
            )
        self.judge(features.shape, found)
        parts = (*found.parts, self.part)
        return Detections(found.count, found.classes, found.image, parts)

    def judge(self, features: Shape, found: Detections) -> None:
        """Raises RuleError where the features do not fit the detections."""


@define("instance_masks", category=Category.DETECTION, stem="masks", source="He et al. 2017")
@dataclass(frozen=True)
class InstanceMasks(_DetectionPart):
    """Adds masks to detections; made by masks."""

    part = "masks"
    takes = ("masks", "detections")

    def judge(self, features: Shape, found: Detections) -> None:
        if features[0] != found.classes:
            raise RuleError(
                "masks and detections disagree about the classes",
                f"expected {found.classes} channels, one for each class, found {shown(features)}",
                code="E318",
            )

    def label(self) -> str:
        return "masks"

    def edge_module(self, inputs: tuple[EdgeType, ...]) -> Construct:
        return made("detection.two_stage.InstanceMasks")


@define(
    "instance_keypoints", category=Category.DETECTION, stem="keypoints", source="He et al. 2017"
)
@dataclass(frozen=True)
class InstanceKeypoints(_DetectionPart):
    """Adds keypoints to detections; made by keypoints."""

    part = "keypoints"
    takes = ("keypoints", "detections")

    def label(self) -> str:
        return "keypoints"

    def edge_module(self, inputs: tuple[EdgeType, ...]) -> Construct:
        return made("detection.two_stage.InstanceKeypoints")


@dataclass(frozen=True)
class _PartBlock(Combinator):
    """The base of further heads of a detector, which are applied to its detections."""

    head: Block = arg("from detections to a map for each: begins with roi_align")

    def part(self) -> Layer:
        """The layer of the maps and the detections."""
        raise NotImplementedError

    def connect(self, build: Builder, port: Port) -> Connection:
        features = yield build.apply(self.head, port)
        return build.join(self.part(), features, port)._replace(tags=port.tags)


@define("masks", source="He et al. 2017 (Mask R-CNN), figure 4; torchvision MaskRCNNPredictor")
@dataclass(frozen=True)
class Masks(_PartBlock):
    """A mask for every detection: the head gives one channel for each class."""

    def part(self) -> Layer:
        return InstanceMasks()


@define("keypoints", source="He et al. 2017 (Mask R-CNN), section 5; torchvision KeypointRCNN")
@dataclass(frozen=True)
class Keypoints(_PartBlock):
    """Keypoints for every detection: the head gives one heatmap for each keypoint."""

    def part(self) -> Layer:
        return InstanceKeypoints()
