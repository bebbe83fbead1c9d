"""Tests that reach a place: recorded once by a profiler, with the seconds that each takes."""

from __future__ import annotations

import json
import re
import signal
import time
from collections import defaultdict
from cProfile import Profile
from functools import cache
from pathlib import Path
from typing import Any

from mutation.places import ROOT, Change, first_line, tree

LAYERS = frozenset(
    re.findall(r'<a id="(\w+)">', (ROOT / "grammars/layers.md").read_text(encoding="utf-8"))
)
"""Names of the catalogue."""
LONG = 1.0
"""Seconds of a test that others are asked before."""
LONGEST = 1.5
"""Seconds that a test, and a family of tests, may take while it is recorded."""


class Reached:
    """The tests that call each function, and the seconds that each test takes."""

    def __init__(self, files: list[Path]) -> None:
        self.seconds: dict[str, float] = {}
        self.others: dict[str, list[str]] = defaultdict(list)
        self.tests: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
        for file in files:
            kept = json.loads(file.read_text())
            self.seconds |= kept["seconds"]
            for test in kept["others"]:
                self.others[_family(test)].append(test)
            names = kept["tests"]
            for path, lines in kept["reached"].items():
                for line, numbers in lines.items():
                    self.tests[path][int(line)].update(names[number] for number in numbers)

    def by(self, change: Change) -> list[str]:
        """Tests of a place, by their node ids; the likeliest files first, short tests before long.

        What runs while its module is imported belongs to no test. Those of its class stand for it,
        or those of its file, or else those whose files have its words.
        """
        tests: set[str] = set()
        for first, last in reversed(_scopes(change)):
            for line, callers in self.tests[change.path].items():
                if first <= line <= last:
                    tests |= callers
            families = {_family(test) for test in tests}
            tests &= self.seconds.keys()
            tests.update(test for family in families for test in self.others.get(family, ()))
            if tests:
                break
        looked_for = re.compile("|".join(rf"\b{re.escape(each)}\b" for each in _words(change)))
        tests = tests or {test for test in self.seconds if looked_for.search(_text(_file(test)))}
        mentions = {
            file: len(looked_for.findall(_text(file))) for file in {_file(test) for test in tests}
        }
        return sorted(
            tests,
            key=lambda test: (
                self.seconds.get(test, LONGEST) > LONG,
                -mentions[_file(test)], self.seconds.get(test, LONGEST), test
            ),
        )  # fmt: skip


def _file(test: str) -> str:
    return test.partition("::")[0]


@cache
def _text(file: str) -> str:
    return (ROOT / file).read_text(encoding="utf-8")


def _scopes(change: Change) -> list[tuple[int, int]]:
    """First and last lines around a place, from the whole file to the innermost function."""
    around = change.definitions()
    found = [(first_line(node), node.end_lineno or node.lineno) for node in around]
    return [(1, tree(change.path).body[-1].end_lineno or 1), *found]


def _words(change: Change) -> set[str]:
    """Names that tests of a place are likely to have: of its module, class, function and layer."""
    import ast

    found = {Path(change.path).stem}
    for node in change.definitions():
        found.add(node.name.strip("_"))
        parts = [part for each in node.decorator_list for part in ast.walk(each)]
        found |= LAYERS & {part.value for part in parts if isinstance(part, ast.Constant)}
    return {each for each in found if each in LAYERS or len(each) > 4} - {"__init__"} or {"archdsl"}


# ---- recording ----


class _Recorder:
    """Keeps the functions that each test calls, and the seconds of every test that passes.

    A test that takes long is stopped, and of a family that has taken long the other members are
    passed over; they are kept as ``others``.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.others: list[str] = []
        self.tests: list[str] = []
        self.reached: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
        self.families: dict[str, float] = defaultdict(float)

    def pytest_runtest_protocol(self, item: Any) -> bool | None:
        if self.families[_family(item.nodeid)] < LONGEST:
            return None
        self.others.append(item.nodeid)
        return True

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.tests.append(nodeid)
        self.started = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, LONGEST)
        self.profile = Profile(subcalls=False, builtins=False)
        self.profile.enable()

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.when == "call":
            signal.setitimer(signal.ITIMER_PROF, 0)
            taken = time.process_time() - self.started
            self.families[_family(report.nodeid)] += taken
            if report.passed:
                self.seconds[report.nodeid] = round(taken, 3)
            elif report.skipped and taken >= LONGEST:
                self.others.append(report.nodeid)

    def pytest_runtest_logfinish(self) -> None:
        self.profile.disable()
        for code in {entry.code for entry in self.profile.getstats()}:
            if not isinstance(code, str) and code.co_filename.startswith(_PACKAGE):
                path = code.co_filename.removeprefix(f"{ROOT}/")
                self.reached[path][code.co_firstlineno].append(len(self.tests) - 1)


_PACKAGE = str(ROOT / "archdsl")


def _family(test: str) -> str:
    return test.partition("[")[0]


def _too_long(*_: object) -> None:
    import pytest

    pytest.skip("too long to be recorded")


def record(file: Path, tests: list[str]) -> None:
    """Run tests once; write the tests of each function, and the seconds of each test."""
    import pytest

    recorder = _Recorder()
    signal.signal(signal.SIGPROF, _too_long)
    pytest.main(["-q", "-n0", *tests], plugins=[recorder])
    kept = ("tests", "seconds", "others", "reached")
    file.write_text(json.dumps({name: getattr(recorder, name) for name in kept}))
