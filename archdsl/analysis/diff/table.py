"""Differences of networks as a table: changed layers in a tree, unchanged ones counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from archdsl.analysis.cost import Summary
from archdsl.analysis.diff.changes import Change, Difference, Status
from archdsl.analysis.diff.common import Common, common
from archdsl.analysis.diff.turns import TO, span
from archdsl.analysis.diff.words import both, signed, sizes, words
from archdsl.diagnostics.printable import printable
from archdsl.ir.build import MAIN_OUTPUT
from archdsl.ir.edges import shown, total
from archdsl.text.words import counted

COLUMNS = (
    ("", "left"),
    ("layer", "left"),
    ("change", "left"),
    ("output", "right"),
    ("parameters", "right"),
    ("MACs", "right"),
)

_MARKS = {
    Status.ADDED: "+",
    Status.REMOVED: "-",
    Status.CHANGED: "~",
    Status.AFFECTED: "≈",
    Status.UNCHANGED: "",
}
_QUIET = (
    (Status.UNCHANGED, "unchanged"),
    (Status.AFFECTED, "of another size"),
    (Status.CHANGED, "changed like all"),
    (Status.ADDED, "added like all"),
    (Status.REMOVED, "removed like all"),
)
_DEEPEST_GAP = 2
"""Depth of scopes to which unchanged layers are counted in lines; deeper they are left out."""


@dataclass(frozen=True)
class _Run:
    """Consecutive changes that are the same but for names."""

    changes: Sequence[Change]

    @property
    def first(self) -> Change:
        return self.changes[0]


class _Gap(NamedTuple):
    """A run of layers that share a line: their numbers by status."""

    statuses: Counter[Status]

    @property
    def words(self) -> str:
        first, *more = ((self.statuses[one], words) for one, words in _QUIET if self.statuses[one])
        counts = [
            f"{counted(first[0], 'layer')} {first[1]}",
            *(f"{n:,} {words}" for n, words in more),
        ]
        return f"… {', '.join(counts)}"


class _Table:
    """The rows of the table of a difference: changes not covered by common edits."""

    def __init__(self, difference: Difference) -> None:
        self.common = common(difference.root)
        self._worth: set[Change] = set()
        for change in reversed([*difference.root.walk()]):
            inner = change.children
            if any(c in self._worth for c in inner) if inner else self._tells(change):
                self._worth.add(change)

    def _tells(self, change: Change) -> bool:
        """True if a change is neither common to all layers nor a consequence of others."""
        if change.status is Status.AFFECTED:
            return bool(change.macs)
        if change.status is Status.UNCHANGED:
            return False
        return not all(self.common.tells(layer) for layer in change.layers())

    def items(self, changes: Sequence[Change]) -> list[_Run | _Gap]:
        """Runs of changes, and gaps between them."""
        found: list[_Run | _Gap] = []
        for worth, group in groupby(changes, self._worth.__contains__):
            if worth:
                found += (_Run(list(run)) for _, run in groupby(group, lambda one: one.alike))
            else:
                layers = (layer.status for change in group for layer in change.layers())
                found.append(_Gap(Counter(layers)))
        return found


def rows(difference: Difference, *, every: bool = False) -> Iterator[tuple[str, ...]]:
    """The cells of a table with :data:`COLUMNS`; with ``every``, a row for each layer."""
    if every:
        for change in difference.root.layers():
            yield _row(_Run([change]), None, 0, printable(change.part.path))
        return
    table = _Table(difference)
    yield from _common_rows(table.common)
    waiting = [(0, "", item) for item in reversed(table.items(difference.root.children))]
    while waiting:
        depth, before, item = waiting.pop()
        if isinstance(item, _Gap):
            if depth < _DEEPEST_GAP:
                yield ("", f"{'  ' * depth}{item.words}", "", "", "", "")
            continue
        inner = table.items(item.first.children)
        name = before + _named(item)
        runs = [one for one in inner if isinstance(one, _Run)]
        if len(runs) == len(item.changes) == 1 and (len(inner) == 1 or depth >= _DEEPEST_GAP - 1):
            # What holds one thing that changed is a part of its name, if it has one of its own.
            waiting.append((depth, before if TO in name else f"{name}.", runs[0]))
            continue
        yield _row(item, table.common, depth, name)
        waiting += ((depth + 1, "", one) for one in reversed(inner))


def _common_rows(common: Common) -> Iterator[tuple[str, ...]]:
    for edit, (number, kept) in common.edits.items():
        layers = f"all {number}" if number == kept else f"{number} of {kept}"
        change = f"{edit.argument} {printable(edit.was)} → {printable(edit.now)}"
        yield (_MARKS[Status.CHANGED], f"{layers} {edit.kind}", change, "", "", "")
    for (status, kind), number in common.kinds.items():
        yield (_MARKS[status], f"all {number} {kind}", "", "", "", "")


def totals(difference: Difference) -> str:
    """Totals of a difference in lines: layers by status, parameters and MACs."""
    before, after = difference.before, difference.after
    names = f"{printable(before.name)} → {printable(after.name)}"
    counts = difference.counts()
    found = [
        f"{counted(counts[status], 'layer')} {status.value}"
        for status in (Status.ADDED, Status.REMOVED, Status.CHANGED)
        if counts[status]
    ]
    lines = [f"{names}: {', '.join(found) or _equality(difference)}"]
    if counts[Status.AFFECTED]:
        lines.append(f"{counted(counts[Status.AFFECTED], 'layer')} of another size behind them")
    renamed = sum(change.renamed for change in difference.root.layers())
    if renamed:
        lines.append(f"{counted(renamed, 'layer')} under another name")
    lines += _interfaces(before, after)
    lines += (f"{_output(name)} comes from elsewhere" for name in difference.moved)
    lines.append(f"parameters {both(before.parameters, after.parameters)}")
    lines.append(f"MACs {both(before.macs, after.macs)}")
    return "\n".join(lines)


def _equality(difference: Difference) -> str:
    return "the same layers" if difference.equal else "the same layers, of other sizes"


def _interfaces(before: Summary, after: Summary) -> Iterator[str]:
    """Inputs and outputs where they differ."""
    if before.input != after.input:
        yield f"input {shown(before.input)} → {shown(after.input)}"
    for name in {**before.outputs, **after.outputs}:
        was, now = (
            shown(side.outputs[name]) if name in side.outputs else "none"
            for side in (before, after)
        )
        if was != now:
            yield f"{_output(name)} {was} → {now}"


def _output(name: str) -> str:
    return "output" if name == MAIN_OUTPUT else f"output {printable(name)}"


def _row(run: _Run, common: Common | None, depth: int, name: str) -> tuple[str, ...]:
    change, times = run.first, len(run.changes)
    found = words(change, common)
    return (
        _MARKS[change.status],
        f"{'  ' * depth}{name}",
        f"{times} × {found}{', each:' if change.children else ''}" if times > 1 else found,
        sizes(change),
        signed(sum(one.parameters for one in run.changes)),
        signed(total(one.macs for one in run.changes)),
    )


def _named(run: _Run) -> str:
    first, last = (printable(change.part.name) for change in (run.changes[0], run.changes[-1]))
    if len(run.changes) > 1:
        return span(first, last)
    was = run.first.before
    if was is not None and was.instance is None and was.name != run.first.part.name:
        return f"{printable(was.name)} → {first}"
    return first
