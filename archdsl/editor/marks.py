"""Tags and named places: where ``add_prev1`` and ``at<c4>`` come back to, and what comes back.

They are found by the text alone. A layer comes back to the nearest mark on the way to the input,
which stands behind it in the text, as the layers inside it do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from archdsl.editor.descriptions import argument_at
from archdsl.editor.files import File, View
from archdsl.editor.outline import Use
from archdsl.ir.block import Label, Tag
from archdsl.ir.layer import Argument, lookup
from archdsl.layers.combinators import AddTag, Branch, Outputs, Scale
from archdsl.layers.pyramids import Aside, Tap

_NAMING = (Tap, Aside, Branch)


class Mark(NamedTuple):
    """A use that gives a place its number or name, or one that refers to it."""

    file: File
    use: Use
    key: int | str
    gives: bool


def mark_at(view: View, offset: int) -> Mark | None:
    """The tag or name at an offset of the text itself."""
    use = view.file.outline.use_at(offset)
    return None if use is None else _mark(view, view.file, use)


def given_by(view: View, mark: Mark) -> Mark | None:
    """The definition of a mark: the next one in the statement, else the first of all texts."""
    if mark.gives:
        return mark
    own = [m for m in _marks(view, mark.key) if m.gives]
    here = (m for m in own if _beside(m, mark) and m.use.start > mark.use.start)
    return next(here, None) or next((m for m in own if not _beside(m, mark)), None)


def same(view: View, mark: Mark) -> list[Mark]:
    """Every use that means the same; a tag's number is for its own statement, if it is there."""
    found = list(_marks(view, mark.key))
    beside = [m for m in found if _beside(m, mark)]
    if isinstance(mark.key, int) and any(m.gives for m in beside):
        return beside
    return found


def _beside(one: Mark, other: Mark) -> bool:
    return one.file is other.file and one.use.statement == other.use.statement


def _marks(view: View, key: int | str) -> Iterator[Mark]:
    for file in view.files:
        for use in file.outline.uses:
            mark = _mark(view, file, use)
            if mark is not None and mark.key == key:
                yield mark


def _mark(view: View, file: File, use: Use) -> Mark | None:
    definition = lookup(use.name) if use.role in ("head", "name") else None
    if definition is not None and view.resolve(file, use) is None:
        tag = definition.preset.get("tag")
        if isinstance(tag, Tag):
            return Mark(file, use, tag.id, gives=False)
        number = definition.preset.get("id")
        if definition.cls is AddTag and number is not None:
            return Mark(file, use, number, gives=not _is_argument(file, use))
    callee = None if use.callee is None else lookup(file.outline.uses[use.callee].name)
    if callee is None:
        return None
    if use.role == "key":
        return Mark(file, use, use.name, gives=True) if callee.cls is Outputs else None
    argument = argument_at(callee, use.place)
    if use.role == "name" and argument is not None and _takes(argument, Label):
        return Mark(file, use, use.name, gives=callee.cls in _NAMING)
    return None


def _is_argument(file: File, use: Use) -> bool:
    """True if a tag is only mentioned, as in ``concat2<tag1,tag2,SUBNET>``."""
    callee = None if use.callee is None else lookup(file.outline.uses[use.callee].name)
    if callee is None or use.role != "name":
        return False
    argument = argument_at(callee, use.place)
    return callee.cls is Scale or (argument is not None and _takes(argument, Tag))


def _takes(argument: Argument, kind: Any) -> bool:
    return argument.type is kind or getattr(argument.type, "__args__", (None,))[0] is kind
