"""Options of output files, such as ONNX's operator set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

OPSETS = range(18, 24)
"""ONNX operator sets that can be asked for: those that torch's exporter writes (torch 2.9 on)."""


@dataclass(frozen=True, kw_only=True)
class FormatOptions:
    """The options of the file formats, with their defaults; a format names those it understands.

    ``opset`` is the version of ONNX's operators, one of ``OPSETS``. ``dynamic_size`` leaves the
    height and width of the input open, not only the number of samples. ``notes`` are entries by
    name that say what the network is; formats with a place for such keep them there.
    """

    opset: int = 20
    dynamic_size: bool = False
    notes: Mapping[str, str] = field(default_factory=dict)


DEFAULT = FormatOptions()
"""The options of a file for which the user gives none."""
