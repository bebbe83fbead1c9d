"""Suggestions for unknown names: known names that the author may have meant."""

from __future__ import annotations

import re
from collections.abc import Sequence

from archdsl.diagnostics import nearest
from archdsl.ir.layer import definitions


def spelling(name: str, known: Sequence[str]) -> str | None:
    """A hint for an unknown name: PyTorch's name of a layer, or the nearest that is known.

    People who come from PyTorch or Keras write ``Conv2d`` and ``MaxPooling2D``.
    """
    return _of_torch(name) or nearest(name, known) or nearest(name.lower(), known)


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
