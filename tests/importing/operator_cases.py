"""Small ONNX models with random attributes, a maker for each operator or group of operators.

Attributes are drawn from legal values and from the edges, and left out at random, so that what is
taken for their defaults shows. Operator sets are drawn as well.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

NEWEST = 23
"""The newest operator set that is drawn; onnxruntime runs most operators of it."""


class Draw:
    """A model under construction, and the source of its random parts."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)
        self.numbers = np.random.default_rng(self.random.getrandbits(32))
        self.opset = NEWEST
        self.nodes: list[Any] = []
        self.weights: list[Any] = []
        self.shape: tuple[int, ...] = ()

    def since(self, first: int, last: int = NEWEST) -> int:
        """Draws the operator set."""
        self.opset = self.random.randint(first, last)
        return self.opset

    def one(self, *values: Any) -> Any:
        return self.random.choice(values)

    def some(self, *values: Any) -> Any:
        """One of the values, or None: it is left out."""
        return self.random.choice((None, *values))

    def image(self, channels: int | None = None, low: int = 4, high: int = 9) -> str:
        sides = self.random.randint(low, high), self.random.randint(low, high)
        return self.input(channels or self.one(1, 2, 3, 4), *sides)

    def input(self, *shape: int) -> str:
        self.shape = shape
        return "x"

    def weight(self, *shape: int, low: float | None = None) -> str:
        """Normal values; uniform ones from ``low`` to ``low`` + 1 where that is given."""
        if low is None:
            return self.constant(self.numbers.standard_normal(shape).astype(np.float32))
        return self.constant((self.numbers.random(shape) + low).astype(np.float32))

    def constant(self, values: Any, kind: Any = None) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(values, kind), name))
        return name

    def node(self, type_: str, *inputs: str | None, outputs: int = 1, **attributes: Any) -> str:
        """The (first) output of a further node; attributes of None are left out."""
        given = {name: value for name, value in attributes.items() if value is not None}
        read = [name or "" for name in inputs]
        while read and not read[-1]:
            read.pop()
        first = f"v{len(self.nodes)}"
        names = [first, *(f"{first}.{place}" for place in range(1, outputs))]
        self.nodes.append(helper.make_node(type_, read, names, name=f"n{len(self.nodes)}", **given))
        return first

    def listed(self, since: int, values: Sequence[Any] | None) -> tuple[Any, str | None]:
        """Integers as an attribute before an operator set, as an input from then on."""
        if values is None:
            return None, None
        if self.opset < since:
            return list(values), None
        return None, self.constant(list(values), np.int64)

    def model(self, *outputs: str) -> onnx.ModelProto:
        info = helper.make_tensor_value_info
        batch = self.one("n", 2)
        kind = TensorProto.FLOAT
        graph = helper.make_graph(
            self.nodes,
            "g",
            [info("x", kind, (batch, *self.shape))],
            [info(name, kind, None) for name in outputs],
            self.weights,
        )
        opset = helper.make_opsetid("", self.opset)
        return helper.make_model(graph, opset_imports=[opset], ir_version=10)


Maker = Callable[[Draw], "str | tuple[str, ...]"]
MAKERS: dict[str, Maker] = {}


def maker(make: Maker) -> Maker:
    MAKERS[make.__name__.strip("_")] = make
    return make


# ---- windows ----

_AUTO = (None, None, "NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER")


def _window(draw: Draw, kernel: tuple[int, int], most: int = 2) -> dict[str, Any]:
    """Strides, and padding as written or as the runtime computes it."""
    auto = draw.one(*_AUTO)
    pads = None
    if auto in (None, "NOTSET") or draw.random.random() < 0.2:
        limits = [min(most, k - 1) for k in (*kernel, *kernel)]
        pads = draw.some([draw.random.randint(0, limit) for limit in limits], [0, 0, 0, 0])
        if draw.random.random() < 0.3:
            pads = [limits[0], limits[1]] * 2
    strides = draw.some([1, 1], [2, 2], [2, 1], [1, 3], [3, 2])
    return {"auto_pad": auto, "pads": pads, "strides": strides}


def _kernel(draw: Draw, low: int = 1) -> tuple[int, int]:
    return draw.random.randint(low, 4), draw.random.randint(low, 4)


@maker
def conv(draw: Draw) -> str:
    draw.since(7)
    groups, kernel = draw.one(1, 1, 2), _kernel(draw)
    channels, filters = groups * draw.one(1, 2, 3), groups * draw.one(1, 2, 3)
    x = draw.image(channels, 5, 10)
    shown = kernel if draw.random.random() < 0.95 else (kernel[0] + 1, kernel[1])
    return draw.node(
        "Conv",
        x,
        draw.weight(filters, channels // groups, *kernel),
        draw.one(None, draw.weight(filters)),
        kernel_shape=draw.some(list(shown)),
        group=groups if groups > 1 else draw.some(1),
        dilations=draw.some([1, 1], [2, 2], [1, 2]),
        **_window(draw, kernel),
    )


@maker
def conv_transpose(draw: Draw) -> str:
    draw.since(7)
    groups, kernel = draw.one(1, 1, 2), _kernel(draw)
    channels, filters = groups * draw.one(1, 2), draw.one(1, 2)
    x = draw.image(channels, 3, 6)
    window = _window(draw, kernel, 1)
    strides = window["strides"] or [1, 1]
    extra = [draw.random.randint(0, step - 1) for step in strides]
    if draw.random.random() < 0.4:
        window["pads"] = window["auto_pad"] = None
    sizes = [
        (size - 1) * step + k + draw.one(-1, 0, 0)
        for size, step, k in zip(draw.shape[1:], strides, kernel, strict=True)
    ]
    return draw.node(
        "ConvTranspose",
        x,
        draw.weight(channels, filters, *kernel),
        draw.one(None, draw.weight(filters * groups)),
        kernel_shape=draw.some(list(kernel)),
        group=groups if groups > 1 else draw.some(1),
        dilations=draw.one(None, None, [1, 1], [2, 2]),
        output_padding=draw.one(None, None, [0, 0], extra),
        output_shape=sizes if draw.random.random() < 0.15 else None,
        **window,
    )


@maker
def max_pool(draw: Draw) -> str:
    opset = draw.since(8)
    kernel = _kernel(draw)
    return draw.node(
        "MaxPool",
        draw.image(low=5, high=10),
        kernel_shape=list(kernel),
        ceil_mode=draw.some(0, 1, 1) if opset >= 10 else None,
        dilations=draw.one(None, None, [1, 1], [2, 2]) if opset >= 10 else None,
        storage_order=draw.one(None, None, 0, 1),
        **_window(draw, kernel),
    )


@maker
def average_pool(draw: Draw) -> str:
    opset = draw.since(7)
    kernel = _kernel(draw)
    return draw.node(
        "AveragePool",
        draw.image(low=5, high=10),
        kernel_shape=list(kernel),
        ceil_mode=draw.some(0, 1, 1) if opset >= 10 else None,
        count_include_pad=draw.some(0, 1, 1),
        dilations=draw.one(None, None, [1, 1], [2, 2]) if opset >= 19 else None,
        **_window(draw, kernel),
    )


@maker
def global_pools(draw: Draw) -> str:
    draw.since(7)
    return draw.node(draw.one("GlobalAveragePool", "GlobalMaxPool"), draw.image())


@maker
def lp_pool(draw: Draw) -> str:
    draw.since(11)
    kernel = _kernel(draw)
    return draw.node("LpPool", draw.image(), kernel_shape=list(kernel), p=draw.some(1, 2))


# ---- matrices ----


@maker
def gemm(draw: Draw) -> str:
    draw.since(7)
    inputs, outputs = draw.random.randint(2, 5), draw.random.randint(2, 5)
    if draw.random.random() < 0.3:
        outputs = inputs
    turned, x = draw.some(0, 1), draw.input(inputs)
    shape = (outputs, inputs) if turned else (inputs, outputs)
    sizes = draw.one(None, (outputs,), (1, outputs), (1,), (2, outputs), (2, 1), (1, 1), ())
    return (
        draw.node(
            "Gemm",
            x,
            draw.weight(*shape),
            draw.weight(*sizes) if sizes is not None or draw.opset < 11 else None,
            transA=draw.one(None, None, None, 0, 1),
            transB=turned,
            alpha=draw.one(None, None, 1.0, 0.5),
            beta=draw.one(None, None, 1.0, 2.0),
        )
        if sizes is not None or draw.opset >= 11
        else draw.node("Relu", x)
    )


@maker
def matmul(draw: Draw) -> str:
    draw.since(7)
    inputs, outputs = draw.random.randint(2, 5), draw.random.randint(2, 5)
    rows = draw.one(True, False)
    x = draw.input(inputs) if rows else draw.input(draw.one(1, 2, outputs), 3, inputs)
    weight = draw.weight(*draw.one((inputs, outputs), (1, inputs, outputs), (inputs,)))
    if draw.random.random() < 0.2:
        made = draw.node("MatMul", draw.weight(3, 3), x)
    else:
        made = draw.node("MatMul", x, weight)
    sizes = draw.one(None, (outputs,), (1, outputs), (1,), (3, 1), (3, outputs), (1, 1, outputs))
    if sizes is None:
        return made
    bias = draw.weight(*sizes)
    return draw.node("Add", *draw.one((made, bias), (bias, made)))


# ---- normalisation ----


@maker
def batch_normalization(draw: Draw) -> str:
    opset = draw.since(7)
    x = draw.image() if draw.random.random() < 0.8 else draw.input(3)
    channels = draw.shape[0]
    training = draw.one(None, None, 0, 1) if opset >= 14 else None
    outputs = {True: 3, False: 1}[training == 1]
    return draw.node(
        "BatchNormalization",
        x,
        *(draw.weight(channels) for _ in range(3)),
        draw.weight(channels, low=0.1),
        outputs=outputs,
        epsilon=draw.some(1e-5, 1e-3, 0.1),
        momentum=draw.some(0.9, 0.5),
        training_mode=training,
        spatial=draw.one(None, None, 1) if opset < 9 else None,
    )


@maker
def instance_normalization(draw: Draw) -> str:
    draw.since(7)
    x = draw.image()
    scale, bias = draw.weight(draw.shape[0]), draw.weight(draw.shape[0])
    return draw.node("InstanceNormalization", x, scale, bias, epsilon=draw.some(1e-5, 0.1))


@maker
def group_normalization(draw: Draw) -> str:
    opset = draw.since(18)
    x, groups = draw.image(4), draw.one(1, 2, 4)
    sizes = draw.one(4, groups) if opset < 21 else 4
    return draw.node(
        "GroupNormalization",
        x,
        draw.weight(sizes),
        draw.weight(sizes),
        num_groups=groups,
        epsilon=draw.some(1e-5, 0.1),
    )


@maker
def group_normalization_spelled(draw: Draw) -> str:
    """As PyTorch's exporter writes it, also with factors that meet other axes."""
    draw.since(7)
    x, groups = draw.input(4, 4, 4), draw.one(1, 2, 4)
    inner = draw.node("Reshape", x, draw.constant([0, groups, -1], np.int64))
    one = draw.constant(np.ones(groups, np.float32))
    zero = draw.constant(np.full(groups, draw.one(0, 0, 0, 0.5), np.float32))
    normed = draw.node("InstanceNormalization", inner, one, zero, epsilon=draw.some(1e-3))
    target = draw.one([0, 4, 4, 4], [0, 4, 4, 4], [0, 4, 2, 8])
    back = draw.node("Reshape", normed, draw.constant(target, np.int64))
    shapes = ((4, 1, 1), (4, 1, 1), (1, 4, 1, 1), (4,), (4, 1))
    sizes = draw.one(*shapes) if target[2] == 4 else (4, 1, 1)
    scaled = draw.node("Mul", back, draw.weight(*sizes))
    return draw.node("Add", scaled, draw.weight(*draw.one(sizes, (4, 1, 1))))


@maker
def layer_normalization(draw: Draw) -> str:
    draw.since(17)
    x = draw.input(*draw.one((4,), (2, 3, 4), (4, 4, 4)))
    axis = draw.some(-1, len(draw.shape), 1, -2)
    rank = len(draw.shape) + 1
    start = rank - 1 if axis is None else axis % rank
    sizes = draw.one((2, *draw.shape)[start:], draw.shape[-1:])
    return draw.node(
        "LayerNormalization",
        x,
        draw.weight(*sizes),
        draw.one(None, draw.weight(*sizes)),
        axis=axis,
        epsilon=draw.some(1e-5, 0.1),
    )


@maker
def lrn(draw: Draw) -> str:
    draw.since(7)
    return draw.node(
        "LRN",
        draw.image(draw.one(3, 6)),
        size=draw.one(1, 2, 3, 5, 7),
        alpha=draw.some(1e-4, 0.5),
        beta=draw.some(0.75, 0.4),
        bias=draw.some(1.0, 2.0, 0.5),
    )


@maker
def lrn_spelled(draw: Draw) -> str:
    """As PyTorch writes it out, with one of its numbers changed."""
    opset = draw.since(11, 12)
    x, size = draw.image(5), draw.one(3, 5)
    scalar = [draw.constant(value, np.float32) for value in (2.0, 0.5, 1.0, 0.75)]
    squared = draw.node("Mul", x, x) if draw.random.random() < 0.8 else draw.node("Abs", x)
    deep = draw.node("Unsqueeze", squared, axes=[1])
    wrong = draw.one(0, 0, 1)
    front = size // 2 + wrong
    pads = [0, 0, front, 0, 0, 0, 0, (size - 1) // 2 - wrong, 0, 0]
    edge = draw.constant(draw.one(0.0, 0.0, 1.0), np.float32)
    padded = draw.node("Pad", deep, draw.constant(pads, np.int64), edge)
    strides = draw.one([1, 1, 1], [1, 1, 1], None)
    kernel = draw.one([size, 1, 1], [size, 1, 1], [1, 1, 1])
    mean = draw.node("AveragePool", padded, kernel_shape=kernel, strides=strides)
    flat = draw.node("Squeeze", mean, axes=[1])
    assert opset < 13
    scaled = draw.node("Add", draw.node("Mul", flat, scalar[1]), scalar[2])
    return draw.node("Div", x, draw.node("Pow", scaled, scalar[3]))


# ---- value by value ----


@maker
def clip(draw: Draw) -> str:
    opset = draw.since(7)
    low, high = draw.one(
        (0, 6),
        (0, 40),
        (0, None),
        (None, 6),
        (-1, 1),
        (None, None),
        (0, 1e6),
        (-200, 200),
        (0, 200),
    )
    x = draw.image()
    if opset < 11:
        bounds = {"min": low, "max": high}
        return draw.node("Clip", x, **{k: v and float(v) for k, v in bounds.items()})
    ends = [None if end is None else draw.constant(end, np.float32) for end in (low, high)]
    return draw.node("Clip", x, *ends)


_UNARY = {
    "Abs": 7, "Acos": 7, "Ceil": 7, "Celu": 12, "Cos": 7, "Elu": 7, "Erf": 9, "Exp": 7, "Floor": 7,
    "Gelu": 20, "HardSigmoid": 7, "HardSwish": 14, "LeakyRelu": 7, "Log": 7, "Mish": 18, "Neg": 7,
    "Reciprocal": 7, "Relu": 7, "Round": 11, "Selu": 7, "Shrink": 9, "Sigmoid": 7, "Sign": 9,
    "Sin": 9, "Softplus": 7, "Softsign": 7, "Sqrt": 7, "Tanh": 7, "ThresholdedRelu": 10,
}  # fmt: skip
"""Functions of one value, and the operator set that has them first (7 where an earlier one has)."""
_ATTRIBUTES: dict[str, dict[str, tuple[Any, ...]]] = {
    "Celu": {"alpha": (1.0, 0.5)},
    "Elu": {"alpha": (1.0, 0.5)},
    "Gelu": {"approximate": ("none", "tanh")},
    "HardSigmoid": {"alpha": (0.2, 1 / 6), "beta": (0.5, 0.4)},
    "LeakyRelu": {"alpha": (0.01, 0.3, 0.0, 1.0)},
    "Selu": {"alpha": (1.6732632, 1.0), "gamma": (1.050701, 1.0)},
    "Shrink": {"lambd": (0.5,), "bias": (0.0, 0.5)},
    "ThresholdedRelu": {"alpha": (1.0, 0.0)},
}


def _unary(draw: Draw, kind: str, x: str) -> str:
    attributes = {name: draw.some(*values) for name, values in _ATTRIBUTES.get(kind, {}).items()}
    return draw.node(kind, x, **attributes)


def _of_one_value(kind: str) -> Maker:
    def make(draw: Draw) -> str:
        draw.since(_UNARY[kind])
        return _unary(draw, kind, draw.image())

    return make


MAKERS.update({kind.lower(): _of_one_value(kind) for kind in _UNARY})


@maker
def formulas(draw: Draw) -> str:
    """Activations spelled out, their numbers right or not."""
    draw.since(14)
    x = draw.image()

    def number(*values: float) -> str:
        return draw.constant(draw.one(*values), np.float32)

    def gate(made: str) -> str:
        return draw.node("Mul", x, made)

    kind = draw.one("silu", "hardswish", "gelu", "mish", "leaky", "relu", "square", "softplus")
    if kind == "silu":
        inner = draw.node("Mul", x, number(1, 1.702))
        return gate(draw.node("Sigmoid", draw.one(x, inner)))
    if kind == "hardswish":
        shifted = draw.node("Add", x, number(3, 3, 2))
        cut = draw.node("Clip", shifted, number(0), number(6, 6, 5))
        return gate(draw.node("Div", cut, number(6, 6, 5)))
    if kind == "gelu":
        error = draw.node("Erf", draw.node("Div", x, number(2**0.5, 2**0.5, 1.5)))
        return gate(draw.node("Mul", draw.node("Add", error, number(1)), number(0.5, 0.5, 1)))
    if kind == "mish":
        return gate(draw.node("Tanh", draw.node("Softplus", x)))
    if kind == "leaky":
        return draw.node("Max", x, draw.node("Mul", x, number(0.1, 0.5, 1.5)))
    if kind == "relu":
        return draw.node("Min", draw.node("Max", x, number(0, 0, 1)), number(6, 40, 1e4))
    if kind == "softplus":
        one = draw.node("Add", draw.node("Exp", x), number(1, 1, 2))
        return draw.node("Log", one)
    return draw.node("Pow", x, number(1, 2))


@maker
def prelu(draw: Draw) -> str:
    draw.since(7)
    x = draw.image(3, 3, 3)
    return draw.node(
        "PRelu", x, draw.weight(*draw.one((1,), (1, 1, 1), (3, 1, 1), (3,), (3, 3, 3)))
    )


@maker
def softmax(draw: Draw) -> str:
    draw.since(7)
    x = draw.image(3) if draw.random.random() < 0.7 else draw.input(5)
    rank = len(draw.shape) + 1
    kind = draw.one("Softmax", "Softmax", "LogSoftmax", "Hardmax")
    return draw.node(kind, x, axis=draw.some(*range(-rank, rank), rank))


@maker
def dropout(draw: Draw) -> str:
    opset = draw.since(7)
    x = draw.image()
    if opset < 12:
        return draw.node("Dropout", x, ratio=draw.some(0.0, 0.3))
    ratio = draw.some(0.0, 0.3)
    training = draw.some(False, True)
    return draw.node(
        "Dropout",
        x,
        None if ratio is None else draw.constant(ratio, np.float32),
        None if training is None else draw.constant(training, np.bool_),
        seed=draw.some(1),
    )


@maker
def cast(draw: Draw) -> str:
    draw.since(9)
    x = draw.image()
    kind = draw.one(TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT64, TensorProto.BOOL)
    inner = draw.node("Identity", x) if draw.random.random() < 0.5 else x
    return draw.node("Cast", draw.node("Cast", inner, to=kind), to=TensorProto.FLOAT)


@maker
def reshaped_casts(draw: Draw) -> str:
    draw.since(15)
    x = draw.image()
    like = draw.constant(draw.one([1.0], [1]), draw.one(np.float32, np.int64))
    return draw.node("Cast", draw.node("CastLike", x, like), to=TensorProto.FLOAT)


# ---- arithmetic ----


@maker
def arithmetic_with_constants(draw: Draw) -> str:
    draw.since(8)
    kind = draw.one("Add", "Mul", "Sub", "Div", "Max", "Min", "Sum", "Pow", "Mean", "Mod")
    x = draw.input(*draw.one((3, 3, 3), (2, 3, 4), (3,)))
    if draw.random.random() < 0.3 and len(draw.shape) == 3:
        weight = draw.weight(draw.shape[0], draw.shape[0], 1, 1)
        x = draw.node("Conv", x, weight)
    c, *rest = draw.shape
    tails = [(1,) * len(rest), *([tuple(rest), (1, rest[1])] if rest else [])]
    sizes = draw.one(
        (), (1,), (c, *tails[0]), (1, c, *tails[0]), (2, c, *tails[0]), (c, *tails[-1])
    )
    sizes = draw.one(sizes, draw.shape[-1:], (1, *draw.shape))
    other = draw.weight(*sizes, low=0.5)
    if kind in ("Sum", "Max", "Min", "Mean") and draw.random.random() < 0.5:
        return draw.node(kind, x, *draw.one((other, x), (x, other), ()))
    attributes = {"fmod": 1} if kind == "Mod" and draw.opset >= 10 else {}
    return draw.node(kind, *draw.one((x, other), (other, x)), **attributes)


@maker
def arithmetic_of_two(draw: Draw) -> str:
    draw.since(8)
    x = draw.image(3, 3, 3)
    second = draw.one(
        lambda: draw.node("Sigmoid", x),
        lambda: draw.node("GlobalAveragePool", x),
        lambda: draw.node("Conv", x, draw.weight(1, 3, 1, 1)),
        lambda: draw.node("Conv", x, draw.weight(3, 3, 1, 1)),
        lambda: draw.node("Flatten", draw.node("GlobalAveragePool", x)),
        lambda: draw.node("MaxPool", x, kernel_shape=[1, 3]),
    )()
    if draw.random.random() < 0.2:
        second = draw.node("Conv", draw.node("GlobalAveragePool", x), draw.weight(1, 3, 1, 1))
    kind = draw.one("Add", "Mul", "Sub", "Div", "Sum", "Max", "Min")
    return draw.node(kind, *draw.one((x, second), (second, x)))


@maker
def affine(draw: Draw) -> str:
    draw.since(8)
    x = draw.image(3, 3, 3)
    shapes = ((3, 1, 1), (3, 1, 1), (1, 3, 1, 1), (3,), (1, 3), (3, 1), ())
    scaled = draw.node("Mul", x, draw.weight(*draw.one(*shapes)))
    return draw.node(draw.one("Add", "Add", "Sub"), scaled, draw.weight(*draw.one(*shapes)))


# ---- movement ----


@maker
def flatten(draw: Draw) -> str:
    draw.since(9)
    x = draw.image() if draw.random.random() < 0.8 else draw.input(6)
    rank = len(draw.shape) + 1
    negative = (-1, -2) if draw.opset >= 11 else ()
    axis = draw.one(None, 1, *range(rank + 1), *negative)
    return draw.node("Flatten", x, axis=axis)


@maker
def reshape(draw: Draw) -> str:
    opset = draw.since(7)
    x = draw.input(4, 2, 6)
    target = draw.one(
        [0, -1], [2, -1], [1, -1], [-1, 48], [0, 0, -1], [0, 2, 2, 2, 6], [-1, 12], [0, 4, 12],
        [0, 2, 24], [0, 8, 1, 6], [-1, 4, 6, 2], [0, 0, 0, 0], [2, 4, 2, 6], [0, 48, 1, 1],
    )  # fmt: skip
    zero = draw.some(0, 1) if opset >= 14 else None
    return draw.node("Reshape", x, draw.constant(target, np.int64), allowzero=zero)


@maker
def transposes(draw: Draw) -> str:
    """Reshapes and transpositions, of the batch as well."""
    draw.since(7)
    x = draw.input(4, 2, 2)
    made = x
    for _ in range(draw.one(1, 2, 3)):
        if draw.random.random() < 0.6:
            perm = list(range(4))
            if draw.random.random() < 0.5:
                draw.random.shuffle(perm)
            else:
                perm[1:] = draw.random.sample(perm[1:], 3)
            made = draw.node("Transpose", made, perm=perm if draw.random.random() < 0.9 else None)
        else:
            target = draw.one([0, 4, 2, 2], [-1, 4, 2, 2], [0, 2, 4, 2], [0, 2, 2, -1])
            made = draw.node("Reshape", made, draw.constant(target, np.int64))
    return made


@maker
def shuffle(draw: Draw) -> str:
    draw.since(7)
    x, groups = draw.input(6, 2, 3), draw.one(2, 3)
    front = draw.one(0, 0, 2, -1, 1)
    five = draw.node("Reshape", x, draw.constant([front, groups, 6 // groups, 2, 3], np.int64))
    perm = draw.one([0, 2, 1, 3, 4], [0, 2, 1, 3, 4], [0, 2, 1, 4, 3], [1, 2, 0, 3, 4])
    turned = draw.node("Transpose", five, perm=perm)
    return draw.node("Reshape", turned, draw.constant([draw.one(0, -1, 2), 6, 2, 3], np.int64))


@maker
def blocks_of_cells(draw: Draw) -> str:
    """Depth to space and back, as operators and as PyTorch writes the second one out."""
    opset = draw.since(7)
    size = draw.one(2, 3)
    if draw.random.random() < 0.4:
        x = draw.input(size * size * draw.one(1, 2), 3, 4)
        mode = draw.some("CRD", "DCR") if opset >= 11 else None
        return draw.node("DepthToSpace", x, blocksize=size, mode=mode)
    x = draw.input(2, 3 * size, 2 * size)
    if draw.random.random() < 0.4:
        return draw.node("SpaceToDepth", x, blocksize=size)
    deep = draw.node("Reshape", x, draw.constant([-1, 2, 3, size, 2, size], np.int64))
    places = draw.one([0, 1, 3, 5, 2, 4], [0, 3, 5, 1, 2, 4], [0, 1, 5, 3, 2, 4])
    moved = draw.node("Transpose", deep, perm=places)
    return draw.node("Reshape", moved, draw.constant([-1, 2 * size * size, 3, 2], np.int64))


@maker
def squeeze(draw: Draw) -> str:
    draw.since(11)
    x = draw.node("GlobalAveragePool", draw.image())
    axes = draw.some([2, 3], [-1, -2], [3], [2], [0], [1])
    listed, given = draw.listed(13, axes)
    return draw.node("Squeeze", x, given, axes=listed)


@maker
def unsqueeze(draw: Draw) -> str:
    draw.since(11)
    x = draw.input(4)
    listed, given = draw.listed(
        13, draw.one([2, 3], [3, 2], [-1, -2], [1], [0], [2], [0, 3], [1, 3])
    )
    made = draw.node("Unsqueeze", x, given, axes=listed)
    if len(draw.nodes[0].attribute) and draw.random.random() < 0.3:
        return draw.node("Relu", made)
    return made


@maker
def concat(draw: Draw) -> str:
    draw.since(7)
    x = draw.image(3, 3, 3) if draw.random.random() < 0.8 else draw.input(3)
    rank = len(draw.shape) + 1
    axis = draw.random.randint(-rank if draw.opset >= 11 else 0, rank - 1)
    other = draw.one(draw.node("Relu", x), x)
    return draw.node("Concat", *draw.one((x, other), (other, x, x), (x,)), axis=axis)


@maker
def concat_with_constant(draw: Draw) -> str:
    draw.since(7)
    return draw.node("Concat", draw.input(3, 2, 2), draw.weight(2, 1, 2, 2), axis=1)


@maker
def split(draw: Draw) -> tuple[str, ...] | str:
    opset = draw.since(7)
    x = draw.input(draw.one(4, 6, 5), 4, 4)
    axis = draw.some(1, 1, 1, -3, 2, 0)
    size = (2, *draw.shape)[axis or 0]
    sizes = draw.some([1, size - 1], [size // 2, size - size // 2])
    listed, given = draw.listed(13, sizes)
    parts = 2
    if sizes is None and opset >= 18:
        made = draw.node("Split", x, axis=axis, num_outputs=parts, outputs=parts)
    else:
        made = draw.node("Split", x, given, axis=axis, split=listed, outputs=parts)
    ends = draw.one((made, f"{made}.1"), (f"{made}.1",), (made,))
    return tuple(draw.node("Relu", end) for end in ends)


@maker
def slices(draw: Draw) -> str:
    opset = draw.since(7)
    x = draw.input(4, 5, 6)
    axes = draw.one([1], [-3], [2], [2, 3], [3, 2], [1, 2, 3], [0], [-1])
    starts = [draw.one(0, 1, 2, -2, -9) for _ in axes]
    ends = [draw.one(3, -1, 100, 2**31 - 1, 2**63 - 1) for _ in axes]
    if opset < 10:
        return draw.node("Slice", x, axes=axes, starts=starts, ends=ends)
    inputs = [draw.constant(values, np.int64) for values in (starts, ends, axes)]
    if draw.random.random() < 0.2:
        full = [[0, 0, *starts][:2], [2, *ends][:2]]
        return draw.node("Slice", x, *(draw.constant(values, np.int64) for values in full))
    steps = draw.some([1] * len(axes), [2] * len(axes), [-1] * len(axes))
    return draw.node("Slice", x, *inputs, None if steps is None else draw.constant(steps, np.int64))


@maker
def gather(draw: Draw) -> str:
    draw.since(9)
    x = draw.input(4, 2, 3)
    if draw.random.random() < 0.5:
        shape = draw.node("Reshape", x, draw.constant([0, 4, 6], np.int64))
        x = draw.node("Transpose", shape, perm=[0, 2, 1])
        if draw.random.random() < 0.6:
            x = draw.node("Relu", x)
    indices = draw.one(0, 1, -1, [0], [1, 0], [1, 0, 2], [3, 2, 1, 0], [0, 0])
    return draw.node("Gather", x, draw.constant(indices, np.int64), axis=draw.some(0, 1, 2, -1))


@maker
def pad(draw: Draw) -> str:
    opset = draw.since(7)
    x = draw.image(3, 4, 6)
    mode = draw.one(None, "constant", "constant", "reflect", "edge", *(["wrap"] * (opset >= 19)))
    pads = [0, 0, draw.one(0, 1, 2), draw.one(0, 1), 0, 0, draw.one(0, 1), draw.one(0, 1, 2)]
    if draw.random.random() < 0.3:
        pads[draw.random.randint(0, 7)] = draw.one(1, -1)
    value = draw.some(0.0, 1.5)
    if opset < 11:
        return draw.node("Pad", x, mode=mode, pads=pads, value=value)
    given = None if value is None else draw.constant(value, np.float32)
    if opset >= 18 and draw.random.random() < 0.4:
        axes = draw.one([2, 3], [-1, -2], [3, 2])
        inputs = draw.constant(pads[2:4] + pads[6:], np.int64), given, draw.constant(axes, np.int64)
        return draw.node("Pad", x, *inputs, mode=mode)
    return draw.node("Pad", x, draw.constant(pads, np.int64), given, mode=mode)


_PLACES = "half_pixel pytorch_half_pixel align_corners asymmetric"


@maker
def resize(draw: Draw) -> str:
    opset = draw.since(11)
    x = draw.image(2, 2, 5)
    height, width = draw.shape[1:]
    by = draw.one((2, 2), (2, 3), (1, 2), (1.5, 2), (0.5, 0.5), (1, 1), (3, 3))
    size = [max(int(height * by[0]), 1), max(int(width * by[1]), 1)]
    if draw.random.random() < 0.2:
        size = [1, 1]
    scales = sizes = None
    if draw.random.random() < 0.5:
        scales = draw.constant([1.0, draw.one(1.0, 1.0, 1.0, 2.0), *by], np.float32)
    else:
        sizes = draw.constant([2, 2, *size], np.int64)
    axes = None
    if opset >= 18 and draw.random.random() < 0.2:
        axes, scales, sizes = [2, 3], None, draw.constant(size, np.int64)
    if opset < 13 and scales is None:
        scales = draw.constant([], np.float32)
    roi = draw.constant([], np.float32) if opset < 13 else None
    half = ["half_pixel_symmetric"] * (opset >= 19)
    return draw.node(
        "Resize",
        x,
        roi,
        scales,
        sizes,
        mode=draw.one(None, "nearest", "linear", "linear", "cubic"),
        coordinate_transformation_mode=draw.some(*_PLACES.split(), *half),
        nearest_mode=draw.some("round_prefer_floor", "floor", "ceil", "round_prefer_ceil"),
        antialias=draw.one(None, None, None, 0, 1) if opset >= 18 else None,
        axes=axes,
        keep_aspect_ratio_policy=draw.some("stretch", "not_larger")
        if opset >= 18 and sizes
        else None,
    )


@maker
def upsample(draw: Draw) -> str:
    opset = draw.since(7, 10)
    x = draw.image(2, 2, 5)
    scales = [1.0, draw.one(1.0, 1.0, 1.0, 2.0), *draw.one((2.0, 2.0), (1.0, 3.0), (1.5, 2.0))]
    mode = draw.some("nearest", "linear")
    if opset == 10:
        return draw.node("Resize", x, draw.constant(scales, np.float32), mode=mode)
    if opset == 9:
        return draw.node("Upsample", x, draw.constant(scales, np.float32), mode=mode)
    return draw.node("Upsample", x, scales=scales, mode=mode)


@maker
def reductions(draw: Draw) -> str:
    draw.since(11)
    kind = draw.one("ReduceMean", "ReduceMean", "ReduceMax", "ReduceMax", "ReduceSum", "ReduceL2")
    x = draw.image() if draw.random.random() < 0.8 else draw.input(5)
    axes = draw.one([2, 3], [2, 3], [-1, -2], [3, 2], [1], [2], None, [1, 2, 3], [0])
    if draw.shape == (5,):
        axes = draw.one([1], None)
    listed, given = draw.listed(13 if kind == "ReduceSum" else 18, axes)
    skip = draw.some(0, 1) if given is not None else None
    return draw.node(
        kind, x, given, axes=listed, keepdims=draw.some(0, 1), noop_with_empty_axes=skip
    )


@maker
def space(draw: Draw) -> str:
    draw.since(11)
    if draw.random.random() < 0.5:
        mode = draw.some("DCR", "CRD")
        return draw.node("DepthToSpace", draw.input(8, 2, 3), blocksize=2, mode=mode)
    return draw.node("SpaceToDepth", draw.input(2, 4, 6), blocksize=2)


@maker
def space_spelled(draw: Draw) -> str:
    draw.since(9)
    x = draw.input(8, 2, 3)
    six = draw.node("Reshape", x, draw.constant([draw.one(0, -1, 2), 2, 2, 2, 2, 3], np.int64))
    perm = draw.one([0, 1, 4, 2, 5, 3], [0, 3, 4, 1, 5, 2], [0, 1, 4, 3, 5, 2])
    turned = draw.node("Transpose", six, perm=perm)
    return draw.node("Reshape", turned, draw.constant([0, 2, 4, 6], np.int64))


@maker
def shapes(draw: Draw) -> str:
    """A shape that the file computes, also of a value whose batch is no longer in front."""
    opset = draw.since(13)
    x = draw.input(3, 3, 3)
    of = draw.one(x, draw.node("Transpose", x, perm=draw.one([1, 0, 2, 3], [0, 2, 3, 1])))
    ends = {"start": draw.some(0, 1, -4), "end": draw.some(1, 4)} if opset >= 15 else {}
    whole = draw.node("Shape", of, **(ends if draw.random.random() < 0.3 else {}))
    first = draw.node("Gather", whole, draw.constant([draw.one(0, 0, 1, -4)], np.int64))
    if draw.random.random() < 0.3:
        first = draw.node("Slice", whole, *(draw.constant([at], np.int64) for at in (0, 1)))
    tail = draw.constant(draw.one([-1], [27], [3, 9], [9, 3], [3, 3, 3]), np.int64)
    return draw.node("Reshape", x, draw.node("Concat", first, tail, axis=0))


@maker
def expand(draw: Draw) -> str:
    draw.since(8)
    x = draw.input(3, 1, 1)
    return draw.node(
        "Expand", x, draw.constant(draw.one([2, 3, 1, 1], [2, 3, 2, 2], [1]), np.int64)
    )


@maker
def tile(draw: Draw) -> str:
    draw.since(7)
    return draw.node(
        "Tile", draw.image(2), draw.constant(draw.one([1, 1, 1, 1], [1, 2, 1, 1]), np.int64)
    )


@maker
def einsum(draw: Draw) -> str:
    draw.since(12)
    x = draw.input(3, 2, 2)
    return draw.node("Einsum", x, draw.weight(3, 4), equation="nchw,cd->ndhw")


@maker
def where(draw: Draw) -> str:
    draw.since(9)
    x = draw.image()
    bound = draw.constant(draw.one(0.0, 1.0), np.float32)
    condition = draw.node(draw.one("Greater", "Less"), x, bound)
    other = draw.node("Mul", x, draw.constant(draw.one(0.0, 0.1), np.float32))
    return draw.node("Where", condition, *draw.one((x, other), (other, x)))


@maker
def same_names(draw: Draw) -> str:
    """A weight used as it is and transposed, and one that has the name made of the other."""
    draw.since(13)
    x = draw.input(3)
    weight = draw.weight(3, 3)
    other = draw.weight(3, 3)
    draw.weights[-1].name = other = f"{weight}.T"
    kind = draw.one((weight, other), (other, weight), (weight, weight))
    first = draw.node("MatMul", x, kind[0])
    return draw.node("Gemm", first, kind[1], transB=draw.some(0, 1))
