"""Tests that reach a place: recorded once by coverage, with the seconds that each takes."""

from __future__ import annotations

import json
import re
import signal
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from mutation.places import ROOT, Change, first_line, tree

LAYERS = frozenset(
    re.findall(r'<a id="(\w+)">', (ROOT / "grammars/layers.md").read_text(encoding="utf-8"))
)
"""Names of the catalogue."""
LONG = 1.0
"""Seconds of a test that others are asked before."""
LONGEST = 4.0
"""Seconds that a test, and a family of tests, may take while it is recorded."""


class Reached:
    """The tests that reach each line, and the seconds that each test takes."""

    def __init__(self, files: list[Path]) -> None:
        from coverage import CoverageData

        self.seconds: dict[str, float] = {}
        self.others: dict[str, list[str]] = defaultdict(list)
        self.data = [CoverageData(basename=str(file)) for file in files]
        for data, file in zip(self.data, files, strict=True):
            data.read()
            kept = json.loads(_seconds_file(file).read_text())
            self.seconds |= kept["seconds"]
            for test in kept["others"]:
                self.others[_family(test)].append(test)
        measured = next(iter(self.data[0].measured_files()))
        self.root = measured[: measured.rindex("/archdsl/")]

    def by(self, change: Change) -> list[str]:
        """Tests of a place, by their node ids; the likeliest files first, short tests before long.

        A line that runs while its module is imported belongs to no test. Those of its class or
        function stand for it, or those of its file.
        """
        lines: dict[int, set[str]] = defaultdict(set)
        for data in self.data:
            for line, contexts in data.contexts_by_lineno(f"{self.root}/{change.path}").items():
                lines[line].update(contexts)
        tests: set[str] = set()
        for first, last in reversed(_scopes(change)):
            tests = {test for line in range(first, last + 1) for test in lines.get(line, ())}
            families = {_family(test) for test in tests}
            tests &= self.seconds.keys()
            tests.update(test for family in families for test in self.others.get(family, ()))
            if tests:
                break
        looked_for = re.compile("|".join(rf"\b{re.escape(each)}\b" for each in _words(change)))
        mentions = {
            file: len(looked_for.findall((ROOT / file).read_text(encoding="utf-8")))
            for file in {_file(test) for test in tests}
            if (ROOT / file).exists()
        }
        return sorted(
            (test for test in tests if _file(test) in mentions),
            key=lambda test: (
                self.seconds.get(test, LONGEST) > LONG,
                -mentions[_file(test)], self.seconds.get(test, LONGEST), test
            ),
        )  # fmt: skip


def _file(test: str) -> str:
    return test.partition("::")[0]


def _scopes(change: Change) -> list[tuple[int, int]]:
    """First and last lines around a place, from the whole file to the place itself."""
    around = change.definitions()
    found = [(first_line(node), node.end_lineno or node.lineno) for node in around]
    whole = tree(change.path).body[-1].end_lineno or 1
    return [(1, whole), *found, (change.line, change.line)]


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


def _seconds_file(file: Path) -> Path:
    return file.with_name(file.name + ".seconds.json")


class _Recorder:
    """Tells coverage which test runs, and keeps the seconds of every test that does not fail.

    Coverage makes tests slow. One that takes long is stopped, and of a family that has taken long
    the other members are passed over; they are kept as ``others``.
    """

    def __init__(self, coverage: Any) -> None:
        self.coverage = coverage
        self.seconds: dict[str, float] = {}
        self.others: list[str] = []
        self.families: dict[str, float] = defaultdict(float)

    def pytest_runtest_protocol(self, item: Any) -> bool | None:
        if self.families[_family(item.nodeid)] < LONGEST:
            return None
        self.others.append(item.nodeid)
        return True

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.coverage.switch_context(nodeid)
        self.started = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, LONGEST)

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.when == "call":
            signal.setitimer(signal.ITIMER_PROF, 0)
            taken = time.process_time() - self.started
            self.families[_family(report.nodeid)] += taken
            if report.passed:
                self.seconds[report.nodeid] = round(taken, 3)
            elif report.skipped and taken >= LONGEST:
                self.others.append(report.nodeid)


def _family(test: str) -> str:
    return test.partition("[")[0]


def _too_long(*_: object) -> None:
    import pytest

    pytest.skip("too long to be recorded")


def record(file: Path, tests: list[str]) -> None:
    """Run tests once; write the tests of each line, and the seconds of each test."""
    import pytest
    from coverage import Coverage

    file.unlink(missing_ok=True)
    coverage = Coverage(data_file=str(file), source=[str(ROOT / "archdsl")], config_file=False)
    coverage.start()
    recorder = _Recorder(coverage)
    signal.signal(signal.SIGPROF, _too_long)
    pytest.main(["-q", "-n0", *tests], plugins=[recorder])
    coverage.stop()
    coverage.save()
    kept = {"seconds": recorder.seconds, "others": recorder.others}
    _seconds_file(file).write_text(json.dumps(kept))
