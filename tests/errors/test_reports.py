"""What programs are told: ranges as the language server protocol counts, and SARIF."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.commands import run

# The comment has a character outside the basic plane, two UTF-16 units, before the error.
SPEC = "// layers\n/* 😀 */ fc<10,\n  /* 😀😀 */ rleu<input<1,28,28>>>\n"
TRACED = "template <int N, typename S>\nusing b = residual<con<N,1,1>,S>;\nb<8,input<4,9,9>>\n"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a b.arch").write_text(SPEC, encoding="utf-8")
    Path("traced.arch").write_text(TRACED)
    Path("good.arch").write_text("fc<10,input<1,2,2>>")
    Path("warned.arch").write_text("fc<10,relu<tag1<input<1,2,2>>>>")


def test_ranges_count_utf16_units_from_zero() -> None:
    """By hand: two spaces, "/* ", two pairs, " */ " are 2 + 3 + 4 + 4 units before the name."""
    done = run("check", "--json", "a b.arch")
    (error,) = json.loads(done.stdout)["files"][0]["errors"]
    assert error["range"] == {
        "start": {"line": 2, "character": 13},
        "end": {"line": 2, "character": 17},
    }
    assert (error["line"], error["column"]) == (3, 12)
    assert (error["code"], error["severity"]) == ("E101", "error")
    assert error["help"] == "did you mean 'relu'?"


def test_expansions_have_ranges() -> None:
    (error,) = json.loads(run("check", "--json", "traced.arch").stdout)["files"][0]["errors"]
    (frame,) = error["expansions"]
    assert frame["instance"] == "b<8>"
    assert frame["file"] == "traced.arch"
    assert frame["range"]["start"] == {"line": 2, "character": 0}
    assert "expected equal shapes, found 8×9×9 and 4×9×9" in error["notes"]


def sarif(*files: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(run("check", "--sarif", *files).stdout)
    return document


def test_a_sarif_log_has_what_the_standard_requires() -> None:
    """SARIF 2.1.0, sections 3.13, 3.14, 3.18, 3.19, 3.27, 3.49."""
    log = sarif("a b.arch", "traced.arch", "good.arch", "warned.arch", "none.arch")
    assert log["version"] == "2.1.0"
    (run_,) = log["runs"]
    driver = run_["tool"]["driver"]
    assert driver["name"] == "archdsl"
    ids = [rule["id"] for rule in driver["rules"]]
    assert ids == ["E101", "E301", "E406", "W002"]
    assert all(rule["shortDescription"]["text"] for rule in driver["rules"])
    results = run_["results"]
    assert [r["ruleId"] for r in results] == ["E101", "E301", "W002", "E406"]
    assert [r["level"] for r in results] == ["error", "error", "warning", "error"]
    for result in results:
        assert ids[result["ruleIndex"]] == result["ruleId"]
        assert result["message"]["text"]
        assert len(result["locations"]) == 1


def test_sarif_places_count_from_one() -> None:
    (result,) = sarif("a b.arch")["runs"][0]["results"]
    (location,) = result["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "a%20b.arch"},
        "region": {"startLine": 3, "startColumn": 14, "endLine": 3, "endColumn": 18},
    }


def test_sarif_tells_the_expansions() -> None:
    (result,) = sarif("traced.arch")["runs"][0]["results"]
    (related,) = result["relatedLocations"]
    assert related["message"]["text"] == "expanded as b<8>"
    assert related["physicalLocation"]["region"]["startLine"] == 3


def test_exit_codes() -> None:
    assert run("check", "--sarif", "good.arch").exit_code == 0
    assert run("check", "--sarif", "warned.arch").exit_code == 0
    assert run("check", "--sarif", "traced.arch").exit_code == 1
    assert run("check", "--sarif", "--json", "good.arch").exit_code == 2


def test_where_codes_are_explained_is_said_once() -> None:
    shown = run("check", "a b.arch").stderr
    assert shown.endswith("\narchdsl explain E101 says more\n")
    assert "explain" not in run("check", "warned.arch").stderr
