"""Values that matched networks start with: index tables, statistics of norms, frozen parameters."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from archdsl.analysis.equivalence.match import Match
from archdsl.importers.verification.weight_transfer import tensors

_COUNTER = "num_batches_tracked"


def initial_value_differences(
    found: Match, reference: nn.Module, compiled: nn.Module, *, training: bool
) -> Iterable[str]:
    """Sentences about values that belong to the architecture and differ, or are not learned alike.

    Tables of indices, and buffers that no file holds, have to be equal. For training, so have the
    statistics that norms start with (those that a reference has learned already are left out), and
    each parameter has to be learned, or not, in both networks.
    """
    mine, theirs = tensors(reference), tensors(compiled)
    buffers = dict(reference.named_buffers(remove_duplicate=False))
    saved = reference.state_dict().keys()
    for a, b in found.tensors:
        ours, other = mine[a].detach(), theirs[b].detach()
        if a in buffers:
            fixed = a not in saved or not ours.is_floating_point()
            starts = training and constant(ours)
            counter = a.rpartition(".")[2] == _COUNTER
            if (fixed or starts) and not counter and not torch.equal(ours, other.to(ours.device)):
                yield f"{a} is {_shown(ours)} in the reference, {b} is {_shown(other)}."
        elif training and mine[a].requires_grad != theirs[b].requires_grad:
            yield f"{a} {_learned(mine[a])} in the reference, {b} {_learned(theirs[b])}."


def constant(tensor: torch.Tensor) -> bool:
    """True if a tensor holds one number throughout, which tells no layer from another."""
    return (
        tensor.is_floating_point()
        and tensor.numel() > 0
        and bool((tensor == tensor.flatten()[0]).all())
    )


def _shown(tensor: torch.Tensor) -> str:
    return f"{tensor.flatten()[0].item():.6g}" if constant(tensor) else "a table of other values"


def _learned(parameter: torch.Tensor) -> str:
    return "is learned" if parameter.requires_grad else "is frozen"
