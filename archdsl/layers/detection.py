"""Detectors of two stages: images, anchors, proposals, features of regions, detections.

Regions keep to a chain of layers like everything else: behind ``rpn`` flow proposals, behind
``roi_align`` the features of each, behind ``detect`` detections. Layers that need the images or the
regions of the features before them find these by their marks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from archdsl.layers.block import INPUT, Block, Builder, Combinator, Connection, Label, Port
from archdsl.layers.convolution import Convolution
from archdsl.layers.definition import (
    Category,
    Layer,
    RuleError,
    arg,
    define,
    image,
    shown,
)
from archdsl.layers.edges import (
    Anchors,
    Detections,
    EdgeType,
    Images,
    Proposals,
    RegionFeatures,
    Shape,
    required,
)
from archdsl.layers.endpoints import IMAGENET_DEVIATION, IMAGENET_MEAN, InputLayer, known_size
from archdsl.layers.linear import FullyConnected
from archdsl.layers.pyramids import place
from archdsl.layers.typed import TypedLayer, argument, levels_of, listed

if TYPE_CHECKING:
    from torch import Tensor, nn

    from archdsl.targets.torch.emitter import Emitter, Operand

REGIONS = "the regions"
"""The mark of the proposals or detections whose features flow."""

_TRIED = 16
"""Proposals of a trial run; as many as a network may be given would take long."""


# ---- images ----


@dataclass(frozen=True)
class _ImagesInput(InputLayer):
    """How pixel values are normalised; both image inputs share it."""

    inputs = 0

    red: float = arg("mean of red, of 0..1", IMAGENET_MEAN[0], positional=False)
    green: float = arg("mean of green", IMAGENET_MEAN[1], positional=False)
    blue: float = arg("mean of blue", IMAGENET_MEAN[2], positional=False)
    red_deviation: float = arg("what red is divided by", IMAGENET_DEVIATION[0], positional=False)
    green_deviation: float = arg(
        "what green is divided by", IMAGENET_DEVIATION[1], positional=False
    )
    blue_deviation: float = arg("what blue is divided by", IMAGENET_DEVIATION[2], positional=False)
    mean: float | None = arg("mean of all three", None, positional=False, shown="not set")
    deviation: float | None = arg(
        "what all three are divided by", None, positional=False, shown="not set"
    )

    def output(self, inputs: tuple[EdgeType, ...]) -> EdgeType:
        return Images(self.size())

    def pixels_of(self, picture: Tensor) -> Tensor:
        return picture

    def batch(self) -> nn.Module:
        """The module that makes a batch of images."""
        raise NotImplementedError

    def _normalisation(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        means = self.red, self.green, self.blue
        deviations = self.red_deviation, self.green_deviation, self.blue_deviation
        return (
            means if self.mean is None else (self.mean,) * 3,
            deviations if self.deviation is None else (self.deviation,) * 3,
        )

    def attach(
        self, emit: Emitter, operands: tuple[Operand, ...], inputs: tuple[EdgeType, ...]
    ) -> Operand:
        from archdsl.targets.torch.detection.values import tensor_of
        from archdsl.targets.torch.emitter import ImageNodes

        images, targets = emit.entry("images"), emit.entry("targets", None)
        batch = emit.module(self.batch(), images, targets)
        return ImageNodes(batch, emit.call(tensor_of, batch))

    def fed(self, output: EdgeType) -> Mapping[str, Any]:
        import torch

        images: Images = required(output, Images, self.kind)
        return {"images": [torch.rand(*known_size(images.shape))]}


@define(
    "input_images",
    category=Category.INPUT,
    stem="images",
    source="torchvision.models.detection.transform.GeneralizedRCNNTransform",
)
@dataclass(frozen=True)
class InputImages(_ImagesInput):
    """Images of any sizes, with values 0..1, normalised, resized and padded to one tensor.

    Keeps the aspect: the shorter side becomes min_size, unless the longer would exceed max_size.
    With train_from the shorter side is drawn in training from min_size, min_size - train_step, and
    so on down to train_from.
    """

    min_size: int = arg("the shorter side, in pixels", 800, minimum=1)
    max_size: int = arg("the longer side at most, in pixels", 1333, minimum=1)
    divisible: int = arg("sides are padded to a multiple of it", 32, minimum=1, positional=False)
    train_from: int | None = arg(
        "the least shorter side in training", None, minimum=1, positional=False, shown="min_size"
    )
    train_step: int = arg("distance of the sizes in training", 32, minimum=1, positional=False)

    def min_sizes(self) -> tuple[int, ...]:
        """The shorter sides in training; the last one is that in use."""
        least = self.min_size if self.train_from is None else self.train_from
        if least > self.min_size:
            raise RuleError(
                "the sizes in training do not end at min_size",
                f"expected train_from to be {self.min_size} at most, found {least}",
            )
        return tuple(range(self.min_size, least - 1, -self.train_step))[::-1]

    def output(self, inputs: tuple[EdgeType, ...]) -> EdgeType:
        self.min_sizes()
        return super().output(inputs)

    def size(self) -> Shape:
        short, long = sorted((self.min_size, self.max_size))
        padded = (-(-side // self.divisible) * self.divisible for side in (short, long))
        return 3, *padded

    def label(self) -> str:
        return "images"

    def batch(self) -> nn.Module:
        from archdsl.targets.torch.detection.images import ImageBatch

        normalisation = self._normalisation()
        return ImageBatch(self.min_sizes(), self.max_size, *normalisation, None, self.divisible)


@define(
    "input_images_sized",
    category=Category.INPUT,
    stem="images",
    source="torchvision.models.detection.transform.GeneralizedRCNNTransform(fixed_size=...)",
)
@dataclass(frozen=True)
class InputImagesSized(_ImagesInput):
    """Images of any sizes, with values 0..1, normalised and warped to one size."""

    height: int = arg("rows", minimum=1)
    width: int | None = arg("columns", None, minimum=1, shown="height")

    def size(self) -> Shape:
        return 3, self.height, self.width or self.height

    def label(self) -> str:
        return "images"

    def batch(self) -> nn.Module:
        from archdsl.targets.torch.detection.images import ImageBatch

        rows, columns = self.height, self.width or self.height
        # torchvision takes a fixed size as width, height.
        fixed = columns, rows
        return ImageBatch((min(fixed),), max(fixed), *self._normalisation(), fixed, 1)


# ---- anchors ----


@define("anchor_grid", category=Category.DETECTION, stem="anchors", source="Ren et al. 2015, 3.1")
@dataclass(frozen=True)
class AnchorGrid(TypedLayer):
    """The anchors of feature maps; made by anchors."""

    locating = (1,)

    sizes: tuple[int, ...] = arg("sizes in pixels")
    octaves: int = arg("sizes per octave")
    aspect: float = arg("aspect ratio")
    everywhere: bool = arg("all sizes on every map")

    @property
    def ratios(self) -> tuple[float, ...]:
        """Height by width."""
        return (1.0,) if self.aspect == 1 else (1 / self.aspect, 1.0, self.aspect)

    def sizes_of(self, maps: int) -> tuple[tuple[int, ...], ...]:
        """The sizes at every place of each of so many maps."""
        if self.everywhere:
            return (self.sizes,) * maps
        steps = range(self.octaves)
        return tuple(tuple(int(s * 2 ** (k / self.octaves)) for k in steps) for s in self.sizes)

    @property
    def at_one_place(self) -> int:
        """How many anchors there are at every place."""
        each = len(self.sizes) if self.everywhere else self.octaves
        return each * len(self.ratios)

    def output(self, inputs: tuple[EdgeType, ...]) -> EdgeType:
        required(inputs[1], Images, "anchors")
        maps = levels_of(inputs[0], "anchors")
        if not self.everywhere and len(maps) != len(self.sizes):
            raise RuleError(
                "anchors and feature maps do not agree in number",
                f"expected a size for each of {len(maps)} maps, found {len(self.sizes)} sizes",
                help="everywhere=true puts all sizes on every map",
            )
        return Anchors((self.at_one_place,) * len(maps))

    def label(self) -> str:
        return f"anchors, {self.at_one_place} at a place"

    def step(self, inputs: tuple[EdgeType, ...]) -> nn.Module:
        from archdsl.targets.torch.detection.regions import AnchorGrid as Module

        return Module(self.sizes_of(len(levels_of(inputs[0], self.kind))), self.ratios)

    def attach(
        self, emit: Emitter, operands: tuple[Operand, ...], inputs: tuple[EdgeType, ...]
    ) -> Operand:
        maps, batch = map(argument, operands, inputs)
        return emit.module(self.step(inputs), batch, listed(maps))


@define("anchors", source="Ren et al. 2015, section 3.1.1; torchvision AnchorGenerator")
@dataclass(frozen=True)
class AnchorBlock(Combinator):
    """Boxes of some sizes and aspect ratios at every place of every feature map."""

    sizes: tuple[int, ...] = arg("a size in pixels for each map, the finest first")
    octaves: int = arg(
        "sizes at each place: s, and s times 2^(1/octaves), ...", 1, minimum=1, positional=False
    )
    aspect: float = arg(
        "boxes are 1:aspect, square and aspect:1; only square if it is 1", 2.0, positional=False
    )
    everywhere: bool = arg(
        "put all the sizes on every map, not each on its own", False, positional=False
    )

    def grid(self) -> AnchorGrid:
        """The layer that this expands to."""
        return AnchorGrid(self.sizes, self.octaves, self.aspect, self.everywhere)

    def layers(self) -> int:
        return 1

    def connect(self, build: Builder, port: Port) -> Connection:
        return build.join(self.grid(), port, place(INPUT, port))
        yield


# ---- proposals ----


@define("propose", category=Category.DETECTION, stem="proposals", source="Ren et al. 2015, 3.1")
@dataclass(frozen=True)
class Propose(TypedLayer):
    """Chooses the best of the moved anchors; made by rpn."""

    locating = (3,)

    before_nms: int = arg("kept of each map before suppression")
    after_nms: int = arg("proposals of an image")
    train_before_nms: int = arg("in training")
    train_after_nms: int = arg("in training")
    nms: float = arg("overlap that suppresses")
    score: float = arg("least objectness")
    positive: float = arg("overlap that makes an anchor an object")
    negative: float = arg("overlap below which an anchor is background")
    batch: int = arg("anchors of an image that learn")
    fraction: float = arg("how many of them are objects, at most")

    def output(self, inputs: tuple[EdgeType, ...]) -> EdgeType:
        anchors = required(inputs[2], Anchors, "rpn")
        image = required(inputs[3], Images, "rpn").shape
        for edge, factor, what in ((inputs[0], 1, "objectness"), (inputs[1], 4, "box deltas")):
            for level, count in zip(levels_of(edge, "rpn"), anchors.counts, strict=True):
                if level[0] != factor * count:
                    raise RuleError(
                        f"the {what} of rpn do not fit its anchors",
                        f"expected {factor * count} channels for {count} anchors at a place, "
                        f"found {shown(level)}",
                    )
        return Proposals(self.after_nms, image)

    def label(self) -> str:
        return f"best {self.after_nms:,}, NMS {self.nms:g}"

    def step(self, inputs: tuple[EdgeType, ...]) -> nn.Module:
        from archdsl.targets.torch.detection.regions import ProposalFilter

        return ProposalFilter(
            (self.train_before_nms, self.before_nms),
            (self.train_after_nms, self.after_nms),
            self.nms,
            self.score,
            self.positive,
            self.negative,
            self.batch,
            self.fraction,
        )

    def attach(
        self, emit: Emitter, operands: tuple[Operand, ...], inputs: tuple[EdgeType, ...]
    ) -> Operand:
        rated, moved, anchors, batch = map(argument, operands, inputs)
        return emit.module(self.step(inputs), listed(rated), listed(moved), anchors, batch)


@define("rpn", source="Ren et al. 2015, figure 3; torchvision RegionProposalNetwork")
@dataclass(frozen=True)
class RegionProposalNetwork(Combinator):
    """A region proposal network: at every place of every map, whether and where an object is.

    Behind the head two 1×1 convolutions give the objectness of each anchor and four numbers that
    move it; overlapping ones are suppressed.
    """

    head: Block = arg("the block before the two convolutions, the same for every map")
    anchors: Block = arg("anchors<...>")
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

    def layers(self) -> int:
        return self.head.layers + 4

    def connect(self, build: Builder, port: Port) -> Connection:
        anchors = self.anchors.meant
        if not isinstance(anchors, AnchorBlock):
            raise RuleError("rpn needs anchors as its second argument", "expected anchors<...>")
        count = anchors.grid().at_one_place
        features = yield build.apply(self.head, port, "head")
        # Ren et al. 2015, section 3.1.3: as they start, no anchor is an object, none is moved far.
        rate = Convolution(count, 1, 1, deviation=0.01)
        move = Convolution(4 * count, 1, 1, deviation=0.01)
        objectness = build.join(rate, features, name="objectness")
        deltas = build.join(move, features, name="deltas")
        grid = yield build.apply(self.anchors, port)
        choose = Propose(
            self.before_nms,
            self.after_nms,
            self.train_before_nms,
            self.train_after_nms,
            self.nms,
            self.score,
            self.positive,
            self.negative,
            self.batch,
            self.fraction,
        )
        found = build.join(choose, objectness, deltas, grid, place(INPUT, port))
        return found._replace(tags=port.tags)


@define(
    "given_proposals",
    category=Category.INPUT,
    stem="proposals",
    source="Girshick et al. 2014, section 2.1",
)
@dataclass(frozen=True)
class GivenProposals(TypedLayer):
    """Region proposals as a second argument of the module; made by region_proposals."""

    count: int = arg("proposals of an image at most")

    def output(self, inputs: tuple[EdgeType, ...]) -> EdgeType:
        return Proposals(self.count, required(inputs[0], Images, "region_proposals").shape)

    def label(self) -> str:
        return f"{self.count:,} region proposals"

    def attach(
        self, emit: Emitter, operands: tuple[Operand, ...], inputs: tuple[EdgeType, ...]
    ) -> Operand:
        from archdsl.targets.torch.detection.regions import GivenProposals as Module

        return emit.module(
            Module(), emit.entry("proposals", None), *map(argument, operands, inputs)
        )

    def fed(self, output: EdgeType) -> Mapping[str, Any]:
        import torch

        proposals: Proposals = required(output, Proposals, self.kind)
        _, height, width = known_size(proposals.image)
        corners = torch.rand(min(self.count, _TRIED), 4) / 2
        corners[:, 2:] += 0.5  # right and below of the middle, so that no box is empty
        return {"proposals": [corners * torch.tensor([width, height] * 2)]}


@define("region_proposals", source="Girshick 2015 (Fast R-CNN), section 2")
@dataclass(frozen=True)
class RegionProposals(Combinator):
    """Region proposals from outside, such as selective search makes: another input.

    The compiled module takes them as ``proposals=``: for each image a tensor n×4 of boxes x1, y1,
    x2, y2 in its pixels.
    """

    count: int = arg("proposals of an image at most; counts as many MACs", 2000, minimum=1)

    def layers(self) -> int:
        return 1

    def connect(self, build: Builder, port: Port) -> Connection:
        found = build.join(GivenProposals(self.count), place(INPUT, port))
        return found._replace(tags=port.tags)
        yield


@define("samples", category=Category.DETECTION, source="Girshick 2015 (Fast R-CNN), section 2.3")
@dataclass(frozen=True)
class RegionSamples(TypedLayer):
    """In training, some of the proposals and the objects to be found; in use, all proposals."""

    inputs = 1

    count: int = arg("regions of an image that learn", 512, minimum=1)
    fraction: float = arg("objects among them at most", 0.25, positional=False)
    positive: float = arg("least IoU of a region that holds an object", 0.5, positional=False)
    negative: float = arg("IoU below which it is background", 0.5, positional=False)

    def output(self, inputs: tuple[EdgeType, ...]) -> EdgeType:
        proposals: Proposals = required(inputs[0], Proposals, self.kind)
        return Proposals(proposals.count, proposals.image, sampled=True)

    def label(self) -> str:
        return f"{self.count} samples in training"

    def step(self, inputs: tuple[EdgeType, ...]) -> nn.Module:
        from archdsl.targets.torch.detection.regions import RegionSampling

        return RegionSampling(self.count, self.fraction, self.positive, self.negative)


# ---- features of regions ----


def _regions(edge: EdgeType, kind: str) -> Proposals | Detections:
    found: Proposals | Detections = required(edge, (Proposals, Detections), kind)
    return found


@define("aligned_regions", category=Category.POOLING, stem="roi_align", source="He et al. 2017")
@dataclass(frozen=True)
class AlignedRegions(TypedLayer):
    """Features of regions by bilinear sampling; made by roi_align."""

    size: int = arg("rows and columns of the features")
    sampling: int = arg("samples along each side of a cell")

    def output(self, inputs: tuple[EdgeType, ...]) -> EdgeType:
        maps = levels_of(inputs[0], "roi_align")
        regions = _regions(inputs[1], "roi_align")
        channels = {image(shape, "roi_align")[0] for shape in maps}
        if len(channels) > 1:
            raise RuleError(
                "roi_align takes features from maps of different channels",
                f"expected maps of equal channels, found {shown(inputs[0])}",
                help="the lateral blocks of fpn give all maps the same channels",
            )
        for level in maps:
            scale_of(level, regions.image, "roi_align")
        return RegionFeatures((channels.pop(), self.size, self.size), regions.count)

    def label(self) -> str:
        return f"RoI align, {self.size}×{self.size}"

    def step(self, inputs: tuple[EdgeType, ...]) -> nn.Module:
        from archdsl.targets.torch.detection.regions import RegionAlign

        levels = len(levels_of(inputs[0], self.kind))
        return RegionAlign(levels, (self.size, self.size), self.sampling)

    def attach(
        self, emit: Emitter, operands: tuple[Operand, ...], inputs: tuple[EdgeType, ...]
    ) -> Operand:
        maps, regions = map(argument, operands, inputs)
        return emit.module(self.step(inputs), listed(maps), regions)


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
        )
    return float(2.0 ** powers.pop())


@define("pooled_regions", category=Category.POOLING, stem="roi_pool", source="Girshick 2015, 2.1")
@dataclass(frozen=True)
class PooledRegions(TypedLayer):
    """Features of regions by maxima over a grid; made by roi_pool."""

    size: int = arg("rows and columns of the features")
    scale: float | None = arg("size of the map by that of the image", None)

    def _scale(self, features: Shape, image: Shape) -> float:
        computed = scale_of(features, image, "roi_pool")
        scale = self.scale or computed
        if scale is None:
            raise RuleError(
                "roi_pool does not know the scale of its feature map",
                help="give the image's size with --input CxHxW, or scale=1.0/16",
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
            )
        return scale

    def output(self, inputs: tuple[EdgeType, ...]) -> EdgeType:
        level: Shape = required(inputs[0], tuple, "roi_pool")
        image(level, "roi_pool")
        regions = _regions(inputs[1], "roi_pool")
        self._scale(level, regions.image)
        return RegionFeatures((level[0], self.size, self.size), regions.count)

    def label(self) -> str:
        return f"RoI pool, {self.size}×{self.size}"

    def step(self, inputs: tuple[EdgeType, ...]) -> nn.Module:
        from archdsl.targets.torch.detection.regions import RegionPool

        image = _regions(inputs[1], self.kind).image
        level: Shape = required(inputs[0], tuple, self.kind)
        return RegionPool((self.size, self.size), self._scale(level, image))


@define("warped_regions", category=Category.RESHAPE, stem="warp", source="Girshick et al. 2014")
@dataclass(frozen=True)
class WarpedRegions(TypedLayer):
    """Regions cut out of the images and warped to one size; made by warp."""

    height: int = arg("rows")
    width: int = arg("columns")
    context: int = arg("pixels of context")

    def output(self, inputs: tuple[EdgeType, ...]) -> EdgeType:
        images = required(inputs[0], Images, "warp")
        regions = _regions(inputs[1], "warp")
        return RegionFeatures((images.shape[0], self.height, self.width), regions.count)

    def label(self) -> str:
        return f"warp to {self.height}×{self.width}"

    def attach(
        self, emit: Emitter, operands: tuple[Operand, ...], inputs: tuple[EdgeType, ...]
    ) -> Operand:
        from archdsl.targets.torch.detection.regions import WarpedRegions as Module

        pixels = operands[0].tensor  # type: ignore[union-attr]
        module = Module((self.height, self.width), self.context)
        return emit.module(module, pixels, operands[1])


@dataclass(frozen=True)
class _RegionFeatures(Combinator):
    """The base of what makes features of the regions that flow."""

    def layers(self) -> int:
        return 1

    def maps(self, port: Port) -> Port:
        """Where the features come from."""
        raise NotImplementedError

    def layer(self) -> Layer:
        """The layer of feature maps and regions."""
        raise NotImplementedError

    def connect(self, build: Builder, port: Port) -> Connection:
        features = build.join(self.layer(), self.maps(port), port)
        assert port.node is not None  # joined
        return features._replace(tags={**port.tags, REGIONS: port.node})
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


# ---- detections ----


@define("region_detections", category=Category.DETECTION, stem="detections", source="Girshick 2015")
@dataclass(frozen=True)
class RegionDetections(TypedLayer):
    """Decides on every region; made by detect."""

    score: float = arg("least score")
    nms: float = arg("overlap that suppresses")
    count: int = arg("detections of an image")

    def output(self, inputs: tuple[EdgeType, ...]) -> EdgeType:
        logits: RegionFeatures = required(inputs[0], RegionFeatures, "detect")
        deltas: RegionFeatures = required(inputs[1], RegionFeatures, "detect")
        regions: Proposals = required(inputs[2], Proposals, "detect")
        (classes,) = logits.shape
        if deltas.shape != (4 * (classes or 0),):
            raise RuleError(
                "the class scores and box deltas of detect disagree",
                f"expected {4 * (classes or 0)} deltas, four for each of {classes} classes, "
                f"found {shown(deltas.shape)}",
            )
        return Detections(self.count, classes or 0, regions.image)

    def caution(self, inputs: tuple[EdgeType, ...]) -> str | None:
        regions = inputs[2]
        if isinstance(regions, Proposals) and not regions.sampled:
            return "this detector cannot be trained: there is no samples<...> behind its proposals"
        return None

    def label(self) -> str:
        return f"best {self.count}, NMS {self.nms:g}"

    def step(self, inputs: tuple[EdgeType, ...]) -> nn.Module:
        from archdsl.targets.torch.detection.regions import RegionDetections as Module

        return Module(self.score, self.nms, self.count)


@define("detect", source="Girshick 2015 (Fast R-CNN), figure 1; torchvision FastRCNNPredictor")
@dataclass(frozen=True)
class Detect(Combinator):
    """What each region holds: a score for every class, and a box moved for every class.

    Two fully connected layers behind the features of regions; label 0 is the background.
    """

    classes: int = arg("classes, the background among them", minimum=2)
    score: float = arg("least score of a detection", 0.05, minimum=0, maximum=1, positional=False)
    nms: float = arg(
        "overlap (IoU) that suppresses the lesser of a class",
        0.5,
        minimum=0,
        maximum=1,
        positional=False,
    )
    count: int = arg("detections of an image at most", 100, minimum=1, positional=False)

    def layers(self) -> int:
        return 3

    def connect(self, build: Builder, port: Port) -> Connection:
        regions = port.tags.get(REGIONS)
        if regions is None:
            raise RuleError(
                "detect needs features of regions",
                "there is no roi_align, roi_pool or warp before it",
                help="detect<classes, head<roi_align<maps, 7, rpn<...>>>>",
            )
        # Girshick 2015, section 2.3: the initial weights' deviations.
        rate = FullyConnected(self.classes, deviation=0.01)
        move = FullyConnected(4 * self.classes, deviation=0.001)
        scores = build.join(rate, port, name="scores")
        deltas = build.join(move, port, name="deltas")
        decide = RegionDetections(self.score, self.nms, self.count)
        return build.join(decide, scores, deltas, Port(regions, port.tags))
        yield


@dataclass(frozen=True)
class _Part(TypedLayer):
    """What adds a part to every detection."""

    part: ClassVar[str]

    def output(self, inputs: tuple[EdgeType, ...]) -> EdgeType:
        features: RegionFeatures = required(inputs[0], RegionFeatures, self.part)
        found: Detections = required(inputs[1], Detections, self.part)
        if len(features.shape) != 3:
            raise RuleError(f"{self.part} need a map for each region", f"found {shown(features)}")
        self.judge(features.shape, found)
        parts = (*found.parts, self.part)
        return Detections(found.count, found.classes, found.image, parts)

    def judge(self, features: Shape, found: Detections) -> None:
        """Raises RuleError where the features do not fit the detections."""


@define("instance_masks", category=Category.DETECTION, stem="masks", source="He et al. 2017")
@dataclass(frozen=True)
class InstanceMasks(_Part):
    """Adds masks to detections; made by masks."""

    part = "masks"

    def judge(self, features: Shape, found: Detections) -> None:
        if features[0] != found.classes:
            raise RuleError(
                "masks and detections disagree about the classes",
                f"expected {found.classes} channels, one for each class, found {shown(features)}",
            )

    def label(self) -> str:
        return "masks"

    def step(self, inputs: tuple[EdgeType, ...]) -> nn.Module:
        from archdsl.targets.torch.detection.regions import InstanceMasks as Module

        return Module()


@define(
    "instance_keypoints", category=Category.DETECTION, stem="keypoints", source="He et al. 2017"
)
@dataclass(frozen=True)
class InstanceKeypoints(_Part):
    """Adds keypoints to detections; made by keypoints."""

    part = "keypoints"

    def label(self) -> str:
        return "keypoints"

    def step(self, inputs: tuple[EdgeType, ...]) -> nn.Module:
        from archdsl.targets.torch.detection.regions import InstanceKeypoints as Module

        return Module()


@dataclass(frozen=True)
class _PartBlock(Combinator):
    """A further head of a detector, on what it detected."""

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
