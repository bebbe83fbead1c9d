"""Changes between aligned parts of two networks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import groupby
from typing import Any

from archdsl.analysis.cost import Summary, summarise
from archdsl.analysis.diff.alignment import Pair, aligned
from archdsl.analysis.diff.parts import NetworkPart, Skeleton, arguments, parts, renested
from archdsl.analysis.diff.turns import Turns
from archdsl.ir.network import Network, Turn


class Status(Enum):
    """Kinds of change of a part between the networks before and after."""

    UNCHANGED = "unchanged"
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    AFFECTED = "affected"
    """Written as before, but of another size, since what comes before it has changed."""


@dataclass(eq=False, slots=True)
class Change:
    """A part before and after, one of which may be missing; of scopes also the changes inside."""

    before: NetworkPart | None
    after: NetworkPart | None
    status: Status
    arguments: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    """Values before and after of a layer's arguments that differ, by name."""
    rewired: bool = False
    """True if a layer in both networks takes its inputs from other layers."""
    children: list[Change] = field(default_factory=list)

    @property
    def part(self) -> NetworkPart:
        """The part after, or before if it is gone."""
        part = self.after or self.before
        assert part is not None
        return part

    @property
    def renamed(self) -> bool:
        return None not in (self.before, self.after) and self.before.path != self.after.path  # type: ignore[union-attr]

    @property
    def parameters(self) -> int:
        """Learnable values after minus those before."""
        return (self.after.parameters if self.after else 0) - (
            self.before.parameters if self.before else 0
        )

    @property
    def macs(self) -> int | None:
        """Multiply-accumulates after minus those before; ``None`` where a size is open."""
        now, was = (side.macs if side else 0 for side in (self.after, self.before))
        return None if now is None or was is None else now - was

    @property
    def alike(self) -> tuple[Any, ...]:
        """A key that is equal for changes that are the same except for names."""
        digests = (part and (part.digest, part.kind) for part in (self.before, self.after))
        return self.status, *digests

    def walk(self) -> Iterator[Change]:
        """This change and all inside, outer ones first."""
        waiting = [self]
        while waiting:
            change = waiting.pop()
            yield change
            waiting.extend(reversed(change.children))

    def layers(self) -> Iterator[Change]:
        """The changes of layers inside; parts that only one network has, layer by layer."""
        for change in self.walk():
            if change.children:
                continue
            if change.part.instance is not None:
                yield change
            else:
                for layer in change.part.layers():
                    gone = change.after is None
                    yield Change(layer if gone else None, None if gone else layer, change.status)


@dataclass(frozen=True, eq=False)
class Difference:
    """Two networks, and the tree of what changed; its root stands for the networks themselves."""

    before: Summary
    after: Summary
    root: Change
    moved: tuple[str, ...]
    """The outputs of both networks that other layers give now."""

    @property
    def equal(self) -> bool:
        """True if the networks are the same except for the names of their parts."""
        return (self.before.outputs, self.moved) == (self.after.outputs, ()) and all(
            change.status is Status.UNCHANGED for change in self.root.layers()
        )

    def counts(self) -> dict[Status, int]:
        """Number of layers of each status."""
        found = dict.fromkeys(Status, 0)
        for change in self.root.layers():
            found[change.status] += 1
        return found


def difference(before: Network, after: Network) -> Difference:
    """The difference of two checked networks as a tree of changes."""
    was, now = summarise(before), summarise(after)
    root = Change(parts(before, was), parts(after, now), Status.UNCHANGED)
    waiting = [root]
    while waiting:
        change = waiting.pop()
        if change.before is None or change.after is None or change.part.instance is not None:
            continue
        change.children = [_change(pair) for pair in _pairs(change.before, change.after)]
        waiting.extend(change.children)
    counterpart = {
        c.before.path: c.after.path
        for c in root.layers()
        if c.before is not None and c.after is not None
    }
    known = set(counterpart.values())
    _judge(root, counterpart, known)
    turns = Turns(before), Turns(after)
    for change in [*root.walk()]:
        change.children = [*_turned(change, *turns)]
    moved = (
        name
        for name, path in before.outputs.items()
        if path in counterpart
        and after.outputs.get(name) in known
        and counterpart[path] != after.outputs[name]
    )
    return Difference(was, now, root, tuple(moved))


def _pairs(before: NetworkPart, after: NetworkPart) -> list[Pair]:
    """Pairs of the parts inside of two scopes."""
    if before.skeleton != after.skeleton:
        return aligned(before.children, after.children)
    # The same kinds of layers in the same order: nothing was added or removed.
    if _nesting(before) != _nesting(after):
        after = renested(after.layers(), before)
    return [Pair(*both) for both in zip(before.children, after.children, strict=True)]


def _nesting(part: NetworkPart) -> list[tuple[Skeleton, bool]]:
    return [(child.skeleton, child.instance is None) for child in part.children]


def _change(pair: Pair) -> Change:
    before, after = pair
    if before is None or after is None:
        return Change(before, after, Status.ADDED if before is None else Status.REMOVED)
    if before.instance is None or after.instance is None:
        return Change(before, after, Status.UNCHANGED)
    one, other = arguments(before.instance), arguments(after.instance)
    differing = {
        name: (one.get(name), other.get(name))
        for name in {**one, **other}
        if one.get(name) != other.get(name)
    }
    status = Status.CHANGED if differing or before.kind != after.kind else Status.UNCHANGED
    if status is Status.UNCHANGED and before.digest != after.digest:
        status = Status.AFFECTED
    return Change(before, after, status, differing if before.kind == after.kind else {})


def _judge(root: Change, counterpart: Mapping[str, str], known: Collection[str]) -> None:
    """Set ``rewired`` of layers with other inputs, and the status of scopes."""
    for change in root.layers():
        if change.before is None or change.after is None:
            continue
        assert change.before.instance is not None and change.after.instance is not None
        # What an added or removed layer stands between is no change of its neighbours.
        was = [counterpart.get(path) for path in change.before.instance.inputs]
        now = [path if path in known else None for path in change.after.instance.inputs]
        if None not in (*was, *now) and was != now:
            change.rewired = True
            change.status = Status.CHANGED
    for change in reversed([*root.walk()]):
        if change.children:
            change.status = _status(change.children, change.status)


def _status(changes: Sequence[Change], unchanged: Status = Status.UNCHANGED) -> Status:
    """The status of several changes together."""
    found = {each.status for each in changes} - {Status.UNCHANGED}
    if not found:
        return unchanged
    return Status.AFFECTED if found == {Status.AFFECTED} else Status.CHANGED


def _turned(change: Change, was: Turns, now: Turns) -> Iterator[Change]:
    """The changes inside of a scope, those of a turn of a repeated block as one."""
    before, after = change.before, change.after

    def turns(inner: Change) -> tuple[Turn | None, Turn | None]:
        old = was.of(inner.before, before) if inner.before and before else None
        return old, now.of(inner.after, after) if inner.after and after else None

    for (old, new), run in groupby(change.children, turns):
        changes = list(run)
        gone = [each.before for each in changes if each.before is not None]
        there = [each.after for each in changes if each.after is not None]
        first = was.whole(old, gone) if old is not None else None
        second = now.whole(new, there) if new is not None else None
        if (first is None) != (not gone) or (second is None) != (not there):
            yield from changes
        elif first is None or second is None:
            yield Change(first, second, changes[0].status)
        else:
            yield Change(first, second, _status(changes), children=changes)
