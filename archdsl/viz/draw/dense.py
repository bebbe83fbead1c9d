"""Dense blocks as their paper draws them: every layer takes all before it (Huang et al. 2016)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from archdsl.viz.draw.fusion import Fused

_SHORTEST = 3
_SHOWN = 4
"""Layers of a dense block that are drawn; it says how many there are."""


@dataclass(frozen=True, eq=False)
class _Run:
    """Layers each of which takes a concatenation, and the concatenations behind each."""

    entry: str
    layers: list[str]
    joins: list[str]


def abridged(groups: Mapping[str, Fused]) -> tuple[dict[str, Fused], dict[str, int], set[str]]:
    """The groups with the first layers of each dense block, joined by a line from each to each.

    Also the number of its layers by the concatenation at its end, and what was left out.
    """
    counts: dict[str, int] = {}
    changed: dict[str, Fused] = {}
    left_out: set[str] = set()
    for run in _runs(groups):
        shown = run.layers[:_SHOWN]
        for at, head in enumerate(shown):
            changed[head] = replace(groups[head], sources=(run.entry, *shown[:at]))
        last = run.joins[-1]
        changed[last] = replace(groups[last], sources=(run.entry, *shown))
        counts[last] = len(run.layers)
        left_out |= {*run.layers[_SHOWN:], *run.joins[:-1]}
    kept = {h: changed.get(h, group) for h, group in groups.items() if h not in left_out}
    return kept, counts, left_out


def _runs(groups: Mapping[str, Fused]) -> list[_Run]:
    readers: dict[str, int] = {}
    for group in groups.values():
        for source in group.sources:
            readers[source] = readers.get(source, 0) + 1
    by_end: dict[str, _Run] = {}
    for head, group in groups.items():
        if not group.head.layer.concatenates or len(group.sources) != 2:
            continue
        before, layer = group.sources
        if groups[layer].sources != (before,) or readers[layer] != 1:
            continue
        run = by_end.pop(before, None) if readers[before] == 2 else None
        run = run or _Run(before, [], [])
        run.layers.append(layer)
        run.joins.append(head)
        by_end[head] = run
    return [run for run in by_end.values() if len(run.layers) >= _SHORTEST]
