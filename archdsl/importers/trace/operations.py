"""Table of the operations with several spellings, one entry each.

An entry says which ``torch.nn`` modules, functions and tensor methods spell the operation, and what
its arguments are called: the functions take them as arguments, the modules keep them as attributes
of the same name, so one list of arguments reads both. Signatures and defaults are those of
``torch.nn.functional`` in PyTorch's documentation.

Operations which have no entry are still compared, by their own name and arguments; an entry is
needed only where one operation has several spellings.
"""

from __future__ import annotations

import enum
import operator
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import nn
from torch.nn import functional as F
from torchvision.models import swin_transformer

from archdsl.backends.torch.window_modules import merge_patches

Fields = dict[str, Hashable]
Shapes = Mapping[str, tuple[int, ...]]


class Role(enum.Enum):
    """The role of an operation's argument."""

    INPUT = "a tensor, or a list of tensors, from the graph"
    STATE = "a parameter or a buffer"
    FIELD = "a hyperparameter"
    MODULE_FIELD = "a hyperparameter only the module spelling has"
    MODE = "the flag which says that the network is being trained"
    IGNORED = "has no influence on what is computed"


class _Required:
    """The type of the default of an argument that has none."""


_REQUIRED = _Required()


def _same(value: object) -> object:
    return value


@dataclass(frozen=True)
class OperationArgument:
    """One argument: its name (also the module's attribute), and how its values are normalised."""

    name: str
    role: Role
    default: object = _REQUIRED
    normal: Callable[[object], object] = _same


def _shapes_as_fields(fields: Fields, shapes: Shapes) -> Fields:
    return {**fields, **shapes}


@dataclass(frozen=True)
class OperationEntry:
    """One operation in all its spellings.

    ``derive`` completes the fields from the shapes of the parameters. An ``elementwise`` operation
    commutes with flattening. ``keeps_batch`` promises that the size of dimension 0 of the result is
    that of the first input. ``variadic`` names the argument which collects trailing positional
    numbers, as in ``x.permute(0, 2, 3, 1)``.
    """

    name: str
    arguments: tuple[OperationArgument, ...]
    modules: tuple[type[nn.Module], ...] = ()
    functions: tuple[Callable[..., object], ...] = ()
    methods: tuple[str, ...] = ()
    derive: Callable[[Fields, Shapes], Fields] = _shapes_as_fields
    commutes: bool = False
    elementwise: bool = False
    keeps_batch: bool = True
    variadic: str | None = None

    def bind(
        self, args: Sequence[object], kwargs: Mapping[str, object]
    ) -> dict[str, object] | None:
        """A call's arguments by name, defaults filled in; None when the call does not fit."""
        formal = [a for a in self.arguments if a.role is not Role.MODULE_FIELD]
        names = [argument.name for argument in formal]
        if self.variadic is not None:
            place = names.index(self.variadic)
            if len(args) > place and not isinstance(args[place], (tuple, list)):
                args = (*args[:place], tuple(args[place:]))
        if len(args) > len(names) or not kwargs.keys() <= set(names[len(args) :]):
            return None
        bound = {**dict(zip(names, args, strict=False)), **kwargs}
        for argument in self.arguments:
            if argument.default is _REQUIRED and argument.name not in bound:
                return None
            bound.setdefault(argument.name, argument.default)
        return bound


def _input(name: str = "input") -> OperationArgument:
    return OperationArgument(name, Role.INPUT)


def _state(name: str, default: object = None) -> OperationArgument:
    return OperationArgument(name, Role.STATE, default)


def _field(
    name: str, default: object = _REQUIRED, normal: Callable[[object], object] = _same
) -> OperationArgument:
    return OperationArgument(name, Role.FIELD, default, normal)


def _mode(name: str, default: bool) -> OperationArgument:
    return OperationArgument(name, Role.MODE, default)


def _ignored(name: str, default: object = None) -> OperationArgument:
    return OperationArgument(name, Role.IGNORED, default)


_INPLACE = _ignored("inplace", False)


def _per_dimension(dimensions: int) -> Callable[[object], object]:
    """Normalises ``3`` and ``[3]`` to ``(3, 3)``; leaves None and names such as "same" alone."""

    def normal(value: object) -> object:
        if value is None or isinstance(value, str):
            return value
        values = tuple(value) if isinstance(value, (tuple, list)) else (value,)
        return values * dimensions if len(values) == 1 else values

    return normal


def _tuple(value: object) -> object:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def _convolution_fields(transposed: bool) -> Callable[[Fields, Shapes], Fields]:
    """Channels and kernel from the weight's shape, so that both spellings give the same."""

    def derive(fields: Fields, shapes: Shapes) -> Fields:
        fields = {**fields, "bias": "bias" in shapes}
        if (weight := shapes.get("weight")) is None:
            return fields
        groups = fields["groups"]
        assert isinstance(groups, int)
        first, second, kernel = weight[0], weight[1] * groups, weight[2:]
        fields["in_channels"], fields["out_channels"] = (
            (first, second) if transposed else (second, first)
        )
        fields["kernel_size"] = kernel
        fields["padding"] = _numeric_padding(fields["padding"], kernel, fields["dilation"])
        return fields

    return derive


def _numeric_padding(padding: Hashable, kernel: tuple[int, ...], dilation: Hashable) -> Hashable:
    """``"valid"`` and, where it is symmetric, ``"same"`` as the numbers they stand for."""
    if padding == "valid":
        return (0,) * len(kernel)
    if padding == "same" and isinstance(dilation, tuple):
        totals = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        if all(total % 2 == 0 for total in totals):
            return tuple(total // 2 for total in totals)
    return padding


def _batch_norm_fields(fields: Fields, shapes: Shapes) -> Fields:
    sizes = [shape[0] for shape in shapes.values() if shape]
    tracks = "running_mean" in shapes
    if not tracks:
        # Without running statistics the batch's own are used in either mode.
        fields = {**fields, "training": None}
    return {
        **fields,
        "num_features": sizes[0] if sizes else None,
        "affine": "weight" in shapes,
        "track_running_stats": tracks,
    }


def _instance_norm_fields(fields: Fields, shapes: Shapes) -> Fields:
    """Running statistics matter in use, where there are any; else only the input's own count."""
    tracks = "running_mean" in shapes
    momentum = fields["momentum"] if tracks else None
    return {**fields, **shapes, "momentum": momentum, "track_running_stats": tracks}


def _linear_fields(fields: Fields, shapes: Shapes) -> Fields:
    fields = {**fields, "bias": "bias" in shapes}
    if (weight := shapes.get("weight")) is not None:
        fields["out_features"], fields["in_features"] = weight
    return fields


def _padding_fields(fields: Fields, _: Shapes) -> Fields:
    """Cells added on the sides of the last dimensions, the last dimension's first."""
    given = fields.get("padding", fields.get("pad"))
    numbers = list(given) if isinstance(given, tuple) else []
    while len(numbers) > 2 and numbers[-2:] == [0, 0]:
        del numbers[-2:]
    value = fields.get("value")
    constant = fields["mode"] == "constant"
    return {
        "padding": tuple(numbers),
        "mode": fields["mode"],
        "value": float(cast("float", value) or 0) if constant else None,
    }


def _pooling_fields(fields: Fields, _: Shapes) -> Fields:
    """A pooling window moves by its own size when no stride is given."""
    stride = fields["stride"]
    return {**fields, "stride": fields["kernel_size"] if stride in (None, ()) else stride}


def _average_pooling_fields(fields: Fields, shapes: Shapes) -> Fields:
    """Without padding it does not matter whether padding is counted."""
    derived = dict(_pooling_fields(fields, shapes))
    if not any(cast("tuple[int, ...]", derived["padding"])):
        derived["count_include_pad"] = True
    return derived


def _convolution(
    dimensions: int, module: type[nn.Module], function: Callable[..., object]
) -> OperationEntry:
    each = _per_dimension(dimensions)
    return OperationEntry(
        f"conv{dimensions}d",
        (
            _input(),
            _state("weight", _REQUIRED),
            _state("bias"),
            _field("stride", 1, each),
            _field("padding", 0, each),
            _field("dilation", 1, each),
            _field("groups", 1),
            OperationArgument("padding_mode", Role.MODULE_FIELD, "zeros"),
        ),
        (module,),
        (function,),
        derive=_convolution_fields(transposed=False),
    )


def _transposed_convolution(
    dimensions: int, module: type[nn.Module], function: Callable[..., object]
) -> OperationEntry:
    each = _per_dimension(dimensions)
    return OperationEntry(
        f"conv_transpose{dimensions}d",
        (
            _input(),
            _state("weight", _REQUIRED),
            _state("bias"),
            _field("stride", 1, each),
            _field("padding", 0, each),
            _field("output_padding", 0, each),
            _field("groups", 1),
            _field("dilation", 1, each),
        ),
        (module,),
        (function,),
        derive=_convolution_fields(transposed=True),
    )


def _max_pool(
    dimensions: int, module: type[nn.Module], functions: tuple[Callable[..., object], ...]
) -> OperationEntry:
    each = _per_dimension(dimensions)
    return OperationEntry(
        f"max_pool{dimensions}d",
        (
            _input(),
            _field("kernel_size", normal=each),
            _field("stride", None, each),
            _field("padding", 0, each),
            _field("dilation", 1, each),
            _field("ceil_mode", False),
            _field("return_indices", False),
        ),
        (module,),
        functions,
        derive=_pooling_fields,
    )


def _average_pool(
    dimensions: int, module: type[nn.Module], function: Callable[..., object]
) -> OperationEntry:
    each = _per_dimension(dimensions)
    divisor = () if dimensions == 1 else (_field("divisor_override", None),)
    return OperationEntry(
        f"avg_pool{dimensions}d",
        (
            _input(),
            _field("kernel_size", normal=each),
            _field("stride", None, each),
            _field("padding", 0, each),
            _field("ceil_mode", False),
            _field("count_include_pad", True),
            *divisor,
        ),
        (module,),
        (function,),
        derive=_average_pooling_fields,
    )


def _adaptive_pool(
    name: str,
    dimensions: int,
    module: type[nn.Module],
    functions: tuple[Callable[..., object], ...],
    *extra: OperationArgument,
) -> OperationEntry:
    size = _field("output_size", normal=_per_dimension(dimensions))
    return OperationEntry(name, (_input(), size, *extra), (module,), functions)


def _activation(
    name: str,
    module: type[nn.Module],
    functions: tuple[Callable[..., object], ...],
    *fields: OperationArgument,
    inplace: bool = True,
) -> OperationEntry:
    arguments = (_input(), *fields, *((_INPLACE,) if inplace else ()))
    return OperationEntry(name, arguments, (module,), functions, (name,), elementwise=True)


def _dropout(
    name: str, module: type[nn.Module], function: Callable[..., object], elementwise: bool = False
) -> OperationEntry:
    return OperationEntry(
        name,
        (_input(), _field("p", 0.5), _mode("training", True), _INPLACE),
        (module,),
        (function,),
        elementwise=elementwise,
    )


def _arithmetic(
    name: str,
    functions: tuple[Callable[..., object], ...],
    *extra: OperationArgument,
    methods: tuple[str, ...] = (),
    commutes: bool = False,
) -> OperationEntry:
    return OperationEntry(
        name,
        (_input("input"), _input("other"), *extra),
        functions=functions,
        methods=(name, *methods),
        commutes=commutes,
        elementwise=True,
    )


def _softmax(
    name: str, module: type[nn.Module], *functions: Callable[..., object]
) -> OperationEntry:
    return OperationEntry(
        name,
        (_input(), _field("dim", None), _ignored("_stacklevel"), _field("dtype", None)),
        (module,),
        functions,
        (name,),
    )


def _reorder(
    name: str, *functions: Callable[..., object], aliases: tuple[str, ...]
) -> OperationEntry:
    return OperationEntry(
        name,
        (_input(), _field("dim0"), _field("dim1")),
        functions=functions,
        methods=aliases,
        keeps_batch=False,
    )


def _unchanged(name: str, *functions: Callable[..., object]) -> OperationEntry:
    """An operation which only affects how a tensor is stored, or from where it is shared."""
    return OperationEntry(
        name, (_input(), _ignored("memory_format")), functions=functions, methods=(name,)
    )


_PADDINGS: Mapping[str, tuple[type[nn.Module], ...]] = {
    "constant": (nn.ConstantPad1d, nn.ConstantPad2d, nn.ZeroPad1d, nn.ZeroPad2d),
    "reflect": (nn.ReflectionPad1d, nn.ReflectionPad2d),
    "replicate": (nn.ReplicationPad1d, nn.ReplicationPad2d),
}
"""Modules that pad, by what stands in the new cells."""

OPERATIONS: tuple[OperationEntry, ...] = (
    _convolution(1, nn.Conv1d, F.conv1d),
    _convolution(2, nn.Conv2d, F.conv2d),
    _convolution(3, nn.Conv3d, F.conv3d),
    _transposed_convolution(1, nn.ConvTranspose1d, F.conv_transpose1d),
    _transposed_convolution(2, nn.ConvTranspose2d, F.conv_transpose2d),
    _transposed_convolution(3, nn.ConvTranspose3d, F.conv_transpose3d),
    OperationEntry(
        "linear",
        (_input(), _state("weight", _REQUIRED), _state("bias")),
        (nn.Linear,),
        (F.linear,),
        derive=_linear_fields,
    ),
    OperationEntry(
        "batch_norm",
        (
            _input(),
            _state("running_mean", _REQUIRED),
            _state("running_var", _REQUIRED),
            _state("weight"),
            _state("bias"),
            _mode("training", False),
            _field("momentum", 0.1),
            _field("eps", 1e-5),
        ),
        (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d),
        (F.batch_norm,),
        derive=_batch_norm_fields,
    ),
    OperationEntry(
        "layer_norm",
        (
            _input(),
            _field("normalized_shape", normal=_tuple),
            _state("weight"),
            _state("bias"),
            _field("eps", 1e-5),
        ),
        (nn.LayerNorm,),
        (F.layer_norm,),
    ),
    OperationEntry(
        "group_norm",
        (
            _input(),
            _field("num_groups"),
            _state("weight"),
            _state("bias"),
            _field("eps", 1e-5),
        ),
        (nn.GroupNorm,),
        (F.group_norm,),
    ),
    OperationEntry(
        "instance_norm",
        (
            _input(),
            _state("running_mean"),
            _state("running_var"),
            _state("weight"),
            _state("bias"),
            _ignored("use_input_stats", True),
            _field("momentum", 0.1),
            _field("eps", 1e-5),
        ),
        (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d),
        (F.instance_norm, torch.instance_norm),
        derive=_instance_norm_fields,
    ),
    OperationEntry(
        "local_response_norm",
        (
            _input(),
            _field("size"),
            _field("alpha", 1e-4),
            _field("beta", 0.75),
            _field("k", 1.0),
        ),
        (nn.LocalResponseNorm,),
        (F.local_response_norm,),
    ),
    _max_pool(1, nn.MaxPool1d, (F.max_pool1d, torch.max_pool1d)),
    _max_pool(2, nn.MaxPool2d, (F.max_pool2d, torch.max_pool2d)),
    _max_pool(3, nn.MaxPool3d, (F.max_pool3d, torch.max_pool3d)),
    _average_pool(1, nn.AvgPool1d, F.avg_pool1d),
    _average_pool(2, nn.AvgPool2d, F.avg_pool2d),
    _average_pool(3, nn.AvgPool3d, F.avg_pool3d),
    _adaptive_pool("adaptive_avg_pool1d", 1, nn.AdaptiveAvgPool1d, (F.adaptive_avg_pool1d,)),
    _adaptive_pool("adaptive_avg_pool2d", 2, nn.AdaptiveAvgPool2d, (F.adaptive_avg_pool2d,)),
    _adaptive_pool("adaptive_avg_pool3d", 3, nn.AdaptiveAvgPool3d, (F.adaptive_avg_pool3d,)),
    _adaptive_pool(
        "adaptive_max_pool2d",
        2,
        nn.AdaptiveMaxPool2d,
        (F.adaptive_max_pool2d,),
        _field("return_indices", False),
    ),
    _activation("relu", nn.ReLU, (F.relu, torch.relu, torch.relu_)),
    _activation("relu6", nn.ReLU6, (F.relu6,)),
    _activation("sigmoid", nn.Sigmoid, (F.sigmoid, torch.sigmoid), inplace=False),
    _activation("tanh", nn.Tanh, (F.tanh, torch.tanh), inplace=False),
    _activation("silu", nn.SiLU, (F.silu,)),
    _activation("mish", nn.Mish, (F.mish,)),
    _activation("hardswish", nn.Hardswish, (F.hardswish,)),
    _activation("hardsigmoid", nn.Hardsigmoid, (F.hardsigmoid,)),
    _activation("softsign", nn.Softsign, (F.softsign,), inplace=False),
    _activation("logsigmoid", nn.LogSigmoid, (F.logsigmoid,), inplace=False),
    _activation("selu", nn.SELU, (F.selu, torch.selu, torch.selu_)),
    _activation("gelu", nn.GELU, (F.gelu,), _field("approximate", "none"), inplace=False),
    _activation("elu", nn.ELU, (F.elu,), _field("alpha", 1.0)),
    _activation("celu", nn.CELU, (F.celu, torch.celu), _field("alpha", 1.0)),
    _activation("leaky_relu", nn.LeakyReLU, (F.leaky_relu,), _field("negative_slope", 0.01)),
    _activation(
        "hardtanh", nn.Hardtanh, (F.hardtanh,), _field("min_val", -1.0), _field("max_val", 1.0)
    ),
    _activation(
        "softplus",
        nn.Softplus,
        (F.softplus,),
        _field("beta", 1.0),
        _field("threshold", 20.0),
        inplace=False,
    ),
    OperationEntry("prelu", (_input(), _state("weight", _REQUIRED)), (nn.PReLU,), (F.prelu,)),
    OperationEntry("identity", (_input(),), (nn.Identity,), elementwise=True),
    _dropout("dropout", nn.Dropout, F.dropout, elementwise=True),
    _dropout("alpha_dropout", nn.AlphaDropout, F.alpha_dropout, elementwise=True),
    _dropout("dropout1d", nn.Dropout1d, F.dropout1d),
    _dropout("dropout2d", nn.Dropout2d, F.dropout2d),
    _dropout("dropout3d", nn.Dropout3d, F.dropout3d),
    _softmax("softmax", nn.Softmax, F.softmax, torch.softmax),
    _softmax("log_softmax", nn.LogSoftmax, F.log_softmax, torch.log_softmax),
    OperationEntry(
        "interpolate",
        (
            _input(),
            _field("size", None),
            _field("scale_factor", None),
            _field("mode", "nearest"),
            _field("align_corners", None),
            _field("recompute_scale_factor", None, bool),  # None means no
            _field("antialias", False),
        ),
        (nn.Upsample,),
        (F.interpolate,),
    ),
    OperationEntry(
        "pixel_shuffle",
        (_input(), _field("upscale_factor")),
        (nn.PixelShuffle,),
        (F.pixel_shuffle,),
    ),
    OperationEntry(
        "pixel_unshuffle",
        (_input(), _field("downscale_factor")),
        (nn.PixelUnshuffle,),
        (F.pixel_unshuffle,),
    ),
    OperationEntry(
        "channel_shuffle", (_input(), _field("groups")), (nn.ChannelShuffle,), (F.channel_shuffle,)
    ),
    _arithmetic("add", (operator.add, operator.iadd, torch.add), _field("alpha", 1), commutes=True),
    _arithmetic("mul", (operator.mul, operator.imul, torch.mul, torch.multiply), commutes=True),
    _arithmetic("maximum", (torch.maximum,), commutes=True),
    _arithmetic("minimum", (torch.minimum,), commutes=True),
    _arithmetic("sub", (operator.sub, operator.isub, torch.sub), _field("alpha", 1)),
    _arithmetic(
        "div",
        (operator.truediv, operator.itruediv, torch.div, torch.true_divide),
        _field("rounding_mode", None),
    ),
    OperationEntry("neg", (_input(),), functions=(operator.neg, torch.neg), methods=("neg",)),
    OperationEntry("square", (_input(),), functions=(torch.square,), methods=("square",)),
    OperationEntry(
        "pow",
        (_input(), _field("exponent")),
        functions=(operator.pow, torch.pow),
        methods=("pow",),
    ),
    OperationEntry(
        "cat", (_input("tensors"), _field("dim", 0)), functions=(torch.cat, torch.concat)
    ),
    OperationEntry(
        "chunk",
        (_input(), _field("chunks"), _field("dim", 0)),
        functions=(torch.chunk,),
        methods=("chunk",),
        keeps_batch=False,
    ),
    OperationEntry(
        "pad",
        (_input(), _field("pad", normal=_tuple), _field("mode", "constant"), _field("value", None)),
        functions=(F.pad,),
        derive=_padding_fields,
    ),
    *(
        OperationEntry(
            "pad",
            (
                _input(),
                _field("padding", normal=_tuple),
                _field("value", 0.0),
                _field("mode", mode),
            ),
            modules,
            derive=_padding_fields,
        )
        for mode, modules in _PADDINGS.items()
    ),
    OperationEntry(
        "expand",
        (_input(), _field("sizes", normal=_tuple)),
        methods=("expand",),
        keeps_batch=False,
        variadic="sizes",
    ),
    OperationEntry(
        "expand_as",
        (_input(), _input("other")),
        methods=("expand_as",),
        keeps_batch=False,
    ),
    OperationEntry(
        "split",
        (_input(), _field("split_size_or_sections"), _field("dim", 0)),
        functions=(torch.split,),
        methods=("split", "split_with_sizes"),
        keeps_batch=False,
    ),
    OperationEntry(
        "unsqueeze",
        (_input(), _field("dim")),
        functions=(torch.unsqueeze,),
        methods=("unsqueeze",),
        keeps_batch=False,
    ),
    OperationEntry(
        "squeeze",
        (_input(), _field("dim", None)),
        functions=(torch.squeeze,),
        methods=("squeeze",),
        keeps_batch=False,
    ),
    OperationEntry(
        "permute",
        (_input(), _field("dims", normal=_tuple)),
        functions=(torch.permute,),
        methods=("permute",),
        keeps_batch=False,
        variadic="dims",
    ),
    _reorder(
        "transpose",
        torch.transpose,
        torch.swapaxes,
        torch.swapdims,
        aliases=("transpose", "swapaxes", "swapdims"),
    ),
    OperationEntry(
        "flatten",
        (_input(), _field("start_dim", 0), _field("end_dim", -1)),
        (nn.Flatten,),
        (torch.flatten,),
        ("flatten",),
        keeps_batch=False,
    ),
    OperationEntry(
        "reshape",
        (_input(), _field("shape", normal=_tuple)),
        functions=(torch.reshape,),
        methods=("reshape", "view"),
        keeps_batch=False,
        variadic="shape",
    ),
    OperationEntry(
        "mean",
        (_input(), _field("dim", None), _field("keepdim", False), _field("dtype", None)),
        functions=(torch.mean,),
        methods=("mean",),
        keeps_batch=False,
    ),
    OperationEntry(
        "amax",
        (_input(), _field("dim", (), _tuple), _field("keepdim", False)),
        functions=(torch.amax,),
        methods=("amax",),
        keeps_batch=False,
    ),
    OperationEntry(
        "max",
        (_input(), _field("dim"), _field("keepdim", False)),
        functions=(torch.max,),
        methods=("max",),
        keeps_batch=False,
    ),
    OperationEntry(
        "merge_patches",
        (_input(),),
        functions=(swin_transformer._patch_merging_pad, merge_patches),
    ),
    _unchanged("contiguous"),
    _unchanged("clone", torch.clone),
)

BY_MODULE = {module: entry for entry in OPERATIONS for module in entry.modules}
BY_FUNCTION = {function: entry for entry in OPERATIONS for function in entry.functions}
BY_METHOD = {method: entry for entry in OPERATIONS for method in entry.methods}


def does_nothing(name: str, arguments: Mapping[str, object]) -> bool:
    """True if an operation returns its input unchanged, in training and in eval mode.

    ``nn.Identity``, and dropout at a rate of zero, stand where an option is not taken. Python's
    ``sum`` begins with 0.
    """
    if name in _NEUTRAL:
        other = arguments["other"]
        return isinstance(other, (int, float)) and other == _NEUTRAL[name]
    return name in _PASSED_THROUGH or (name in _DROPOUTS and arguments["p"] == 0)


_PASSED_THROUGH = frozenset({"contiguous", "identity"})
_NEUTRAL: Mapping[str, int] = {"add": 0, "sub": 0, "mul": 1, "div": 1}
"""The numbers that change nothing as the second operand."""

_DROPOUTS = frozenset({"dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout"})

INPLACE_OPERATORS = frozenset({operator.iadd, operator.imul, operator.isub, operator.itruediv})
"""Operators which, by Python's convention, write their result into their first operand."""
