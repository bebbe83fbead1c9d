"""The extension for Visual Studio Code: its figure, its commands, its package."""

import json
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
import regenerate
from support import browser
from support.browser import in_browser

EXTENSION = regenerate.GRAMMARS / "vscode"
HOSTILE = (
    "<img src=x onerror=\"document.title='broken'\">&</p><script>document.title='broken'</script>"
)
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30"><text>é</text></svg>'
FILE = "/nets/my net$(x).arch"


@pytest.fixture(scope="module")
def did() -> dict[str, Any]:
    """Everything that the extension did, in an editor that stands in for the real one."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node.js")
    answers = [
        {"svg": SVG, "current": True, "message": HOSTILE},
        {"svg": None, "current": False, "message": "nothing yet"},
        None,  # the server has stopped
    ]
    done = subprocess.run(
        [node, Path(__file__).parent / "extension.js", EXTENSION, FILE],
        input=json.dumps(answers),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_its_commands_are_those_of_its_manifest(did: dict[str, Any]) -> None:
    contributed = json.loads((EXTENSION / "package.json").read_text())["contributes"]
    assert sorted(did["commands"]) == sorted(c["command"] for c in contributed["commands"])
    used = [entry["command"] for entries in contributed["menus"].values() for entry in entries]
    assert set(used) == set(did["commands"])


def test_it_asks_for_the_figure_in_the_colours_of_the_editor(did: dict[str, Any]) -> None:
    asked = {"textDocument": {"uri": "file:///net.arch"}, "style": "dark"}
    assert did["asked"] == [["archdsl/figure", asked]] * 3
    assert did["options"]["enableScripts"] is False
    assert "nothing yet" in did["pages"][1] and "<img" not in did["pages"][1]


def test_a_server_that_does_not_run_is_said_with_what_it_needs(did: dict[str, Any]) -> None:
    assert "pip install" in did["pages"][2] and "archdsl.command" in did["pages"][2]
    assert "Client is not running" not in did["pages"][2]


def test_files_go_to_the_command_line_as_they_are(did: dict[str, Any]) -> None:
    words = [task["words"] for task in did["tasks"]]
    assert words == [
        ["compile", FILE, "-o", "/nets/my net$(x).py"],
        ["draw", FILE, "-o", "/nets/my net$(x).svg"],
        ["verify", FILE, "--against", "torchvision:resnet18"],
    ]


@pytest.mark.slow
@in_browser
def test_the_figure_is_shown_and_no_word_is_html(did: dict[str, Any], tmp_path: Path) -> None:
    pytest.importorskip("selenium")
    file = tmp_path / "figure.html"
    file.write_text(did["pages"][0], encoding="utf-8")
    with browser.opened() as driver:
        driver.get(file.as_uri())
        assert driver.title != "broken" and browser.complaints(driver) == []
        assert driver.execute_script("return document.querySelector('p').textContent") == HOSTILE
        sizes = "return [...document.images].map(i => [i.naturalWidth, i.naturalHeight])"
        assert driver.execute_script(sizes) == [[40, 30]]


@pytest.mark.slow
def test_it_is_packaged_with_what_it_needs(tmp_path: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("needs npm")
    folder = tmp_path / "vscode"
    shutil.copytree(EXTENSION, folder, ignore=shutil.ignore_patterns("node_modules", "*.vsix"))
    for words in (["install", "--no-audit", "--no-fund", "--ignore-scripts"], ["run", "package"]):
        done = subprocess.run(
            [npm, *words], cwd=folder, capture_output=True, text=True, timeout=300, check=False
        )
        if done.returncode and words[0] == "install":
            pytest.skip(f"npm cannot install: {done.stderr.strip().splitlines()[-1:]}")
        assert done.returncode == 0, done.stdout + done.stderr
    (packaged,) = folder.glob("*.vsix")
    names = set(zipfile.ZipFile(packaged).namelist())
    assert {f"extension/{name}" for name in ("extension.js", "preview.js", "package.json")} <= names
    assert "extension/node_modules/vscode-languageclient/node.js" in names
    assert not any("vsce" in name for name in names)
