"""Breaks the implementation in many places, and counts how often the tests notice.

``python tests/mutation.py --record FILE`` runs the fast tests once and writes which of them reach
which line. ``python tests/mutation.py --reached FILE --places 600`` then chooses places over all
rooms by a seed. For each of them it forks a process that has torch already, loads the one module
with the one change in it, and runs the tests that reach the line until one fails. What survives is
listed; ``EQUIVALENT`` names what computes the same and is no defect of the tests.
``--only archdsl/layers/pooling.py`` asks for a file.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
LAYERS = frozenset(
    re.findall(r'<a id="(\w+)">', (ROOT / "grammars/layers.md").read_text(encoding="utf-8"))
)
"""Names of the catalogue."""

EQUIVALENT: dict[str, str] = {
    "archdsl/text/output.py: os.fsync(file.fileno()) -> pass": "seen where the power fails alone",
}
"""Changes that make no difference, as they are listed, and why."""

COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
COMPUTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult, ast.Mod: ast.FloorDiv, ast.BitOr: ast.BitAnd,
}  # fmt: skip


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
    def key(self) -> str:
        """The change without its line, which moves."""
        return f"{self.path}: {self.old} -> {self.new}"

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
        text = (ROOT / self.path).read_text(encoding="utf-8")
        old = text[self.start : self.end]
        return text[: self.start] + self.new + "\n" * old.count("\n") + text[self.end :]


# ---- places ----


def changes(path: str) -> list[Change]:
    """Every change of a file."""
    text = (ROOT / path).read_text(encoding="utf-8")
    tree = ast.parse(text)
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    lines = text.splitlines()

    def place(line: int, column: int) -> int:
        return starts[line - 1] + len(lines[line - 1].encode()[:column].decode())

    found = []
    for node in _code(tree):
        for new in _variants(node):
            at: Any = node
            start, end = (
                place(at.lineno, at.col_offset),
                place(at.end_lineno, at.end_col_offset),
            )
            shown = " ".join(text[start:end].split())
            found.append(Change(path, at.lineno, start, end, shown, new))
    return found


def _code(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a module that do something: no annotations, and nothing for checkers alone."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list"):
                continue
            if isinstance(node, (ast.Assert, ast.JoinedStr)):
                continue
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                continue
            parts = value if isinstance(value, list) else [value]
            waiting += [part for part in parts if isinstance(part, ast.AST)]


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


def chosen(count: int, seed: int, only: list[str]) -> list[Change]:
    """So many changes, as many of each room; in each of them any place is as likely as another."""
    rooms: dict[str, list[Change]] = defaultdict(list)
    for file in sorted((ROOT / "archdsl").rglob("*.py")):
        path = str(file.relative_to(ROOT))
        if not only or any(path.startswith(each) for each in only):
            rooms[room(path)] += changes(path)
    random = Random(seed)
    for each in rooms.values():
        random.shuffle(each)
    found: list[Change] = []
    while len(found) < count and any(rooms.values()):
        taken = [each.pop() for each in rooms.values() if each]
        found += [change for change in taken if change.legal]
    return found[:count]


def room(path: str) -> str:
    return path.split("/")[1] if path.count("/") > 1 else "api"


# ---- tests ----


class Reached:
    """The tests that reach each line, and the seconds that each test takes."""

    def __init__(self, file: Path) -> None:
        from coverage import CoverageData

        self.data = CoverageData(basename=str(file))
        self.data.read()
        self.seconds: dict[str, float] = json.loads(seconds_file(file).read_text())

    def by(self, change: Change) -> list[str]:
        """Tests of a place, by their node ids; the likeliest files first, short tests before long.

        A line that runs while its module is imported belongs to no test. Those of its class or
        function stand for it, or those of its file.
        """
        lines = self.data.contexts_by_lineno(str(ROOT / change.path))
        tests: set[str] = set()
        for first, last in reversed(scopes(change)):
            found = {
                context.partition("|")[0]
                for line in range(first, last + 1)
                for context in lines.get(line, ())
            }
            tests = found & self.seconds.keys()
            if tests:
                break
        looked_for = re.compile("|".join(rf"\b{re.escape(each)}\b" for each in words(change)))
        files: dict[str, list[str]] = defaultdict(list)
        for test in sorted(tests, key=lambda each: (self.seconds[each], each)):
            files[test.partition("::")[0]].append(test)
        mentions = {
            file: len(looked_for.findall((ROOT / file).read_text(encoding="utf-8")))
            for file in files
        }
        ordered = sorted(files, key=lambda file: (-mentions[file], file))
        return [test for file in ordered for test in files[file]]


def definitions(tree: ast.AST, line: int) -> list[ast.ClassDef | ast.FunctionDef]:
    """Classes and functions around a line, the outermost first."""
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, (ast.ClassDef, ast.FunctionDef))
        and first_line(node) <= line <= (node.end_lineno or 0)
    ]


def first_line(node: ast.ClassDef | ast.FunctionDef) -> int:
    return min([node.lineno, *(each.lineno for each in node.decorator_list)])


def scopes(change: Change) -> list[tuple[int, int]]:
    """First and last lines around a place, from the whole file to the place itself."""
    tree = ast.parse((ROOT / change.path).read_text(encoding="utf-8"))
    around = definitions(tree, change.line)
    found = [(first_line(node), node.end_lineno or node.lineno) for node in around]
    return [(1, tree.body[-1].end_lineno or 1), *found, (change.line, change.line)]


def seconds_file(file: Path) -> Path:
    return file.with_name(file.name + ".seconds.json")


class _Times:
    """Keeps the seconds of every test that passes."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.when == "call" and report.passed:
            self.seconds[report.nodeid] = round(report.duration, 3)


def record(file: Path, tests: list[str]) -> None:
    """Run tests once; write the tests of each line, and the seconds of each test."""
    import pytest

    os.environ["COVERAGE_FILE"] = str(file)
    times = _Times()
    options = ["--cov=archdsl", "--cov-context=test", "--cov-report=", "-q"]
    pytest.main([*options, *tests], plugins=[times])
    seconds_file(file).write_text(json.dumps(times.seconds))


# ---- runs ----


class _Finder(PathFinder):
    """Imports the one module with its change."""

    def __init__(self, change: Change) -> None:
        self.origin = str(ROOT / change.path)
        self.source = change.source()

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:  # type: ignore[override]
        if not name.startswith("archdsl"):
            return None
        spec = PathFinder.find_spec(name, path)
        if spec is None or spec.origin != self.origin:
            return None
        source = self.source

        class Loader(SourceFileLoader):
            def get_code(self, fullname: str) -> Any:
                return compile(source, self.path, "exec", dont_inherit=True)

        spec.loader = Loader(name, self.origin)
        return spec


def words(change: Change) -> set[str]:
    """Names that tests of a place are likely to have: of its module, class, function and layer."""
    tree = ast.parse((ROOT / change.path).read_text(encoding="utf-8"))
    found = {Path(change.path).stem}
    for node in definitions(tree, change.line):
        found.add(node.name.strip("_"))
        parts = [part for each in node.decorator_list for part in ast.walk(each)]
        found |= LAYERS & {part.value for part in parts if isinstance(part, ast.Constant)}
    return {each for each in found if each in LAYERS or len(each) > 4} - {"__init__"}


class _Chosen:
    """Keeps the chosen tests of the files alone, and stops when the time is over."""

    def __init__(self, tests: set[str], end: float) -> None:
        self.tests = tests
        self.end = end

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        items[:] = [item for item in items if item.nodeid in self.tests]

    def pytest_runtest_logfinish(self) -> None:
        if time.process_time() > self.end:
            import pytest

            pytest.exit("the time is over", returncode=0)


def noticed(tests: list[str], budget: float) -> bool:
    """True if one of the tests fails; the files are asked a few at a time."""
    import pytest

    end = time.process_time() + budget
    files = list(dict.fromkeys(test.partition("::")[0] for test in tests))
    while files and time.process_time() < end:
        asked, files = files[:4], files[4:]
        options = ["--import-mode=importlib", "-m", "not slow", "-x", "-q", "-n0"]
        options += ["-p", "no:cacheprovider", "-o", "addopts=", *asked]
        code = pytest.main(options, plugins=[_Chosen(set(tests), end)])
        if code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            return True
    return False


def verdict(change: Change, tests: list[str], budget: float, unchanged: bool = False) -> str:
    """``killed``, or ``survived`` the tests that ran in so many seconds of the processor's time."""
    if not tests:
        return "unreached"
    child = os.fork()
    if child == 0:
        os.setsid()
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1), os.dup2(null, 2)
        code = 1
        try:
            if not unchanged:
                sys.meta_path.insert(0, _Finder(change))
            code = int(noticed(tests, budget))
        finally:
            os._exit(code)
    end = time.monotonic() + 20 * budget
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return "survived" if os.waitstatus_to_exitcode(status) == 0 else "killed"
        time.sleep(0.05)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "killed"  # a loop without an end


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", type=Path, help="write which tests reach which line")
    parser.add_argument("--tests", nargs="*", default=["tests"], help="what --record runs")
    parser.add_argument("--reached", type=Path, help="what --record has written")
    parser.add_argument("--places", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=[], help="beginnings of paths")
    parser.add_argument("--budget", type=float, default=60, help="seconds of CPU for a place")
    parser.add_argument("--part", default="0/1", help="of several processes: the second of three")
    parser.add_argument(
        "--control", action="store_true", help="change nothing: every place has to survive"
    )
    arguments = parser.parse_args()
    os.chdir(ROOT)
    os.environ["OMP_NUM_THREADS"] = "1"
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    if arguments.record:
        record(arguments.record.resolve(), arguments.tests)
        return
    if not arguments.reached:
        parser.error("--record FILE comes first, then --reached FILE")
    # What takes long to import and is not changed.
    import hypothesis  # noqa: F401
    import networkx  # noqa: F401
    import onnx  # noqa: F401
    import torchvision  # noqa: F401

    reached = Reached(arguments.reached.resolve())
    number, parts = map(int, arguments.part.split("/"))
    verdicts: dict[str, list[str]] = defaultdict(list)
    for change in chosen(arguments.places, arguments.seed, arguments.only)[number::parts]:
        found = "equivalent"
        if change.key not in EQUIVALENT:
            tests = reached.by(change)
            found = verdict(change, tests, arguments.budget, arguments.control)
        verdicts[room(change.path)].append(found)
        print(f"{found:10} {change}", flush=True)
    for name, found in sorted(verdicts.items()):
        print(f"{name:12} {found.count('killed'):4} of {len(found) - found.count('equivalent'):4}")


if __name__ == "__main__":
    main()
