"""The argument that each token begins, with its layer, and the spaces between tokens."""

from __future__ import annotations

from dataclasses import dataclass, field

from archdsl.frontend.format.pieces import Written
from archdsl.frontend.syntax.tree import OPENERS, Tree

_OPERAND_ENDS = frozenset(
    {"INTEGER", "FLOAT", "BOOLEAN", "NAME", "CTYPE", "CLOSE", "RPAR"},
)
_ATTACHED = frozenset({"COMMA", "SEMICOLON", "CLOSE", "RPAR", "ELLIPSIS"})
_CALLED = frozenset({"NAME", "CLOSE", "CTYPE"})
_NARROW = frozenset("*/%")


@dataclass(slots=True)
class Bracket:
    """A bracket and the arguments in it, all as indices of pieces.

    ``chain`` is the argument through which the network goes on, its last one; ``blocks`` counts the
    layers among the others. A list is ``untidy`` if its spaces cannot be meant: some stand before
    its commas.
    """

    opener: int
    kind: str
    closer: int
    arguments: list[int] = field(default_factory=list)
    chain: int | None = None
    blocks: int = 0
    untidy: bool = False

    @property
    def sides_end(self) -> int:
        """The first piece behind the arguments that are not the chain."""
        return self.closer if self.chain is None else self.chain


class Structure:
    """One statement: its pieces, brackets, and the spaces before each piece on a line."""

    def __init__(self, written: Written) -> None:
        self.pieces = written.pieces
        self.opened: dict[int, Bracket] = {}
        self.argument_of: dict[int, Bracket] = {}
        self.argument_end: dict[int, int] = {}
        self._inside: list[Bracket | None] = []
        self._find_brackets(written.tree, written.first)
        self.value = self._value()
        self.wide: list[int] = []  # where more than one space stands, in columns perhaps
        self._spaces = [self._space(index) for index in range(len(self.pieces))]
        self._sum_widths()

    def _find_brackets(self, tree: Tree, first: int) -> None:
        for index, piece in enumerate(self.pieces):
            around = tree.inside[first + index]
            self._inside.append(None if around is None else self.opened[around.opener - first])
            found = tree.opened.get(first + index)
            if found is None or found.closer is None or piece.kind == "WRITTEN":
                continue
            bracket = Bracket(index, found.kind, found.closer - first)
            bracket.arguments = [argument - first for argument in found.arguments]
            self.opened[index] = bracket
            self.argument_of.update(dict.fromkeys(bracket.arguments, bracket))
            ends = [*(comma - first for comma in found.commas), bracket.closer]
            self.argument_end.update(zip(bracket.arguments, ends, strict=False))
            self._find_chain(bracket)

    def _find_chain(self, bracket: Bracket) -> None:
        bracket.untidy = any(self.pieces[a - 1].gap.spaces for a in bracket.arguments[1:])
        blocks = [a for a in bracket.arguments if self.is_block(a)]
        named = bool(blocks) and self.pieces[blocks[-1] + 1].kind == "EQUAL"
        if (
            bracket.kind == "HEAD"
            and blocks[-1:] == bracket.arguments[-1:]
            and blocks
            and not named
        ):
            bracket.chain = blocks.pop()
        bracket.blocks = len(blocks)

    def is_block(self, index: int) -> bool:
        """True if an argument is a layer, a name, or one of these with a name before it."""
        kind, behind = self.pieces[index].kind, self.pieces[index + 1].kind
        if kind == "NAME" and behind == "EQUAL":
            index += 2
            kind, behind = self.pieces[index].kind, self.pieces[index + 1].kind
        return kind == "HEAD" or (kind == "NAME" and behind in ("COMMA", "CLOSE"))

    def _value(self) -> int:
        """Index of the first token of a definition's value; 0 for a network by itself."""
        for index, piece in enumerate(self.pieces):
            if piece.kind == "EQUAL" and self._inside[index] is None:
                return index + 1
        return 0

    # ---- spaces ----

    def _space(self, index: int) -> int:
        if index == 0:
            return 0
        piece, before = self.pieces[index], self.pieces[index - 1]
        inside = self._inside[index]
        if before.kind == "HEAD" and piece.kind != "CLOSE":
            return self._aligned(index, 0)
        if before.kind in OPENERS or (piece.kind == "LPAR" and before.kind in _CALLED):
            return 0
        if piece.gap.inline:
            return 1
        if piece.kind in _ATTACHED:
            return 0
        if before.kind == "COMMA":
            return self._behind_comma(index)
        if "EQUAL" in (piece.kind, before.kind):
            return 0 if inside is not None and inside.kind == "HEAD" else 1
        if self._is_binary(index):
            return self._around(index)
        if before.kind in ("OPERATOR", "MINUS", "NOT"):
            return self._around(index - 1) if self._is_binary(index - 1) else 0
        return 1

    def _is_binary(self, index: int) -> bool:
        if self.pieces[index].kind not in ("OPERATOR", "MINUS"):
            return False
        return self.pieces[index - 1].kind in _OPERAND_ENDS

    def _around(self, index: int) -> int:
        """The spaces on both sides of a binary operator; those of a sum are the author's choice."""
        operator = self.pieces[index]
        if operator.text in _NARROW:
            return 0
        if operator.text in ("+", "-"):
            gap = operator.gap
            return 1 if gap.newline or gap.spaces or gap.inline else 0
        return 1

    def _behind_comma(self, index: int) -> int:
        bracket = self._inside[index]
        assert bracket is not None
        if bracket.kind == "TEMPLATE":
            return 1
        gap = self.pieces[index].gap
        if bracket.untidy or gap.newline:
            return self.usual_space(index)
        return self._aligned(index, min(gap.spaces, 1))

    def usual_space(self, index: int) -> int:
        """The spaces before an argument in most specs: around blocks, not between numbers."""
        bracket = self.argument_of[index]
        if index == bracket.arguments[0]:
            return 0
        behind_block = self.pieces[index - 2].kind == "CLOSE"
        before_block = self.pieces[index].kind == "HEAD" and index != bracket.chain
        return int(behind_block or before_block)

    def _aligned(self, index: int, usual: int) -> int:
        spaces = self.pieces[index].gap.spaces
        if spaces > usual:
            self.wide.append(index)
        return max(spaces, usual)

    def narrow(self) -> None:
        """Give up the columns that wider spaces make."""
        for index in self.wide:
            self._spaces[index] = 0 if self.pieces[index - 1].kind == "HEAD" else 1
        self.wide = []
        self._sum_widths()

    # ---- widths ----

    def _sum_widths(self) -> None:
        total = 0
        self._starts: list[int] = []
        self._ends: list[int] = []
        for piece, space in zip(self.pieces, self._spaces, strict=True):
            self._starts.append(total + space)
            total += space + len(piece.shown)
            self._ends.append(total)
        # Where the run of closers that begins at a piece ends, with the comma behind it.
        self._run_ends = list(range(len(self.pieces) + 1))
        for index in range(len(self.pieces) - 1, -1, -1):
            kind = self.pieces[index].kind
            if kind == "CLOSE":
                self._run_ends[index] = self._run_ends[index + 1]
            elif kind in ("COMMA", "SEMICOLON"):
                self._run_ends[index] = index + 1

    def column(self, index: int, line: int) -> int:
        """Column of a piece on a line that begins with the piece ``line``."""
        return self._starts[index] - self._starts[line]

    def columns(self, index: int, line: int) -> tuple[tuple[str, int], tuple[str, int]]:
        """Columns where an argument begins and ends on a line, by which it can be aligned."""
        end = self._ends[self.argument_end[index] - 1] - self._starts[line]
        return ("from", self.column(index, line)), ("to", end)

    def space(self, index: int) -> int:
        """The spaces before a piece where no line begins."""
        return self._spaces[index]

    def width(self, start: int, end: int) -> int:
        """The columns of pieces on one line, ``end`` exclusive."""
        return self._ends[end - 1] - self._starts[start] if end > start else 0

    def argument_width(self, index: int) -> int:
        """The columns of an argument with the comma or the closers behind it."""
        return self.width(index, self._run_ends[self.argument_end[index]])

    def unit_width(self, index: int) -> int:
        """The columns of a layer up to the network it is applied to, or to its closers."""
        bracket = self.opened.get(index)
        if bracket is None or bracket.chain is None:
            return self.argument_width(index)
        return self.width(index, bracket.chain)
