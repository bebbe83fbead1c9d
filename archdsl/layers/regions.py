"""Features of regions: from feature maps, or cut out of the images."""

from __future__ import annotations

import math
from dataclasses import dataclass

from archdsl.ir.block import INPUT, Builder, Combinator, Connection, Label, Port
from archdsl.ir.edges import (
    Detections,
    EdgeType,
    Images,
    Proposals,
    RegionFeatures,
    Shape,
    required,
)
from archdsl.ir.layer import Category, Layer, RuleError, arg, define, image, shown
from archdsl.ir.lowering import Construct, Emitter, Operand, made
from archdsl.layers.pyramids import place
from archdsl.layers.typed import TypedLayer, argument, levels_of, listed

REGIONS = "the regions"
"""The mark of the proposals or detections whose features flow."""


def _regions(edge: EdgeType, kind: str) -> Proposals | Detections:
    found: Proposals | Detections = required(edge, (Proposals, Detections), kind)
    return found


@define("aligned_regions", category=Category.POOLING, stem="roi_align", source="He et al. 2017")
@dataclass(frozen=True)
class AlignedRegions(TypedLayer):
    """Features of regions by bilinear sampling; made by roi_align."""

    takes = ("features", "proposals")

    size: int = arg("rows and columns of the features")
    sampling: int = arg("samples along each side of a cell")

    def edge_shape(self, inputs: tuple[EdgeType, ...]) -> EdgeType:
        maps = levels_of(inputs[0], "roi_align")
        regions = _regions(inputs[1], "roi_align")
        channels = {image(shape, "roi_align")[0] for shape in maps}
        if len(channels) > 1:
            raise RuleError(
                "roi_align takes features from maps of different channels",
                f"expected maps of equal channels, found {shown(inputs[0])}",
                help="the lateral blocks of fpn give all maps the same channels",
                code="E302",
            )
        for level in maps:
            scale_of(level, regions.image, "roi_align")
        return RegionFeatures((channels.pop(), self.size, self.size), regions.count)

    def label(self) -> str:
        return f"RoI align, {self.size}×{self.size}"

    def edge_module(self, inputs: tuple[EdgeType, ...]) -> Construct:
        levels = len(levels_of(inputs[0], self.kind))
        return made(
            "detection.two_stage.RegionAlign", levels, (self.size, self.size), self.sampling
        )

    def edge_lower(
        self, emit: Emitter, operands: tuple[Operand, ...], inputs: tuple[EdgeType, ...]
    ) -> Operand:
        maps, regions = map(argument, operands, inputs)
        return emit.module(self.edge_module(inputs), listed(maps), regions)


def scale_of(features: Shape, image: Shape, kind: str) -> float | None:
    """The size of a feature map by that of the image; ``None`` where one is not known.

    Raises RuleError where height and width do not agree.
    """
    if None in features or None in image:
        return None
    ratios = [a / b for a, b in zip(features[1:], image[1:], strict=True) if a and b]
    powers = {round(math.log2(ratio)) for ratio in ratios}
    if len(powers) > 1:
        raise RuleError(
            f"{kind} cannot tell the scale of its feature map",
            f"the map is {shown(features)}, the image {shown(image)}: "
            "height and width are not scaled alike",
            code="E319",
        )
    return float(2.0 ** powers.pop())


@define("pooled_regions", category=Category.POOLING, stem="roi_pool", source="Girshick 2015, 2.1")
@dataclass(frozen=True)
class PooledRegions(TypedLayer):
    """Features of regions by maxima over a grid; made by roi_pool."""

    takes = ("features", "proposals")

    size: int = arg("rows and columns of the features")
    scale: float | None = arg("size of the map by that of the image", None)

    def _scale(self, features: Shape, image: Shape) -> float:
        computed = scale_of(features, image, "roi_pool")
        scale = self.scale or computed
        if scale is None:
            raise RuleError(
                "roi_pool does not know the scale of its feature map",
                help="give the image's size with --input CxHxW, or scale=1.0/16",
                code="E319",
            )
        pairs = list(zip(features[1:], image[1:], strict=True))
        if any(a and b and abs(a - b * scale) >= 1 for a, b in pairs):
            found = f"1/{1 / scale:g}" if scale < 1 else f"{scale:g}"
            fitting = f"1/{1 / computed:g}" if computed and computed < 1 else "another one"
            raise RuleError(
                "the scale of roi_pool does not fit the stride of the feature map",
                f"expected {fitting}: the image is {shown(image)}, the map {shown(features)}; "
                f"found {found}",
                help="the scale is 1 by the product of the strides before the map",
                code="E319",
            )
        return scale

    def edge_shape(self, inputs: tuple[EdgeType, ...]) -> EdgeType:
        level: Shape = required(inputs[0], tuple, "roi_pool")
        image(level, "roi_pool")
        regions = _regions(inputs[1], "roi_pool")
        self._scale(level, regions.image)
        return RegionFeatures((level[0], self.size, self.size), regions.count)

    def label(self) -> str:
        return f"RoI pool, {self.size}×{self.size}"

    def edge_module(self, inputs: tuple[EdgeType, ...]) -> Construct:
        image = _regions(inputs[1], self.kind).image
        level: Shape = required(inputs[0], tuple, self.kind)
        return made(
            "detection.two_stage.RegionPool", (self.size, self.size), self._scale(level, image)
        )


@define("warped_regions", category=Category.RESHAPE, stem="warp", source="Girshick et al. 2014")
@dataclass(frozen=True)
class WarpedRegions(TypedLayer):
    """Regions cut out of the images and warped to one size; made by warp."""

    takes = ("images", "proposals")

    height: int = arg("rows")
    width: int = arg("columns")
    context: int = arg("pixels of context")

    def edge_shape(self, inputs: tuple[EdgeType, ...]) -> EdgeType:
        images = required(inputs[0], Images, "warp")
        regions = _regions(inputs[1], "warp")
        return RegionFeatures((images.shape[0], self.height, self.width), regions.count)

    def label(self) -> str:
        return f"warp to {self.height}×{self.width}"

    def edge_lower(
        self, emit: Emitter, operands: tuple[Operand, ...], inputs: tuple[EdgeType, ...]
    ) -> Operand:
        pixels = operands[0].tensor  # type: ignore[union-attr]
        module = made("detection.two_stage.WarpedRegions", (self.height, self.width), self.context)
        return emit.module(module, pixels, operands[1])


@dataclass(frozen=True)
class _RegionFeatures(Combinator):
    """The base of what makes features of the regions that flow."""

    def layers(self) -> int:
        return 1

    def maps(self, port: Port) -> Port:
        """The port of the feature maps that the features are cut from."""
        raise NotImplementedError

    def layer(self) -> Layer:
        """The layer of feature maps and regions."""
        raise NotImplementedError

    def connect(self, build: Builder, port: Port) -> Connection:
        features = build.join(self.layer(), self.maps(port), port)
        assert port.node is not None  # joined
        return features.marked(REGIONS, port.node)
        yield


@define(
    "roi_align", source="He et al. 2017 (Mask R-CNN), section 3; torchvision MultiScaleRoIAlign"
)
@dataclass(frozen=True)
class RoIAlign(_RegionFeatures):
    """Features of the proposals or detections before it, from feature maps that tap named.

    From a pyramid each region takes the level that suits its size.
    """

    features: Label = arg("the name of the feature maps")
    size: int = arg("rows and columns of the features", 7, minimum=1)
    sampling: int = arg("samples along each side of a cell", 2, minimum=1, positional=False)

    def maps(self, port: Port) -> Port:
        return place(self.features, port)

    def layer(self) -> Layer:
        return AlignedRegions(self.size, self.sampling)


@define("roi_pool", source="Girshick 2015 (Fast R-CNN), section 2.1; torchvision.ops.roi_pool")
@dataclass(frozen=True)
class RoIPool(_RegionFeatures):
    """Features of the proposals before it, from a feature map: maxima over a grid of cells."""

    features: Label = arg("the name of the feature map")
    size: int = arg("rows and columns of the features", 7, minimum=1)
    scale: float | None = arg(
        "size of the map by that of the image: 1.0/16", None, positional=False, shown="by the sizes"
    )

    def maps(self, port: Port) -> Port:
        return place(self.features, port)

    def layer(self) -> Layer:
        return PooledRegions(self.size, self.scale)


@define("warp", source="Girshick et al. 2014 (R-CNN), section 2.1")
@dataclass(frozen=True)
class Warp(_RegionFeatures):
    """The proposals before it, cut out of the images and warped to one size."""

    height: int = arg("rows", minimum=1)
    width: int | None = arg("columns", None, minimum=1, shown="height")
    context: int = arg("pixels around the region, after warping", 16, minimum=0, positional=False)

    def maps(self, port: Port) -> Port:
        return place(INPUT, port)

    def layer(self) -> Layer:
        return WarpedRegions(self.height, self.width or self.height, self.context)
