"""Where data enters a network and what it is trained on: inputs and losses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from archdsl.layers.definition import Category, Layer, RuleError, Shape, alias, arg, define
from archdsl.layers.edges import EdgeType, shape_words

if TYPE_CHECKING:
    from torch import Tensor, fx, nn

    from archdsl.targets.torch.emitter import Emitter, Operand


class Pixels(NamedTuple):
    """What an image consists of: its channels, and what its values are divided by on the way in.

    A matrix type may fix its rows and columns.
    """

    channels: int
    divisor: int = 1
    rows: int | None = None
    columns: int | None = None


IMAGENET_MEAN = (0.485, 0.456, 0.406)
"""The mean of red, green and blue in ImageNet's photographs, of 0..1, as torchvision has it."""

IMAGENET_DEVIATION = (0.229, 0.224, 0.225)
"""Their standard deviation."""


class InputLayer(Layer):
    """The base of all inputs: what the shape stage and ``--input`` need to know of them."""

    def size(self) -> Shape:
        """The shape as written, unknown sizes as ``None``."""
        raise NotImplementedError

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        return self.size()

    def output(self, inputs: tuple[EdgeType, ...]) -> EdgeType:
        return self.size()

    def attach(
        self, emit: Emitter, operands: tuple[Operand, ...], inputs: tuple[EdgeType, ...]
    ) -> Operand:
        return self.lower(emit, (emit.entry("x"),), ())

    def fed(self, output: EdgeType) -> Mapping[str, Any]:
        import torch

        return {"x": torch.rand(1, *known_size(cast("Shape", output)))}

    def pixels_of(self, picture: Tensor) -> Tensor:
        """A picture in RGB, values 0..1, as the values that networks with this input expect."""
        return picture * 255


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
class Input(InputLayer):
    """A tensor: ``input<3,224,224>``, or a C++ type: ``input<matrix<unsigned char>>``.

    Pixel types (unsigned char, rgb_pixel) hold 0..255 and are divided by 256; float types pass.
    """

    inputs = 0

    pixels: Pixels = arg("channels, or a matrix type")
    height: int | None = arg("rows", None, minimum=1, shown="--input")
    width: int | None = arg("columns", None, minimum=1, shown="--input")

    def size(self) -> Shape:
        pixels = self.pixels
        return pixels.channels, self.height or pixels.rows, self.width or pixels.columns

    def label(self) -> str:
        return "input"

    def pixels_of(self, picture: Tensor) -> Tensor:
        if self.pixels.divisor != 1:
            return super().pixels_of(picture)
        # Nothing is known of these values; torchvision's networks are trained like this.
        channels = zip(picture, IMAGENET_MEAN, IMAGENET_DEVIATION, strict=True)
        import torch

        return torch.stack([(channel - mean) / sigma for channel, mean, sigma in channels])

    def lower(
        self, emit: Emitter, operands: tuple[fx.Node, ...], inputs: tuple[Shape, ...]
    ) -> fx.Node:
        (pixels,) = operands
        if self.pixels.divisor == 1:
            return pixels
        from archdsl.targets.torch.modules import Normalize

        return emit.module(Normalize((0.0,), float(self.pixels.divisor)), pixels)


@define("input_rgb_image", category=Category.INPUT, stem="input", source="dlib input_rgb_image")
@dataclass(frozen=True)
class InputRgbImage(InputLayer):
    """A colour image with values 0..255: its mean colour is subtracted, the rest divided by 256."""

    inputs = 0

    height: int | None = arg("rows", None, minimum=1, positional=False, shown="--input")
    width: int | None = arg("columns", None, minimum=1, positional=False, shown="--input")
    red: float = arg("mean of red", 122.782, positional=False)
    green: float = arg("mean of green", 117.001, positional=False)
    blue: float = arg("mean of blue", 104.298, positional=False)

    def size(self) -> Shape:
        return 3, self.height, self.width

    def label(self) -> str:
        return "RGB image"

    def lower(
        self, emit: Emitter, operands: tuple[fx.Node, ...], inputs: tuple[Shape, ...]
    ) -> fx.Node:
        from archdsl.targets.torch.modules import Normalize

        return emit.module(Normalize((self.red, self.green, self.blue), 256.0), *operands)


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


alias(
    "input_rgb_image_pair",
    InputRgbImage,
    "Pairs of colour images, as input_rgb_image has them; in the batch all first images come "
    "before all second ones.",
    "dlib input_rgb_image_pair",
)


@define("input_tensor", category=Category.INPUT, stem="input", source="dlib input_tensor")
@dataclass(frozen=True)
class InputTensor(InputLayer):
    """A tensor as it is; ``--input`` gives its channels, rows and columns where they are open."""

    inputs = 0

    channels: int | None = arg("channels", None, minimum=1, positional=False, shown="--input")
    height: int | None = arg("rows", None, minimum=1, positional=False, shown="--input")
    width: int | None = arg("columns", None, minimum=1, positional=False, shown="--input")

    def size(self) -> Shape:
        return self.channels, self.height, self.width

    def label(self) -> str:
        return "input"

    def lower(
        self, emit: Emitter, operands: tuple[fx.Node, ...], inputs: tuple[Shape, ...]
    ) -> fx.Node:
        return operands[0]


@dataclass(frozen=True)
class Loss(Layer):
    """The base of all losses: the network's output passes; training gets a ``criterion``."""

    takes_logits = True

    def criterion(self) -> nn.Module:
        """The torch module that turns (output, target) into a number."""
        raise NotImplementedError

    def lower(
        self, emit: Emitter, operands: tuple[fx.Node, ...], inputs: tuple[Shape, ...]
    ) -> fx.Node:
        emit.criterion(self.criterion())
        return operands[0]


@define(
    "loss_multiclass_log",
    category=Category.LOSS,
    stem="loss",
    source="dlib; torch.nn.CrossEntropyLoss",
)
@dataclass(frozen=True)
class LossMulticlassLog(Loss):
    """One class out of many: cross entropy of the softmax of the outputs (logits)."""

    def criterion(self) -> nn.Module:
        from torch import nn

        return nn.CrossEntropyLoss()


@define(
    "loss_binary_log",
    category=Category.LOSS,
    stem="loss",
    source="dlib; torch.nn.BCEWithLogitsLoss",
)
@dataclass(frozen=True)
class LossBinaryLog(Loss):
    """Yes or no: cross entropy of the sigmoid of the output (a logit)."""

    def criterion(self) -> nn.Module:
        from torch import nn

        return nn.BCEWithLogitsLoss()


@define("loss_mean_squared", category=Category.LOSS, stem="loss", source="dlib; torch.nn.MSELoss")
@dataclass(frozen=True)
class LossMeanSquared(Loss):
    """Mean squared difference of outputs and targets."""

    takes_logits = False

    def criterion(self) -> nn.Module:
        from torch import nn

        return nn.MSELoss()


@define("loss_binary_hinge", category=Category.LOSS, stem="loss", source="dlib loss_binary_hinge_")
@dataclass(frozen=True)
class LossBinaryHinge(Loss):
    """Yes (+1) or no (-1): the hinge max(0, 1 - target × output), averaged."""

    def criterion(self) -> nn.Module:
        from archdsl.targets.torch.modules import BinaryHingeLoss

        return BinaryHingeLoss()


for _name, _cls, _summary in (
    ("loss_multiclass_log_per_pixel", LossMulticlassLog, "loss_multiclass_log at every pixel."),
    ("loss_multibinary_log", LossBinaryLog, "loss_binary_log for every output."),
    ("loss_binary_log_per_pixel", LossBinaryLog, "loss_binary_log at every pixel."),
    ("loss_mean_squared_multioutput", LossMeanSquared, "loss_mean_squared over several outputs."),
    ("loss_mean_squared_per_pixel", LossMeanSquared, "loss_mean_squared at every pixel."),
):
    alias(_name, _cls, _summary, f"dlib {_name}")
