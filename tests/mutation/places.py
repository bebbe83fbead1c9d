"""Places of the implementation, and what may be changed there."""

from __future__ import annotations

import ast
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from functools import cache, cached_property, lru_cache
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]

COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
COMPUTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult, ast.Mod: ast.FloorDiv, ast.BitOr: ast.BitAnd,
}  # fmt: skip

_COMMUTE = frozenset({"min", "max", "math.gcd", "math.lcm", "suppress", "contextlib.suppress"})
"""Functions of two arguments, whatever their order."""

Definition = ast.ClassDef | ast.FunctionDef


class Change(NamedTuple):
    """One change of one file: the text from ``start`` to ``end`` becomes another."""

    path: str
    line: int
    start: int
    end: int
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.old} -> {self.new}"

    @property
    def key(self) -> tuple[str, str, str]:
        """The change without the line's number, which moves: file, line's text, old and new."""
        return self.path, text(self.path).splitlines()[self.line - 1].strip(), self.difference

    @property
    def difference(self) -> str:
        return f"{self.old} -> {self.new}"

    @property
    def legal(self) -> bool:
        """False within f-strings, and over several lines without brackets."""
        try:
            ast.parse(self.source())
        except SyntaxError:
            return False
        return True

    def source(self) -> str:
        """The file's text with the change; every line stays where it is."""
        whole = text(self.path)
        old = whole[self.start : self.end]
        return whole[: self.start] + self.new + "\n" * old.count("\n") + whole[self.end :]

    def definitions(self) -> list[Definition]:
        """Classes and functions around the place, the outermost first."""
        return [
            node
            for node in ast.walk(tree(self.path))
            if isinstance(node, Definition)
            and first_line(node) <= self.line <= (node.end_lineno or 0)
        ]

    def function(self) -> ast.FunctionDef | None:
        """The outermost function in whose body the place is, if any."""
        for node in self.definitions():
            if isinstance(node, ast.FunctionDef):
                return node if self.line >= node.body[0].lineno > node.lineno else None
        return None


@cache
def text(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


@lru_cache(maxsize=16)
def tree(path: str) -> ast.Module:
    return ast.parse(text(path))


def first_line(node: Definition) -> int:
    return min([node.lineno, *(each.lineno for each in node.decorator_list)])


def room(path: str) -> str:
    return path.split("/")[1] if path.count("/") > 1 else "api"


def chosen(count: int, seed: int, only: list[str]) -> list[Change]:
    """So many changes, as many of each room; in each of them any place is as likely as another.

    Those of a room do not depend on the other rooms. ``only`` are beginnings of paths.
    """
    rooms: dict[str, list[str]] = defaultdict(list)
    for file in sorted((ROOT / "archdsl").rglob("*.py")):
        path = str(file.relative_to(ROOT))
        if "Generated: see" in (ast.get_docstring(tree(path)) or ""):
            continue  # a test writes it anew and compares
        rooms[room(path)].append(path)
    found: list[Change] = []
    for name, paths in rooms.items():
        wanted = [path for path in paths if not only or path.startswith(tuple(only))]
        every = [change for path in wanted for change in changes(path)]
        Random(f"{seed} {name}").shuffle(every)
        legal = (change for change in every if change.legal)
        found += islice(legal, -(-count // len(rooms)))
    return found


def named() -> list[Change]:
    """The changes of ``named.toml``; ValueError for one whose place is not there once."""
    found = []
    for path, each in _written("named.toml"):
        if text(path).count(each["was"]) != 1:
            raise ValueError(f"{path} has not once: {each['was']}")
        start = text(path).index(each["was"])
        line = text(path).count("\n", 0, start) + 1
        end = start + len(each["was"])
        found.append(Change(path, line, start, end, each["was"], each["becomes"]))
    return found


def _written(name: str) -> list[tuple[str, dict[str, str]]]:
    """Entries of a file beside this one, with the path of what they are about."""
    read = tomllib.loads((Path(__file__).parent / name).read_text("utf-8"))
    return [(path, each) for path, entries in read.items() for each in entries]


class Equivalents:
    """Changes that no test can notice, as ``equivalent.toml`` names them, with the reason."""

    @cached_property
    def reasons(self) -> dict[tuple[str, str, str], str]:
        return {
            (path, each["line"], each["change"]): each["why"]
            for path, each in _written("equivalent.toml")
        }

    def __contains__(self, change: Change) -> bool:
        return change.key in self.reasons or _commutes(change)


def _commutes(change: Change) -> bool:
    """True where the two arguments of a call stand in another order that means the same."""
    try:
        call = ast.parse(change.old, mode="eval").body
    except SyntaxError:
        return False
    return isinstance(call, ast.Call) and ast.unparse(call.func) in _COMMUTE and len(call.args) == 2


# ---- changes of a file ----


def changes(path: str) -> list[Change]:
    """Every change of a file."""
    whole = text(path)
    starts = [0]
    for line in whole.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    lines = whole.splitlines()

    def place(line: int, column: int) -> int:
        return starts[line - 1] + len(lines[line - 1].encode()[:column].decode())

    found = []
    for node in _code(tree(path)):
        for new in _variants(node):
            at: Any = node
            start, end = (
                place(at.lineno, at.col_offset),
                place(at.end_lineno, at.end_col_offset),
            )
            shown = " ".join(whole[start:end].split())
            found.append(Change(path, at.lineno, start, end, shown, new))
    return found


def _code(top: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a module that do something.

    Annotations, what checkers alone read, texts for people, and what is asserted do not.
    """
    waiting = [top]
    while waiting:
        node = waiting.pop()
        if _asserts(node):
            continue
        yield node
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list"):
                continue
            if isinstance(node, ast.JoinedStr):
                continue
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                continue
            parts = value if isinstance(value, list) else [value]
            waiting += [part for part in parts if isinstance(part, ast.AST)]


def _asserts(node: ast.AST) -> bool:
    """True of assertions, ``raise AssertionError(...)``, and ``strict=True`` of ``zip``."""
    if isinstance(node, ast.Raise) and node.exc:
        return ast.unparse(node.exc).startswith(("AssertionError", "NotImplementedError"))
    return isinstance(node, ast.Assert) or (isinstance(node, ast.keyword) and node.arg == "strict")


def _variants(node: ast.AST) -> Iterator[str]:
    """Texts for a node that mean something else."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        other = COMPARED[type(node.ops[0])]()
        yield ast.unparse(ast.Compare(node.left, [other], node.comparators))
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            yield str(not node.value)
        elif isinstance(node.value, int):
            yield str(node.value + 1)
        elif isinstance(node.value, float):
            yield str(node.value * 2 + 1e-3)
    elif isinstance(node, ast.BoolOp):
        operator = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield f"({ast.unparse(ast.BoolOp(operator, node.values))})"
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub)):
        yield f"({ast.unparse(node.operand)})"
    elif isinstance(node, ast.BinOp) and type(node.op) in COMPUTED:
        yield f"({ast.unparse(ast.BinOp(node.left, COMPUTED[type(node.op)](), node.right))})"
    elif isinstance(node, ast.IfExp):
        yield f"({ast.unparse(ast.IfExp(node.test, node.orelse, node.body))})"
    elif isinstance(node, ast.Call) and len(node.args) > 1:
        first, second, *rest = node.args
        if not any(isinstance(each, ast.Starred) for each in (first, second)):
            yield ast.unparse(ast.Call(node.func, [second, first, *rest], node.keywords))
    elif isinstance(node, (ast.Raise, ast.Continue, ast.Break)) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    ):
        yield "pass"
