"""Inputs of detectors, which take images of any sizes and make one tensor of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from archdsl.ir.edges import EdgeType, Images, Shape, required
from archdsl.ir.layer import Category, RuleError, arg, define
from archdsl.ir.lowering import Construct, Emitter, ImageValues, Operand, made
from archdsl.ir.trial import RandomValues, Trial
from archdsl.layers.inputs import (
    IMAGENET_DEVIATION,
    IMAGENET_MEAN,
    PixelValues,
    TensorInput,
    known_size,
)


@dataclass(frozen=True)
class _ImagesInput(TensorInput):
    """The normalisation of pixel values, which both image inputs share."""

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

    def edge_shape(self, inputs: tuple[EdgeType, ...]) -> EdgeType:
        return Images(self.size())

    @property
    def expected(self) -> PixelValues:
        return PixelValues()

    def batch(self) -> Construct:
        """The module that makes a batch of images."""
        raise NotImplementedError

    def _normalisation(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        means = self.red, self.green, self.blue
        deviations = self.red_deviation, self.green_deviation, self.blue_deviation
        return (
            means if self.mean is None else (self.mean,) * 3,
            deviations if self.deviation is None else (self.deviation,) * 3,
        )

    def edge_lower(
        self, emit: Emitter, operands: tuple[Operand, ...], inputs: tuple[EdgeType, ...]
    ) -> Operand:

        images, targets = emit.entry("images"), emit.entry("targets", None)
        batch = emit.module(self.batch(), images, targets)
        return ImageValues(batch, emit.call("detection.values.tensor_of", batch))

    def fed(self, output: EdgeType) -> Mapping[str, Trial]:
        images: Images = required(output, Images, self.kind)
        return {"images": [RandomValues(known_size(images.shape))]}


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

    min_size: int = arg("the shorter side, in pixels", 800, minimum=1, maximum=65_536)
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
                code="E321",
            )
        return tuple(range(self.min_size, least - 1, -self.train_step))[::-1]

    def edge_shape(self, inputs: tuple[EdgeType, ...]) -> EdgeType:
        self.min_sizes()
        return super().edge_shape(inputs)

    def size(self) -> Shape:
        short, long = sorted((self.min_size, self.max_size))
        padded = (-(-side // self.divisible) * self.divisible for side in (short, long))
        return 3, *padded

    def label(self) -> str:
        return "images"

    def batch(self) -> Construct:
        normalisation = self._normalisation()
        return made(
            "detection.images.ImageBatch",
            self.min_sizes(),
            self.max_size,
            *normalisation,
            None,
            self.divisible,
        )


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

    def batch(self) -> Construct:
        rows, columns = self.height, self.width or self.height
        # torchvision takes a fixed size as width, height.
        fixed = columns, rows
        return made(
            "detection.images.ImageBatch",
            (min(fixed),),
            max(fixed),
            *self._normalisation(),
            fixed,
            1,
        )
