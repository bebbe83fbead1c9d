"""Types of the values that flow along a network's edges: tensors, boxes, regions, detections.

A tensor is known by its shape, a plain tuple. The other types are frozen dataclasses. Rules of
tensor layers are written for shapes; :func:`applications` lifts them: a layer that follows several
feature maps is applied to each of them with the same weights, one that follows features of regions
is applied to those of every region.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

Dim = int | None
"""The size of an axis; ``None`` where it depends on an input size that is not known."""

Shape = tuple[Dim, ...]
"""The shape of one sample, without the batch: ``(channels, height, width)`` or ``(features,)``."""


class RuleError(Exception):
    """Raised by a layer's rule for inputs that do not fit; the calling stage adds the position."""

    def __init__(
        self, message: str, *notes: str, help: str | None = None, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.notes = notes
        self.help = help
        self.code = code


@dataclass(frozen=True)
class Images:
    """Images of any sizes, made one tensor; ``shape`` is that of one of them in it."""

    words: ClassVar[str] = "images"

    shape: Shape

    @property
    def taken(self) -> Shape:
        """The nominal size of an image that the network is given."""
        return self.shape

    def __str__(self) -> str:
        return shape_words(self.shape)

    def document(self) -> Any:
        """The type for JSON: the shape of the tensor that layers see."""
        return list(self.shape)


@dataclass(frozen=True)
class ImagePyramids(Images):
    """Images with smaller and smaller copies beside them; ``image`` is the shape of one alone."""

    image: Shape

    @property
    def taken(self) -> Shape:
        return self.image


@dataclass(frozen=True)
class FeatureMaps:
    """Feature maps of one image by name, the finest first."""

    words: ClassVar[str] = "feature maps"

    maps: tuple[tuple[str, Shape], ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.maps)

    @property
    def shapes(self) -> tuple[Shape, ...]:
        return tuple(shape for _, shape in self.maps)

    def __str__(self) -> str:
        channels = {shape[0] for shape in self.shapes}
        if any(len(shape) == 1 for shape in self.shapes):  # rows of features
            return ", ".join(map(shape_words, self.shapes))
        sizes = ", ".join(shape_words(shape[1:]) for shape in self.shapes)
        if len(channels) == 1:
            return f"{channels.pop()} × ({sizes})"
        return ", ".join(map(shape_words, self.shapes))

    def document(self) -> Any:
        """The type for JSON: shapes by name."""
        return {name: list(shape) for name, shape in self.maps}


@dataclass(frozen=True)
class RegionFeatures:
    """A tensor for every region of an image; ``regions`` is how many there are at most."""

    words: ClassVar[str] = "features of regions"

    shape: Shape
    regions: int

    def __str__(self) -> str:
        return f"{self.regions:,} of {shape_words(self.shape)}"

    def document(self) -> Any:
        """The type for JSON."""
        return {"regions": self.regions, "shape": list(self.shape)}


@dataclass(frozen=True)
class Anchors:
    """Boxes at every place of every feature map; ``counts`` tells how many at one place of each."""

    words: ClassVar[str] = "anchors"

    counts: tuple[int, ...]

    def __str__(self) -> str:
        each = "/".join(map(str, dict.fromkeys(self.counts)))
        return f"{each} anchor{'' if each == '1' else 's'} at a place"

    def document(self) -> Any:
        """The type for JSON."""
        return {"anchors": list(self.counts)}


@dataclass(frozen=True)
class Proposals:
    """Regions of an image that may hold an object: boxes in pixels of ``image``, at most ``count``.

    ``image`` is the shape of the tensor of images.
    """

    words: ClassVar[str] = "proposals"

    count: int
    image: Shape
    sampled: bool = False
    """True if training samples the regions that it learns from."""

    def __str__(self) -> str:
        return f"{self.count:,} proposals"

    def document(self) -> Any:
        """The type for JSON."""
        return {"proposals": self.count}


@dataclass(frozen=True)
class Detections:
    """Objects that were found: boxes, labels and scores, and whatever ``parts`` adds (masks).

    At most ``count`` for an image; ``classes`` counts the background where the network does.
    A count of 0 stands for any number, and 0 classes for those that only come with weights.
    """

    words: ClassVar[str] = "detections"

    count: int
    classes: int
    image: Shape
    parts: tuple[str, ...] = ()
    background: bool = True
    """True if label 0 is the background, and objects count from 1."""

    def __str__(self) -> str:
        more = "".join(f", {part}" for part in self.parts)
        count = f"{self.count:,} detections" if self.count else "detections"
        plural = "class" if self.classes == 1 else "classes"
        of = f" of {self.classes} {plural}" if self.classes else ""
        return f"{count}{of}{more}"

    def document(self) -> Any:
        """The type for JSON."""
        return {"detections": self.count, "classes": self.classes, "parts": list(self.parts)}


EdgeType = Shape | Images | FeatureMaps | RegionFeatures | Anchors | Proposals | Detections
"""The type of what a layer gives: a tensor's shape, or one of the classes above."""


def shape_words(shape: Shape) -> str:
    """Text of a shape, ``64×56×56``, with unknown sizes as ``?``."""
    return "×".join("?" if size is None else str(size) for size in shape)


def shown(edge: EdgeType) -> str:
    """Text of an edge's type for people: ``64×56×56``, ``1,000 proposals``."""
    return shape_words(edge) if isinstance(edge, tuple) else str(edge)


def document(edge: EdgeType) -> Any:
    """An edge's type for JSON; a tensor is the list of its sizes."""
    return list(edge) if isinstance(edge, tuple) else edge.document()


def words(edge: EdgeType) -> str:
    """Name of an edge's type for sentences: ``a tensor``, ``proposals``."""
    return "a tensor" if isinstance(edge, tuple) else edge.words


def elements(shape: Shape) -> int | None:
    """The number of values of a shape, ``None`` where a size is unknown."""
    known = [size for size in shape if size is not None]
    return math.prod(known) if len(known) == len(shape) else None


def product(*factors: int | None) -> int | None:
    """The product of numbers, ``None`` where one depends on an open size, unless another is 0."""
    known = [factor for factor in factors if factor is not None]
    return math.prod(known) if len(known) == len(factors) or 0 in known else None


def total(numbers: Iterable[int | None]) -> int | None:
    """The sum of numbers, ``None`` where one depends on an open size."""
    whole = 0
    for number in numbers:
        if number is None:
            return None
        whole += number
    return whole


# ---- tensor rules on everything that consists of tensors ----


def applications(inputs: tuple[EdgeType, ...], kind: str) -> list[tuple[Shape, ...]]:
    """Input shapes of a tensor layer, one tuple for each of its applications to a sample.

    A tensor or features of regions give one, feature maps one for each map. Raises RuleError where
    an input is no tensor, or where tensors of different kinds meet.
    """
    first = inputs[0] if inputs else ()
    if isinstance(first, FeatureMaps):
        names = first.names
        if all(isinstance(i, FeatureMaps) and i.names == names for i in inputs):
            levels = [i.shapes for i in inputs if isinstance(i, FeatureMaps)]
            return list(zip(*levels, strict=True))
    elif isinstance(first, RegionFeatures):
        if all(isinstance(i, RegionFeatures) for i in inputs):
            return [tuple(i.shape for i in inputs if isinstance(i, RegionFeatures))]
    elif all(isinstance(i, (tuple, Images)) for i in inputs):
        return [tuple(i.shape if isinstance(i, Images) else i for i in inputs)]  # type: ignore[misc]
    raise _not_tensors(inputs, kind)


def gathered(inputs: tuple[EdgeType, ...], outputs: Sequence[Shape]) -> EdgeType:
    """Output type of a tensor layer: the inputs' type with the output shape of each application."""
    first = inputs[0] if inputs else ()
    if isinstance(first, FeatureMaps):
        return FeatureMaps(tuple(zip(first.names, outputs, strict=True)))
    if isinstance(first, RegionFeatures):
        return RegionFeatures(outputs[0], first.regions)
    return outputs[0]


def samples(inputs: tuple[EdgeType, ...]) -> int:
    """Number of times a tensor layer is applied to one image: its number of regions, else 1."""
    first = inputs[0] if inputs else ()
    return first.regions if isinstance(first, RegionFeatures) else 1


def _not_tensors(inputs: tuple[EdgeType, ...], kind: str) -> RuleError:
    odd = next((i for i in inputs if isinstance(i, (Anchors, Proposals, Detections))), None)
    if odd is not None:
        takes = {
            Anchors: "rpn and the dense heads take anchors",
            Proposals: "roi_align and roi_pool make features of regions out of proposals",
            Detections: "masks and keypoints add to detections",
        }
        return RuleError(
            f"{kind} needs a tensor",
            f"expected a feature map or features, found {words(odd)}",
            help=takes[type(odd)],
            code="E314",
        )
    if all(isinstance(i, FeatureMaps) for i in inputs):
        named = [", ".join(i.names) for i in inputs if isinstance(i, FeatureMaps)]
        return RuleError(
            f"{kind} joins feature maps of different names",
            f"expected maps of the same names in the same order, found {' and '.join(named)}",
            help="feature_maps and fpn name their maps by the taps they are given",
            code="E315",
        )
    return RuleError(
        f"{kind} joins what does not belong together",
        f"expected tensors of one kind, found {' and '.join(map(words, inputs))}",
        code="E315",
    )


def required(edge: EdgeType, wanted: type[Any] | tuple[type[Any], ...], kind: str) -> Any:
    """Return the edge if it is of a wanted type; raises RuleError that names the layer if not."""
    if isinstance(edge, wanted):
        return edge
    kinds = wanted if isinstance(wanted, tuple) else (wanted,)
    names = " or ".join("a feature map" if k is tuple else k.words for k in kinds)
    found = words(edge)
    helps = {
        FeatureMaps: "fpn and feature_maps make feature maps, out of places that tap names",
        Proposals: "rpn and region_proposals make proposals",
        Detections: "detect makes detections",
        RegionFeatures: "roi_align and roi_pool make features of regions",
        Images: "a detector begins with input_images",
    }
    one_of_several = tuple in kinds and isinstance(edge, FeatureMaps)
    raise RuleError(
        f"{kind} needs {names}",
        f"expected {names}, found {found} ({shown(edge)})",
        help="select<0, ...> is the finest of them" if one_of_several else helps.get(kinds[0]),
        code="E314",
    )
