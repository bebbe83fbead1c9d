"""dlib's detectors: image pyramids as input, loss_mmod, loss_yolo.

What they know besides their weights (windows, anchors, labels, thresholds) is no part of their
types in dlib: it comes with trained weights. A spec may state some of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from archdsl.ir.block import INPUT, Block, Builder, Combinator, Connection, Label, Port, Tag
from archdsl.ir.edges import Detections, EdgeType, ImagePyramids, Images, Shape, required
from archdsl.ir.layer import Category, RuleError, arg, define, image, shown
from archdsl.ir.lowering import Emitter, ImageValues, Operand, made
from archdsl.ir.trial import RandomValues, Trial
from archdsl.layers.combinators import AddTag, find
from archdsl.layers.inputs import PixelValues, TensorInput
from archdsl.layers.pyramid_tiles import tiled
from archdsl.layers.pyramids import place
from archdsl.layers.typed import TypedLayer, agreed_classes, argument

# ---- image pyramids ----


_TRIAL_SIDE = 256
"""Height or width in pixels of a trial run's images, where the spec leaves it open."""


@define("pyramid_down", source="dlib image_transforms/image_pyramid.h")
@dataclass(frozen=True)
class PyramidDown(Combinator):
    """An image pyramid whose levels are (n-1)/n the size of the one before; for pyramid inputs."""

    n: int = arg("1 for the image alone", minimum=1)

    def layers(self) -> int:
        return 0

    def connect(self, build: Builder, port: Port) -> Connection:
        raise RuleError(
            "pyramid_down describes the pyramid of an input", "it is no layer", code="E320"
        )
        yield


@dataclass(frozen=True)
class _PyramidInput(TensorInput):
    """The base of pyramid inputs: a list of images, each with its smaller copies on one picture."""

    inputs = 0
    channels = 0

    pyramid: Block = arg("pyramid_down<N>")
    height: int | None = arg("rows of an image, to count with", None, minimum=1, shown="--input")
    width: int | None = arg("columns", None, minimum=1, shown="--input")
    padding: int = arg("pixels between the copies", 10, minimum=0, positional=False)
    outer_padding: int = arg("pixels around all", 11, minimum=0, positional=False)

    def means(self) -> tuple[float, ...]:
        """The mean subtracted from each channel, of values 0..255."""
        raise NotImplementedError

    def buffers(self, inputs: tuple[Shape, ...]) -> int:
        return len(self.means())

    def _n(self) -> int:
        what = self.pyramid.meant
        if not isinstance(what, PyramidDown):
            raise RuleError(
                f"{self.kind} takes a pyramid", "expected pyramid_down<N>, as in <6>", code="E320"
            )
        return what.n

    def size(self) -> Shape:
        return self.channels, self.height, self.width

    def edge_shape(self, inputs: tuple[EdgeType, ...]) -> EdgeType:
        return self._tiled(self.size())

    def resized(self, declared: EdgeType, wanted: Shape) -> EdgeType:
        return self._tiled(wanted)

    def _tiled(self, taken: Shape) -> EdgeType:
        n, (_, height, width) = self._n(), taken
        if height is None or width is None:
            return ImagePyramids((self.channels, None, None), taken)
        tiling = tiled(height, width, n, self.padding, self.outer_padding)
        return ImagePyramids((self.channels, tiling.height, tiling.width), taken)

    def label(self) -> str:
        return "image pyramid"

    @property
    def expected(self) -> PixelValues:
        return PixelValues()

    def edge_lower(
        self, emit: Emitter, operands: tuple[Operand, ...], inputs: tuple[EdgeType, ...]
    ) -> Operand:
        module = made(
            "detection.dlib.PyramidInput", self._n(), self.padding, self.outer_padding, self.means()
        )
        batch = emit.module(module, emit.entry("images"))
        return ImageValues(batch, emit.call("detection.values.tensor_of", batch))

    def fed(self, output: EdgeType) -> Mapping[str, Trial]:
        images: Images = required(output, Images, self.kind)
        return {"images": [RandomValues(tuple(size or _TRIAL_SIDE for size in images.taken))]}


@define(
    "input_rgb_image_pyramid",
    category=Category.INPUT,
    stem="images",
    source="dlib input_rgb_image_pyramid",
)
@dataclass(frozen=True)
class InputRgbImagePyramid(_PyramidInput):
    """Colour images of any sizes with values 0..1, each with smaller and smaller copies beside it.

    The copies lie on one picture, so that a network runs once on all of them; where there is none,
    there is dlib's mean colour. Values go through as 0..255, less the mean, by 256.
    """

    channels = 3

    red: float = arg("mean of red, of 0..255", 122.782, positional=False)
    green: float = arg("mean of green", 117.001, positional=False)
    blue: float = arg("mean of blue", 104.298, positional=False)

    def means(self) -> tuple[float, ...]:
        return self.red, self.green, self.blue


@define(
    "input_grayscale_image_pyramid",
    category=Category.INPUT,
    stem="images",
    source="dlib input_grayscale_image_pyramid",
)
@dataclass(frozen=True)
class InputGrayscaleImagePyramid(_PyramidInput):
    """Grey images of any sizes with values 0..1, each with smaller and smaller copies beside it."""

    channels = 1

    def means(self) -> tuple[float, ...]:
        return (0.0,)

    @property
    def expected(self) -> PixelValues:
        return PixelValues(grey=True)


# ---- loss_mmod ----


@define("detector_window", source="dlib mmod_options::detector_window_details")
@dataclass(frozen=True)
class DetectorWindow(Combinator):
    """The size of what a channel detects, and its label; an argument of loss_mmod."""

    width: int = arg("in pixels", minimum=1)
    height: int = arg("in pixels", minimum=1)
    label: Label = arg("what it is", Label(""), shown="none")

    def layers(self) -> int:
        return 0

    def connect(self, build: Builder, port: Port) -> Connection:
        raise RuleError(
            "detector_window describes a channel of loss_mmod", "it is no layer", code="E320"
        )
        yield


_UNSTATED = DetectorWindow(80, 80)
"""The default window, of channels whose window is not stated."""


@dataclass(frozen=True)
class DlibDetections(TypedLayer):
    """The base of the layers that dlib's detectors end in, losses in dlib.

    Inputs are the maps to be decoded and, last, the network's input.
    """

    locating = (-1,)

    threshold: float
    nms: float
    covered: float

    def label(self) -> str:
        return f"above {self.threshold:g}, NMS {self.nms:g}"


@dataclass(frozen=True, kw_only=True)
class _MmodArguments:
    """The thresholds of dlib's max-margin detector."""

    threshold: float = arg("what a score has to exceed", 0.0, positional=False)
    nms: float = arg(
        "intersection by the box around both that suppresses", 0.4, minimum=0, maximum=1,
        positional=False,
    )  # fmt: skip
    covered: float = arg(
        "covered part of a box that suppresses", 1.0, minimum=0, maximum=1, positional=False
    )
    regression: bool = arg("bounding box regression", False, positional=False)


@define(
    "mmod_detections", category=Category.DETECTION, stem="loss", source="dlib loss_mmod_::to_label"
)
@dataclass(frozen=True)
class MmodDetections(_MmodArguments, DlibDetections):
    """Windows at the places of a score map; made by loss_mmod."""

    windows: tuple[DetectorWindow, ...] = arg("a window for each channel; () if not stated")

    def _stated(self, scores: EdgeType) -> tuple[DetectorWindow, ...]:
        """The windows, checked against the channels that there are."""
        shape: Shape = required(scores, tuple, "loss_mmod")
        channels, each = image(shape, "loss_mmod")[0], 5 if self.regression else 1
        if channels % each or (self.windows and channels != each * len(self.windows)):
            count = len(self.windows)
            wanted = (
                f"{each * count} channels for {count}" if count else f"{each} channels for each"
            )
            raise RuleError(
                "loss_mmod and its detector windows do not agree",
                f"expected {wanted} windows, found {shown(shape)}",
                code="E316",
            )
        return self.windows or (_UNSTATED,) * (channels // each)

    def edge_shape(self, inputs: tuple[EdgeType, ...]) -> EdgeType:
        labels = {window.label for window in self._stated(inputs[0])}
        return Detections(0, len(labels), _image_shape(inputs[1], "loss_mmod"))

    def edge_lower(
        self, emit: Emitter, operands: tuple[Operand, ...], inputs: tuple[EdgeType, ...]
    ) -> Operand:
        cells = emit.cells()
        module = made(
            "detection.dlib.Mmod",
            tuple((each.width, each.height, each.label) for each in self._stated(inputs[0])),
            self.threshold,
            nms=self.nms,
            covered=self.covered,
            regression=self.regression,
            stride=cells.stride,
            first=cells.first,
        )
        return emit.module(module, *map(argument, operands, inputs))


@define("loss_mmod", source="dlib loss_mmod_; King 2015, Max-Margin Object Detection")
@dataclass(frozen=True)
class LossMmod(_MmodArguments, Combinator):
    """dlib's max-margin detector: a window wherever the map of scores is above the threshold.

    A channel for each window, with bounding box regression four more. Windows, labels and the
    overlaps that suppress come with dlib's weights; what is stated here holds until then. Training
    is dlib's own.
    """

    windows: tuple[Block, ...] = arg(
        "detector_window<width,height,label> for each channel", (), shown="80×80 for each"
    )

    def layers(self) -> int:
        return 1

    def connect(self, build: Builder, port: Port) -> Connection:
        windows = tuple(block.meant for block in self.windows)
        if not all(isinstance(window, DetectorWindow) for window in windows):
            raise RuleError(
                "loss_mmod takes detector_window<width,height,label> for each channel", code="E320"
            )
        layer = MmodDetections.made_by(self, windows=windows)
        return build.join(layer, port, place(INPUT, port))
        yield


# ---- loss_yolo ----


@define("yolo_anchors", source="dlib yolo_options::add_anchors")
@dataclass(frozen=True)
class YoloAnchors(Combinator):
    """The anchors of the map at a tag; an argument of loss_yolo."""

    tag: Tag = arg("the tag of the map")
    sizes: tuple[int, ...] = arg("width and height of each in pixels of the input", minimum=1)

    def layers(self) -> int:
        return 0

    def pairs(self) -> tuple[tuple[int, int], ...]:
        """Width and height of each."""
        if len(self.sizes) % 2:
            raise RuleError(
                "an anchor has a width and a height",
                f"found {len(self.sizes)} numbers",
                code="E321",
            )
        return tuple(zip(self.sizes[::2], self.sizes[1::2], strict=True))

    def connect(self, build: Builder, port: Port) -> Connection:
        raise RuleError("yolo_anchors describes a map of loss_yolo", "it is no layer", code="E320")
        yield


TaggedAnchors = tuple[int, tuple[tuple[int, int], ...]]
"""The number of a tag, and the anchors of the map there."""


@dataclass(frozen=True, kw_only=True)
class _YoloArguments:
    """The thresholds of dlib's YOLO detector."""

    threshold: float = arg("what a score has to exceed", 0.25, positional=False)
    nms: float = arg(
        "intersection by the box around both that suppresses", 0.45, minimum=0, maximum=1,
        positional=False,
    )  # fmt: skip
    covered: float = arg(
        "covered part of a box that suppresses", 1.0, minimum=0, maximum=1, positional=False
    )
    classwise: bool = arg("suppress detections of one class only", True, positional=False)


@define(
    "yolo_detections", category=Category.DETECTION, stem="loss", source="dlib loss_yolo_::to_label"
)
@dataclass(frozen=True)
class YoloDetections(_YoloArguments, DlibDetections):
    """Decodes the maps of several tags; made by loss_yolo."""

    maps: tuple[TaggedAnchors, ...] = arg("tags and anchors; none where they are not stated")

    def _classes(self, inputs: tuple[EdgeType, ...]) -> int:
        """Number of classes that the maps tell apart; 0 where no anchors are stated."""
        found = set()
        for (tag, anchors), edge in zip(self.maps, inputs, strict=False):
            shape: Shape = required(edge, tuple, "loss_yolo")
            channels, each = image(shape, "loss_yolo")[0], len(anchors)
            if each and (channels % each or channels <= 5 * each):
                raise RuleError(
                    f"the map at tag{tag} does not fit its anchors",
                    f"expected {each}·(5 + classes) channels for {each} anchors, "
                    f"found {shown(shape)}",
                    code="E317",
                )
            found |= {channels // each - 5} if each else set()
        return agreed_classes(found, "loss_yolo") if found else 0

    def edge_shape(self, inputs: tuple[EdgeType, ...]) -> EdgeType:
        return Detections(0, self._classes(inputs), _image_shape(inputs[-1], "loss_yolo"))

    def edge_lower(
        self, emit: Emitter, operands: tuple[Operand, ...], inputs: tuple[EdgeType, ...]
    ) -> Operand:
        *maps, batch = map(argument, operands, inputs)
        module = made(
            "detection.dlib.Yolo",
            self.maps,
            self.threshold,
            nms=self.nms,
            covered=self.covered,
            classwise=self.classwise,
        )
        return emit.module(module, maps, batch)


@define("loss_yolo", source="dlib loss_yolo_")
@dataclass(frozen=True)
class LossYolo(_YoloArguments, Combinator):
    """dlib's YOLO detector: decodes maps at tags, anchors × (5 + classes) channels after a sigmoid.

    Channels are x, y, width, height, objectness and classes. Anchors, labels and overlaps come with
    dlib's weights; until then it finds nothing at tags that are written without anchors. Training
    is dlib's own.
    """

    maps: tuple[Block, ...] = arg("tags, or yolo_anchors<tag, width,height, ...>")

    def layers(self) -> int:
        return 1

    def connect(self, build: Builder, port: Port) -> Connection:
        maps: list[TaggedAnchors] = []
        for block in self.maps:
            what = block.meant
            if isinstance(what, YoloAnchors):
                maps.append((what.tag.id, what.pairs()))
            elif isinstance(what, AddTag):
                maps.append((what.id, ()))
            else:
                raise RuleError(
                    "loss_yolo takes tags, or yolo_anchors<tag, width,height, ...>", code="E320"
                )
        ends = [find(Tag(tag), port) for tag, _ in maps]
        layer = YoloDetections.made_by(self, maps=tuple(maps))
        return build.join(layer, *ends, place(INPUT, port))._replace(tags=port.tags)
        yield


def _image_shape(edge: EdgeType, kind: str) -> Shape:
    """The shape of the tensor that the network sees, from the type of its input."""
    seen = required(edge, (tuple, Images), kind)
    return seen.shape if isinstance(seen, Images) else seen
