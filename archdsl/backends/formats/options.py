"""What the user may ask of output files, apart from their names."""

from __future__ import annotations

from dataclasses import dataclass

OPSETS = range(18, 24)
"""ONNX operator sets that can be asked for: those that torch's exporter writes (torch 2.9 on)."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of the file formats, with their defaults; a format names those it understands.

    ``opset`` is the version of ONNX's operators, one of ``OPSETS``. ``dynamic_size`` leaves the
    height and width of the input open, not only the number of samples.
    """

    opset: int = 20
    dynamic_size: bool = False


DEFAULT = Options()
"""What is written where nobody asks for anything else."""
