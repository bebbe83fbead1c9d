"""Runs of equal parts, drawn once and marked with their number."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from archdsl.ir.network import Network, Scope
from archdsl.viz.draw.collapse import Collapsed
from archdsl.viz.draw.fusion import Fused, drawn_outputs
from archdsl.viz.draw.looks import Looks

_SHORTEST_RUN_OF_SINGLES = 4
"""Fewer equal single boxes are drawn one by one: they show the depth better than a number."""
_LONGEST_PERIOD = 12
"""Parts that are repeated together without a template around them, at most."""


@dataclass(frozen=True)
class Period:
    """Parts in a row that are repeated together, and are no template: a body and its sum."""

    around: Scope
    heads: tuple[str, ...]
    """Their boxes, in execution order."""
    times: int


@dataclass(frozen=True)
class Folding:
    """Equal scopes by the one that is drawn, and the drawn box of each one left out."""

    runs: Mapping[Scope, tuple[Scope, ...]]
    """The drawn scope is the first of its run."""
    stands_for: Mapping[str, str]
    periods: Mapping[str, Period] = field(default_factory=dict)
    """By the first box."""

    @cached_property
    def times(self) -> dict[Scope, int]:
        """Number of equal scopes by the one that is drawn."""
        return {scope: len(run) for scope, run in self.runs.items()}

    @cached_property
    def alike(self) -> dict[str, list[str]]:
        """The boxes that each drawn box stands for, by that box; itself is not among them."""
        found: dict[str, list[str]] = {}
        for head in self.stands_for:
            found.setdefault(self.shown(head), []).append(head)
        return found

    def shown(self, head: str) -> str:
        """The box that is drawn for a box."""
        while head in self.stands_for:
            head = self.stands_for[head]
        return head


NOTHING_FOLDED = Folding({}, {})


@dataclass(frozen=True)
class _Part:
    """A scope with its boxes, or a box that is in no inner scope."""

    heads: tuple[str, ...]
    scope: Scope | None
    likeness: Hashable
    """Equal for parts that look alike; what they take is compared besides."""


def folded(
    network: Network,
    groups: Mapping[str, Fused],
    inside: Mapping[Scope, list[str]],
    looks: Looks,
    root: Scope | None = None,
) -> Folding:
    """The runs of equal parts, outer ones first; with ``root`` those inside that scope.

    Parts make a run when they are calls of regions that look alike, or several layers and
    calls that are repeated in one order, and each takes nothing but the one output of the one
    before.
    """
    links = _Links(network, groups)
    children: dict[Scope, list[Scope]] = {}
    for scope in network.scopes:
        if scope.parent is not None and scope in inside:
            children.setdefault(scope.parent, []).append(scope)
    runs: dict[Scope, tuple[Scope, ...]] = {}
    periods: dict[str, Period] = {}
    stands_for: dict[str, str] = {}
    waiting = [root or network.scopes[0]]
    while waiting:
        around = waiting.pop()
        parts = _parts(around, groups, inside, children.get(around, ()), looks)
        at = 0
        while at < len(parts):
            period, run = _run(parts, at, groups, links)
            first = parts[at : at + period]
            heads = tuple(head for part in first for head in part.heads)
            for other in range(1, run):
                repeated = parts[at + other * period : at + (other + 1) * period]
                others = (head for part in repeated for head in part.heads)
                stands_for.update(zip(others, heads, strict=True))
            if run > 1 and period == 1:
                equal = tuple(part.scope for part in parts[at : at + run] if part.scope is not None)
                runs[equal[0]] = equal
            elif run > 1:
                periods[heads[0]] = Period(around, heads, run)
            waiting += (part.scope for part in first if part.scope is not None)
            at += period * run
    return Folding(runs, stands_for, periods)


def _parts(
    around: Scope,
    groups: Mapping[str, Fused],
    inside: Mapping[Scope, list[str]],
    children: Sequence[Scope],
    looks: Looks,
) -> list[_Part]:
    """The inner scopes and the boxes outside of them, in execution order."""
    by_first = {inside[scope][0]: scope for scope in children}
    parts: list[_Part] = []
    within: set[str] = set()
    for head in inside.get(around, ()):
        if head in within:
            continue
        scope = by_first.get(head)
        group = groups[head]
        if scope is None:
            if isinstance(group, Collapsed):
                look: Hashable = looks.scope(group.scope)
            else:
                look = tuple(looks.layer(each) for each in group.layers)
            parts.append(_Part((head,), None, (look, group.shape)))
        else:
            heads = tuple(inside[scope])
            within.update(heads)
            known = looks.scope(scope) if scope.region.block is not None else head
            parts.append(_Part(heads, scope, (known, len(heads))))
    return parts


def _run(
    parts: Sequence[_Part], at: int, groups: Mapping[str, Fused], links: _Links
) -> tuple[int, int]:
    """The number of parts that are repeated together from a place on, and how often."""
    for period in range(1, min(_LONGEST_PERIOD, (len(parts) - at) // 2) + 1):
        first = parts[at : at + period]
        alike = {part.likeness for part in first}
        if len(alike) == 1 and (period > 1 or first[0].scope is None):
            continue  # single layers in a row show the depth better than a number
        run = 1
        while True:
            one = parts[at + (run - 1) * period : at + run * period]
            two = parts[at + run * period : at + (run + 1) * period]
            same = [part.likeness for part in one] == [part.likeness for part in two]
            if not same or not links.continues(_heads(one), _heads(two)):
                break
            run += 1
        (*rest, last) = _heads(first)
        single = not rest and not isinstance(groups[last], Collapsed)
        if run >= (_SHORTEST_RUN_OF_SINGLES if single else 2):
            return period, run
    return 1, 1


def _heads(parts: Sequence[_Part]) -> list[str]:
    return [head for part in parts for head in part.heads]


class _Links:
    """The links into parts and out of them."""

    def __init__(self, network: Network, groups: Mapping[str, Fused]) -> None:
        self._groups = groups
        self._targets: dict[str, list[str]] = {head: [] for head in groups}
        for head, group in groups.items():
            for source in group.sources:
                self._targets[source].append(head)
        self._outputs = set(drawn_outputs(network).values())

    def continues(self, first: Sequence[str], second: Sequence[str]) -> bool:
        """True if the second boxes are linked as the first, and read what comes out of these."""
        one = {head: place for place, head in enumerate(first)}
        two = {head: place for place, head in enumerate(second)}
        entry, exit = self._sources(one), self._sources(two)
        return (
            len(one) == len(two)
            and len(entry) == len(exit) == 1
            and exit <= one.keys()
            and self._layers(first) == self._layers(second)
            and all(
                self._places(a, one) == self._places(b, two) for a, b in zip(one, two, strict=True)
            )
            and all(
                target in one or target in two for head in one for target in self._targets[head]
            )
            and not any(
                layer.path in self._outputs for h in one for layer in self._groups[h].layers
            )
        )

    def _places(self, head: str, within: Mapping[str, int]) -> list[int]:
        """The sources of a box, by place; all that come from outside are one."""
        return [within.get(source, -1) for source in self._groups[head].sources]

    def _layers(self, heads: Sequence[str]) -> int:
        """Number of layers; one of several equal blocks may have an activation fused to it."""
        return sum(len(self._groups[head].layers) for head in heads)

    def _sources(self, heads: Mapping[str, int]) -> set[str]:
        return {s for head in heads for s in self._groups[head].sources if s not in heads}
