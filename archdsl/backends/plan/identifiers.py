"""Identifiers of the generated file, all different."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Container, Iterable, Sequence

from archdsl.diagnostics import fail

_USUAL = {"num_features": "channels", "normalized_shape": "channels", "num_channels": "channels"}
"""Names of torch's arguments that have a better known one."""

_TAKEN = frozenset({"self", "i", "x", "nn", "torch", "Tensor", "OrderedDict", "Any", "main"})


def identifier(name: str) -> str:
    """A name of the spec as it is; raises ArchError where Python could not read it."""
    if not (name.isascii() and name.isidentifier()) or keyword.iskeyword(name):
        raise fail(f"{name!r} cannot be a name in Python source")
    return name


def argument(parameter: str | None, slots: Sequence[str], others: Container[str]) -> str:
    """Name of a constructor argument: its template parameter, unless that is a single letter.

    ``slots`` are the names of the slots that it fills, ``others`` those that other arguments fill:
    a name that is not among them says more. What goes in and comes out is ``channels``.
    """
    word = safe(parameter.lower()) if parameter is not None else ""
    if word and (not slots or (len(word) > 1 and not word.endswith("_"))):
        return identifier(word)
    for way_in in slots:
        kind = way_in.removeprefix("in_")
        if kind != way_in and (kind in slots or f"out_{kind}" in slots):
            return identifier(safe(kind))
    slot = next((slot for slot in slots if slot not in others), slots[0])
    return identifier(safe(_USUAL.get(slot, slot)))


def safe(name: str) -> str:
    """The name, changed where it would hide one that Python or the file has."""
    spoken = name.strip("_") or "value"
    hidden = keyword.iskeyword(spoken) or hasattr(builtins, spoken) or spoken in _TAKEN
    return f"{spoken}_" if hidden else spoken


class UniqueNames:
    """A set of names in which every new one gets a number if it is taken."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self.taken = set(taken)

    def new(self, *wishes: str) -> str:
        """The first wish that is free, else the last one with a number; it is taken then."""
        found = next((wish for wish in wishes if wish not in self.taken), None)
        number = 2
        while found is None:
            name = f"{wishes[-1]}{number}"
            found = name if name not in self.taken else None
            number += 1
        self.taken.add(found)
        return found
