"""dlib's detectors: loss_mmod and loss_yolo, and what they know of windows and anchors.

What they know besides their weights (windows, anchors, labels, thresholds) is no part of their
types in dlib: it comes with trained weights. A spec may state some of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from archdsl.ir.block import INPUT, Block, Builder, Combinator, Connection, Label, Port, Tag
from archdsl.ir.edges import Detections, EdgeType, Images, Shape, required
from archdsl.ir.layer import Category, RuleError, arg, define, image, shown
from archdsl.ir.lowering import Emitter, Operand, made
from archdsl.layers.combinators import AddTag, find
from archdsl.layers.dlib_options import AnchorBox, BoxOverlap, MmodOptions, YoloOptions
from archdsl.layers.dlib_options import DetectorWindow as Window
from archdsl.layers.pyramids import place
from archdsl.layers.typed import TypedLayer, agreed_classes, argument

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


_MOST_WINDOWS = 10_000
"""Windows of a detector at most: its settings have an entry for each."""
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

    def options(self) -> Mapping[str, Any]:
        known = MmodOptions(
            tuple(Window(each.width, each.height, each.label) for each in self.windows),
            overlaps_nms=BoxOverlap(self.nms, self.covered),
            use_bounding_box_regression=self.regression,
        )
        return {"threshold": self.threshold, **known.told()}

    def _stated(self, scores: EdgeType) -> tuple[DetectorWindow, ...]:
        """The windows, checked against the channels that there are."""
        shape: Shape = required(scores, tuple, "loss_mmod")
        channels, each = image(shape, "loss_mmod")[0], 5 if self.regression else 1
        if channels // each > _MOST_WINDOWS:
            raise RuleError(
                "loss_mmod has more detector windows than it can look for",
                f"expected {each * _MOST_WINDOWS:,} channels at most, found {shown(shape)}",
                help="the last convolution has a filter for each window: mostly 1 to 20",
                code="E316",
            )
        if channels % each or (self.windows and channels != each * len(self.windows)):
            count = len(self.windows)
            wanted = (
                f"{each * count} channels for {count}" if count else f"{each} channels for each"
            )
            raise RuleError(
                "loss_mmod and its detector windows do not agree",
                f"expected {wanted} windows, found {shown(shape)}",
                help="the convolution right below has as many filters, or detector_window<...> "
                "stands once for each",
                code="E316",
            )
        return self.windows or (_UNSTATED,) * (channels // each)

    def edge_shape(self, inputs: tuple[EdgeType, ...]) -> EdgeType:
        labels = {window.label for window in self._stated(inputs[0])}
        seen = _image_shape(inputs[1], "loss_mmod")
        return Detections(0, len(labels), seen, background=False)

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
        return emit.module(module, *map(argument, operands, inputs), emit.entry("targets", None))


@define("loss_mmod", source="dlib loss_mmod_; King 2015, Max-Margin Object Detection")
@dataclass(frozen=True)
class LossMmod(_MmodArguments, Combinator):
    """dlib's max-margin detector: a window wherever the map of scores is above the threshold.

    A channel for each window, with bounding box regression four more. Windows, labels and the
    overlaps that suppress come with dlib's weights; what is stated here holds until then.
    In training the module takes true boxes too, and gives dlib's loss: module(images, targets).
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


@define("yolo_labels", source="dlib yolo_options::labels")
@dataclass(frozen=True)
class YoloLabels(Combinator):
    """The names of the classes; an argument of loss_yolo."""

    names: tuple[Label, ...] = arg("a name for each class")

    def layers(self) -> int:
        return 0

    def connect(self, build: Builder, port: Port) -> Connection:
        raise RuleError(
            "yolo_labels describes the classes of loss_yolo", "it is no layer", code="E320"
        )
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
    labels: tuple[str, ...] = arg("names of the classes; () if not stated", (), positional=False)

    def options(self) -> Mapping[str, Any]:
        known = YoloOptions(
            tuple((tag, tuple(AnchorBox(*each) for each in sizes)) for tag, sizes in self.maps),
            self.labels,
            overlaps_nms=BoxOverlap(self.nms, self.covered),
            classwise_nms=self.classwise,
        )
        return {"threshold": self.threshold, **known.told()}

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
            if each and self.labels and channels != each * (5 + len(self.labels)):
                raise RuleError(
                    f"the map at tag{tag} does not fit the labels of loss_yolo",
                    f"expected {each}·(5 + {len(self.labels)}) channels for {each} anchors and "
                    f"{len(self.labels)} labels, found {shown(shape)}",
                    help=f"con<{each * (5 + len(self.labels))},1,1,1,1> makes as many",
                    code="E317",
                )
            found |= {channels // each - 5} if each else set()
        return agreed_classes(found, "loss_yolo") if found else 0

    def edge_shape(self, inputs: tuple[EdgeType, ...]) -> EdgeType:
        seen = _image_shape(inputs[-1], "loss_yolo")
        return Detections(0, self._classes(inputs), seen, background=False)

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
            labels=self.labels,
        )
        return emit.module(module, maps, batch, emit.entry("targets", None))


@define("loss_yolo", source="dlib loss_yolo_")
@dataclass(frozen=True)
class LossYolo(_YoloArguments, Combinator):
    """dlib's YOLO detector: decodes maps at tags, anchors × (5 + classes) channels after a sigmoid.

    Channels are x, y, width, height, objectness and classes. Anchors, labels and overlaps come with
    dlib's weights; until then it finds nothing at tags that are written without anchors.
    In training the module takes true boxes too, and gives dlib's loss: module(images, targets).
    """

    maps: tuple[Block, ...] = arg(
        "tags, or yolo_anchors<tag, width,height, ...>; yolo_labels<name, ...> names the classes"
    )

    def layers(self) -> int:
        return 1

    def connect(self, build: Builder, port: Port) -> Connection:
        maps: list[TaggedAnchors] = []
        labels: tuple[str, ...] = ()
        for block in self.maps:
            what = block.meant
            if isinstance(what, YoloAnchors):
                maps.append((what.tag.id, what.pairs()))
            elif isinstance(what, AddTag):
                maps.append((what.id, ()))
            elif isinstance(what, YoloLabels):
                labels = tuple(map(str, what.names))
            else:
                raise RuleError(
                    "loss_yolo takes tags, or yolo_anchors<tag, width,height, ...>", code="E320"
                )
        ends = [find(Tag(tag), port) for tag, _ in maps]
        layer = YoloDetections.made_by(self, maps=tuple(maps), labels=labels)
        return build.join(layer, *ends, place(INPUT, port))._replace(tags=port.tags)
        yield


def _image_shape(edge: EdgeType, kind: str) -> Shape:
    """The shape of the tensor that the network sees, from the type of its input."""
    seen = required(edge, (tuple, Images), kind)
    return seen.shape if isinstance(seen, Images) else seen
