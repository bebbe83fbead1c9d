"""Normalisation, with and without learned parameters."""

from __future__ import annotations

import math
from dataclasses import dataclass

from archdsl.ir.layer import Category, Layer, RuleError, Shape, arg, define, image, modes, shown
from archdsl.ir.lowering import Construct, made
from archdsl.ir.storage import KEEPS_INPUT, VALUE, Storage
from archdsl.ir.window import LAST_AXIS, SAMPLE
from archdsl.layers.pooling import flat_size, last_axis


def channels_of(shape: Shape, kind: str) -> int:
    """The size of the first axis, along which parameters are held."""
    if not shape or shape[0] is None:
        raise RuleError(
            f"{kind} needs a known number of channels", f"found {shown(shape)}", code="E305"
        )
    return shape[0]


def _require_several(shape: Shape, groups: int, kind: str) -> None:
    """Raise RuleError where a group of a sample is one value, of which nothing would be left."""
    if math.prod(size or 2 for size in shape) == groups:
        raise RuleError(
            f"{kind} of a single value is always zero",
            f"found {shown(shape)}" + (f" in {groups} groups" if groups > 1 else ""),
            code="E324",
        )


_LEAST_EPS = 1e-12
"""torch normalises no batch with an eps of 0."""


@dataclass(frozen=True)
class _BatchNorm(Layer):
    """Per-channel batch normalisation, the base of its spellings, whose defaults differ."""

    storage = KEEPS_INPUT
    absorbs_bias = True

    eps: float = arg("added to the variance", 1e-5, minimum=_LEAST_EPS, maximum=1)
    momentum: float = arg(
        "weight of a new batch in the running statistics", 0.1, minimum=0, maximum=1
    )

    def _features(self, inputs: tuple[Shape, ...]) -> int:
        return channels_of(inputs[0], self.kind)

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        self._features(inputs)
        return inputs[0]

    def parameters(self, inputs: tuple[Shape, ...]) -> int:
        return 2 * self._features(inputs)

    def buffers(self, inputs: tuple[Shape, ...]) -> int:
        return 2 * self._features(inputs) + 1  # mean, variance, the number of batches seen

    def label(self) -> str:
        return "batch norm"

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        axes = 2 if len(inputs[0]) == 3 else 1
        return made(
            f"torch.nn.BatchNorm{axes}d",
            self._features(inputs),
            eps=self.eps,
            momentum=self.momentum,
        )


@define(
    "batch_norm",
    category=Category.NORMALIZATION,
    stem="bn",
    source="torch.nn.BatchNorm2d; Ioffe and Szegedy 2015",
)
@dataclass(frozen=True)
class BatchNorm(_BatchNorm):
    """Batch normalisation per channel with PyTorch's defaults."""


# dlib averages over the last 100 batches: each new one weighs a hundredth.
_DLIB_MOMENTUM = 0.01
_DLIB_EPS = 1e-4


@define(
    "bn_con",
    category=Category.NORMALIZATION,
    stem="bn",
    source="dlib bn_con; torch.nn.BatchNorm2d",
)
@dataclass(frozen=True)
class BatchNormConv(_BatchNorm):
    """Batch normalisation per channel with dlib's defaults."""

    eps: float = arg("added to the variance", _DLIB_EPS, minimum=_LEAST_EPS)
    momentum: float = arg(
        "weight of a new batch in the running statistics", _DLIB_MOMENTUM, minimum=0, maximum=1
    )


@define(
    "bn_fc",
    category=Category.NORMALIZATION,
    stem="bn",
    source="dlib bn_fc; torch.nn.BatchNorm1d",
)
@dataclass(frozen=True)
class BatchNormFc(_BatchNorm):
    """Batch normalisation of every value by itself, with dlib's defaults."""

    eps: float = arg("added to the variance", _DLIB_EPS, minimum=_LEAST_EPS)
    momentum: float = arg(
        "weight of a new batch in the running statistics", _DLIB_MOMENTUM, minimum=0, maximum=1
    )

    def _features(self, inputs: tuple[Shape, ...]) -> int:
        return flat_size(inputs[0], self.kind)

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        norm = made(
            "torch.nn.BatchNorm1d", self._features(inputs), eps=self.eps, momentum=self.momentum
        )
        if len(inputs[0]) == 1:
            return norm
        return made(
            "torch.nn.Sequential",
            made("torch.nn.Flatten"),
            norm,
            made("torch.nn.Unflatten", 1, inputs[0]),
        )


modes("bn_", CONV_MODE="bn_con", FC_MODE="bn_fc")


@define(
    "group_norm",
    category=Category.NORMALIZATION,
    stem="norm",
    source="torch.nn.GroupNorm; Wu and He 2018",
)
@dataclass(frozen=True)
class GroupNorm(Layer):
    """Normalisation of each sample over groups of channels."""

    storage = KEEPS_INPUT
    sees = SAMPLE

    groups: int = arg("number of groups", minimum=1)
    eps: float = arg("added to the variance", 1e-5, minimum=0)

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        channels = channels_of(inputs[0], self.kind)
        if channels % self.groups:
            raise RuleError(f"{self.groups} groups do not divide {channels} channels", code="E306")
        _require_several(inputs[0], self.groups, self.kind)
        return inputs[0]

    def parameters(self, inputs: tuple[Shape, ...]) -> int:
        return 2 * channels_of(inputs[0], self.kind)

    def label(self) -> str:
        return f"group norm, {self.groups}"

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made(
            "torch.nn.GroupNorm", self.groups, channels_of(inputs[0], self.kind), eps=self.eps
        )


@define(
    "instance_norm",
    category=Category.NORMALIZATION,
    stem="norm",
    source="torch.nn.InstanceNorm2d; Ulyanov et al. 2016, Instance Normalization, equation 3",
)
@dataclass(frozen=True)
class InstanceNorm(Layer):
    """Normalisation of each channel of each sample, over its height and width."""

    storage = KEEPS_INPUT
    sees = SAMPLE
    absorbs_bias = True

    eps: float = arg("added to the variance", 1e-5, minimum=0)
    affine: bool = arg("a learned factor and offset per channel", False, positional=False)

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        if image(inputs[0], self.kind)[1:] == (1, 1):
            raise RuleError(
                "the normalisation of a single value",
                f"expected several rows or columns, found {shown(inputs[0])}",
                help="a norm over groups of channels, or over the batch, has more to go by",
                code="E303",
            )
        return inputs[0]

    def parameters(self, inputs: tuple[Shape, ...]) -> int:
        return 2 * image(inputs[0], self.kind)[0] if self.affine else 0

    def label(self) -> str:
        return "instance norm"

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made(
            "torch.nn.InstanceNorm2d",
            image(inputs[0], self.kind)[0],
            eps=self.eps,
            affine=self.affine,
        )


@define(
    "layer_norm",
    category=Category.NORMALIZATION,
    stem="norm",
    source="dlib layer_norm_; torch.nn.GroupNorm with one group",
)
@dataclass(frozen=True)
class LayerNorm(Layer):
    """Normalisation of each sample as a whole; factor and offset per channel, as in dlib."""

    storage = KEEPS_INPUT
    sees = SAMPLE

    eps: float = arg("added to the variance", 1e-5, minimum=0)

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        _require_several(inputs[0], 1, self.kind)
        return inputs[0]

    def parameters(self, inputs: tuple[Shape, ...]) -> int:
        return 2 * channels_of(inputs[0], self.kind)

    def label(self) -> str:
        return "layer norm"

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made("torch.nn.GroupNorm", 1, channels_of(inputs[0], self.kind), eps=self.eps)


@define(
    "rms_norm",
    category=Category.NORMALIZATION,
    stem="norm",
    source="dlib rms_norm_; Zhang and Sennrich 2019, equation 4",
)
@dataclass(frozen=True)
class RMSNorm(Layer):
    """Each sample divided by its root mean square as a whole; a factor per channel, as in dlib."""

    sees = SAMPLE

    eps: float = arg("added to the mean square", 1e-5, minimum=0)

    def parameters(self, inputs: tuple[Shape, ...]) -> int:
        return channels_of(inputs[0], self.kind)

    def label(self) -> str:
        return "RMS norm"

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made("modules.RMSNorm", channels_of(inputs[0], self.kind), self.eps)


@define(
    "layer_norm_last",
    category=Category.NORMALIZATION,
    stem="norm",
    source="torch.nn.LayerNorm; Ba, Kiros and Hinton 2016",
)
@dataclass(frozen=True)
class LayerNormLast(Layer):
    """Normalisation along the last axis, at each position by itself; behind ``channels_last``."""

    storage = KEEPS_INPUT
    features_last = True
    sees = LAST_AXIS

    eps: float = arg("added to the variance", 1e-5, minimum=0)

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        last_axis(inputs[0], self.kind)
        return inputs[0]

    def parameters(self, inputs: tuple[Shape, ...]) -> int:
        return 2 * last_axis(inputs[0], self.kind)

    def label(self) -> str:
        return "layer norm"

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made("torch.nn.LayerNorm", last_axis(inputs[0], self.kind), eps=self.eps)


@define(
    "lrn",
    category=Category.NORMALIZATION,
    source="torch.nn.LocalResponseNorm; Krizhevsky et al. 2012, section 3.3",
)
@dataclass(frozen=True)
class LocalResponseNorm(Layer):
    """Each value divided by a power of the mean square of its neighbours across channels.

    As in torch, ``alpha`` is divided by ``size``; the AlexNet paper's alpha of 1e-4 over a sum of
    5 channels is ``lrn<5,alpha=5e-4,k=2>`` here.
    """

    storage = Storage(keeps_output=False, extra=3 * VALUE, workspace=2 * VALUE)

    size: int = arg("channels in the neighbourhood", 5, minimum=1)
    alpha: float = arg("factor of the mean square", 1e-4)
    beta: float = arg("the power", 0.75)
    k: float = arg("added before the power", 1.0)

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        image(inputs[0], self.kind)
        return inputs[0]

    def label(self) -> str:
        return f"LRN {self.size}"

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made("torch.nn.LocalResponseNorm", self.size, self.alpha, self.beta, self.k)


@define(
    "l2normalize",
    category=Category.NORMALIZATION,
    stem="l2norm",
    source="dlib l2normalize_",
)
@dataclass(frozen=True)
class L2Normalize(Layer):
    """Each sample divided by its Euclidean length."""

    sees = SAMPLE

    eps: float = arg("added to the squared length", 1e-5, minimum=0)

    def label(self) -> str:
        return "L2 normalise"

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made("modules.L2Normalize", self.eps)


@define(
    "l2_norm_scaled",
    category=Category.NORMALIZATION,
    stem="norm",
    source="Liu et al. 2015 (ParseNet), section 3.3; torchvision SSDFeatureExtractorVGG",
)
@dataclass(frozen=True)
class L2NormScaled(Layer):
    """At every place the channels are scaled to length 1, then each by a learned factor."""

    initial: float = arg("what the factors start as", 20.0)

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        image(inputs[0], self.kind)
        return inputs[0]

    def parameters(self, inputs: tuple[Shape, ...]) -> int:
        return image(inputs[0], self.kind)[0]

    def label(self) -> str:
        return "L2 norm, scaled"

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made("modules.L2NormScaled", image(inputs[0], self.kind)[0], self.initial)
