"""Names of a template's parameters: numbers of channels by what they are the channels of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

CHANNELS = "N"
"""The base name of a number of channels."""

_KERNELS = frozenset({"H", "W", "K"})
_OWN_PATH = frozenset({"parallel", "scale"})
"""Combinators whose blocks stand beside the main path; others have a part of it inside."""


Around = tuple[tuple[str, int, int], ...]
"""Blocks around a step, the outermost first: the combinator's kind, its step, and which block."""


@dataclass(frozen=True)
class Place:
    """Position of an argument: the layer's kind, and the blocks around it."""

    layer: str
    around: Around

    @property
    def path(self) -> Around:
        """The blocks around it that are beside the main path."""
        return tuple(each for each in self.around if each[0] in _OWN_PATH)


@dataclass(frozen=True)
class Use:
    """An argument of a template's text: its base name, place and value in one instance.

    ``argument`` is the number of the parameter that it is, None for what the text says itself.
    """

    base: str
    place: Place
    value: object
    argument: int | None


def channel_names(uses: Sequence[Use], numbers: Collection[int]) -> Mapping[int, str]:
    """Names of the parameters of these numbers, which count channels; none for a single one."""
    counts = [use for use in uses if use.base == CHANNELS]
    if len(numbers) < 2:
        return {}
    names = {number: _name(number, counts, uses) for number in numbers}
    again = Counter(names.values())
    return {number: name for number, name in names.items() if again[name] == 1}


def _name(number: int, counts: Sequence[Use], uses: Sequence[Use]) -> str:
    main = [use for use in counts if not use.place.path]
    if main and main[-1].argument == number:
        return "OUT"
    first = next(use for use in counts if use.argument == number)
    path = first.place.path
    if not path:
        return "IN" if main[0] is first and first.place.layer == "depthwise" else "MIDDLE"
    if path[-1][0] == "scale":
        return "SQUEEZED"
    branch = [use for use in uses if use.place.path == path]
    label = _label(branch)
    last = [use for use in branch if use.base == CHANNELS][-1]
    out = last.argument == number
    if label[0].isdigit():
        return f"N{label}" if out else f"REDUCE{label}"
    return label if out else f"REDUCE_{label}"


def _label(branch: Sequence[Use]) -> str:
    """Name of a branch among those beside it: its largest window, or that it pools."""
    kernels = [use.value for use in branch if use.base in _KERNELS and isinstance(use.value, int)]
    if any("pool" in use.place.layer for use in branch):
        return "POOLED"
    largest = max(kernels, default=1)
    often = kernels.count(largest) if largest != 1 else 1
    return ("DOUBLE" if often > 1 else "") + f"{largest}X{largest}"


def numbered(bases: Sequence[str]) -> Iterator[str]:
    """Names of parameters by their base names, those that are equal with a number behind."""
    totals, counted = Counter(bases), Counter[str]()
    for base in bases:
        counted[base] += 1
        yield f"{base}{counted[base]}" if totals[base] > 1 else base
