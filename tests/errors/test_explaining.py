"""Explanations: the wrong example gives its code and nothing else, the right one nothing at all."""

import json
import re
from pathlib import Path

import pytest
from support.commands import run

from archdsl.diagnostics.codes import Example, explanations

KNOWN = explanations()
CODES = [code for code, e in KNOWN.items() if e.wrong is not None]


def codes_of(example: Example) -> list[str]:
    """The codes that a check of an example finds. The file has the name that it may include."""
    Path("spec.arch").write_text(example.text, encoding="utf-8")
    (document,) = json.loads(run("check", "spec.arch", "--json", *example.options).stdout)["files"]
    return [found["code"] for found in (*document["errors"], *document["warnings"])]


@pytest.mark.parametrize("code", CODES)
def test_examples(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    explanation = KNOWN[code]
    assert explanation.wrong is not None and explanation.right is not None
    assert set(codes_of(explanation.wrong)) == {code}
    assert codes_of(explanation.right) == []


def test_most_codes_have_examples() -> None:
    assert len(CODES) > 90
    for code, explanation in KNOWN.items():
        assert len(explanation.text) > 30, code
        assert (explanation.wrong is None) == (explanation.right is None)


def test_a_code_at_length() -> None:
    shown = run("explain", "e301").stdout
    assert shown.startswith("E301: a sum of different shapes\n\n")
    assert "Wrong:\n\n    residual<" in shown and "Right:\n\n    residual<" in shown
    document = json.loads(run("explain", "E301", "--json").stdout)
    assert document["code"] == "E301"


def test_all_codes() -> None:
    listed = re.findall(r"^\s*([EW]\d{3}) ", run("explain").stdout, re.MULTILINE)
    assert listed == list(KNOWN)
    assert [c["code"] for c in json.loads(run("explain", "--json").stdout)["codes"]] == listed


def test_a_code_that_is_none() -> None:
    done = run("explain", "E3O1")
    assert done.exit_code == 1
    assert "there is no code 'E3O1'" in done.stderr and "did you mean" in done.stderr
