"""Layers with several inputs. Networks make them through tags and combinators."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import ClassVar

from archdsl.ir.edges import EdgeType, product
from archdsl.ir.layer import (
    Category,
    Layer,
    MapLayer,
    RuleError,
    Shape,
    Window,
    arg,
    as_map,
    define,
    elements,
    shown,
)
from archdsl.ir.lowering import Construct, Emitter, Value, made
from archdsl.ir.storage import KEEPS_INPUT, KEEPS_NOTHING, SUM, Storage
from archdsl.ir.window import SAMPLE, resizing


def _listed(inputs: tuple[Shape, ...]) -> str:
    return " and ".join(map(shown, inputs))


def _known(shape: Shape, axis: int) -> int:
    size = shape[axis]
    if size is None:
        raise RuleError(
            "the sizes that meet here are not known", help="give --input CxHxW", code="E305"
        )
    return size


@define("add", category=Category.JOIN, source="torch.add; He et al. 2015, equation 1")
@dataclass(frozen=True)
class Add(Layer):
    """Sum of tensors of equal shape."""

    storage = Storage(False, False, overwrites=True, passes_gradient=True)
    inputs = None

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        for other in inputs[1:]:
            if other != inputs[0]:
                raise RuleError(
                    "a sum of tensors of different shapes",
                    f"expected equal shapes, found {_listed(inputs)}",
                    help=_residual_help(inputs[0], other),
                    code="E301",
                )
        return inputs[0]

    def label(self) -> str:
        return "+"

    def lower(self, emit: Emitter, operands: tuple[Value, ...], inputs: tuple[Shape, ...]) -> Value:
        # In place where nobody else needs the first operand: a large sum costs what it allocates.
        add = "operator.iadd" if emit.may_overwrite_input() else "operator.add"
        return reduce(lambda a, b: emit.call(add, a, b), operands)


def _residual_help(first: Shape, second: Shape) -> str:
    if len(first) != len(second):
        return "flatten neither or both"
    if first[0] != second[0] and first[1:] == second[1:]:
        return "a 1×1 convolution on the shortcut gives it the channels of the body"
    return "a shortcut with the body's stride and channels makes the shapes equal"


@dataclass(frozen=True)
class _LevelJoin(Layer):
    """The base of dlib's joins: a row of features that meets a map counts as features×1×1."""

    def seen(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        level = len({len(shape) for shape in inputs}) == 1
        return inputs if level else tuple(map(as_map, inputs))


def _padded_shape(kind: str, inputs: tuple[Shape, ...]) -> Shape:
    """The larger size on every axis, which the smaller tensor is padded to."""
    first, second = inputs
    if first == second:
        return first
    if len(first) != len(second):
        raise RuleError(
            f"{kind} joins tensors of different kinds", f"found {_listed(inputs)}", code="E312"
        )
    pairs = zip(first, second, strict=True)
    return tuple(None if a is None or b is None else max(a, b) for a, b in pairs)


def _surely_equal(inputs: tuple[Shape, ...]) -> bool:
    """True if both shapes are equal and no size of them is open."""
    return inputs[0] == inputs[1] and None not in inputs[0]


@define(
    "add_padded",
    category=Category.JOIN,
    stem="add",
    source="dlib add_prev_ (tensor_tools.h add)",
)
@dataclass(frozen=True)
class AddPadded(_LevelJoin):
    """dlib's add_prev: the smaller tensor is padded with zeros at its far ends on every axis."""

    warning_code = "W003"
    storage = SUM
    inputs = 2

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        return _padded_shape(self.kind, inputs)

    def warning(self, inputs: tuple[Shape, ...]) -> str | None:
        if inputs[0] == inputs[1]:
            return None
        return f"add_prev pads with zeros to add {_listed(inputs)}"

    def label(self) -> str:
        return "+"

    def lower(self, emit: Emitter, operands: tuple[Value, ...], inputs: tuple[Shape, ...]) -> Value:
        if _surely_equal(inputs):
            return emit.call("operator.add", *operands)
        return emit.module(made("modules.AddPadded"), *operands)


@define("concat", category=Category.JOIN, source="torch.cat; Szegedy et al. 2014, figure 2")
@dataclass(frozen=True)
class Concat(_LevelJoin):
    """Tensors one behind the other along the channels."""

    concatenates = True
    storage = SUM
    inputs = None

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        for index, other in enumerate(inputs[1:], 2):
            if other[1:] != inputs[0][1:] or len(other) != len(inputs[0]):
                raise RuleError(
                    "a concatenation of feature maps of different sizes",
                    f"expected equal heights and widths, found {shown(inputs[0])} from branch 1 "
                    f"and {shown(other)} from branch {index}",
                    help="the strides and paddings of the branches have to agree",
                    code="E302",
                )
        return sum(_known(shape, 0) for shape in inputs), *inputs[0][1:]

    def lower(self, emit: Emitter, operands: tuple[Value, ...], inputs: tuple[Shape, ...]) -> Value:
        return emit.call("torch.cat", list(operands), 1)


@dataclass(frozen=True)
class _Broadcast(MapLayer):
    """The base of joins of a feature map with numbers for its channels or for its places."""

    storage = KEEPS_INPUT
    inputs = 2

    word: ClassVar[str]
    function: ClassVar[str]

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        features, numbers = inputs
        fits = len(features) == len(numbers) == 3 and all(
            size in (1, whole) for size, whole in zip(numbers, features, strict=True)
        )
        if not fits:
            per_channel, per_place = (features[0], 1, 1), (1, *features[1:])
            raise RuleError(
                f"{self.word} has to be one number per channel, per place, or per value",
                f"expected {shown(per_place)} or {shown(per_channel)}, "
                f"found {shown(numbers)} for {shown(features)}",
                help="end it with the input's channels, pooled to 1×1, or with one channel",
                code="E308",
            )
        return features

    def lower(self, emit: Emitter, operands: tuple[Value, ...], inputs: tuple[Shape, ...]) -> Value:
        features, numbers = operands
        return emit.call(self.function, numbers, features)


@define(
    "gate",
    category=Category.JOIN,
    stem="gate",
    source="dlib scale_; Hu et al. 2018; Woo et al. 2018 (CBAM), equation 1",
)
@dataclass(frozen=True)
class Gate(_Broadcast):
    """A feature map times numbers for its channels or its places: the first input by the second."""

    word = "the gate of a scale"
    function = "operator.mul"

    def asserted(self, samples: int | None, inputs: tuple[EdgeType, ...]) -> None:
        features, numbers = self._first(inputs)
        if numbers[0] != features[0] or not {1, None}.issuperset(numbers[1:]):
            raise RuleError(
                "dlib's scale_ takes one number per channel",
                f"expected {features[0]}×1×1, found {shown(numbers)} for {shown(features)}",
                help="end the gate with the input's channels, pooled to 1×1",
                code="E308",
            )

    def label(self) -> str:
        return "×"


@define(
    "broadcast_sum",
    category=Category.JOIN,
    stem="sum",
    source="torch.add; Cao et al. 2019 (GCNet), section 3.3",
)
@dataclass(frozen=True)
class BroadcastSum(_Broadcast):
    """A feature map plus numbers for its channels or its places, the second input."""

    storage = KEEPS_NOTHING
    word = "the offset"
    function = "operator.add"

    def label(self) -> str:
        return "+"


@define("mult", category=Category.JOIN, source="dlib mult_prev_")
@dataclass(frozen=True)
class Mult(_LevelJoin):
    """Product of two tensors, value by value; where sizes differ the result has the larger size.

    As in dlib a missing value counts as zero, so the product is zero there.
    """

    warning_code = "W003"
    storage = KEEPS_INPUT
    inputs = 2

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        return _padded_shape(self.kind, inputs)

    def warning(self, inputs: tuple[Shape, ...]) -> str | None:
        if inputs[0] == inputs[1]:
            return None
        return f"mult_prev pads with zeros to multiply {_listed(inputs)}"

    def label(self) -> str:
        return "×"

    def lower(self, emit: Emitter, operands: tuple[Value, ...], inputs: tuple[Shape, ...]) -> Value:
        if _surely_equal(inputs):
            return emit.call("operator.mul", *operands)
        return emit.module(made("modules.MultPadded"), *operands)


@define(
    "matrix_product",
    category=Category.ATTENTION,
    stem="matmul",
    source="dlib multm_prev_; torch.matmul; Vaswani et al. 2017, equation 1",
)
@dataclass(frozen=True)
class MatrixProduct(MapLayer):
    """The product of two matrices in every channel: the first input by the second.

    k×r×c by k×c×d is k×r×d, in k·r·c·d MACs.
    """

    storage = KEEPS_INPUT
    inputs = 2
    sees = SAMPLE  # a row of one matrix and a column of the other reach over all of the image

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        first, second = inputs
        if len(first) != len(second) or first[:-2] != second[:-2] or first[-1] != second[-2]:
            raise RuleError(
                "matrices that cannot be multiplied",
                f"expected as many rows on the right as columns on the left, "
                f"and equal channels, found {_listed(inputs)}",
                help="transpose swaps rows and columns",
                code="E322",
            )
        if (1, 1) in (first[-2:], second[-2:]):
            raise RuleError(
                "a product of matrices of one value",
                f"expected rows or columns, found {_listed(inputs)}",
                help="dlib takes these for one matrix of the whole batch; reshape_to makes rows",
                code="E322",
            )
        return *first[:-1], second[-1]

    def macs(self, inputs: tuple[Shape, ...], output: Shape) -> int | None:
        return product(elements(output), inputs[0][-1])

    def label(self) -> str:
        return "matrix product"

    def lower(self, emit: Emitter, operands: tuple[Value, ...], inputs: tuple[Shape, ...]) -> Value:
        return emit.call("torch.matmul", *operands)


@define(
    "resize_to_match",
    category=Category.RESHAPE,
    stem="resize",
    source="torch.nn.functional.interpolate; dlib resize_prev_to_tagged_",
)
@dataclass(frozen=True)
class ResizeToMatch(MapLayer):
    """The first input, resized to the height and width of the second."""

    storage = KEEPS_NOTHING
    inputs = 2
    locating = (1,)

    nearest: bool = arg("take the nearest cell, in place of a bilinear mean of four")
    align_corners: bool = arg("the corner cells of input and output coincide")

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        first, second = inputs
        if len(first) != 3 or len(second) != 3:
            raise RuleError(
                "only feature maps can be resized", f"found {_listed(inputs)}", code="E304"
            )
        if self.nearest and self.align_corners:
            raise RuleError(
                "only bilinear resizing can align corners",
                help="leave out nearest or align_corners",
                code="E313",
            )
        return first[0], second[1], second[2]

    def window(self, inputs: tuple[Shape, ...]) -> Window | None:
        (_, height, width), (_, rows, columns) = inputs
        if not (height and width and rows and columns):
            return None
        way = {"nearest": self.nearest, "corners": self.align_corners}
        return Window(resizing(height, rows, **way), resizing(width, columns, **way))

    def views(self, inputs: tuple[Shape, ...]) -> tuple[Window | None, ...]:
        return *super().views(inputs)[:1], None

    def label(self) -> str:
        return "nearest resize" if self.nearest else "resize"

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made("modules.ResizeToMatch", self.nearest, self.align_corners)
