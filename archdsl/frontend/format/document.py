"""A whole text in the canonical style: statements, the blank lines and comments between them."""

from __future__ import annotations

from itertools import groupby

from archdsl.frontend.format.flow import MARK, Flows
from archdsl.frontend.format.layout import Line, lines_of
from archdsl.frontend.format.pieces import Gap, split
from archdsl.frontend.format.structure import Structure


def document(text: str, *, flow: bool) -> tuple[str, bool]:
    """The text in the canonical style; it has to parse, and its lines end with ``\\n``.

    Also whether it surely stays as it is when it is formatted again.
    """
    settled = True
    statements, rest = split(text)
    flows = Flows()
    lines: list[Line] = []
    for written in statements:
        gap = written.pieces[0].gap
        blank = _write_comments(lines, gap, drop=MARK if flow else None)
        if (blank or (gap.blank and not gap.inline)) and lines:
            lines.append(Line(""))
        gap.own, gap.inline = [], []
        structure = Structure(written)
        if flow:
            lines += [Line(comment) for comment in flows.comment(structure)]
        laid_out, certain = lines_of(structure)
        lines += laid_out
        settled &= certain
    _write_comments(lines, rest, drop=None)
    _join_blank(lines)
    _align(lines)
    return "".join(f"{line.text}\n" for line in lines), settled


def _write_comments(lines: list[Line], gap: Gap, *, drop: str | None) -> bool:
    """The comments before a statement; those behind the one before it go on its last line.

    Comments that begin with ``drop`` are left out. Whether one of them at the end stood behind an
    empty line is returned.
    """
    blank = False
    if lines:
        lines[-1].add(gap.trailing)
        above = [*gap.own, *gap.inline]
    else:
        above = [*gap.trailing, *gap.own, *gap.inline]
    for comment in above:
        blank |= comment.blank
        if drop is not None and comment.text.startswith(drop):
            continue
        if blank and lines:
            lines.append(Line(""))
        lines.append(Line(comment.text))
        blank = False
    return blank


def _join_blank(lines: list[Line]) -> None:
    """At most one blank line at a time, and none at the end."""
    kept = [
        line
        for before, line in zip([None, *lines], lines, strict=False)
        if line.text or (before and before.text)
    ]
    while kept and not kept[-1].text:
        kept.pop()
    lines[:] = kept


def _align(lines: list[Line]) -> None:
    """Comments at the ends of neighbouring lines stay in one column, if they were in one."""
    for commented, group in groupby(lines, key=lambda line: bool(line.comment)):
        if not commented:
            continue
        run = list(group)
        together = len({line.column for line in run}) == 1
        widest = max(len(line.text) for line in run)
        for line in run:
            width = widest if together else len(line.text)
            line.text = f"{line.text:{width}}  {line.comment}"
