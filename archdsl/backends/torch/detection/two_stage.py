"""Two stages: anchors, proposals, features of regions, and what is detected in them."""

from __future__ import annotations

import torch
from torch import Tensor
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.roi_heads import (
    RoIHeads,
    fastrcnn_loss,
    keypointrcnn_inference,
    keypointrcnn_loss,
    maskrcnn_inference,
    maskrcnn_loss,
)
from torchvision.models.detection.rpn import RegionProposalNetwork, concat_box_prediction_layers
from torchvision.ops import MultiScaleRoIAlign, roi_align, roi_pool

from archdsl.backends.torch.detection.images import check_labels
from archdsl.backends.torch.detection.values import (
    Batch,
    Detections,
    DetectorModule,
    Regions,
    Samples,
    Size,
    required_part,
    required_targets,
)


class AnchorGrid(DetectorModule):
    """Anchors: boxes of several sizes and aspect ratios (height / width) at every position."""

    def __init__(self, sizes: tuple[tuple[float, ...], ...], ratios: tuple[float, ...]) -> None:
        super().__init__()
        self.generator = AnchorGenerator(sizes, (ratios,) * len(sizes))

    def forward(self, batch: Batch, maps: list[Tensor]) -> list[Tensor]:
        """For each image all boxes, n×4, the finest map's first."""
        anchors: list[Tensor] = self.generator(batch, maps)
        return anchors

    def extra_repr(self) -> str:
        return f"{self.generator.sizes}, ratios={self.generator.aspect_ratios}"


class ProposalFilter(RegionProposalNetwork):  # type: ignore[misc]
    """Region proposals: anchors moved and scored by a network, of which the best are kept.

    Source: Ren et al. 2015, section 3; torchvision's RegionProposalNetwork.
    """

    whole = True
    fitted_to = ()

    def __init__(
        self,
        before_nms: tuple[int, int],
        after_nms: tuple[int, int],
        nms: float,
        score: float,
        positive: float,
        negative: float,
        batch: int,
        fraction: float,
    ) -> None:
        super().__init__(
            None,
            None,
            positive,
            negative,
            batch,
            fraction,
            dict(zip(("training", "testing"), before_nms, strict=True)),
            dict(zip(("training", "testing"), after_nms, strict=True)),
            nms,
            score,
        )
        self._settings = (before_nms, after_nms, nms, score, positive, negative, batch, fraction)

    def forward(
        self, objectness: list[Tensor], deltas: list[Tensor], anchors: list[Tensor], batch: Batch
    ) -> Regions:
        """Objectness N×A×H×W and deltas N×4A×H×W of every map."""
        counts = [level[0].numel() for level in objectness]
        rated, moved = concat_box_prediction_layers(objectness, deltas)
        # Detached: detectors do not learn through the places of their proposals.
        boxes = self.box_coder.decode(moved.detach(), anchors).view(len(anchors), -1, 4)
        kept, _ = self.filter_proposals(boxes, rated, batch.image_sizes, counts)
        if not self.training:
            return Regions(kept, batch, {})
        labels, matched = self.assign_targets_to_anchors(anchors, required_targets(batch))
        wanted = self.box_coder.encode(matched, anchors)
        rating, moving = self.compute_loss(rated, moved, labels, wanted)
        return Regions(kept, batch, {"loss_objectness": rating, "loss_rpn_box_reg": moving})

    def extra_repr(self) -> str:
        text = "before_nms={}, after_nms={}, nms={}, score={}, positive={}, negative={}, "
        return (text + "batch={}, fraction={}").format(*self._settings)


class GivenProposals(DetectorModule):
    """Proposals from outside the network, such as those of selective search.

    They come in pixels of the images as given, a tensor n×4 for each image.
    """

    def forward(self, proposals: list[Tensor], batch: Batch) -> Regions:
        """The given proposals, in pixels of the resized images."""
        if not isinstance(proposals, (list, tuple)) or len(proposals) != len(batch.image_sizes):
            raise ValueError("expected proposals for every image: a list of tensors n×4")
        scaled = []
        for index, boxes in enumerate(proposals):
            if not isinstance(boxes, Tensor) or boxes.dim() != 2 or boxes.shape[1] != 4:
                raise ValueError(f"the proposals of image {index}: expected a tensor n×4")
            (height, width), (rows, columns) = batch.image_sizes[index], batch.original_sizes[index]
            factors = boxes.new_tensor([width / columns, height / rows] * 2)
            scaled.append(boxes * factors)
        return Regions(scaled, batch, {})


def _heads(  # torchvision's class with what it computes, without its networks
    cls: type[RoIHeads],
    self: RoIHeads,
    *,
    positive: float = 0.5,
    negative: float = 0.5,
    batch: int = 512,
    fraction: float = 0.25,
    score: float = 0.05,
    nms: float = 0.5,
    count: int = 100,
) -> None:
    super(cls, self).__init__(
        None, None, None, positive, negative, batch, fraction, None, score, nms, count
    )


class RegionSampling(RoIHeads):  # type: ignore[misc]
    """Sampling of regions and their target classes in training; all regions otherwise.

    Source: Girshick 2015 (Fast R-CNN), section 2.3; torchvision's RoIHeads.
    """

    whole = True
    fitted_to = ()

    def __init__(self, count: int, fraction: float, positive: float, negative: float) -> None:
        _heads(
            RegionSampling,
            self,
            positive=positive,
            negative=negative,
            batch=count,
            fraction=fraction,
        )
        self._settings = (count, fraction, positive, negative)

    def forward(self, regions: Regions) -> Regions:
        if not self.training:
            return regions
        targets = required_targets(regions.batch)
        boxes, *samples = self.select_training_samples(regions.boxes, targets)
        return regions._replace(boxes=boxes, samples=Samples(*samples))

    def extra_repr(self) -> str:
        return "count={}, fraction={}, positive={}, negative={}".format(*self._settings)


class RegionAlign(DetectorModule):
    """Features of regions by bilinear sampling, from the level of a pyramid that suits their size.

    Source: He et al. 2017 (Mask R-CNN), section 3; Lin et al. 2017 (FPN), equation 1.
    """

    def __init__(self, levels: int, size: Size, sampling: int) -> None:
        super().__init__()
        self._names = [str(level) for level in range(levels)]
        self.pool = MultiScaleRoIAlign(self._names, size, sampling)

    def forward(self, maps: list[Tensor], regions: Regions | Detections) -> Tensor:
        """A tensor R×C×h×w for the R regions of all images."""
        named = dict(zip(self._names, maps, strict=True))
        features: Tensor = self.pool(named, list(regions.boxes), regions.batch.image_sizes)
        return features

    def extra_repr(self) -> str:
        return f"{len(self._names)} levels to {self.pool.output_size}, {self.pool.sampling_ratio}"


class RegionPool(DetectorModule):
    """Features of regions: the maximum of each cell of a grid over the region.

    Source: Girshick 2015 (Fast R-CNN), section 2.1; torchvision.ops.roi_pool.
    """

    def __init__(self, size: Size, scale: float) -> None:
        super().__init__()
        self.size, self.scale = size, scale

    def forward(self, features: Tensor, regions: Regions | Detections) -> Tensor:
        """A tensor R×C×h×w for the R regions of all images."""
        pooled: Tensor = roi_pool(features, list(regions.boxes), self.size, self.scale)
        return pooled

    def extra_repr(self) -> str:
        return f"{self.size}, scale={self.scale:.6g}"


class WarpedRegions(DetectorModule):
    """Regions cut out of the images with some pixels around them, and warped to one size.

    Source: Girshick et al. 2014 (R-CNN), section 2.1 and appendix A: the context around a region
    is ``context`` pixels wide after warping.
    """

    def __init__(self, size: Size, context: int) -> None:
        super().__init__()
        self.size, self.context = size, context

    def forward(self, images: Tensor, regions: Regions) -> Tensor:
        """A tensor R×3×h×w of the R regions of all images."""
        height, width = self.size
        inner = width - 2 * self.context, height - 2 * self.context
        wider = []
        for boxes in regions.boxes:
            extent = boxes[:, 2:] - boxes[:, :2]
            margin = extent * (self.context / extent.new_tensor(inner))
            wider.append(torch.cat([boxes[:, :2] - margin, boxes[:, 2:] + margin], 1))
        warped: Tensor = roi_align(images, wider, self.size, aligned=True)
        return warped

    def extra_repr(self) -> str:
        return f"{self.size}, context={self.context}"


class RegionDetections(RoIHeads):  # type: ignore[misc]
    """Fast R-CNN's detections: a class for each region, and a box moved for that class; then NMS.

    Source: Girshick 2015 (Fast R-CNN), sections 2.3 and 4; torchvision's RoIHeads.
    """

    whole = True
    fitted_to = ()

    def __init__(self, score: float, nms: float, count: int) -> None:
        _heads(RegionDetections, self, score=score, nms=nms, count=count)
        self._settings = (score, nms, count)

    def forward(self, logits: Tensor, deltas: Tensor, regions: Regions) -> Detections:
        """Logits R×classes (0 is the background) and deltas R×(4 classes) of R regions."""
        batch = regions.batch
        if self.training:
            assert regions.samples is not None
            check_labels(required_targets(batch), logits.shape[1], 1)
            labels, wanted = regions.samples.labels, regions.samples.deltas
            classing, moving = fastrcnn_loss(logits, deltas, labels, wanted)
            losses = {**regions.losses, "loss_classifier": classing, "loss_box_reg": moving}
            return Detections([{} for _ in batch.image_sizes], batch, losses, regions)
        found = self.postprocess_detections(logits, deltas, regions.boxes, batch.image_sizes)
        results = [
            {"boxes": boxes, "labels": labels, "scores": scores}
            for boxes, scores, labels in zip(*found, strict=True)
        ]
        return Detections(results, batch, {}, regions)

    def extra_repr(self) -> str:
        return "score={}, nms={}, count={}".format(*self._settings)


class InstanceMasks(DetectorModule):
    """Adds to every detection a mask of its object (He et al. 2017, section 3)."""

    def forward(self, logits: Tensor, detections: Detections) -> Detections:
        """Logits R×classes×h×w of the detections' boxes."""
        if self.training:
            targets = required_targets(detections.batch)
            loss = maskrcnn_loss(
                logits,
                detections.boxes,
                required_part(targets, "masks"),
                [target["labels"] for target in targets],
                detections.matched,
            )
            return detections._replace(losses={**detections.losses, "loss_mask": loss})
        labels = [result["labels"] for result in detections.results]
        masks = maskrcnn_inference(logits, labels)
        results = [
            {**result, "masks": mask}
            for result, mask in zip(detections.results, masks, strict=True)
        ]
        return detections._replace(results=results)


class InstanceKeypoints(DetectorModule):
    """Adds to every detection the keypoints of its object (He et al. 2017, section 5)."""

    def forward(self, heatmaps: Tensor, detections: Detections) -> Detections:
        """Heatmaps R×keypoints×h×w of the detections' boxes."""
        if self.training:
            targets = required_part(required_targets(detections.batch), "keypoints")
            for index, points in enumerate(targets):
                if points.shape[1] != heatmaps.shape[1]:
                    raise ValueError(
                        f"target {index} has {points.shape[1]} keypoints for each box; "
                        f"the head finds {heatmaps.shape[1]}"
                    )
            loss = keypointrcnn_loss(
                heatmaps,
                detections.boxes,
                targets,
                detections.matched,
            )
            return detections._replace(losses={**detections.losses, "loss_keypoint": loss})
        points, scores = keypointrcnn_inference(heatmaps, detections.boxes)
        results = [
            {**result, "keypoints": each, "keypoints_scores": rating}
            for result, each, rating in zip(detections.results, points, scores, strict=True)
        ]
        return detections._replace(results=results)
