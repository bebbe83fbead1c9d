"""Asking tests of changes, each in a process of its own.

``InPlace`` collects all tests once; a process forked from that one exchanges the code of one
function and runs its tests at once. What a module does while it is imported cannot be changed so:
``anew`` imports the one module with its change, and everything else, in a fork without archdsl.
"""

from __future__ import annotations

import gc
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, NamedTuple

from mutation.places import ROOT, Change, first_line

OPTIONS = (
    "--import-mode=importlib", "-m", "not slow", "-q", "-n0", "-p", "no:cacheprovider",
    "--hypothesis-profile=unhurried", "-o", "addopts=",
)  # fmt: skip
MEMORY = 6 * 2**30
"""Bytes that a process may take beyond what it has."""
WALL = 30
"""Seconds of the clock for one of the processor, on a machine that others use too."""
NOT_EXCHANGED = "cannot be exchanged"


class Verdict(NamedTuple):
    """``killed``, ``survived`` or ``unreached``, and the test that noticed or the reason."""

    found: str
    by: str = ""


class _Process:
    """What tests may take, in the processor's time: it is the same on a busy machine."""

    def __init__(self, told: int, seconds: dict[str, float], budget: float) -> None:
        self.told = told
        self.seconds = seconds
        self.end = time.process_time() + budget

    def tell(self, word: str) -> None:
        os.write(self.told, word.encode())

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        signal.setitimer(signal.ITIMER_PROF, 20 + 10 * self.seconds.get(nodeid, 1))

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self.tell(report.nodeid)

    @property
    def over(self) -> bool:
        return time.process_time() > self.end


def forked(work: Callable[[_Process], bool], seconds: dict[str, float], budget: float) -> Verdict:
    """``work`` in a process of its own; it is True where a test has failed."""
    reading, writing = os.pipe()
    folder = tempfile.mkdtemp(prefix="mutation-")
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setsid()
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, 1), os.dup2(null, 2)
            os.environ["PYTEST_DEBUG_TEMPROOT"] = tempfile.tempdir = folder
            size = int(Path("/proc/self/statm").read_text().split()[0]) * 4096 + MEMORY
            resource.setrlimit(resource.RLIMIT_AS, (size, size))
            code = int(work(_Process(writing, seconds, budget)))
        finally:
            os._exit(code)
    os.close(writing)
    end = time.monotonic() + WALL * budget
    status = None
    while status is None and time.monotonic() < end:
        done, ended = os.waitpid(child, os.WNOHANG)
        if done:
            status = os.waitstatus_to_exitcode(ended)
        time.sleep(0.02)
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    if status is None:
        os.waitpid(child, 0)
    with os.fdopen(reading) as pipe:
        told = pipe.readline()
    shutil.rmtree(folder, ignore_errors=True)
    if status == 0:
        return Verdict("survived")
    return Verdict("killed", told or f"status {status}")


# ---- a fork that imports everything ----


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


class _Only:
    """Keeps the tests that are asked, in their order."""

    def __init__(self, tests: list[str], process: _Process) -> None:
        self.place = {test: number for number, test in enumerate(tests)}
        self.process = process

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        items[:] = [item for item in items if item.nodeid in self.place]
        items.sort(key=lambda item: self.place[item.nodeid])

    def pytest_runtest_logfinish(self) -> None:
        if self.process.over:
            import pytest

            pytest.exit("the time is over", returncode=0)


def anew(change: Change | None, tests: list[str], process: _Process) -> bool:
    """Import archdsl with the change, and run tests; the files are read a few at a time."""
    import pytest

    if change:
        sys.meta_path.insert(0, _Finder(change))
    files = list(dict.fromkeys(test.partition("::")[0] for test in tests))
    while files and not process.over:
        asked, files = files[:4], files[4:]
        signal.setitimer(signal.ITIMER_PROF, 120)
        plugins = [_Only(tests, process), process]
        code = pytest.main([*OPTIONS, "-x", *asked], plugins=plugins)
        if code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            return True
    return False


# ---- a fork that has everything ----

Functions = dict[tuple[str, str, int], list[FunctionType]]


def _functions() -> Functions:
    """archdsl's functions, by file, name and first line."""
    found: Functions = defaultdict(list)
    for each in gc.get_objects():
        if isinstance(each, FunctionType):
            code = each.__code__
            if code.co_filename.startswith(str(ROOT / "archdsl")):
                found[code.co_filename, code.co_name, code.co_firstlineno].append(each)
    return found


def _codes(top: CodeType) -> list[CodeType]:
    found, waiting = [], [top]
    while waiting:
        code = waiting.pop()
        found.append(code)
        waiting += [each for each in code.co_consts if isinstance(each, CodeType)]
    return found


def exchange(change: Change, functions: Functions) -> bool:
    """Give living functions the changed code; False where that is not enough.

    A module that is not imported yet will be imported with the change.
    """
    name = str(ROOT / change.path)
    if name not in {getattr(module, "__file__", None) for module in [*sys.modules.values()]}:
        sys.meta_path.insert(0, _Finder(change))
        return True
    around = change.function()
    if around is None:
        return False
    last = around.end_lineno or 0
    exchanged = False
    for code in _codes(compile(change.source(), name, "exec", dont_inherit=True)):
        if not first_line(around) <= code.co_firstlineno <= last:
            continue
        for function in functions.get((name, code.co_name, code.co_firstlineno), ()):
            if code.co_name == "<lambda>" or code.co_freevars != function.__code__.co_freevars:
                return False
            function.__code__ = code
            exchanged = True
    return exchanged


class InPlace:
    """A plugin of pytest that asks for each change the tests that are collected."""

    def __init__(
        self,
        asked: Sequence[tuple[Change | None, list[str]]],
        seconds: dict[str, float],
        budget: float,
        answer: Callable[[Change | None, Verdict], None],
    ) -> None:
        self.asked = asked
        self.seconds = seconds
        self.budget = budget
        self.answer = answer

    def pytest_runtestloop(self, session: Any) -> bool:
        items = {item.nodeid: item for item in session.items}
        functions = _functions()
        gc.collect()
        gc.freeze()
        for change, tests in self.asked:
            chosen = [items[test] for test in tests if test in items]

            def work(process: _Process, change=change, chosen=chosen) -> bool:  # type: ignore[no-untyped-def]
                if change and not exchange(change, functions):
                    process.tell(NOT_EXCHANGED)
                    return True
                session.config.pluginmanager.register(process)
                for item, following in zip(chosen, [*chosen[1:], None], strict=True):
                    item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                    if session.testsfailed or process.over:
                        break
                return bool(session.testsfailed)

            self.answer(change, forked(work, self.seconds, self.budget))
        return True


def in_place(plugin: InPlace) -> None:
    """Collect the files of all tests that are asked, and ask them."""
    import pytest

    files = sorted({test.partition("::")[0] for _, tests in plugin.asked for test in tests})
    pytest.main([*OPTIONS, *files], plugins=[plugin])
