"""torchvision's detectors as straight-line networks, so that they can be traced.

Their ``forward`` branches on values. An outline has the same submodules under the same names, and
a ``forward`` that says the same in a straight line: layers, and between them the steps of
:mod:`archdsl.backends.torch.detection` with the detector's own settings. Outlines are compared,
never run; what is run is the detector itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch.fx
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.detection.faster_rcnn import FasterRCNN
from torchvision.models.detection.fcos import FCOS
from torchvision.models.detection.retinanet import RetinaNet
from torchvision.models.detection.ssd import SSD
from torchvision.models.detection.transform import GeneralizedRCNNTransform
from torchvision.ops import MultiScaleRoIAlign

from archdsl.backends.torch.detection.images import ImageBatch, Results
from archdsl.backends.torch.detection.one_stage import (
    DefaultBoxes,
    FcosDetections,
    RetinaDetections,
    SsdDetections,
)
from archdsl.backends.torch.detection.two_stage import (
    AnchorGrid,
    InstanceKeypoints,
    InstanceMasks,
    ProposalFilter,
    RegionAlign,
    RegionDetections,
    RegionSampling,
)
from archdsl.backends.torch.detection.values import Target, tensor_of

torch.fx.wrap("tensor_of")  # a step of its own in outlines too


def outlined(module: nn.Module) -> nn.Module:
    """The outline of a detector; any other module as it is."""
    for cls, outline in _OUTLINES.items():
        if isinstance(module, cls):
            return outline(module)
    return module


def is_detector(module: nn.Module) -> bool:
    """True for a module of torchvision that takes images and targets and returns detections."""
    return isinstance(module, tuple(_OUTLINES))


class _Outline(nn.Module):
    """The base: the detector's parts by their names, and where images enter."""

    def __init__(self, detector: Any) -> None:
        super().__init__()
        for name, part in detector.named_children():
            setattr(self, name, part)
        self.images_ = _images(detector.transform)
        self.results_ = Results()


def _images(transform: GeneralizedRCNNTransform) -> ImageBatch:
    return ImageBatch(
        tuple(transform.min_size),
        transform.max_size,
        tuple(transform.image_mean),
        tuple(transform.image_std),
        transform.fixed_size,
        transform.size_divisible,
    )


class _TwoStages(_Outline):
    """Faster, Mask and Keypoint R-CNN."""

    backbone: Any
    rpn: Any
    roi_heads: Any

    def __init__(self, detector: FasterRCNN) -> None:
        super().__init__(detector)
        rpn, heads = detector.rpn, detector.roi_heads
        generator = rpn.anchor_generator
        self.anchors_ = AnchorGrid(generator.sizes, generator.aspect_ratios[0])
        self.proposals_ = ProposalFilter(
            (rpn._pre_nms_top_n["training"], rpn._pre_nms_top_n["testing"]),
            (rpn._post_nms_top_n["training"], rpn._post_nms_top_n["testing"]),
            rpn.nms_thresh,
            rpn.score_thresh,
            rpn.proposal_matcher.high_threshold,
            rpn.proposal_matcher.low_threshold,
            rpn.fg_bg_sampler.batch_size_per_image,
            rpn.fg_bg_sampler.positive_fraction,
        )
        self.samples_ = RegionSampling(
            heads.fg_bg_sampler.batch_size_per_image,
            heads.fg_bg_sampler.positive_fraction,
            heads.proposal_matcher.high_threshold,
            heads.proposal_matcher.low_threshold,
        )
        self.detections_ = RegionDetections(
            heads.score_thresh, heads.nms_thresh, heads.detections_per_img
        )
        self.box_pool_ = self._aligned(heads.box_roi_pool)
        if heads.has_mask():
            self.mask_pool_ = self._aligned(heads.mask_roi_pool)
            self.masks_ = InstanceMasks()
        if heads.has_keypoint():
            self.keypoint_pool_ = self._aligned(heads.keypoint_roi_pool)
            self.keypoints_ = InstanceKeypoints()

    def _aligned(self, pool: MultiScaleRoIAlign) -> RegionAlign:
        return RegionAlign(len(self._names(pool)), pool.output_size, pool.sampling_ratio)

    def _names(self, pool: MultiScaleRoIAlign) -> list[str]:
        """The maps that regions are taken from; torchvision ignores names that are not there."""
        pyramid = getattr(self.backbone, "fpn", None)
        levels = 1 if pyramid is None else len(pyramid.inner_blocks)
        return [str(level) for level in range(levels) if str(level) in pool.featmap_names]

    def forward(self, images: list[Tensor], targets: list[Target] | None = None) -> Any:
        batch = self.images_(images, targets)
        features = self.backbone(tensor_of(batch))
        if not isinstance(features, dict):
            features = {"0": features}
        maps = list(features.values())
        objectness, deltas = self.rpn.head(maps)
        regions = self.proposals_(objectness, deltas, self.anchors_(batch, maps), batch)
        regions = self.samples_(regions)
        heads = self.roi_heads
        x = self._pooled(self.box_pool_, heads.box_roi_pool, features, regions)
        x = heads.box_head(x).flatten(1)
        predictor = heads.box_predictor
        found = self.detections_(predictor.cls_score(x), predictor.bbox_pred(x), regions)
        if heads.has_mask():
            x = self._pooled(self.mask_pool_, heads.mask_roi_pool, features, found)
            found = self.masks_(heads.mask_predictor(heads.mask_head(x)), found)
        if heads.has_keypoint():
            x = self._pooled(self.keypoint_pool_, heads.keypoint_roi_pool, features, found)
            found = self.keypoints_(heads.keypoint_predictor(heads.keypoint_head(x)), found)
        return self.results_(found)

    def _pooled(
        self, align: RegionAlign, pool: MultiScaleRoIAlign, features: Any, regions: Any
    ) -> Any:
        return align([features[name] for name in self._names(pool)], regions)


class _Dense(_Outline):
    """The base of RetinaNet, FCOS and SSD: maps in, heads on each of them."""

    backbone: Any
    head: Any

    def _maps(self, batch: Any) -> list[Any]:
        features = self.backbone(tensor_of(batch))
        return list(features.values()) if isinstance(features, dict) else [features]


class _RetinaNet(_Dense):
    def __init__(self, detector: Any) -> None:
        super().__init__(detector)
        generator = detector.anchor_generator
        self.anchors_ = AnchorGrid(generator.sizes, generator.aspect_ratios[0])
        self.detections_ = RetinaDetections(
            detector.head.classification_head.num_classes,
            detector.head.classification_head.num_anchors,
            detector.score_thresh,
            detector.nms_thresh,
            detector.detections_per_img,
            detector.topk_candidates,
            detector.proposal_matcher.high_threshold,
            detector.proposal_matcher.low_threshold,
            detector.head.regression_head._loss_type == "giou",
        )

    def forward(self, images: list[Tensor], targets: list[Target] | None = None) -> Any:
        batch = self.images_(images, targets)
        maps = self._maps(batch)
        classing, boxing = self.head.classification_head, self.head.regression_head
        logits = [classing.cls_logits(classing.conv(level)) for level in maps]
        deltas = [boxing.bbox_reg(boxing.conv(level)) for level in maps]
        return self.results_(self.detections_(logits, deltas, self.anchors_(batch, maps), batch))


class _Fcos(_Dense):
    def __init__(self, detector: Any) -> None:
        super().__init__(detector)
        generator = detector.anchor_generator
        self.anchors_ = AnchorGrid(generator.sizes, generator.aspect_ratios[0])
        self.detections_ = FcosDetections(
            detector.head.classification_head.num_classes,
            detector.score_thresh,
            detector.nms_thresh,
            detector.detections_per_img,
            detector.topk_candidates,
            detector.center_sampling_radius,
        )

    def forward(self, images: list[Tensor], targets: list[Target] | None = None) -> Any:
        batch = self.images_(images, targets)
        maps = self._maps(batch)
        classing, boxing = self.head.classification_head, self.head.regression_head
        logits = [classing.cls_logits(classing.conv(level)) for level in maps]
        tower = [boxing.conv(level) for level in maps]
        distances = [functional.relu(boxing.bbox_reg(level)) for level in tower]
        centerness = [boxing.bbox_ctrness(level) for level in tower]
        anchors = self.anchors_(batch, maps)
        return self.results_(self.detections_(logits, distances, centerness, anchors, batch))


class _Ssd(_Dense):
    def __init__(self, detector: Any) -> None:
        super().__init__(detector)
        generator = detector.anchor_generator
        self.boxes_ = DefaultBoxes(
            tuple(map(tuple, generator.aspect_ratios)),
            tuple(generator.scales),
            None if generator.steps is None else tuple(generator.steps),
        )
        self.detections_ = SsdDetections(
            detector.head.classification_head.num_columns,
            detector.score_thresh,
            detector.nms_thresh,
            detector.detections_per_img,
            detector.topk_candidates,
            detector.proposal_matcher.high_threshold,
            1 / (1 + detector.neg_to_pos_ratio),
        )

    def forward(self, images: list[Tensor], targets: list[Target] | None = None) -> Any:
        batch = self.images_(images, targets)
        maps = self._maps(batch)
        classing = self.head.classification_head.module_list
        boxing = self.head.regression_head.module_list
        logits = [head(level) for head, level in zip(classing, maps, strict=True)]
        deltas = [head(level) for head, level in zip(boxing, maps, strict=True)]
        return self.results_(self.detections_(logits, deltas, self.boxes_(batch, maps), batch))


_OUTLINES: dict[type[nn.Module], Callable[[Any], nn.Module]] = {
    FasterRCNN: _TwoStages,
    RetinaNet: _RetinaNet,
    FCOS: _Fcos,
    SSD: _Ssd,
}
