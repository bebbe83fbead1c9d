"""Input layers, through which data enters a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple, cast

from archdsl.ir.edges import EdgeType, shape_words
from archdsl.ir.input_layer import InputLayer
from archdsl.ir.layer import Category, RuleError, Shape, arg, define
from archdsl.ir.lowering import Emitter, Operand, Value, made
from archdsl.ir.storage import VALUE, VIEW, Storage
from archdsl.ir.trial import RandomValues, Trial
from archdsl.text.words import key


class Pixels(NamedTuple):
    """The pixels of an input image: number of channels, and the divisor that values are scaled by.

    A matrix type may fix its rows and columns.
    """

    channels: int
    divisor: int = 1
    rows: int | None = None
    columns: int | None = None


class PixelValues(NamedTuple):
    """Values that stand for a picture in RGB with values 0..1.

    They are ``(value * scale - mean) / deviation``, mean and deviation by channel or for all.
    ``grey`` is one channel, as dlib makes it: the mean of the three of 0..255, rounded down.
    """

    scale: float = 1
    mean: tuple[float, ...] = (0,)
    deviation: tuple[float, ...] = (1,)
    grey: bool = False


CPP_CONTAINERS = ("matrix", "array", "array2d", "vector")
PIXELS = {
    "rgb_pixel": 3,
    "bgr_pixel": 3,
    "hsi_pixel": 3,
    "lab_pixel": 3,
    "rgb_alpha_pixel": 4,
}
"""dlib's pixel types and their channels."""

_PIXEL_WORDS = {
    "unsigned char": "unsignedchar uchar byte char8 uint grey gray greyscale grayscale graypixel "
    "luminance image mnist",
    "rgb_pixel": "rgb rgbpixel color colour rgbimage rgb24 bgr vec3b uchar3",
    "rgb_alpha_pixel": "rgba rgbapixel rgbalpha argb",
    "float": "float32 float64 real single f32 tensor half",
}


def pixel_type(word: str) -> str | None:
    """The C++ type of pixels that a word stands for: ``unsigned char`` for ``unsigned_char``."""
    wanted = key(word)
    for name, words in _PIXEL_WORDS.items():
        if wanted in (*words.split(), key(name)):
            return name
    return None


IMAGENET_MEAN = (0.485, 0.456, 0.406)
"""The mean of red, green and blue in ImageNet's photographs, of 0..1, as torchvision has it."""

IMAGENET_DEVIATION = (0.229, 0.224, 0.225)
"""Their standard deviation."""


class TensorInput(InputLayer):
    """The base of inputs that a compiled module takes as its argument ``x``."""

    def edge_lower(
        self, emit: Emitter, operands: tuple[Operand, ...], inputs: tuple[EdgeType, ...]
    ) -> Operand:
        return self.lower(emit, (emit.entry("x"),), ())

    def fed(self, output: EdgeType) -> Mapping[str, Trial]:
        return {"x": RandomValues((1, *known_size(cast("Shape", output))))}

    @property
    def expected(self) -> PixelValues:
        """The values that networks with this input expect for a picture."""
        return PixelValues(scale=255)


_COLOURS = 1, 3, 4
_LEAST_SIDE = 16


def channels_last(shape: Shape) -> Shape | None:
    """The shape with its channels first, if it is written with them last: 224×224×3.

    ``None`` for any other, and for what may be meant as it is. A shape without columns counts as
    height×width of one channel where the two are the same.
    """
    first, rows, columns = shape
    if columns is None and first == rows:
        columns = 1
    if first is None or rows is None or columns not in _COLOURS:
        return None
    square = first == rows
    sides = min(first, rows) >= _LEAST_SIDE
    return (columns, first, rows) if sides and (square or columns != 1) else None


def known_size(shape: Shape) -> tuple[int, ...]:
    """A shape without open sizes; raises RuleError where there are some."""
    sizes = tuple(size for size in shape if size is not None)
    if len(sizes) < len(shape):
        raise RuleError(
            "the network cannot be run: the size of its input is open",
            f"found {shape_words(shape)}",
            help="give the size with --input CxHxW",
            code="E305",
        )
    return sizes


@define(
    "input",
    category=Category.INPUT,
    source="dlib input<matrix<T>>; input<C,H,W> takes tensors as they are",
)
@dataclass(frozen=True)
class Input(TensorInput):
    """A tensor: ``input<3,224,224>``, or a C++ type: ``input<matrix<unsigned char>>``.

    Pixel types (unsigned char, rgb_pixel) hold 0..255 and are divided by 256; float types pass.
    """

    storage = VIEW
    inputs = 0
    warning_code = "W013"

    pixels: Pixels = arg("channels, or a matrix type")
    height: int | None = arg("rows", None, minimum=1, shown="--input")
    width: int | None = arg("columns", None, minimum=1, shown="--input")

    def buffers(self, inputs: tuple[Shape, ...]) -> int:
        return int(self.pixels.divisor != 1)  # the mean of all channels, 0

    def size(self) -> Shape:
        pixels = self.pixels
        return pixels.channels, self.height or pixels.rows, self.width or pixels.columns

    def warning(self, inputs: tuple[Shape, ...]) -> str | None:
        turned = channels_last(self.size())
        if turned is None:
            return None
        return (
            f"{shape_words(self.size())} looks like height×width×channels: channels come first, "
            f"{shape_words(turned)}"
        )

    def with_channels(self, channels: int) -> InputLayer | None:
        return (
            None
            if self.pixels.divisor != 1
            else replace(self, pixels=self.pixels._replace(channels=channels))
        )

    def other_kind(self, channels: int) -> str | None:
        if self.pixels.divisor == 1:
            return None
        kinds = {1: "input<matrix<unsigned char>>", 3: "input<matrix<rgb_pixel>>"}
        return kinds.get(channels)

    def label(self) -> str:
        return "input"

    @property
    def expected(self) -> PixelValues:
        if self.pixels.divisor != 1:
            return super().expected
        if self.pixels.channels != len(IMAGENET_MEAN):
            return PixelValues()
        # Nothing is known of these values; torchvision's networks are trained like this.
        return PixelValues(mean=IMAGENET_MEAN, deviation=IMAGENET_DEVIATION)

    def lower(self, emit: Emitter, operands: tuple[Value, ...], inputs: tuple[Shape, ...]) -> Value:
        (pixels,) = operands
        if self.pixels.divisor == 1:
            return pixels
        return emit.module(made("modules.Normalize", (0.0,), float(self.pixels.divisor)), pixels)


@define("input_rgb_image", category=Category.INPUT, stem="input", source="dlib input_rgb_image")
@dataclass(frozen=True)
class InputRgbImage(TensorInput):
    """A colour image with values 0..255: its mean colour is subtracted, the rest divided by 256."""

    storage = Storage(keeps_input=False, keeps_output=False, workspace=VALUE)
    inputs = 0

    height: int | None = arg("rows", None, minimum=1, positional=False, shown="--input")
    width: int | None = arg("columns", None, minimum=1, positional=False, shown="--input")
    red: float = arg("mean of red", 122.782, positional=False)
    green: float = arg("mean of green", 117.001, positional=False)
    blue: float = arg("mean of blue", 104.298, positional=False)

    def buffers(self, inputs: tuple[Shape, ...]) -> int:
        return 3  # the means

    def size(self) -> Shape:
        return 3, self.height, self.width

    def label(self) -> str:
        return "RGB image"

    def lower(self, emit: Emitter, operands: tuple[Value, ...], inputs: tuple[Shape, ...]) -> Value:
        return emit.module(
            made("modules.Normalize", (self.red, self.green, self.blue), 256.0), *operands
        )


@define(
    "input_rgb_image_sized",
    category=Category.INPUT,
    stem="input",
    source="dlib input_rgb_image_sized",
)
@dataclass(frozen=True)
class InputRgbImageSized(InputRgbImage):
    """``input_rgb_image`` of a fixed size: ``input_rgb_image_sized<150>`` or ``<rows,columns>``."""

    height: int | None = arg("rows", minimum=1)
    width: int | None = arg("columns", None, minimum=1, shown="height")

    def size(self) -> Shape:
        return 3, self.height, self.width or self.height


@define(
    "input_rgb_image_pair",
    category=Category.INPUT,
    stem="input",
    source="dlib input_rgb_image_pair",
)
@dataclass(frozen=True)
class InputRgbImagePair(InputRgbImage):
    """Pairs of colour images, as input_rgb_image has them.

    In the batch all first images come before all second ones.
    """

    samples = 2


@define("input_tensor", category=Category.INPUT, stem="input", source="dlib input_tensor")
@dataclass(frozen=True)
class InputTensor(TensorInput):
    """A tensor as it is; ``--input`` gives its channels, rows and columns where they are open."""

    storage = VIEW
    inputs = 0
    samples = None

    channels: int | None = arg("channels", None, minimum=1, positional=False, shown="--input")
    height: int | None = arg("rows", None, minimum=1, positional=False, shown="--input")
    width: int | None = arg("columns", None, minimum=1, positional=False, shown="--input")

    def size(self) -> Shape:
        return self.channels, self.height, self.width

    def label(self) -> str:
        return "input"

    def lower(self, emit: Emitter, operands: tuple[Value, ...], inputs: tuple[Shape, ...]) -> Value:
        return operands[0]
