"""Breaks the implementation in many places, and counts how often the tests notice.

``python tests/mutation.py --places 600`` chooses places over all rooms by a seed. For each of them
it forks a process that has torch already, loads the one module with the one change in it, and runs
the tests of the room until one fails. What survives is listed; ``EQUIVALENT`` names what computes
the same and is no defect of the tests. ``--only archdsl/layers/pooling.py`` asks for a file.
"""

from __future__ import annotations

import argparse
import ast
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
TESTS = {
    "archdsl/analysis/diff": "differing",
    "archdsl/analysis/equivalence": "matching importing/test_importing.py",
    "archdsl/analysis/lint": "errors/test_unused.py errors/test_corpus.py errors/test_advice.py",
    "archdsl/analysis": "layers/test_receptive_fields.py layers/test_costs.py language errors",
    "archdsl/backends/formats/darknet": "weights/test_darknet.py",
    "archdsl/backends/formats/onnx": "exports/test_exports.py importing/test_onnx.py",
    "archdsl/backends/formats": "exports dlib_files weights",
    "archdsl/backends/passes": "optimising",
    "archdsl/backends/source": "exports/test_source.py exports/test_source_layers.py exports",
    "archdsl/backends/torch/detection": "detection",
    "archdsl/backends/torch/losses.py": "layers/test_losses.py",
    "archdsl/backends": "layers blocks exports/test_exports.py training",
    "archdsl/cli": "commands differing exports/test_options.py chart optimising/test_command.py",
    "archdsl/diagnostics": "errors commands",
    "archdsl/dlib": "dlib_files weights",
    "archdsl/editor": "lsp editors",
    "archdsl/frontend/format": "formatting",
    "archdsl/frontend": "language errors formatting",
    "archdsl/importers/darknet": "importing/test_darknet_cfg.py importing",
    "archdsl/importers/keras": "importing/test_keras.py importing",
    "archdsl/importers/onnx": "importing/test_onnx.py importing/test_onnx_operators.py importing",
    "archdsl/importers/verification": "matching specs/test_near_misses.py",
    "archdsl/importers": "importing matching",
    "archdsl/inference": "detection/test_detect.py drawing/test_pictures.py optimising",
    "archdsl/ir": "language layers blocks drawing",
    "archdsl/layers": "layers detection dlib_files generated",
    "archdsl/text": "commands exports/test_writing.py",
    "archdsl/training": "training",
    "archdsl/viz/chart": "chart",
    "archdsl/viz/diff": "differing",
    "archdsl/viz": "drawing",
    "archdsl": "language commands layers weights/test_weights.py",
}
"""The tests that are asked, by the longest beginning of a path; the likeliest ones first."""

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


# ---- runs ----


def tests_of(path: str) -> str:
    """The tests for a file."""
    return TESTS[max((key for key in TESTS if path.startswith(key)), key=len)]


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
    for node in ast.walk(tree):
        if not isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            continue
        first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
        if first <= change.line <= (node.end_lineno or 0):
            found.add(node.name.strip("_"))
            parts = [part for each in node.decorator_list for part in ast.walk(each)]
            found |= LAYERS & {part.value for part in parts if isinstance(part, ast.Constant)}
    return {each for each in found if each in LAYERS or len(each) > 4} - {"__init__"}


class _Session:
    """Runs the likeliest test files first, and stops when the time is over."""

    def __init__(self, looked_for: set[str], seconds: float) -> None:
        self.likely = re.compile("|".join(rf"\b{re.escape(each)}\b" for each in looked_for))
        self.end = time.process_time() + seconds

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        texts = {item.path: item.path.read_text(encoding="utf-8") for item in items}
        found = {path: len(self.likely.findall(text)) for path, text in texts.items()}
        items.sort(key=lambda item: -found[item.path])

    def pytest_runtest_logfinish(self) -> None:
        if time.process_time() > self.end:
            import pytest

            pytest.exit("the time is over", returncode=0)


def verdict(change: Change, tests: str, budget: float) -> str:
    """``killed``, or ``survived`` the tests that ran in so many seconds of the processor's time."""
    child = os.fork()
    if child == 0:
        os.setsid()
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1), os.dup2(null, 2)
        code = 1
        try:
            import pytest

            sys.meta_path.insert(0, _Finder(change))
            options = ["--import-mode=importlib", "-m", "not slow", "-x", "-q", "-n0"]
            options += ["-p", "no:cacheprovider", "-o", "addopts="]
            options += [str(ROOT / "tests" / each) for each in tests.split()]
            code = int(pytest.main(options, plugins=[_Session(words(change), budget)]))
        finally:
            os._exit(code)
    end = time.monotonic() + 20 * budget
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return "survived" if os.waitstatus_to_exitcode(status) == 0 else "killed"
        time.sleep(0.1)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "killed"  # a loop without an end


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--places", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=[], help="beginnings of paths")
    parser.add_argument("--budget", type=float, default=120, help="seconds of CPU for a place")
    parser.add_argument("--part", default="0/1", help="of several processes: the second of three")
    parser.add_argument(
        "--control", action="store_true", help="ask all tests without a change: they have to pass"
    )
    arguments = parser.parse_args()
    os.chdir(ROOT)
    os.environ["OMP_NUM_THREADS"] = "1"
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    # What takes long to import and is not changed.
    import hypothesis  # noqa: F401
    import networkx  # noqa: F401
    import onnx  # noqa: F401
    import torchvision  # noqa: F401

    number, parts = map(int, arguments.part.split("/"))
    verdicts: dict[str, list[str]] = defaultdict(list)
    for tests in dict.fromkeys(TESTS.values()) if arguments.control else ():
        nothing = Change("archdsl/__main__.py", 1, 0, 0, "", "")
        print(f"{verdict(nothing, tests, arguments.budget):10} {tests}", flush=True)
    if arguments.control:
        return
    for change in chosen(arguments.places, arguments.seed, arguments.only)[number::parts]:
        found = "equivalent"
        if change.key not in EQUIVALENT:
            found = verdict(change, tests_of(change.path), arguments.budget)
        verdicts[room(change.path)].append(found)
        print(f"{found:10} {change}", flush=True)
    for name, found in sorted(verdicts.items()):
        print(f"{name:12} {found.count('killed'):4} of {len(found) - found.count('equivalent'):4}")


if __name__ == "__main__":
    main()
