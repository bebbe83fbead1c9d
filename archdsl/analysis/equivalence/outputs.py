"""Pairing of the outputs of two networks, by name or else by number."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

MAIN = "output"
"""The name of a result that has none: the end of a network beside its side outputs."""

_NUMBERED = re.compile(rf"{MAIN}(_\d+)+")


@dataclass(frozen=True)
class OutputPairs:
    """Names of outputs, reference's with compiled's, and those of either that are left over."""

    pairs: tuple[tuple[str, str], ...]
    reference_only: tuple[str, ...]
    compiled_only: tuple[str, ...]


def paired_outputs(reference: Sequence[str], compiled: Sequence[str]) -> OutputPairs:
    """Pairs the names of two networks' outputs, each given in the order of its network.

    One output on either side is a pair, whatever they are called. Of several those of one name are
    pairs (``aux_logits1``, as torchvision has it, is the spec's ``aux1``), then the main output of
    one side with the first of the other. A reference that returns a tuple has numbers for names;
    where the compiled network has words, the order decides.
    """
    if len(reference) == len(compiled) == 1:
        return OutputPairs(((reference[0], compiled[0]),), (), ())
    mine = {_word(name): name for name in reversed(reference)}
    theirs = {_word(name): name for name in reversed(compiled)}
    pairs = {mine[word]: theirs[word] for word in mine if word in theirs}
    if not pairs and all(_NUMBERED.fullmatch(word) for word in mine):
        pairs = dict(zip(reference, compiled, strict=False))
    taken = set(pairs.values())
    first, other = reference[0], compiled[0]
    if MAIN in (first, other) and first not in pairs and other not in taken:
        pairs[first] = other
        taken.add(other)
    return OutputPairs(
        tuple((name, pairs[name]) for name in reference if name in pairs),
        tuple(name for name in reference if name not in pairs),
        tuple(name for name in compiled if name not in taken),
    )


def _word(name: str) -> str:
    """A name as a spec may have it: one word, whose number needs another in front of it."""
    word = re.sub(r"\W+", "_", name.replace("_logits", "")).strip("_")
    return word if not word[:1].isdigit() else f"{MAIN}_{word}"
