"""Transfer of weights from a reference to the network that matches it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import nn

from archdsl.analysis.equivalence.errors import MatchError
from archdsl.analysis.equivalence.match import Match
from archdsl.analysis.equivalence.pointwise import same_but_for_ones

_SHOWN = 5  # missing names, at most


def transfer_weights(match: Match, reference: nn.Module, compiled: nn.Module) -> None:
    """Copies every matched parameter and buffer of ``reference`` into ``compiled``, in place.

    Raises:
        MatchError: the networks did not match, or are not those which were compared.
    """
    _copy(match, match.tensors, tensors(reference), tensors(compiled))


def transfer_back(match: Match, reference: nn.Module, compiled: nn.Module) -> None:
    """Copies every matched parameter and buffer of ``compiled`` into ``reference``, in place.

    Raises:
        MatchError: the networks did not match, or are not those which were compared.
    """
    pairs = [(theirs, mine) for mine, theirs in match.tensors]
    _copy(match, pairs, tensors(compiled), tensors(reference))


def transfer_state_dict(
    match: Match, state_dict: Mapping[str, torch.Tensor], compiled: nn.Module
) -> None:
    """Copies a ``state_dict`` under the reference's names into ``compiled``, in place.

    Entries for parts which the compiled network was not compared with (auxiliary heads) are
    ignored. Buffers which neither network saves, and batch norm's ``num_batches_tracked``, which
    old checkpoints lack, may be absent.

    Raises:
        MatchError: the networks did not match, an entry is missing, or a shape differs.
    """
    saved = compiled.state_dict().keys()
    optional = frozenset(
        theirs
        for _, theirs in match.tensors
        if theirs not in saved or theirs.rpartition(".")[2] == "num_batches_tracked"
    )
    _copy(match, match.tensors, state_dict, tensors(compiled), optional)


def tensors(module: nn.Module) -> dict[str, torch.Tensor]:
    """Every parameter and buffer of a module by every name it has."""
    named: dict[str, torch.Tensor] = dict(module.named_parameters(remove_duplicate=False))
    named.update(module.named_buffers(remove_duplicate=False))
    return named


@torch.no_grad()
def _copy(
    match: Match,
    names: Sequence[tuple[str, str]],
    sources: Mapping[str, torch.Tensor],
    targets: Mapping[str, torch.Tensor],
    optional: frozenset[str] = frozenset(),
) -> None:
    """Copies along pairs of names, source and target, after everything has been checked."""
    if not match.matched:
        message = "weights cannot be transferred between networks which do not match"
        raise MatchError(message)
    pairs = [(mine, theirs) for mine, theirs in names if mine in sources or theirs not in optional]
    missing = [mine for mine, _ in pairs if mine not in sources]
    missing += [theirs for _, theirs in pairs if theirs not in targets]
    if missing:
        shown = ", ".join(missing[:_SHOWN]) + (", ..." if len(missing) > _SHOWN else "")
        message = f"{len(missing)} of the matched weights are missing: {shown}"
        raise MatchError(message)
    for mine, theirs in pairs:
        expected, found = tuple(targets[theirs].shape), tuple(sources[mine].shape)
        if not same_but_for_ones(expected, found):
            message = f"{mine} has shape {found}, but {theirs} has shape {expected}"
            raise MatchError(message)
    for mine, theirs in pairs:
        targets[theirs].copy_(sources[mine].reshape(targets[theirs].shape))
