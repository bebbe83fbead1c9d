"""Names that layers have elsewhere: in PyTorch, in file formats, in papers.

PyTorch's classes are told by the sources of definitions. What a file format calls a layer is a row
of its reader's table; readers are further rooms, which register their tables here. Only what is
read nowhere is listed below: Caffe, Keras's and PyTorch's other names, and the words of papers.
"""

from __future__ import annotations

import difflib
import importlib
import re
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import NamedTuple

from archdsl.ir.layer import definitions, lookup
from archdsl.text.words import key

PAPERS = "papers"
"""Origin of the words that no program but the literature has."""

_KNOWN_BEST = ("PyTorch", "Keras", PAPERS)

_Rows = Mapping[str, str]

# By origin: the name there, and the names here, the likeliest first.
_ELSEWHERE: Mapping[str, _Rows] = {
    PAPERS: {
        "activation": "relu sigmoid tanh silu gelu softmax",
        "add": "residual add_prev1 add_constant",
        "ASPP": "parallel",
        "atrous convolution": "con",
        "attention gate": "scale",
        "average pooling": "avg_pool avg_pool_everything",
        "batch normalisation": "batch_norm bn_con bn_fc",
        "batch normalization": "batch_norm bn_con bn_fc",
        "batchnorm": "batch_norm bn_con bn_fc",
        "bilinear": "upsample resize_to",
        "bn": "bn_con bn_fc batch_norm",
        "BCE": "loss_binary_log loss_multibinary_log",
        "CE": "loss_multiclass_log",
        "channel attention": "scale",
        "concat": "parallel concat2",
        "concatenation": "parallel concat2",
        "concat prev": "concat2",
        "conv": "con",
        "convolution": "con",
        "convolution transpose": "cont",
        "cross entropy": "loss_multiclass_log",
        "cross entropy loss": "loss_multiclass_log",
        "deconv": "cont",
        "deconvolution": "cont",
        "dense block": "dense",
        "dense connection": "dense",
        "depth to space": "pixel_shuffle",
        "depthwise convolution": "depthwise",
        "dilated convolution": "con",
        "drop": "dropout",
        "drop connect": "stochastic_depth",
        "drop path": "stochastic_depth",
        "dw": "depthwise",
        "dwconv": "depthwise",
        "excitation": "scale",
        "feature pyramid": "fpn",
        "focal loss": "loss_multibinary_log",
        "fractionally strided convolution": "cont",
        "freeze": "frozen",
        "fully connected": "fc",
        "GAP": "avg_pool_everything",
        "global average pooling": "avg_pool_everything",
        "global max pooling": "max_pool_everything",
        "global pooling": "avg_pool_everything max_pool_everything",
        "GMP": "max_pool_everything",
        "GN": "group_norm",
        "hinge loss": "loss_binary_hinge",
        "hswish": "hardswish",
        "hsigmoid": "hardsigmoid",
        "IN": "instance_norm",
        "inception": "parallel inception2 inception3 inception4",
        "leaky": "leaky_relu",
        "lateral connection": "fpn",
        "LayerScale": "layer_scale",
        "linear layer": "fc",
        "LN": "layer_norm_last layer_norm",
        "local response normalisation": "lrn",
        "local response normalization": "lrn",
        "logistic": "sigmoid",
        "lrelu": "leaky_relu",
        "max pooling": "max_pool",
        "MHSA": "attention",
        "MLP": "fc",
        "MSE": "loss_mean_squared",
        "MSE loss": "loss_mean_squared",
        "loss MSE": "loss_mean_squared",
        "loss l2": "loss_mean_squared",
        "multi-head attention": "attention",
        "NMS": "detect",
        "nearest neighbour": "upsample_nearest",
        "norm": "batch_norm group_norm layer_norm",
        "normalization": "batch_norm group_norm layer_norm lrn",
        "passthrough": "reorg darknet_reorg",
        "patch merging": "merge_patches",
        "PE": "position_embedding positional_encodings",
        "pool": "max_pool avg_pool",
        "pooling": "max_pool avg_pool",
        "positional embedding": "position_embedding positional_encodings",
        "region proposal network": "rpn",
        "residual connection": "residual",
        "RoI pooling": "roi_pool roi_align",
        "route": "tag1 skip1 concat2",
        "SE": "scale",
        "se block": "scale",
        "self-attention": "attention",
        "separable convolution": "depthwise con",
        "sequential": "compose",
        "shortcut": "residual add_prev1",
        "skip": "skip1 residual",
        "skip connection": "residual add_prev1",
        "space to depth": "pixel_unshuffle",
        "spatial attention": "scale",
        "SPP": "adaptive_max_pool parallel",
        "squeeze and excitation": "scale",
        "strided convolution": "con",
        "subpixel convolution": "pixel_shuffle",
        "sum": "residual add_prev1",
        "swish": "silu",
        "tconv": "cont",
        "transposed convolution": "cont",
        "triplet loss": "loss_metric",
        "unpooling": "upsample_nearest",
        "up": "upsample_nearest upsample cont",
        "upconv": "cont",
        "upconvolution": "cont",
        "weight sharing": "shared",
    },
    "PyTorch": {
        "BCELoss": "loss_binary_log loss_multibinary_log",
        "BCEWithLogitsLoss": "loss_binary_log loss_multibinary_log",
        "cat": "parallel concat2",
        "FrozenBatchNorm2d": "affine",
        "HingeEmbeddingLoss": "loss_binary_hinge",
        "Embedding": "embeddings",
        "interpolate": "upsample resize_to upsample_nearest",
        "L1Loss": "loss_epsilon_insensitive",
        "MSELoss": "loss_mean_squared",
        "ModuleList": "compose parallel repeat",
        "NLLLoss": "loss_multiclass_log",
        "RMSNorm": "rms_norm",
        "Sequential": "compose",
        "TripletMarginLoss": "loss_metric",
        "UpsamplingBilinear2d": "upsample",
        "UpsamplingNearest2d": "upsample_nearest",
        "ZeroPad2d": "pad",
        "bmm": "multm_prev1",
        "narrow": "slice",
        "stack": "concat2",
        "split": "chunk",
        "view": "reshape_to flatten",
        "unflatten": "reshape_to",
    },
    "Keras": {
        "Activation": "relu sigmoid tanh silu gelu softmax",
        "BinaryCrossentropy": "loss_binary_log loss_multibinary_log",
        "CategoricalCrossentropy": "loss_multiclass_log",
        "DepthwiseConv2D": "depthwise",
        "Embedding": "embeddings",
        "GlobalAveragePooling2D": "avg_pool_everything",
        "GlobalAvgPool2D": "avg_pool_everything",
        "GlobalMaxPooling2D": "max_pool_everything",
        "GlobalMaxPool2D": "max_pool_everything",
        "MaxPool2D": "max_pool",
        "AvgPool2D": "avg_pool",
        "MeanSquaredError": "loss_mean_squared",
        "MultiHeadAttention": "attention",
        "Permute": "transpose channels_last channels_first",
        "SeparableConv2D": "depthwise con",
        "Sequential": "compose",
        "SparseCategoricalCrossentropy": "loss_multiclass_log",
        "UnitNormalization": "l2normalize",
    },
    "ONNX": {
        "GlobalAveragePool": "avg_pool_everything",
        "GlobalMaxPool": "max_pool_everything",
        "LpNormalization": "l2normalize",
    },
    "Darknet": {
        "avgpool": "avg_pool_everything",
        "detection": "yolo_v1",
        "region": "yolo_v2",
        "route": "concat2 tag1 skip1",
        "sam": "scale",
        "scale_channels": "scale",
        "shortcut": "residual add_prev1",
        "yolo": "yolo_v3 yolo_v4",
    },
    "Caffe": {
        "BatchNorm": "batch_norm bn_con",
        "Bias": "bias",
        "Concat": "parallel concat2",
        "ContrastiveLoss": "loss_metric",
        "Convolution": "con",
        "Crop": "slice",
        "Data": "input",
        "Deconvolution": "cont",
        "Dropout": "dropout",
        "ELU": "elu",
        "Eltwise": "residual add_prev1 mult_prev1",
        "Embed": "embeddings",
        "EuclideanLoss": "loss_mean_squared",
        "Flatten": "flatten",
        "HingeLoss": "loss_binary_hinge",
        "InnerProduct": "fc",
        "Input": "input",
        "LRN": "lrn",
        "Pooling": "max_pool avg_pool",
        "Power": "multiply add_constant",
        "PReLU": "prelu",
        "ReLU": "relu leaky_relu",
        "Reorg": "reorg",
        "Reshape": "reshape_to",
        "Scale": "affine",
        "Sigmoid": "sigmoid",
        "SigmoidCrossEntropyLoss": "loss_multibinary_log",
        "Slice": "chunk",
        "Softmax": "softmax",
        "SoftmaxWithLoss": "loss_multiclass_log",
        "Split": "tag1 skip1",
        "TanH": "htan",
    },
}

_MADE_BY: _Rows = {
    "add": "residual add_prev1",
    "add_padded": "add_prev1",
    "broadcast_sum": "offset offset_prev",
    "concat": "parallel concat2",
    "gate": "scale scale_prev1",
    "matrix_product": "multm_prev1",
    "mult": "mult_prev1",
    "resize_to_match": "resize_like",
}
"""Layers of several inputs, and the combinators that make them."""


_ABSENT = {
    "lstm gru rnn bilstm": "there are no recurrent layers; attention and con read sequences",
    "argmax": "a network ends in scores; the largest is taken outside of it",
    "conv3d maxpool3d avgpool3d conv3dtranspose": "layers work on height and width alone",
    "conv1d maxpool1d avgpool1d": "a row is a map of one row: con<filters,1,k,...>",
    "adam sgd optimizer": "what a network is trained with is told to archdsl train",
}
"""Layers that are not here, by words as :func:`key` makes them, and what to do instead."""


class Synonym(NamedTuple):
    """A name from elsewhere: the word, where it is in use, and the names here that it may mean."""

    word: str
    origin: str
    """``PyTorch``, ``Keras`` or another program, or :data:`PAPERS`."""
    layers: tuple[str, ...]
    """Names of the catalogue, the likeliest first."""

    def called(self, what: str = "") -> str:
        """``PyTorch calls it Conv2d``, with ``it`` as what."""
        verb = "call" if self.origin == PAPERS else "calls"
        return f"{self.origin} {verb} {what}{self.word}"


_TABLES: list[str] = []


def further_tables(*modules: str) -> None:
    """Register modules whose ``foreign_names()`` gives further rows, as :func:`row` makes them.

    They are imported when names are looked up.
    """
    _TABLES.extend(module for module in modules if module not in _TABLES)
    synonyms.cache_clear()


def row(word: str, origin: str, layer: str) -> Synonym | None:
    """The row of a format's name by the kind of layer that it is read as; ``None`` without one."""
    names = written_as(layer)
    return Synonym(word, origin, names) if names else None


def written_as(kind: str) -> tuple[str, ...]:
    """The names by which specs write a kind of layer, itself or the combinators that make it."""
    if lookup(kind) is not None:
        return (kind,)
    return tuple(_MADE_BY.get(kind, "").split())


@cache
def synonyms() -> tuple[Synonym, ...]:
    """All names from elsewhere, those first that say most about what is meant."""
    rows = [
        Synonym(word, origin, tuple(names.split()))
        for origin, table in _ELSEWHERE.items()
        for word, names in table.items()
    ]
    told = {(s.origin, key(s.word)) for s in rows}
    further = [*_of_torch()]
    for module in _TABLES:
        further += importlib.import_module(module).foreign_names()
    return (*rows, *(s for s in further if (s.origin, key(s.word)) not in told))


def _of_torch() -> Iterator[Synonym]:
    classes: dict[str, dict[str, None]] = {}
    for definition in definitions().values():
        for found in re.findall(r"torch\.nn\.([A-Z]\w+)", definition.source):
            if (
                definition.writable
                and not definition.preset
                and found not in ("Module", "Parameter")
            ):
                classes.setdefault(found, {})[definition.name] = None
    return (Synonym(word, "PyTorch", tuple(names)) for word, names in classes.items())


def meant(word: str) -> tuple[Synonym, ...]:
    """The synonyms that a word is, whatever its case and underscores.

    Those that are spelled so come first, then those of origins that most people know.
    """
    wanted = key(word)
    found = [s for s in synonyms() if key(s.word) == wanted]
    return tuple(sorted(found, key=lambda s: (s.word != word, _rank(s.origin))))


def _rank(origin: str) -> int:
    return _KNOWN_BEST.index(origin) if origin in _KNOWN_BEST else len(_KNOWN_BEST)


def absent(word: str) -> str | None:
    """Advice about a kind of layer that is not here; ``None`` for other words."""
    wanted = key(word)
    return next((said for words, said in _ABSENT.items() if wanted in words.split()), None)


def of(layer: str) -> tuple[Synonym, ...]:
    """The synonyms of a layer: those that mean it before all others."""
    return tuple(s for s in synonyms() if s.layers[0] == layer)


def misspelt(word: str, cutoff: float) -> Synonym | None:
    """The synonym that is spelled most like a word; ``None`` where none is near."""
    by_key: dict[str, Synonym] = {}
    for synonym in synonyms():
        by_key.setdefault(key(synonym.word), synonym)
    found = difflib.get_close_matches(key(word), list(by_key), n=1, cutoff=cutoff)
    return by_key[found[0]] if found else None


def names_in_words(names: Collection[str]) -> str:
    """``'a', 'b' or 'c'``."""
    quoted = [f"'{name}'" for name in names]
    return " or ".join(filter(None, (", ".join(quoted[:-1]), quoted[-1])))
