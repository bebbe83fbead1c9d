"""Table of the operations with several spellings, one entry each.

An entry says which ``torch.nn`` modules, functions and tensor methods spell the operation, and what
its arguments are called: the functions take them as arguments, the modules keep them as attributes
of the same name, so one list of arguments reads both. Signatures and defaults are those of
``torch.nn.functional`` in PyTorch's documentation.

Operations which have no entry are still compared, by their own name and arguments; an entry is
needed only where one operation has several spellings.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping

import torch
from torch import nn
from torch.nn import functional as F
from torchvision.models import swin_transformer

from archdsl.backends.torch.window_modules import merge_patches
from archdsl.importers.trace.operation_entries import (
    REQUIRED,
    OperationEntry,
    as_tuple,
    ignored,
    input_,
    mode,
    setting,
    square,
    state,
)
from archdsl.importers.trace.operation_families import (
    activation_entry,
    adaptive_pool_entry,
    arithmetic_entry,
    average_pool_entry,
    batch_norm_fields,
    convolution_entry,
    dropout_entry,
    instance_norm_fields,
    linear_fields,
    max_pool_entry,
    padding_fields,
    reorder_entry,
    softmax_entry,
    transposed_convolution_entry,
    unchanged_entry,
)

_PADDINGS: Mapping[str, tuple[type[nn.Module], ...]] = {
    "constant": (nn.ConstantPad1d, nn.ConstantPad2d, nn.ZeroPad1d, nn.ZeroPad2d),
    "reflect": (nn.ReflectionPad1d, nn.ReflectionPad2d),
    "replicate": (nn.ReplicationPad1d, nn.ReplicationPad2d),
}
"""Modules that pad, by what stands in the new cells."""


OPERATIONS: tuple[OperationEntry, ...] = (
    convolution_entry(1, nn.Conv1d, F.conv1d),
    convolution_entry(2, nn.Conv2d, F.conv2d),
    convolution_entry(3, nn.Conv3d, F.conv3d),
    transposed_convolution_entry(1, nn.ConvTranspose1d, F.conv_transpose1d),
    transposed_convolution_entry(2, nn.ConvTranspose2d, F.conv_transpose2d),
    transposed_convolution_entry(3, nn.ConvTranspose3d, F.conv_transpose3d),
    OperationEntry(
        "linear",
        (input_(), state("weight", REQUIRED), state("bias")),
        (nn.Linear,),
        (F.linear,),
        derive=linear_fields,
    ),
    OperationEntry(
        "batch_norm",
        (
            input_(),
            state("running_mean", REQUIRED),
            state("running_var", REQUIRED),
            state("weight"),
            state("bias"),
            mode("training", False),
            setting("momentum", 0.1),
            setting("eps", 1e-5),
        ),
        (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d),
        (F.batch_norm,),
        derive=batch_norm_fields,
    ),
    OperationEntry(
        "layer_norm",
        (
            input_(),
            setting("normalized_shape", normal=as_tuple),
            state("weight"),
            state("bias"),
            setting("eps", 1e-5),
        ),
        (nn.LayerNorm,),
        (F.layer_norm,),
    ),
    OperationEntry(
        "group_norm",
        (
            input_(),
            setting("num_groups"),
            state("weight"),
            state("bias"),
            setting("eps", 1e-5),
        ),
        (nn.GroupNorm,),
        (F.group_norm,),
    ),
    OperationEntry(
        "instance_norm",
        (
            input_(),
            state("running_mean"),
            state("running_var"),
            state("weight"),
            state("bias"),
            ignored("use_input_stats", True),
            setting("momentum", 0.1),
            setting("eps", 1e-5),
        ),
        (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d),
        (F.instance_norm, torch.instance_norm),
        derive=instance_norm_fields,
    ),
    OperationEntry(
        "local_response_norm",
        (
            input_(),
            setting("size"),
            setting("alpha", 1e-4),
            setting("beta", 0.75),
            setting("k", 1.0),
        ),
        (nn.LocalResponseNorm,),
        (F.local_response_norm,),
    ),
    max_pool_entry(1, nn.MaxPool1d, (F.max_pool1d, torch.max_pool1d)),
    max_pool_entry(2, nn.MaxPool2d, (F.max_pool2d, torch.max_pool2d)),
    max_pool_entry(3, nn.MaxPool3d, (F.max_pool3d, torch.max_pool3d)),
    average_pool_entry(1, nn.AvgPool1d, F.avg_pool1d),
    average_pool_entry(2, nn.AvgPool2d, F.avg_pool2d),
    average_pool_entry(3, nn.AvgPool3d, F.avg_pool3d),
    adaptive_pool_entry("adaptive_avg_pool1d", 1, nn.AdaptiveAvgPool1d, (F.adaptive_avg_pool1d,)),
    adaptive_pool_entry("adaptive_avg_pool2d", 2, nn.AdaptiveAvgPool2d, (F.adaptive_avg_pool2d,)),
    adaptive_pool_entry("adaptive_avg_pool3d", 3, nn.AdaptiveAvgPool3d, (F.adaptive_avg_pool3d,)),
    adaptive_pool_entry(
        "adaptive_max_pool2d",
        2,
        nn.AdaptiveMaxPool2d,
        (F.adaptive_max_pool2d,),
        setting("return_indices", False),
    ),
    activation_entry("relu", nn.ReLU, (F.relu, torch.relu, torch.relu_)),
    activation_entry("relu6", nn.ReLU6, (F.relu6,)),
    activation_entry("sigmoid", nn.Sigmoid, (F.sigmoid, torch.sigmoid), inplace=False),
    activation_entry("tanh", nn.Tanh, (F.tanh, torch.tanh), inplace=False),
    activation_entry("silu", nn.SiLU, (F.silu,)),
    activation_entry("mish", nn.Mish, (F.mish,)),
    activation_entry("hardswish", nn.Hardswish, (F.hardswish,)),
    activation_entry("hardsigmoid", nn.Hardsigmoid, (F.hardsigmoid,)),
    activation_entry("softsign", nn.Softsign, (F.softsign,), inplace=False),
    activation_entry("logsigmoid", nn.LogSigmoid, (F.logsigmoid,), inplace=False),
    activation_entry("selu", nn.SELU, (F.selu, torch.selu, torch.selu_)),
    activation_entry("gelu", nn.GELU, (F.gelu,), setting("approximate", "none"), inplace=False),
    activation_entry("elu", nn.ELU, (F.elu,), setting("alpha", 1.0)),
    activation_entry("celu", nn.CELU, (F.celu, torch.celu), setting("alpha", 1.0)),
    activation_entry("leaky_relu", nn.LeakyReLU, (F.leaky_relu,), setting("negative_slope", 0.01)),
    activation_entry(
        "hardtanh", nn.Hardtanh, (F.hardtanh,), setting("min_val", -1.0), setting("max_val", 1.0)
    ),
    activation_entry(
        "softplus",
        nn.Softplus,
        (F.softplus,),
        setting("beta", 1.0),
        setting("threshold", 20.0),
        inplace=False,
    ),
    OperationEntry("prelu", (input_(), state("weight", REQUIRED)), (nn.PReLU,), (F.prelu,)),
    OperationEntry("identity", (input_(),), (nn.Identity,), elementwise=True),
    dropout_entry("dropout", nn.Dropout, F.dropout, elementwise=True),
    dropout_entry("alpha_dropout", nn.AlphaDropout, F.alpha_dropout, elementwise=True),
    dropout_entry("dropout1d", nn.Dropout1d, F.dropout1d),
    dropout_entry("dropout2d", nn.Dropout2d, F.dropout2d),
    dropout_entry("dropout3d", nn.Dropout3d, F.dropout3d),
    softmax_entry("softmax", nn.Softmax, F.softmax, torch.softmax),
    softmax_entry("log_softmax", nn.LogSoftmax, F.log_softmax, torch.log_softmax),
    OperationEntry(
        "interpolate",
        (
            input_(),
            setting("size", None, square),
            setting("scale_factor", None),
            setting("mode", "nearest"),
            setting("align_corners", None),
            setting("recompute_scale_factor", None, bool),  # None means no
            setting("antialias", False),
        ),
        (nn.Upsample,),
        (F.interpolate,),
    ),
    OperationEntry(
        "pixel_shuffle",
        (input_(), setting("upscale_factor")),
        (nn.PixelShuffle,),
        (F.pixel_shuffle,),
    ),
    OperationEntry(
        "pixel_unshuffle",
        (input_(), setting("downscale_factor")),
        (nn.PixelUnshuffle,),
        (F.pixel_unshuffle,),
    ),
    OperationEntry(
        "channel_shuffle", (input_(), setting("groups")), (nn.ChannelShuffle,), (F.channel_shuffle,)
    ),
    arithmetic_entry(
        "add", (operator.add, operator.iadd, torch.add), setting("alpha", 1), commutes=True
    ),
    arithmetic_entry(
        "mul", (operator.mul, operator.imul, torch.mul, torch.multiply), commutes=True
    ),
    arithmetic_entry("maximum", (torch.maximum,), commutes=True),
    arithmetic_entry("minimum", (torch.minimum,), commutes=True),
    arithmetic_entry("sub", (operator.sub, operator.isub, torch.sub), setting("alpha", 1)),
    arithmetic_entry(
        "div",
        (operator.truediv, operator.itruediv, torch.div, torch.true_divide),
        setting("rounding_mode", None),
    ),
    OperationEntry("neg", (input_(),), functions=(operator.neg, torch.neg), methods=("neg",)),
    OperationEntry("square", (input_(),), functions=(torch.square,), methods=("square",)),
    OperationEntry(
        "pow",
        (input_(), setting("exponent")),
        functions=(operator.pow, torch.pow),
        methods=("pow",),
    ),
    OperationEntry(
        "cat", (input_("tensors"), setting("dim", 0)), functions=(torch.cat, torch.concat)
    ),
    OperationEntry(
        "chunk",
        (input_(), setting("chunks"), setting("dim", 0)),
        functions=(torch.chunk,),
        methods=("chunk",),
        keeps_batch=False,
    ),
    OperationEntry(
        "pad",
        (
            input_(),
            setting("pad", normal=as_tuple),
            setting("mode", "constant"),
            setting("value", None),
        ),
        functions=(F.pad,),
        derive=padding_fields,
    ),
    *(
        OperationEntry(
            "pad",
            (
                input_(),
                setting("padding", normal=as_tuple),
                setting("value", 0.0),
                setting("mode", mode),
            ),
            modules,
            derive=padding_fields,
        )
        for mode, modules in _PADDINGS.items()
    ),
    OperationEntry(
        "expand",
        (input_(), setting("sizes", normal=as_tuple)),
        methods=("expand",),
        keeps_batch=False,
        variadic="sizes",
    ),
    OperationEntry(
        "expand_as",
        (input_(), input_("other")),
        methods=("expand_as",),
        keeps_batch=False,
    ),
    OperationEntry(
        "split",
        (input_(), setting("split_size_or_sections"), setting("dim", 0)),
        functions=(torch.split,),
        methods=("split", "split_with_sizes"),
        keeps_batch=False,
    ),
    OperationEntry(
        "unsqueeze",
        (input_(), setting("dim")),
        functions=(torch.unsqueeze,),
        methods=("unsqueeze",),
        keeps_batch=False,
    ),
    OperationEntry(
        "squeeze",
        (input_(), setting("dim", None)),
        functions=(torch.squeeze,),
        methods=("squeeze",),
        keeps_batch=False,
    ),
    OperationEntry(
        "permute",
        (input_(), setting("dims", normal=as_tuple)),
        functions=(torch.permute,),
        methods=("permute",),
        keeps_batch=False,
        variadic="dims",
    ),
    reorder_entry(
        "transpose",
        torch.transpose,
        torch.swapaxes,
        torch.swapdims,
        aliases=("transpose", "swapaxes", "swapdims"),
    ),
    OperationEntry(
        "flatten",
        (input_(), setting("start_dim", 0), setting("end_dim", -1)),
        (nn.Flatten,),
        (torch.flatten,),
        ("flatten",),
        keeps_batch=False,
    ),
    OperationEntry(
        "reshape",
        (input_(), setting("shape", normal=as_tuple)),
        functions=(torch.reshape,),
        methods=("reshape", "view"),
        keeps_batch=False,
        variadic="shape",
    ),
    OperationEntry(
        "unflatten",
        (input_(), setting("dim"), setting("unflattened_size", normal=as_tuple)),
        (nn.Unflatten,),
        (torch.unflatten,),
        ("unflatten",),
        keeps_batch=False,
    ),
    OperationEntry(
        "mean",
        (input_(), setting("dim", None), setting("keepdim", False), setting("dtype", None)),
        functions=(torch.mean,),
        methods=("mean",),
        keeps_batch=False,
    ),
    OperationEntry(
        "amax",
        (input_(), setting("dim", (), as_tuple), setting("keepdim", False)),
        functions=(torch.amax,),
        methods=("amax",),
        keeps_batch=False,
    ),
    OperationEntry(
        "max",
        (input_(), setting("dim"), setting("keepdim", False)),
        functions=(torch.max,),
        methods=("max",),
        keeps_batch=False,
    ),
    OperationEntry(
        "merge_patches",
        (input_(),),
        functions=(swin_transformer._patch_merging_pad, merge_patches),
    ),
    unchanged_entry("contiguous"),
    unchanged_entry("clone", torch.clone),
)


BY_MODULE = {module: entry for entry in OPERATIONS for module in entry.modules}


BY_FUNCTION = {function: entry for entry in OPERATIONS for function in entry.functions}


BY_METHOD = {method: entry for entry in OPERATIONS for method in entry.methods}


INPLACE_OPERATORS = frozenset({operator.iadd, operator.imul, operator.isub, operator.itruediv})
"""Operators which, by Python's convention, write their result into their first operand."""
