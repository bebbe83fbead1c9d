"""Suggestions for unknown names: known names that the author may have meant."""

from __future__ import annotations

import re
from collections.abc import Sequence

from archdsl.diagnostics import nearest
from archdsl.ir.layer import definitions

_UNRELEASED = {
    "affine_con": "affine",
    "affine_fc": "affine",
    "bn": "bn_con or bn_fc",
    "concat": "concat2, concat3, ...",
    "concat1": "its only branch by itself",
    "grp": "inception2, inception3, ...",
    "inception1": "its only branch by itself",
    "loss_binary_mmod": "loss_mmod",
    "loss_metric_hardish": "loss_metric",
}
"""Names that dlib's repository had before a release and no release has, and what is there instead.

Source: the history of dlib/dnn/{core,layers,loss}.h; those of layers are older than dlib 19.0, of
losses than 19.3.
"""


def spelling(name: str, known: Sequence[str]) -> str | None:
    """A hint for an unknown name: PyTorch's name of a layer, or the nearest that is known.

    People who come from PyTorch or Keras write ``Conv2d`` and ``MaxPooling2D``.
    """
    return _of_dlib(name) or _of_torch(name) or nearest(name, known) or nearest(name.lower(), known)


def _of_dlib(name: str) -> str | None:
    instead = _UNRELEASED.get(name.removesuffix("_"))
    if instead is None:
        return None
    version = "19.3" if name.startswith("loss_") else "19.0"
    return f"no release of dlib has '{name}', it went before {version}; there is {instead}"


def _of_torch(name: str) -> str | None:
    if not name[:1].isupper():
        return None
    # Keras spells the same classes with another ending.
    wanted = re.sub(r"ing(?=\dd$)", "", name.lower())
    for definition in definitions().values():
        classes = re.findall(r"torch\.nn\.(\w+)", definition.source)
        if definition.writable and wanted in map(str.lower, classes):
            return f"'{definition.name}' is what PyTorch calls {name}"
    return None
