"""The lines of a merged diagram: those of both networks, marked where only one has them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Set
from dataclasses import replace

from archdsl.viz.draw.diagram import ChangeMark, Edge

_Pair = tuple[str, str]


def wired(
    before: Iterable[_Pair], after: Iterable[Edge], removed: Set[str], added: Set[str]
) -> list[Edge]:
    """The edges between the boxes of a merged diagram.

    ``before`` has the pairs of boxes that were connected. What a part that was added or removed
    stands between is connected in both networks, through it or without it: such a line is no change
    of its own.
    """
    old = dict.fromkeys(before)
    new = {(edge.source, edge.target): edge for edge in after}
    through_removed, through_added = _bridged(old, removed), _bridged(new, added)
    found = []
    for pair, edge in new.items():
        known = pair in old or pair in through_removed
        mark = None if known and not added & set(pair) else ChangeMark.ADDED
        found.append(replace(edge, mark=mark))
    for pair in old:
        gone = bool(removed & set(pair))
        if pair not in new and (gone or pair not in through_added):
            found.append(Edge(*pair, mark=ChangeMark.REMOVED))
    return found


def _bridged(edges: Iterable[_Pair], between: Set[str]) -> set[_Pair]:
    """The pairs of boxes that are connected by way of some ``between`` them."""
    sources: defaultdict[str, list[str]] = defaultdict(list)
    for source, target in edges:
        sources[target].append(source)
    found: set[_Pair] = set()
    for target in [name for name in sources if name not in between]:
        seen: set[str] = set()
        waiting = [name for name in sources[target] if name in between]
        while waiting:
            at = waiting.pop()
            if at in seen:
                continue
            seen.add(at)
            for source in sources[at]:
                if source in between:
                    waiting.append(source)
                else:
                    found.add((source, target))
    return found
