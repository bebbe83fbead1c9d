"""The decisions of R-CNN: a linear support vector machine and box regressors for every class."""

from __future__ import annotations

from dataclasses import dataclass

from archdsl.ir.block import Builder, Combinator, Connection, Label, Port
from archdsl.ir.edges import Detections, EdgeType, Proposals, RegionFeatures, required
from archdsl.ir.layer import Category, RuleError, arg, define, shown
from archdsl.ir.lowering import Construct, made
from archdsl.layers.linear import FullyConnected
from archdsl.layers.pyramids import place
from archdsl.layers.roi_heads import RegionDecision, regions_of


@dataclass(frozen=True, kw_only=True)
class _SvmArguments:
    """The thresholds of R-CNN's detection head."""

    threshold: float = arg("least decision value of a detection", 0.0, positional=False)
    nms: float = arg(
        "overlap (IoU) that suppresses the lesser of a class",
        0.3,
        minimum=0,
        maximum=1,
        positional=False,
    )
    count: int = arg("detections of an image at most", 100, minimum=1, positional=False)


@define("svm_detections", category=Category.DETECTION, stem="detections", source="Girshick 2014")
@dataclass(frozen=True)
class SvmDetections(_SvmArguments, RegionDecision):
    """Decides on every region by decision values; made by svm_detect."""

    def edge_shape(self, inputs: tuple[EdgeType, ...]) -> EdgeType:
        values: RegionFeatures = required(inputs[0], RegionFeatures, "svm_detect")
        deltas: RegionFeatures = required(inputs[1], RegionFeatures, "svm_detect")
        regions: Proposals = required(inputs[2], Proposals, "svm_detect")
        if deltas.regions != values.regions:
            raise RuleError(
                "svm_detect takes scores and box deltas from different regions",
                f"found {shown(values)} and {shown(deltas)}",
                code="E315",
            )
        classes = (values.shape[0] or 0) + 1  # with the background
        return Detections(self.count, classes, regions.image)

    def edge_module(self, inputs: tuple[EdgeType, ...]) -> Construct:
        return made("detection.svm.SvmDetections", self.threshold, self.nms, self.count)


@define("svm_detect", source="Girshick et al. 2014 (R-CNN), sections 2.2 and 2.3, appendix C")
@dataclass(frozen=True)
class SvmDetect(_SvmArguments, Combinator):
    """Box head of R-CNN: a linear SVM and a box regressor for every class, applied to each region.

    The SVMs see the features of regions before it, the box regressors those of a place that tap
    named. A decision value is no probability: it is compared with a threshold, class by class.
    Label 0 is the background, which has neither an SVM nor a box.
    """

    classes: int = arg("classes, the background among them", minimum=2)
    boxes: Label = arg("the name of the features that move boxes")

    def layers(self) -> int:
        return 3

    def connect(self, build: Builder, port: Port) -> Connection:
        example = "svm_detect<classes, pool5, network<warp<227, region_proposals<2000, ...>>>>"
        regions = regions_of(port, "svm_detect", example)
        machines = self.classes - 1
        values = build.join(FullyConnected(machines), port, name="svms")
        deltas = build.join(FullyConnected(4 * machines), place(self.boxes, port), name="deltas")
        decide = SvmDetections.made_by(self)
        return build.join(decide, values, deltas, regions)
        yield
