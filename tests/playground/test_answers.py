"""What the compiler tells the page, and the files of the site."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.commands import run

from archdsl.playground import packages
from archdsl.playground.answers import Session


def ask(session: Session, **request: str) -> dict[str, Any]:
    return json.loads(session.answer(json.dumps(request)))


def test_a_right_text_has_its_totals_and_is_drawn() -> None:
    session = Session()
    told = ask(session, ask="check", name="small", text="fc<10,relu<input<3,32,32>>>")
    assert told["diagnostics"] == []
    assert told["line"] == "small: input 3×32×32, output 10, 30,730 parameters, 30,720 MACs"
    assert [row[0] for row in told["rows"]] == ["input", "relu", "fc"]
    assert ask(session, ask="draw", style="dark")["svg"].startswith("<svg")


def test_a_wrong_text_has_places_in_utf_16_and_the_last_figure_stays() -> None:
    session = Session()
    ask(session, ask="check", name="x", text="fc<10,input<3,8,8>>")
    told = ask(session, ask="check", name="x", text="/* 🐍 */ fc<10,rilu<input<3,8,8>>>")
    (error,) = told["diagnostics"]
    assert error["code"] == "E101"
    assert error["place"] == {
        "start": {"line": 0, "character": 15},
        "end": {"line": 0, "character": 19},
    }
    assert "svg" in ask(session, ask="draw", style="paper")


def test_an_error_in_an_included_block_is_shown_where_it_is_used() -> None:
    text = '#include "blocks/resnet.arch"\nusing net_type = dilated_block<8,2,input<3,9,9>>;'
    told = ask(Session(), ask="check", name="x", text=text)
    assert told["diagnostics"]
    assert all(one["place"]["start"]["line"] == 1 for one in told["diagnostics"])


def test_texts_are_formatted_and_closed_and_codes_explained() -> None:
    session = Session()
    told = ask(session, ask="format", name="x", text="fc<10,relu<input<3,8,8")
    assert told == {"text": "fc<10,relu<input<3,8,8>>>\n"}
    assert "different shapes" in ask(session, ask="explain", code="E301")["title"]


def test_whatever_is_asked_is_answered() -> None:
    session = Session()
    assert "nothing" in ask(session, ask="nothing")["fault"]
    assert ask(session, ask="draw", style="paper")["diagnostics"][0]["severity"] == "error"


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    """A folder node_modules in which every file is empty."""
    for name in packages.files():
        path = tmp_path / "node_modules" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "node_modules"


def test_the_site_is_the_same_bytes_and_its_compiler_needs_no_package(
    modules: Path, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        done = run("playground", "-o", str(tmp_path / name), "--packages", str(modules))
        assert done.exit_code == 0, done.output
    files = [path for path in (tmp_path / "one").rglob("*") if path.is_file()]
    for path in files:
        assert (
            path.read_bytes()
            == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes()
        )
    text = "".join(
        path.read_text() for path in (tmp_path / "one").glob("*.[hjc]*") if path.suffix != ".zip"
    )
    assert "https://" not in text and "http://" not in text and "%%" not in text
    requests = [
        json.dumps({"ask": "check", "name": "x", "text": "swish<input<1,2,2>>"}),
        json.dumps({"ask": "check", "name": "x", "text": "relu<input<1,2,2>>"}),
        json.dumps({"ask": "draw", "style": "paper"}),
    ]
    # -I -S: with nothing of site-packages, as in a browser.
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'one' / 'archdsl.zip')!r})\n"
        "import zipfile; zipfile.ZipFile(sys.path[0]).extractall('code')\n"
        "sys.path[0] = 'code'\n"
        "from archdsl.playground.answers import Session\n"
        "session = Session()\n"
        f"for request in {requests!r}: print(session.answer(request))\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    wrong, right, drawn = map(json.loads, done.stdout.splitlines())
    assert "silu" in wrong["diagnostics"][0]["help"]
    assert right["diagnostics"] == [] and drawn["svg"].startswith("<svg")


def test_what_is_missing_is_said(
    modules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (modules / "pyodide" / "pyodide.mjs").unlink()
    done = run("playground", "-o", str(tmp_path / "site"), "--packages", str(modules))
    assert done.exit_code == 1 and "has no pyodide/pyodide.mjs" in done.stderr
    monkeypatch.setenv("PATH", str(tmp_path))
    done = run("playground", "-o", str(tmp_path / "site"))
    assert done.exit_code == 1 and "there is no npm" in done.stderr and "npm ci" in done.stderr
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").touch()
    done = run("playground", "-o", str(tmp_path / "full"), "--packages", str(modules))
    assert done.exit_code == 1 and "has other files in it" in done.stderr
