"""Changes in words and numbers."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.analysis.diff.changes import Change
from archdsl.analysis.diff.common import Common, edits
from archdsl.diagnostics.printable import printable
from archdsl.ir.edges import shown
from archdsl.text.words import count_words

_TITLE_LENGTH = 44


def words(change: Change, common: Common | None) -> str:
    """The change of a layer or scope in words, without the edits that are common to all."""
    before, after = change.before, change.after
    if before is None or after is None:
        instance = change.part.instance
        return _short(change.part.title) if instance is None else instance.layer.label()
    if change.part.instance is None:
        was, now = _short(before.title), _short(after.title)
        told = was != now and before.kind and after.kind
        return f"{was} → {now}" if told else "" if now == after.name else now
    if before.kind != after.kind:
        return f"{before.kind} → {after.kind}"
    found = list(_edits(change, common))
    if change.rewired:
        found.append("other inputs")
    return f"{after.kind}: {', '.join(found)}" if found else after.kind


def _edits(change: Change, common: Common | None) -> Iterator[str]:
    """Arguments that have other values; those of rows and columns in one."""
    told = common.edits if common is not None else {}
    left = {edit.argument: edit for edit in edits(change) if edit not in told}
    for name in list(left):
        edit = left.pop(name, None)
        beside = left.pop(f"{name[:-2]}_w", None) if name.endswith("_h") else None
        if edit is None:
            continue
        was, now = edit.was, edit.now
        if beside is not None:
            name, was, now = name[:-2], f"{was}×{beside.was}", f"{now}×{beside.now}"
        yield f"{name} {printable(was)} → {printable(now)}"


def _short(text: str) -> str:
    found = printable(text)
    return found if len(found) <= _TITLE_LENGTH else f"{found[: _TITLE_LENGTH - 1]}…"


def sizes(change: Change) -> str:
    """Output shape in words, before and after where they differ: ``64×56×56 → 64×28×28``."""
    was, now = (shown(part.shape) if part else "" for part in (change.before, change.after))
    return f"{was} → {now}" if was and now and was != now else now or was


def signed(number: int | None) -> str:
    """A difference with its sign, ``+1,234``; empty for 0, ``unknown`` where a size is open."""
    if number is None:
        return count_words(number)
    return f"{number:+,}" if number else ""


def both(was: int | None, now: int | None) -> str:
    """A number before and after with the difference, or the number alone where it is equal."""
    if was == now:
        return count_words(was)
    if was is None or now is None:
        return f"{count_words(was)} → {count_words(now)}"
    share = f", {(now - was) / was:+.1%}" if was else ""
    return f"{was:,} → {now:,} ({now - was:+,}{share})"
