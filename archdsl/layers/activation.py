"""Activations: functions of one value at a time, and softmax."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from archdsl.ir.layer import (
    Category,
    Layer,
    MapLayer,
    RuleError,
    Shape,
    arg,
    define,
    elements,
    shown,
)
from archdsl.ir.lowering import Construct, Emitter, Value, made
from archdsl.ir.storage import KEEPS_INPUT, KEEPS_OUTPUT, VIEW, Storage
from archdsl.ir.window import LAST_AXIS, SAMPLE
from archdsl.layers.normalization import channels_of


@dataclass(frozen=True)
class _Fixed(Layer):
    """An activation without arguments: the name of its torch.nn class says it all."""

    torch_class: ClassVar[str]

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made(f"torch.nn.{self.torch_class}")

    def lower(self, emit: Emitter, operands: tuple[Value, ...], inputs: tuple[Shape, ...]) -> Value:
        if self.storage.overwrites and emit.may_overwrite_input():
            return emit.module(made(f"torch.nn.{self.torch_class}", inplace=True), *operands)
        return emit.module(self.module(inputs), *operands)


def _fixed(
    torch_class: str, doc: str, *names: str, storage: Storage, dlib: str = ""
) -> type[_Fixed]:
    namespace = {
        "__doc__": doc,
        "torch_class": torch_class,
        "storage": storage,
        "__module__": __name__,
    }
    cls: type[_Fixed] = dataclass(frozen=True)(type(torch_class, (_Fixed,), namespace))
    spelled = (f"dlib {dlib}; " if dlib else "") + f"torch.nn.{torch_class}"
    return define(*names, category=Category.ACTIVATION, source=spelled)(cls)


# One of these saves a copy of its input where it works in place, which is most of its cost.
_SMOOTH = Storage(keeps_output=False, overwrites=True)
_RECTIFIER = Storage(keeps_input=False, overwrites=True)

ReLU = _fixed(
    "ReLU",
    "max(x, 0).",
    "relu",
    storage=Storage(keeps_input=False, overwrites=True),
    dlib="relu_",
)
ReLU6 = _fixed("ReLU6", "x limited to 0..6.", "relu6", storage=_SMOOTH)
Sigmoid = _fixed(
    "Sigmoid", "1 / (1 + exp(-x)).", "sig", "sigmoid", storage=KEEPS_OUTPUT, dlib="sig_"
)
Tanh = _fixed("Tanh", "Hyperbolic tangent.", "htan", "tanh", storage=KEEPS_OUTPUT, dlib="htan_")
Mish = _fixed("Mish", "x tanh(log(1 + exp x)).", "mish", storage=_SMOOTH, dlib="mish_")
GELU = _fixed(
    "GELU",
    "x times the normal distribution at x.",
    "gelu",
    storage=KEEPS_INPUT,
    dlib="gelu_",
)
SiLU = _fixed("SiLU", "x times its sigmoid.", "silu", storage=_SMOOTH, dlib="silu_")
Hardswish = _fixed("Hardswish", "x relu6(x + 3) / 6.", "hardswish", storage=_SMOOTH)
Hardsigmoid = _fixed("Hardsigmoid", "relu6(x + 3) / 6.", "hardsigmoid", storage=_SMOOTH)
Sigmoid.bounded = Tanh.bounded = True
Softplus = _fixed("Softplus", "log(1 + exp x).", "softplus", storage=KEEPS_INPUT)
Identity = _fixed("Identity", "The input, unchanged.", "identity", storage=VIEW)
ReLU.homogeneous = Identity.homogeneous = True
Identity.passes = True


@define(
    "leaky_relu",
    category=Category.ACTIVATION,
    source="dlib leaky_relu_; torch.nn.LeakyReLU",
)
@dataclass(frozen=True)
class LeakyReLU(Layer):
    """x where positive, slope times x elsewhere."""

    storage = KEEPS_INPUT
    homogeneous = True

    slope: float = arg("factor of negative values", 0.01)

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made("torch.nn.LeakyReLU", self.slope)


@define(
    "prelu",
    category=Category.ACTIVATION,
    source="dlib prelu_; torch.nn.PReLU; He et al. 2015, Delving Deep into Rectifiers, equation 1",
)
@dataclass(frozen=True)
class PReLU(Layer):
    """Leaky ReLU with one learned slope for the whole layer, or one per channel."""

    storage = KEEPS_INPUT
    homogeneous = True

    initial: float = arg("the slope before training", 0.25)
    per_channel: bool = arg("a slope for every channel, as in the paper", False, positional=False)

    def _slopes(self, inputs: tuple[Shape, ...]) -> int:
        return channels_of(inputs[0], self.kind) if self.per_channel else 1

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        self._slopes(inputs)
        return inputs[0]

    def parameters(self, inputs: tuple[Shape, ...]) -> int:
        return self._slopes(inputs)

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        counted = (self._slopes(inputs),) if self.per_channel else ()
        return made("torch.nn.PReLU", *counted, init=self.initial)


@define("elu", category=Category.ACTIVATION, source="dlib elu_; torch.nn.ELU")
@dataclass(frozen=True)
class ELU(Layer):
    """x where positive, alpha (exp x - 1) elsewhere."""

    storage = KEEPS_INPUT

    alpha: float = arg("minus the limit of negative values", 1.0)

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made("torch.nn.ELU", self.alpha)


@define(
    "clipped_relu",
    category=Category.ACTIVATION,
    source="dlib clipped_relu_; torch.nn.Hardtanh",
)
@dataclass(frozen=True)
class ClippedReLU(Layer):
    """x limited to 0..ceiling."""

    storage = KEEPS_INPUT

    ceiling: float = arg("the largest output", 6.0, minimum=1e-6)

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made("torch.nn.Hardtanh", 0.0, self.ceiling)


@define("smelu", category=Category.ACTIVATION, source="dlib smelu_")
@dataclass(frozen=True)
class SmeLU(Layer):
    """ReLU with a parabola instead of the corner, over -beta..beta."""

    beta: float = arg("half the width of the parabola", 1.0, minimum=0)

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made("modules.SmeLU", self.beta)


@define("softmax", category=Category.ACTIVATION, source="dlib softmax; torch.nn.Softmax")
@dataclass(frozen=True)
class Softmax(Layer):
    """Probabilities over the channels, at each position by itself."""

    storage = KEEPS_OUTPUT
    bounded = True

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made("torch.nn.Softmax", dim=1)


@define("log_softmax", category=Category.ACTIVATION, source="torch.nn.LogSoftmax")
@dataclass(frozen=True)
class LogSoftmax(Layer):
    """Logarithms of probabilities over the channels, at each position by itself."""

    storage = KEEPS_OUTPUT
    bounded = True

    def label(self) -> str:
        return "log softmax"

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made("torch.nn.LogSoftmax", dim=1)


@define("softmaxm", category=Category.ACTIVATION, stem="softmax", source="dlib softmaxm")
@dataclass(frozen=True)
class SoftmaxRows(MapLayer):
    """Probabilities over the columns, in each row by itself; a row of -infinities becomes zeros."""

    sees = LAST_AXIS

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made("sequence_modules.RowSoftmax")


@define("softmax_all", category=Category.ACTIVATION, source="dlib softmax_all_")
@dataclass(frozen=True)
class SoftmaxAll(Layer):
    """Probabilities over all values of a sample."""

    sees = SAMPLE

    bounded = True

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        if elements(inputs[0]) is None:
            raise RuleError(
                "softmax_all needs an input of known size",
                f"found {shown(inputs[0])}",
                help="give the size with --input CxHxW",
                code="E305",
            )
        return inputs[0]

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        if len(inputs[0]) == 1:
            return made("torch.nn.Softmax", dim=1)
        return made(
            "torch.nn.Sequential",
            made("torch.nn.Flatten"),
            made("torch.nn.Softmax", dim=1),
            made("torch.nn.Unflatten", 1, inputs[0]),
        )
