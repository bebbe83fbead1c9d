"""Runs of equal blocks, drawn once and marked with their number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from archdsl.ir.network import Network, Scope
from archdsl.viz.draw.collapse import Collapsed
from archdsl.viz.draw.fusion import Fused

_SHORTEST_RUN_OF_SINGLES = 4
"""Fewer equal single boxes are drawn one by one: they show the depth better than a number."""


@dataclass(frozen=True)
class Folding:
    """Number of equal scopes by the one that is drawn, and the drawn box of each one left out."""

    times: Mapping[Scope, int]
    stands_for: Mapping[str, str]

    def shown(self, head: str) -> str:
        """The box that is drawn for a box."""
        while head in self.stands_for:
            head = self.stands_for[head]
        return head


NOTHING_FOLDED = Folding({}, {})


def folded(
    network: Network,
    groups: Mapping[str, Fused],
    inside: Mapping[Scope, list[str]],
    root: Scope | None = None,
) -> Folding:
    """The runs of equal blocks, outer ones first; with ``root`` those inside that scope.

    Two blocks make a run when they are calls of one region with the same types, and the second
    takes nothing but the one output of the first.
    """
    links = _Links(network, groups, inside)
    children: dict[Scope, list[Scope]] = {}
    for scope in network.scopes:
        if scope.parent is not None and scope in inside:
            children.setdefault(scope.parent, []).append(scope)
    times: dict[Scope, int] = {}
    stands_for: dict[str, str] = {}
    waiting = [root or network.scopes[0]]
    while waiting:
        siblings = children.get(waiting.pop(), [])
        at = 0
        while at < len(siblings):
            end = at + 1
            while end < len(siblings) and links.continues(siblings[end - 1], siblings[end]):
                end += 1
            first, run = siblings[at], end - at
            single = len(inside[first]) == 1 and not isinstance(groups[inside[first][0]], Collapsed)
            if run >= (_SHORTEST_RUN_OF_SINGLES if single else 2):
                times[first] = run
                for other in siblings[at + 1 : end]:
                    stands_for.update(zip(inside[other], inside[first], strict=True))
                waiting.append(first)
            else:
                waiting += siblings[at:end]
            at = end
    return Folding(times, stands_for)


class _Links:
    """The links into scopes and out of them."""

    def __init__(
        self, network: Network, groups: Mapping[str, Fused], inside: Mapping[Scope, list[str]]
    ) -> None:
        self._groups = groups
        self._inside = inside
        self._targets: dict[str, list[str]] = {head: [] for head in groups}
        for head, group in groups.items():
            for source in group.sources:
                self._targets[source].append(head)
        self._outputs = set(network.outputs.values())

    def continues(self, first: Scope, second: Scope) -> bool:
        """True if ``second`` equals ``first`` and reads what comes out of it."""
        if first.region.block is None or first.typed is not second.typed:
            return False
        one, two = set(self._inside[first]), set(self._inside[second])
        entry, exit = self._sources(one), self._sources(two)
        return (
            len(one) == len(two)
            and len(entry) == len(exit) == 1
            and exit <= one
            and self._layers(one) == self._layers(two)
            and all(
                target in one or target in two for head in one for target in self._targets[head]
            )
            and not any(
                layer.path in self._outputs for h in one for layer in self._groups[h].layers
            )
        )

    def _layers(self, heads: set[str]) -> int:
        """Number of layers; one of several equal blocks may have an activation fused to it."""
        return sum(len(self._groups[head].layers) for head in heads)

    def _sources(self, heads: set[str]) -> set[str]:
        return {s for head in heads for s in self._groups[head].sources if s not in heads}
