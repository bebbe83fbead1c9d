"""Damaged files of every format: a result or an error with a code, in bounded time and memory.

``python tests/fuzz/run.py FORMAT --cases 100000`` draws many more by hand.
"""

from __future__ import annotations

import importlib.util
from collections import Counter
from pathlib import Path

import pytest

from archdsl.diagnostics import fail
from fuzz.cases import CaseMaker
from fuzz.formats import FORMATS
from fuzz.oracle import Fault, judged

SLOW_TO_ASK = ("lsp", "h5", "keras")
"""Formats of which a case takes tenths of a second, or a package that takes long to import."""


def no_faults(name: str, folder: Path, cases: range) -> None:
    for package in FORMATS[name].needs:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    make = CaseMaker(name, folder)
    found: Counter[str] = Counter()
    stories = []
    for seed in cases:
        path = make.file(seed)
        fault = judged(lambda path=path: make.format.read(path))
        if isinstance(fault, Fault):
            found[fault.kind] += 1
            stories += [f"seed {seed}: {fault.kind}\n{fault.story}"] if len(stories) < 3 else []
    assert not found, "\n\n".join(stories)


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in SLOW_TO_ASK])
def test_damaged_files(name: str, tmp_path: Path) -> None:
    no_faults(name, tmp_path, range(60))


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_many_damaged_files(name: str, tmp_path: Path) -> None:
    no_faults(name, tmp_path, range(60, 120 if name in SLOW_TO_ASK else 500))


def test_a_case_is_the_same_file_each_time(tmp_path: Path) -> None:
    first, second = (CaseMaker("cfg", tmp_path) for _ in range(2))
    contents = [first.file(seed).read_bytes() for seed in range(20)]
    assert contents == [second.file(seed).read_bytes() for seed in range(20)]
    assert len(set(contents)) > 15


def kind_of(case: object) -> str | None:
    found = judged(case)  # type: ignore[arg-type]
    return found.kind if isinstance(found, Fault) else None


def test_the_judge_sees_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    def raises(error: BaseException) -> object:
        def case() -> None:
            raise error

        return case

    def busy() -> None:
        while True:
            pass

    assert kind_of(lambda: 1) is None
    assert kind_of(raises(fail("no", code="E411"))) is None
    assert "no code" in str(kind_of(raises(fail("no"))))
    assert "KeyError" in str(kind_of(raises(KeyError("x"))))
    monkeypatch.setattr("fuzz.oracle.SECONDS", 0.05)
    assert "more than" in str(kind_of(busy))
    monkeypatch.setattr("fuzz.oracle.SECONDS", 5)
    monkeypatch.setattr("fuzz.oracle.BYTES", 2**20)
    assert kind_of(lambda: b"x" * 2**26) == "memory"
