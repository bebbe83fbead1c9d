"""dlib's image pyramids: images of any sizes as input, each with smaller copies beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from archdsl.ir.block import Block, Builder, Combinator, Connection, Port
from archdsl.ir.edges import EdgeType, ImagePyramids, Images, Shape, required
from archdsl.ir.layer import Category, RuleError, arg, define
from archdsl.ir.lowering import Emitter, ImageValues, Operand, made
from archdsl.ir.trial import RandomValues, Trial
from archdsl.layers.inputs import PixelValues, TensorInput
from archdsl.layers.pyramid_tiles import tiled

_TRIAL_SIDE = 256
"""Height or width in pixels of a trial run's images, where the spec leaves it open."""


@define("pyramid_down", source="dlib image_transforms/image_pyramid.h")
@dataclass(frozen=True)
class PyramidDown(Combinator):
    """An image pyramid whose levels are (n-1)/n the size of the one before; for pyramid inputs."""

    n: int = arg("1 for the image alone", minimum=1, maximum=1000)

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
