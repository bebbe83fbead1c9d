"""Common changes: edits that most layers of a kind share, reported once for all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from archdsl.analysis.diff.changes import Change, Status

_LEAST = 4
"""Least number of equal changes that are reported together."""


class Edit(NamedTuple):
    """An argument of a kind of layer that has another value."""

    kind: str
    argument: str
    was: str
    now: str


@dataclass(frozen=True)
class Common:
    """The edits that at least half of the layers of their kind share, and kinds that came or went.

    The numbers are those of the layers concerned and, for edits, of all of their kind.
    """

    edits: dict[Edit, tuple[int, int]]
    kinds: dict[tuple[Status, str], int]

    def tells(self, change: Change) -> bool:
        """True if the whole change of a layer is covered by what all layers have in common."""
        if change.status in (Status.ADDED, Status.REMOVED):
            return (change.status, change.part.kind) in self.kinds
        found = list(edits(change))
        return (
            change.status is Status.CHANGED
            and not change.rewired
            and bool(found)
            and all(edit in self.edits for edit in found)
        )


def edits(change: Change) -> Iterator[Edit]:
    """The arguments of a layer that have other values."""
    for name, (was, now) in change.arguments.items():
        yield Edit(change.part.kind, name, value(was), value(now))


def common(root: Change) -> Common:
    """The edits that at least half of the layers of a kind share, which are reported once."""
    edited: Counter[Edit] = Counter()
    kept: Counter[str] = Counter()
    alone: Counter[tuple[Status, str]] = Counter()
    for change in root.layers():
        if change.before is None or change.after is None:
            alone[change.status, change.part.kind] += 1
            continue
        kept.update({change.before.kind, change.after.kind})
        edited.update(edits(change))
    return Common(
        {
            edit: (number, kept[edit.kind])
            for edit, number in edited.items()
            if number >= max(_LEAST, kept[edit.kind] / 2)
        },
        {
            (status, kind): number
            for (status, kind), number in alone.items()
            if number >= _LEAST and not kept[kind] and not alone[_other(status), kind]
        },
    )


def _other(status: Status) -> Status:
    return Status.REMOVED if status is Status.ADDED else Status.ADDED


def value(given: object) -> str:
    """An argument's value as a spec writes it."""
    if isinstance(given, bool):
        return str(given).lower()
    return "none" if given is None else str(given)
