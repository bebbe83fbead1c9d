"""Kinds of operations that several functions and modules of torch share."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import cast

from torch import nn

from archdsl.importers.trace.operation_entries import (
    INPLACE,
    REQUIRED,
    Fields,
    OperationArgument,
    OperationEntry,
    Role,
    Shapes,
    ignored,
    input_,
    mode,
    per_dimension,
    setting,
    state,
)


def numeric_padding(padding: Hashable, kernel: tuple[int, ...], dilation: Hashable) -> Hashable:
    """``"valid"`` and, where it is symmetric, ``"same"`` as the numbers they stand for."""
    if padding == "valid":
        return (0,) * len(kernel)
    if padding == "same" and isinstance(dilation, tuple):
        totals = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        if all(total % 2 == 0 for total in totals):
            return tuple(total // 2 for total in totals)
    return padding


def convolution_fields(transposed: bool) -> Callable[[Fields, Shapes], Fields]:
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
        fields["padding"] = numeric_padding(fields["padding"], kernel, fields["dilation"])
        return fields

    return derive


def batch_norm_fields(fields: Fields, shapes: Shapes) -> Fields:
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


def instance_norm_fields(fields: Fields, shapes: Shapes) -> Fields:
    """Running statistics matter in use, where there are any; else only the input's own count."""
    tracks = "running_mean" in shapes
    momentum = fields["momentum"] if tracks else None
    return {**fields, **shapes, "momentum": momentum, "track_running_stats": tracks}


def linear_fields(fields: Fields, shapes: Shapes) -> Fields:
    fields = {**fields, "bias": "bias" in shapes}
    if (weight := shapes.get("weight")) is not None:
        fields["out_features"], fields["in_features"] = weight
    return fields


def padding_fields(fields: Fields, _: Shapes) -> Fields:
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


def pooling_fields(fields: Fields, _: Shapes) -> Fields:
    """A pooling window moves by its own size when no stride is given."""
    stride = fields["stride"]
    return {**fields, "stride": fields["kernel_size"] if stride in (None, ()) else stride}


def average_pooling_fields(fields: Fields, shapes: Shapes) -> Fields:
    """Without padding it does not matter whether padding is counted."""
    derived = dict(pooling_fields(fields, shapes))
    if not any(cast("tuple[int, ...]", derived["padding"])):
        derived["count_include_pad"] = True
    return derived


def convolution_entry(
    dimensions: int, module: type[nn.Module], function: Callable[..., object]
) -> OperationEntry:
    each = per_dimension(dimensions)
    return OperationEntry(
        f"conv{dimensions}d",
        (
            input_(),
            state("weight", REQUIRED),
            state("bias"),
            setting("stride", 1, each),
            setting("padding", 0, each),
            setting("dilation", 1, each),
            setting("groups", 1),
            OperationArgument("padding_mode", Role.MODULE_FIELD, "zeros"),
        ),
        (module,),
        (function,),
        derive=convolution_fields(transposed=False),
    )


def transposed_convolution_entry(
    dimensions: int, module: type[nn.Module], function: Callable[..., object]
) -> OperationEntry:
    each = per_dimension(dimensions)
    return OperationEntry(
        f"conv_transpose{dimensions}d",
        (
            input_(),
            state("weight", REQUIRED),
            state("bias"),
            setting("stride", 1, each),
            setting("padding", 0, each),
            setting("output_padding", 0, each),
            setting("groups", 1),
            setting("dilation", 1, each),
        ),
        (module,),
        (function,),
        derive=convolution_fields(transposed=True),
    )


def max_pool_entry(
    dimensions: int, module: type[nn.Module], functions: tuple[Callable[..., object], ...]
) -> OperationEntry:
    each = per_dimension(dimensions)
    return OperationEntry(
        f"max_pool{dimensions}d",
        (
            input_(),
            setting("kernel_size", normal=each),
            setting("stride", None, each),
            setting("padding", 0, each),
            setting("dilation", 1, each),
            setting("ceil_mode", False),
            setting("return_indices", False),
        ),
        (module,),
        functions,
        derive=pooling_fields,
    )


def average_pool_entry(
    dimensions: int, module: type[nn.Module], function: Callable[..., object]
) -> OperationEntry:
    each = per_dimension(dimensions)
    divisor = () if dimensions == 1 else (setting("divisor_override", None),)
    return OperationEntry(
        f"avg_pool{dimensions}d",
        (
            input_(),
            setting("kernel_size", normal=each),
            setting("stride", None, each),
            setting("padding", 0, each),
            setting("ceil_mode", False),
            setting("count_include_pad", True),
            *divisor,
        ),
        (module,),
        (function,),
        derive=average_pooling_fields,
    )


def adaptive_pool_entry(
    name: str,
    dimensions: int,
    module: type[nn.Module],
    functions: tuple[Callable[..., object], ...],
    *extra: OperationArgument,
) -> OperationEntry:
    size = setting("output_size", normal=per_dimension(dimensions))
    return OperationEntry(name, (input_(), size, *extra), (module,), functions)


def activation_entry(
    name: str,
    module: type[nn.Module],
    functions: tuple[Callable[..., object], ...],
    *fields: OperationArgument,
    inplace: bool = True,
) -> OperationEntry:
    arguments = (input_(), *fields, *((INPLACE,) if inplace else ()))
    return OperationEntry(name, arguments, (module,), functions, (name,), elementwise=True)


def dropout_entry(
    name: str, module: type[nn.Module], function: Callable[..., object], elementwise: bool = False
) -> OperationEntry:
    return OperationEntry(
        name,
        (input_(), setting("p", 0.5), mode("training", True), INPLACE),
        (module,),
        (function,),
        elementwise=elementwise,
    )


def arithmetic_entry(
    name: str,
    functions: tuple[Callable[..., object], ...],
    *extra: OperationArgument,
    methods: tuple[str, ...] = (),
    commutes: bool = False,
) -> OperationEntry:
    return OperationEntry(
        name,
        (input_("input"), input_("other"), *extra),
        functions=functions,
        methods=(name, *methods),
        commutes=commutes,
        elementwise=True,
    )


def softmax_entry(
    name: str, module: type[nn.Module], *functions: Callable[..., object]
) -> OperationEntry:
    return OperationEntry(
        name,
        (input_(), setting("dim", None), ignored("_stacklevel"), setting("dtype", None)),
        (module,),
        functions,
        (name,),
    )


def reorder_entry(
    name: str, *functions: Callable[..., object], aliases: tuple[str, ...]
) -> OperationEntry:
    return OperationEntry(
        name,
        (input_(), setting("dim0"), setting("dim1")),
        functions=functions,
        methods=aliases,
        keeps_batch=False,
    )


def unchanged_entry(name: str, *functions: Callable[..., object]) -> OperationEntry:
    """An operation which only affects how a tensor is stored, or from where it is shared."""
    return OperationEntry(
        name, (input_(), ignored("memory_format")), functions=functions, methods=(name,)
    )
