"""Fully connected layers, dropout and sums and products with constants."""

from __future__ import annotations

from dataclasses import dataclass

from archdsl.ir.edges import product
from archdsl.ir.layer import (
    Category,
    Layer,
    MapLayer,
    Shape,
    Window,
    alias,
    arg,
    define,
    elements,
    image,
    modes,
)
from archdsl.ir.lowering import Construct, Emitter, Value, made
from archdsl.ir.storage import KEEPS_INPUT, KEEPS_NOTHING, MASKED, Storage
from archdsl.ir.window import LAST_AXIS, whole
from archdsl.layers.initial import Initialised
from archdsl.layers.pooling import flat_size, last_axis


@define(
    "fc",
    category=Category.LINEAR,
    source="dlib fc_; torch.nn.Linear",
)
@dataclass(frozen=True)
class FullyConnected(Initialised, Layer):
    """Every output is a weighted sum of all inputs; feature maps are flattened first."""

    flattens = True
    linear = True
    storage = KEEPS_INPUT

    outputs: int = arg("number of outputs", minimum=1)
    bias: bool = arg("add a learned value per output", True, positional=False)

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        flat_size(inputs[0], "fc")
        return (self.outputs,)

    def parameters(self, inputs: tuple[Shape, ...]) -> int:
        return (flat_size(inputs[0], "fc") + self.bias) * self.outputs

    def macs(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return flat_size(inputs[0], "fc") * self.outputs

    def window(self, inputs: tuple[Shape, ...]) -> Window | None:
        if len(inputs[0]) != 3:
            return None
        _, height, width = inputs[0]
        return Window(whole(height), whole(width))

    def label(self) -> str:
        return f"fc {self.outputs}"

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made("torch.nn.Linear", flat_size(inputs[0], "fc"), self.outputs, bias=self.bias)

    def lower(self, emit: Emitter, operands: tuple[Value, ...], inputs: tuple[Shape, ...]) -> Value:
        (operand,) = operands
        if len(inputs[0]) > 1:
            operand = emit.call("torch.flatten", operand, 1)
        return emit.module(self.module(inputs), operand, initial=self.initial_values)


alias("fc_no_bias", FullyConnected, "fc without a bias.", "dlib fc_no_bias", bias=False)
modes("fc_", FC_HAS_BIAS="fc", FC_NO_BIAS="fc_no_bias")


@define(
    "linear",
    category=Category.LINEAR,
    source="dlib linear_; torch.nn.Linear",
)
@dataclass(frozen=True)
class Linear(Initialised, MapLayer):
    """``fc`` along the last axis, at each position by itself.

    In dlib that axis is the columns, so a row of features, features×1×1, has one value there.
    """

    features_last = True
    linear = True
    storage = KEEPS_INPUT
    sees = LAST_AXIS

    outputs: int = arg("number of outputs", minimum=1)
    bias: bool = arg("add a learned value per output", True, positional=False)

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        last_axis(inputs[0], self.kind)
        return *inputs[0][:-1], self.outputs

    def parameters(self, inputs: tuple[Shape, ...]) -> int:
        return (last_axis(inputs[0], self.kind) + self.bias) * self.outputs

    def macs(self, inputs: tuple[Shape, ...], output: Shape) -> int | None:
        return product(last_axis(inputs[0], self.kind), elements(output))

    def label(self) -> str:
        return f"linear {self.outputs}"

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made(
            "torch.nn.Linear", last_axis(inputs[0], self.kind), self.outputs, bias=self.bias
        )


alias("linear_no_bias", Linear, "linear without a bias.", "dlib linear_no_bias", bias=False)
modes("linear_", LINEAR_HAS_BIAS="linear", LINEAR_NO_BIAS="linear_no_bias")


@define(
    "dropout",
    category=Category.REGULARIZATION,
    source="dlib dropout_; torch.nn.Dropout",
)
@dataclass(frozen=True)
class Dropout(Layer):
    """In training sets values to zero at random, each with probability p; later does nothing."""

    storage = MASKED
    homogeneous = True

    p: float = arg(
        "probability that a value is dropped; dropout_rate takes percent", 0.5, minimum=0, maximum=1
    )

    @property
    def drawn(self) -> bool:
        return self.p > 0

    def label(self) -> str:
        return f"dropout {self.p:g}"

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made("torch.nn.Dropout", self.p)


@define(
    "dropout_rate",
    category=Category.REGULARIZATION,
    stem="dropout",
    source="dlib dropout_rate_; torch.nn.Dropout",
)
@dataclass(frozen=True)
class DropoutRate(Layer):
    """Dropout with its rate in percent."""

    storage = MASKED
    homogeneous = True

    percent: int = arg("percentage of values that are dropped", minimum=0, maximum=100)

    @property
    def drawn(self) -> bool:
        return self.percent > 0

    def label(self) -> str:
        return f"dropout {self.percent}%"

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made("torch.nn.Dropout", self.percent / 100)


alias("dropout_10", DropoutRate, "Dropout of 10 percent.", "dlib dropout_10", percent=10)


@define(
    "stochastic_depth",
    category=Category.REGULARIZATION,
    stem="drop",
    source="Huang et al. 2016, section 3; torchvision.ops.StochasticDepth(p, 'row')",
)
@dataclass(frozen=True)
class StochasticDepth(Layer):
    """In training leaves out a whole sample with probability p; for bodies of residual blocks."""

    storage = Storage(False, False, idle=True)
    homogeneous = True

    p: float = arg("probability that a sample is dropped", 0.5, minimum=0, maximum=1)

    def label(self) -> str:
        return f"stochastic depth {self.p:g}"

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made("torchvision.ops.StochasticDepth", self.p, "row")


@define(
    "spatial_dropout",
    category=Category.REGULARIZATION,
    stem="dropout",
    source="torch.nn.Dropout2d; Tompson et al. 2015, section 3.2",
)
@dataclass(frozen=True)
class SpatialDropout(Layer):
    """In training sets whole channels to zero at random; for maps, whose neighbours are alike."""

    storage = Storage(False, False, idle=True)
    homogeneous = True

    p: float = arg("probability that a channel is dropped", 0.5, minimum=0, maximum=1)

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        image(inputs[0], self.kind)
        return inputs[0]

    def label(self) -> str:
        return f"spatial dropout {self.p:g}"

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made("torch.nn.Dropout2d", self.p)


@define(
    "multiply",
    category=Category.ACTIVATION,
    source="dlib multiply_",
)
@dataclass(frozen=True)
class Multiply(Layer):
    """Every value times a constant."""

    storage = KEEPS_NOTHING
    homogeneous = True

    factor: float = arg("the constant", 0.5)

    def label(self) -> str:
        return f"× {self.factor:g}"

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made("modules.Multiply", self.factor)


@define("add_constant", category=Category.ACTIVATION, stem="add", source="torch.add with a number")
@dataclass(frozen=True)
class AddConstant(Layer):
    """Every value plus a constant."""

    storage = KEEPS_NOTHING

    value: float = arg("the constant")

    def label(self) -> str:
        return f"{self.value:+g}"

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made("modules.AddConstant", self.value)


@define(
    "scale_weights",
    category=Category.ACTIVATION,
    stem="multiply",
    source="dlib examples/slm_defs.h; Vaswani et al. 2017, section 3.2.1",
)
@dataclass(frozen=True)
class ScaleWeights(Layer):
    """Every value divided by the square root of the length of attention's queries and keys."""

    storage = KEEPS_NOTHING
    homogeneous = True

    length: int = arg("length of a query (dlib d_k)", minimum=1)

    def label(self) -> str:
        return f"/ √{self.length}"

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made("modules.Multiply", self.length**-0.5)
