"""Kinds for the classes of dlib that stand in files. Importing this package registers them all."""

from archdsl.dlib.kinds import (
    activation,
    convolution,
    endpoints,
    linear,
    normalization,
    shaping,
)
from archdsl.dlib.kinds import (
    joins as joining,
)
from archdsl.dlib.kinds.definition import (
    Kind,
    Record,
    Values,
    by_version,
    by_xml,
    dlib_layers,
    kind_of,
)
from archdsl.dlib.kinds.endpoints import InputKind, LossKind
from archdsl.dlib.kinds.joins import Join

__all__ = [
    "InputKind",
    "Join",
    "Kind",
    "LossKind",
    "Record",
    "Values",
    "activation",
    "by_version",
    "by_xml",
    "convolution",
    "dlib_layers",
    "endpoints",
    "joining",
    "kind_of",
    "linear",
    "normalization",
    "shaping",
]
