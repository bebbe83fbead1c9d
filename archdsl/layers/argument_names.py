"""Names that arguments of layers have elsewhere, in PyTorch, Keras and Caffe, and in speech."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archdsl.ir.layer import Argument, Definition
from archdsl.text.words import key

# The names here, the likeliest first; a + joins what one number elsewhere says for both axes.
_ARGUMENTS = {
    "alpha": "slope",
    "bias_term": "bias",
    "channels": "filters",
    "classes": "outputs",
    "count": "outputs",
    "depth": "filters count",
    "dilation_rate": "dilation",
    "dilations": "dilation",
    "dropout_ratio": "p percent",
    "embed_dim": "length",
    "embedding_dim": "length",
    "epsilon": "eps",
    "factor": "scale factor",
    "features": "outputs filters",
    "group": "groups",
    "height": "kernel_h rows",
    "init_values": "initial",
    "k": "kernel_h+kernel_w",
    "kernel": "kernel_h+kernel_w",
    "kernel_shape": "kernel_h+kernel_w",
    "kernel_size": "kernel_h+kernel_w",
    "max_value": "ceiling",
    "max_val": "ceiling",
    "n": "count",
    "negative_slope": "slope",
    "num_channels": "filters",
    "num_classes": "outputs",
    "num_embeddings": "count",
    "num_filters": "filters",
    "num_groups": "groups",
    "num_heads": "heads",
    "num_output": "filters outputs",
    "num_outputs": "outputs filters",
    "num_parameters": "per_channel",
    "output_size": "height+width rows+columns",
    "out_channels": "filters",
    "out_features": "outputs",
    "pad": "padding",
    "pads": "padding",
    "pool_size": "kernel_h+kernel_w",
    "prob": "p percent",
    "rate": "p percent dilation",
    "repeats": "count",
    "scale_factor": "scale",
    "size": "kernel_h+kernel_w rows+columns scale",
    "stride": "stride_h+stride_w",
    "strides": "stride_h+stride_w",
    "times": "count",
    "units": "outputs",
    "upscale_factor": "factor",
    "use_bias": "bias",
    "width": "kernel_w columns",
}
# What is no argument here, and how it is said instead.
_OTHERWISE = {
    "activation": "activations are layers of their own: relu<con<...>>",
    "axis": "layers work along the channels, which come first",
    "dim": "layers work along the channels, which come first",
    "in_channels": "the channels of the input are known: leave it out",
    "in_features": "the size of the input is known: leave it out",
    "in_planes": "the channels of the input are known: leave it out",
    "num_features": "the channels of the input are known: leave it out",
    "normalized_shape": "the size of the input is known: leave it out",
    "inplace": "memory is reused wherever that is possible: leave it out",
    "input_dim": "the innermost layer is the input: input<1,28,28>",
    "input_shape": "the innermost layer is the input: input<1,28,28>",
    "learning_rate": "frozen<body, SUBNET> keeps layers as they are; rates are archdsl train's",
    "learning_rate_multiplier": "frozen<body, SUBNET> keeps layers as they are",
    "mode": "upsample is bilinear, upsample_nearest takes the nearest",
    "name": "a layer's name is made of its template's: using NAME = ...;",
    "padding_mode": "reflection_pad and replication_pad pad in other ways",
    "track_running_stats": "batch norm keeps running statistics: leave it out",
    "trainable": "frozen<body, SUBNET> keeps layers as they are",
    "training": "a module knows whether it is being trained: leave it out",
}


_TRUTH = {"true": "true", "false": "false", "yes": "true", "no": "false", "on": "true"}
_WHOLE = {"global", "all", "everything", "full", "whole"}
_EACH = {"filters", "channels", "in_channels", "all", "depthwise"}
_NOTHING = {"none", "null", "nullptr", "default", "auto", "nil"}


def argument_hint(definition: Definition, name: str) -> str | None:
    """The name here of an argument that has another one elsewhere, or the other way to say it."""
    wanted = key(name)
    has = {a.name for a in definition.arguments}
    for elsewhere, names in _ARGUMENTS.items():
        if key(elsewhere) != wanted:
            continue
        here = (group.split("+") for group in names.split())
        found = next((group for group in here if has.issuperset(group)), None)
        if found is not None:
            return f"it is called {' and '.join(found)} here"
    return next((said for n, said in _OTHERWISE.items() if key(n) == wanted), None)


def value_hint(argument: Argument, word: str, given: Mapping[str, Any]) -> str | None:
    """The value that a word stands for elsewhere, such as ``same`` for a padding.

    ``given`` are the arguments before it, by name.
    """
    said = word.casefold()
    if said in _NOTHING:
        return "leave it out for the default"
    if argument.type is bool:
        truth = _TRUTH.get(said)
        return f"truth values are true and false: {argument.name}={truth}" if truth else None
    if argument.name in ("kernel_h", "kernel_w") and said in _WHOLE:
        return "0 stands for the whole input, as avg_pool_everything has it"
    if argument.name == "groups" and said in _EACH:
        return "0 stands for a group for each channel, as depthwise has it"
    if not argument.name.startswith("padding") or said not in ("same", "valid"):
        return None
    return "padding=0 pads nothing" if said == "valid" else _same(given)


def _same(given: Mapping[str, Any]) -> str:
    rows, columns = given.get("kernel_h"), given.get("kernel_w")
    if not (isinstance(rows, int) and isinstance(columns, int) and rows > 0 < columns):
        return "half the window, rounded down, keeps the size: 1 for 3×3, 2 for 5×5"
    window = f"a {rows}×{columns} window"
    if rows % 2 == 0 or columns % 2 == 0:
        return f"no number keeps the size with {window}; pad<top,bottom,left,right,...> goes before"
    above, left = (side // 2 * int(given.get("dilation", 1)) for side in (rows, columns))
    number = f"padding={above}" if above == left else f"padding_h={above},padding_w={left}"
    strides = given.get("stride_h", 1), given.get("stride_w", 1)
    if strides != (1, 1):
        return f"{number} with {window}; at a stride Keras pads more at the end, which pad can do"
    return f"{number} keeps the size with {window}"
