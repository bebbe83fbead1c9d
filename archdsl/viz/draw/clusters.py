"""The clusters of a diagram, from the scopes of a network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby

from archdsl.ir.network import Scope
from archdsl.viz.draw.diagram import Box, Cluster, End
from archdsl.viz.draw.fusion import Fused, boxes_by_scope
from archdsl.viz.draw.repeats import Folding, Period
from archdsl.viz.draw.words import heading

_Child = Box | End | Cluster

_BESIDE_THE_REST = 2
_FRAMES = 2
"""Frames within frames, at most: with more, a drawing shows its frames instead of its layers."""


class ClusterTree:
    """The clusters of a diagram or a detail: scopes that hold several boxes, some with frames.

    ``repeated``: how many equal ones a box stands for where no frame carries the number;
    ``repeating``: the innermost scope that is repeated.
    """

    def __init__(
        self,
        root: Scope,
        scopes: Iterable[Scope],
        visible: Mapping[str, Fused],
        folding: Folding,
        # Of a detail, whose frames have no numbers: by scope, and by the first box of a period.
        times_shown: Mapping[Scope | str, str] | None = None,
    ) -> None:
        inside = boxes_by_scope(visible)
        self._times = folding.times
        self._runs = folding.runs
        self._periods = sorted(folding.periods.values(), key=lambda period: len(period.heads))
        self._uses = dict.fromkeys(visible, 1)
        for period in self._periods:
            for head in period.heads:
                if head in self._uses:
                    self._uses[head] *= period.times
        self._times_shown = times_shown
        self._visible = visible
        self._root = root
        self._cluster: dict[Scope, Scope] = {self._root: self._root}
        self._outer: dict[Scope, Scope] = {}
        self._framed: dict[Scope, int] = {self._root: 0}
        self.repeated: dict[str, int] = {}
        self.repeating: dict[str, Scope] = {}
        for scope in scopes:
            outer = self._cluster.get(scope.parent) if scope.parent is not None else None
            if outer is None or scope not in inside:  # folded away
                continue
            count, repeats = len(inside[scope]), scope in folding.times
            # What holds nearly the whole drawing sets nothing apart.
            less = len(inside[outer]) - (_BESIDE_THE_REST if outer is root else 0)
            if count > 1 and (repeats or count < less):
                level = self._framed[outer]
                # A detail has a frame already, as figures of blocks in papers have none inside.
                names = times_shown is None and scope.template is not None and level < _FRAMES
                framed = repeats or names
                self._cluster[scope], self._outer[scope] = scope, outer
                self._framed[scope] = level + framed
            else:
                self._cluster[scope] = outer
                if repeats:  # a single box needs no frame to carry the number
                    head = inside[scope][0]
                    self.repeated[head] = self.repeated.get(head, 1) * folding.times[scope]
                    self.repeating[head] = scope

    def times(self, head: str) -> int:
        """The number of equal boxes that one stands for, frames around it counted."""
        scope = self._cluster[self._visible[head].scope]
        times = self.repeated.get(head, 1) * self._uses[head]
        while scope is not self._root:
            times *= self._times.get(scope, 1)
            scope = self._outer[scope]
        return times

    def root(self, boxes: Mapping[str, Box], ends: list[End]) -> Cluster:
        """The cluster around everything."""
        children: dict[Scope, list[Box | End | Scope]] = {self._root: []}
        listed = {self._root}
        ends_of: dict[str, list[End]] = {}
        for end in ends:
            ends_of.setdefault(end.source, []).append(end)
        for head, group in self._visible.items():
            scope = self._cluster[group.scope]
            self._list(scope, children, listed)
            children[scope].append(boxes[head])
            # A side output stays beside what gives it.
            children[scope] += [e for e in ends_of.get(head, ()) if e is not ends[0]]
        children[self._root].append(ends[0])
        # Inner clusters were listed after the ones around them, so backwards all parts are there.
        made: dict[Scope, Cluster] = {}
        heads = {box.id: head for head, box in boxes.items()}
        periods: dict[Scope, list[Period]] = {}
        for period in self._periods:
            if period.around in self._cluster:
                periods.setdefault(self._cluster[period.around], []).append(period)
        for scope in reversed(children):
            parts = [made[c] if isinstance(c, Scope) else c for c in children[scope]]
            parts = self._together(periods.get(scope, []), parts, heads)
            made[scope] = Cluster(
                scope.path,
                self._title(scope),
                tuple(parts),
                self._times.get(scope, 1),
                self._has_frame(scope),
                times_shown=(self._times_shown or {}).get(scope, ""),
            )
        return made[self._root]

    def _together(
        self, periods: list[Period], parts: list[_Child], heads: Mapping[str, str]
    ) -> list[_Child]:
        """The parts of a cluster with those of each period in a frame, inner periods first."""
        while periods:
            owner: dict[str, Period] = {}
            later = []
            for period in periods:
                if any(head in owner for head in period.heads):
                    later.append(period)
                else:
                    owner |= dict.fromkeys(period.heads, period)

            def period_of(part: _Child, owner: Mapping[str, Period] = owner) -> Period | None:
                first = next(part.boxes()) if isinstance(part, Cluster) else part
                return owner.get(heads[first.id]) if isinstance(first, Box) else None

            runs = groupby(parts, key=period_of)
            parts = [part for period, run in runs for part in self._framed_run(period, run)]
            periods = later
        return parts

    def _framed_run(self, period: Period | None, run: Iterable[_Child]) -> Iterable[_Child]:
        if period is None:
            return run
        shown = (self._times_shown or {}).get(period.heads[0], "")
        name = f"{period.heads[0]} …"
        return [Cluster(name, "", tuple(run), period.times, times_shown=shown)]

    def _list(
        self, scope: Scope, children: dict[Scope, list[Box | End | Scope]], listed: set[Scope]
    ) -> None:
        """Put a cluster into the one around it, when the first of its boxes comes."""
        line = []
        while scope not in listed:
            line.append(scope)
            scope = self._outer[scope]
        for inner in reversed(line):
            listed.add(inner)
            children[self._outer[inner]].append(inner)
            children[inner] = []

    def _title(self, scope: Scope) -> str:
        if self._times_shown is not None:
            return scope.template or scope.title
        return heading(*self._runs.get(scope, (scope,)))

    def _has_frame(self, scope: Scope) -> bool:
        outer = self._outer.get(scope)
        return outer is not None and self._framed[scope] > self._framed[outer]
