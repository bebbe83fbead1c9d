"""Factors and offsets, learned numbers without any statistics of the input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from archdsl.ir.layer import Category, Layer, Shape, arg, define, image
from archdsl.ir.lowering import Construct, made
from archdsl.ir.storage import KEEPS_INPUT, SUM, VALUE, Storage
from archdsl.layers.normalization import channels_of
from archdsl.layers.pooling import flat_size, last_axis


@define(
    "affine",
    category=Category.NORMALIZATION,
    source="dlib affine_",
)
@dataclass(frozen=True)
class Affine(Layer):
    """A learned factor and offset per channel: what batch normalisation is once it is trained.

    dlib's layer is the one or the other by what it was made of: ``bn_con`` gives a number for each
    channel, ``bn_fc`` one for each value.
    """

    storage = Storage(keeps_output=False, workspace=VALUE)

    per_value: bool = arg(
        "a factor and an offset for every value, as of bn_fc, not for every channel",
        False,
        positional=False,
    )

    def _size(self, inputs: tuple[Shape, ...]) -> int:
        counted = flat_size if self.per_value else channels_of
        return counted(inputs[0], self.kind)

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        self._size(inputs)
        return inputs[0]

    def parameters(self, inputs: tuple[Shape, ...]) -> int:
        return 2 * self._size(inputs)

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        shape = inputs[0] if self.per_value else inputs[0][:1]
        return made("modules.Affine", *cast("tuple[int, ...]", shape))


def _of_channels(shape: Shape, kind: str) -> tuple[int, ...]:
    """The sizes of a number for each channel, which meets a map or a row of features."""
    if len(shape) == 1:
        return (flat_size(shape, kind),)
    return image(shape, kind)[0], 1, 1


@define(
    "layer_scale",
    category=Category.NORMALIZATION,
    stem="scale",
    source="Touvron et al. 2021, Going Deeper with Image Transformers, section 2; "
    "one factor for all: Bachlechner et al. 2020 (ReZero), equation 2",
)
@dataclass(frozen=True)
class LayerScale(Layer):
    """A learned factor per channel, small at first; for bodies of residual blocks.

    On a sequence of tokens, whose channels are the last axis, it is ``layer_scale_last``.
    """

    storage = KEEPS_INPUT

    initial: float = arg("the factors before training", 1e-6)
    per_channel: bool = arg("false: one factor for all values", True, positional=False)

    def _sizes(self, inputs: tuple[Shape, ...]) -> tuple[int, ...]:
        return _of_channels(inputs[0], self.kind) if self.per_channel else (1,)

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        self._sizes(inputs)
        return inputs[0]

    def parameters(self, inputs: tuple[Shape, ...]) -> int:
        return self._sizes(inputs)[0]

    def label(self) -> str:
        return "layer scale" if self.per_channel else "learned factor"

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made("modules.LayerScale", self._sizes(inputs), self.initial)


@dataclass(frozen=True)
class _LastAxis(Layer):
    """The base of layers with a learned number for each place of the last axis."""

    features_last = True

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        last_axis(inputs[0], self.kind)
        return inputs[0]

    def parameters(self, inputs: tuple[Shape, ...]) -> int:
        return last_axis(inputs[0], self.kind)


@define(
    "layer_scale_last",
    category=Category.NORMALIZATION,
    stem="scale",
    source="Touvron et al. 2021, Going Deeper with Image Transformers, section 2",
)
@dataclass(frozen=True)
class LayerScaleLast(_LastAxis):
    """``layer_scale`` along the last axis: for tokens, and behind ``channels_last``."""

    storage = KEEPS_INPUT

    initial: float = arg("the factors before training", 1e-6)

    def label(self) -> str:
        return "layer scale"

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made("modules.LayerScale", (last_axis(inputs[0], self.kind),), self.initial)


@define("bias", category=Category.NORMALIZATION, source="torch.nn.Parameter; torch.add")
@dataclass(frozen=True)
class Bias(Layer):
    """A learned value per channel, added; it starts as zero.

    What ``bias=true`` of a convolution adds, for places without one. On a sequence of tokens it is
    ``bias_last``.
    """

    storage = SUM

    per_channel: bool = arg("false: one value for all", True, positional=False)

    def _sizes(self, inputs: tuple[Shape, ...]) -> tuple[int, ...]:
        return _of_channels(inputs[0], self.kind) if self.per_channel else (1,)

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        self._sizes(inputs)
        return inputs[0]

    def parameters(self, inputs: tuple[Shape, ...]) -> int:
        return self._sizes(inputs)[0]

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made("modules.Bias", *self._sizes(inputs))


@define(
    "bias_last",
    category=Category.NORMALIZATION,
    stem="bias",
    source="torch.nn.Parameter; torch.add; with layer_scale_last: Touvron et al. 2021, ResMLP, "
    "equation 1",
)
@dataclass(frozen=True)
class BiasLast(_LastAxis):
    """``bias`` along the last axis: for tokens, and behind ``channels_last``."""

    storage = SUM

    def label(self) -> str:
        return "bias"

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made("modules.Bias", last_axis(inputs[0], self.kind))
