"""Memory of layers beside their weights: what they make, share, and keep for gradients."""

from __future__ import annotations

from dataclasses import dataclass

VALUE = 4
"""Bytes of one value of a tensor: a 32-bit float."""


@dataclass(frozen=True)
class Storage:
    """Tensors that a layer makes and that its gradient needs, as torch's functions hold them."""

    keeps_input: bool = True
    """True if the gradient needs the inputs."""
    keeps_output: bool = True
    """True if the gradient needs the output; else an activation may write over it."""
    view: bool = False
    """True if the output lies in the memory of the first input."""
    idle: bool = False
    """True if the layer hands its input on at inference, as dropout does."""
    overwrites: bool = False
    """True if it writes over its first input where nothing else needs that."""
    passes_gradient: bool = False
    """True if the gradients of its inputs are that of its output, or parts of it."""
    extra: int = 0
    """Bytes for each value of the output that the gradient needs as well: a mask, positions."""
    workspace: int = 0
    """Bytes for each value of the output that are held beside it while the layer runs."""


KEEPS_INPUT = Storage(keeps_output=False)
KEEPS_OUTPUT = Storage(keeps_input=False)
KEEPS_NOTHING = Storage(keeps_input=False, keeps_output=False)
SUM = Storage(keeps_input=False, keeps_output=False, passes_gradient=True)
VIEW = Storage(keeps_input=False, keeps_output=False, view=True, passes_gradient=True)
PART = Storage(keeps_input=False, keeps_output=False, view=True)
MASKED = Storage(keeps_input=False, keeps_output=False, idle=True, extra=VALUE)
