"""Line breaks and indentation of a statement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from archdsl.frontend.format.pieces import Comment
from archdsl.frontend.format.structure import Bracket, Structure

WIDTH = 100
_INDENT = 4
_FORMALS = len("template <")
_FARTHEST = 60  # side arguments are not aligned with a bracket that opens behind this column


@dataclass(slots=True)
class Line:
    """A line of the result, and the comment at its end, which stood in ``column``."""

    text: str
    comment: str = ""
    column: int = 0

    def add(self, comments: list[Comment]) -> None:
        """Put comments at the end of the line."""
        for comment in comments:
            self.column = self.column if self.comment else comment.column
            self.comment = f"{self.comment} {comment.text}".strip()


class _Break(Enum):
    FORCED = auto()  # by a comment, or behind a template's head
    CHOSEN = auto()  # by the author, before a layer
    LITERAL = auto()  # by the author, before a number: undone where there is room


def lines_of(structure: Structure) -> tuple[list[Line], bool]:
    """The lines of a statement, without the comments before its first token.

    Also whether they surely stay as they are when they are laid out again: where comments or
    numbers begin lines, a line that was joined may have room for more, or less.
    """
    if structure.wide and not _columns_agree(structure):
        structure.narrow()
    layout = _laid_out(structure)
    if structure.wide and layout.refined:
        structure.narrow()
        layout = _laid_out(structure)
    return layout.lines, layout.settled


def _laid_out(structure: Structure) -> _Layout:
    """Aligned with the value or indented by four, as the author has it, or if there is no room."""
    layout = _Layout(structure)
    layout.run()
    if layout.overflows and layout.base > _INDENT:
        layout = _Layout(structure, base=_INDENT)
        layout.run()
    return layout


def _columns_agree(structure: Structure) -> bool:
    """True if every wider space aligns an argument with one on the line above or below."""
    breaks = [i for i, kept in enumerate(_kept_breaks(structure)) if kept]
    if not breaks:
        return False
    ends = [*breaks[1:], len(structure.pieces)]
    columns = [
        {
            column
            for index in range(start + 1, end)
            if index in structure.argument_of
            for column in structure.columns(index, start)
        }
        for start, end in zip(breaks, ends, strict=True)
    ]
    wide = iter(structure.wide)
    index = next(wide, None)
    if index is not None and index < breaks[0]:
        return False
    for line, (start, end) in enumerate(zip(breaks, ends, strict=True)):
        near = columns[max(0, line - 1) : line] + columns[line + 1 : line + 2]
        while index is not None and index < end:
            if not any(other.intersection(structure.columns(index, start)) for other in near):
                return False
            index = next(wide, None)
    return True


def _kept_breaks(structure: Structure) -> list[_Break | None]:
    """The line breaks of the author that mean something."""
    pieces, value = structure.pieces, structure.value
    kept: list[_Break | None] = [None] * len(pieces)
    for index, piece in enumerate(pieces[1:], 1):
        if piece.gap.forces:
            kept[index] = _Break.FORCED
        elif piece.gap.newline and index > value:
            bracket = structure.argument_of.get(index)
            if bracket and bracket.kind == "HEAD":
                kept[index] = _Break.CHOSEN if structure.is_block(index) else _Break.LITERAL
    several = any(b in (_Break.FORCED, _Break.CHOSEN) for b in kept)
    using = _using(structure)
    if value and not kept[value] and pieces[value].gap.newline:
        fits = structure.width(using, len(pieces)) <= WIDTH
        if pieces[value].kind in ("HEAD", "NAME") and (several or not fits):
            kept[value] = _Break.CHOSEN
    if using and not kept[using]:
        fits = structure.width(0, len(pieces)) <= WIDTH
        if pieces[using].gap.newline or several or kept[value] or not fits:
            kept[using] = _Break.FORCED
    return kept


def _using(structure: Structure) -> int:
    """The ``using`` behind a template's head; 0 where there is none."""
    if structure.pieces[0].kind != "TEMPLATE":
        return 0
    return structure.opened[0].closer + 1


class _Layout:
    """One attempt: a walk over the pieces that fills lines.

    Lines of the author that are too long are broken before every layer that has arguments of its
    own. A decision depends only on the column and on what comes, so that the result gives itself
    when it is laid out again.
    """

    def __init__(self, structure: Structure, base: int | None = None) -> None:
        self._structure = structure
        self._pieces = structure.pieces
        self._kept = _kept_breaks(structure)
        self._next_kept = self._following(lambda index: self._kept[index] is not None)
        self._next_firm = self._following(
            lambda index: self._kept[index] in (_Break.FORCED, _Break.CHOSEN)
        )
        self._next_stop = self._following(lambda i: self._kept[i] is not None or self._is_block(i))
        self._using = _using(structure)
        self.base = self._authors_base() if base is None else base
        self.lines: list[Line] = []
        self.refined = False
        self._parts: list[str] = []
        self._column = 0
        self._indent = _FORMALS if self._using else self.base
        self._first_line = True
        self._too_long = False
        self._flat_until = 0
        # By bracket: the indentation of its line, and where its first argument would begin.
        self._line_of: dict[int, tuple[int, bool]] = {}
        self._inner: dict[int, int] = {}
        self._far: dict[int, bool] = {}
        self._exploded: set[int] = set()
        self._opened_wide: set[int] = set()

    @property
    def overflows(self) -> bool:
        """True if a line is longer than allowed."""
        return any(len(line.text) > WIDTH for line in self.lines)

    @property
    def settled(self) -> bool:
        """True if the author broke lines in no other places than before layers."""
        inner = self._kept[self._structure.value + 1 :]
        return all(kept in (None, _Break.CHOSEN) for kept in inner)

    def _following(self, wanted: Callable[[int], bool]) -> list[int]:
        """For each piece the next one that is wanted, or the end."""
        following = [0] * len(self._pieces)
        last = len(self._pieces)
        for index in range(len(self._pieces) - 1, -1, -1):
            following[index] = last
            if wanted(index):
                last = index
        return following

    def _is_block(self, index: int) -> bool:
        bracket = self._structure.argument_of.get(index)
        return bracket is not None and bracket.kind == "HEAD" and self._structure.is_block(index)

    def _authors_base(self) -> int:
        """The indentation of the network's lines: that of the value, or four columns."""
        value = self._structure.value
        if not value:
            return 0
        if self._kept[value]:
            return _INDENT
        aligned = self._structure.column(value, self._using)
        for index in range(value, len(self._pieces)):
            if self._kept[index]:
                column = self._pieces[index].gap.column
                return aligned if abs(column - aligned) < abs(column - _INDENT) else _INDENT
        return aligned

    # ---- the walk ----

    def run(self) -> None:
        self._too_long = self._structure.width(0, self._next_kept[0]) > WIDTH
        for index in range(len(self._pieces)):
            if index and self._breaks_before(index):
                self._start_line(index)
            elif index:
                self._write(" " * self._structure.space(index))
            self._open(index)
            self._write(self._pieces[index].shown)
            if index in self._structure.opened:
                self._inner[index] = self._column
        self._end_line()

    def _write(self, text: str) -> None:
        self._parts.append(text)
        self._column += len(text)

    def _end_line(self) -> None:
        self.lines.append(Line("".join(self._parts)))
        self._parts = []

    def _start_line(self, index: int) -> None:
        gap = self._pieces[index].gap
        indent = self._indentation(index)
        self._end_line()
        self.lines[-1].add(gap.trailing)
        inside = index >= self._structure.value
        for comment in gap.own:
            if comment.blank and inside:
                self.lines.append(Line(""))
            self.lines.append(Line(" " * indent + comment.text))
        if gap.blank and inside and self._kept[index]:
            self.lines.append(Line(""))
        bracket = self._structure.argument_of.get(index)
        if bracket and index == bracket.arguments[0]:
            self._opened_wide.add(bracket.opener)
        self._column = 0
        self._write(" " * indent)
        self._first_line = index == self._using
        self._indent = self.base if self._first_line else indent
        if self._kept[index]:
            width = self._structure.width(index, self._next_kept[index])
            self._too_long = indent + width > WIDTH
        else:
            self.refined = True

    def _open(self, index: int) -> None:
        """Note where a bracket opens, and how its arguments are to be laid out."""
        bracket = self._structure.opened.get(index)
        if bracket is None:
            return
        self._line_of[index] = self._indent, self._first_line
        if not self._too_long or index < self._flat_until or bracket.kind != "HEAD":
            return
        side = self._structure.argument_of.get(index)
        room = WIDTH - self._column
        if (
            side
            and index != side.chain
            and self._next_firm[index] > bracket.closer
            and self._structure.argument_width(index) <= room
        ):
            self._flat_until = bracket.closer
            return
        sides = self._structure.width(index, bracket.sides_end)
        if bracket.blocks > 1 and sides > room:
            self._exploded.add(index)
            inner = self._column + len(self._pieces[index].shown)
            if self._is_far(bracket, inner):
                self._opened_wide.add(index)

    # ---- decisions ----

    def _breaks_before(self, index: int) -> bool:
        kept = self._kept[index]
        room = WIDTH - self._column - self._structure.space(index)
        if kept is _Break.LITERAL:
            return self._keeps_literal(index, room)
        if kept or not self._too_long:
            return kept is not None
        if self._pieces[index].kind == "CLOSE":
            return self._closers_overflow(index, room)
        if index < self._flat_until:
            return False
        if index == self._structure.value:
            return self._value_needs_line(index, room)
        bracket = self._structure.argument_of.get(index)
        if bracket is None or (bracket.kind != "HEAD" and bracket.opener):
            return False
        return self._argument_needs_line(index, bracket, room)

    def _keeps_literal(self, index: int, room: int) -> bool:
        """True if numbers that the author put on a line of their own need that line.

        They reach to the next layer, which may come to stand on another line.
        """
        end = self._next_stop[index]
        width = self._structure.width(index, end)
        if width > room and self._indentation(index) + width <= WIDTH:
            return True
        self.refined = True
        self._too_long |= self._structure.width(index, self._next_kept[index]) > room
        return self._structure.argument_width(index) > room

    def _closers_overflow(self, index: int, room: int) -> bool:
        followed = index + 1 < len(self._pieces) and self._pieces[index + 1].kind in (
            "COMMA",
            "SEMICOLON",
        )
        return 1 + followed > room and self._column > self._indent

    def _value_needs_line(self, index: int, room: int) -> bool:
        bracket = self._structure.opened.get(index)
        if bracket is None or bracket.kind != "HEAD":
            return False
        first = bracket.arguments[0] if bracket.arguments else bracket.closer
        width = self._structure.width(index, first)
        if width > room and _INDENT + width <= WIDTH:
            self.base = _INDENT
            return True
        return False

    def _argument_needs_line(self, index: int, bracket: Bracket, room: int) -> bool:
        structure = self._structure
        if index == bracket.chain and self._pieces[index].kind == "HEAD":
            unit = structure.unit_width(index)
            helps = self._line_of[bracket.opener][0] + unit <= WIDTH
            return index != bracket.arguments[0] or (unit > room and helps)
        if (
            bracket.opener in self._exploded
            and structure.is_block(index)
            and index != bracket.chain
        ):
            return index != bracket.arguments[0] or bracket.opener in self._opened_wide
        width = structure.argument_width(index)
        helps = index in structure.opened or self._indentation(index) + width <= WIDTH
        return width > room and helps

    # ---- indentation ----

    def _indentation(self, index: int) -> int:
        structure = self._structure
        if index == self._using:
            return 0
        if index < structure.value:
            return _FORMALS if index < self._using else _INDENT
        if structure.value and index == structure.value:
            return _INDENT
        bracket = structure.argument_of.get(index)
        if bracket is None or bracket.kind != "HEAD":
            return self._indent
        indent, first_line = self._line_of[bracket.opener]
        if index == bracket.chain:
            return indent
        inner = self._inner[bracket.opener]
        wide = bracket.opener in self._opened_wide or index == bracket.arguments[0]
        if wide or self._is_far(bracket, inner):
            return indent if first_line else indent + _INDENT
        return indent if first_line and self.base == _INDENT else inner

    def _is_far(self, bracket: Bracket, inner: int) -> bool:
        """True if arguments would not fit behind their bracket, one below the other."""
        if bracket.opener not in self._far:
            sides = [a for a in bracket.arguments if a != bracket.chain]
            widest = max(map(self._structure.argument_width, sides), default=0)
            self._far[bracket.opener] = inner > _FARTHEST or inner + widest > WIDTH
        return self._far[bracket.opener]
