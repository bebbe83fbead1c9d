"""The TextMate grammar gives the scopes that annotated texts ask for, in a real tokenizer."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import regenerate

from archdsl.frontend.bundled import specs_folder

TOKENIZER = "vscode-tmgrammar-test@0.1.3"
EXTENSION = regenerate.GRAMMARS / "vscode"
SCOPES = Path(__file__).parent / "scopes"


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the tokenizer's commands, installed for this run."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("needs Node.js and npm")
    folder = tmp_path_factory.mktemp("tokenizer")
    install = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(folder), TOKENIZER]
    done = subprocess.run(install, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        pytest.skip(f"npm cannot install {TOKENIZER}: {done.stderr.strip().splitlines()[-1:]}")
    return folder / "node_modules" / ".bin"


def run(tools: Path, command: str, *files: Path) -> subprocess.CompletedProcess[str]:
    package = EXTENSION / "package.json"
    return subprocess.run(
        [tools / command, "--config", str(package), *map(str, files)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted(SCOPES.glob("*.arch")), ids=lambda path: path.stem)
def test_annotated_texts_have_their_scopes(tools: Path, path: Path) -> None:
    done = run(tools, "vscode-tmgrammar-test", path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_a_wrong_scope_is_noticed(tools: Path, tmp_path: Path) -> None:
    text = (SCOPES / "networks.arch").read_text()
    wrong = tmp_path / "wrong.arch"
    wrong.write_text(text.replace("support.class.input.arch", "support.class.output.arch"))
    assert run(tools, "vscode-tmgrammar-test", wrong).returncode != 0


@pytest.mark.slow
def test_nothing_in_a_spec_is_without_a_scope(tools: Path, tmp_path: Path) -> None:
    """Every character that is not blank has a scope beside that of the whole file."""
    files = [tmp_path / path.name for path in sorted(specs_folder().rglob("*.arch"))]
    for file, path in zip(files, sorted(specs_folder().rglob("*.arch")), strict=True):
        file.write_text(path.read_text())
    done = run(tools, "vscode-tmgrammar-snap", *files)
    assert done.returncode == 0, done.stdout + done.stderr
    bare = []
    for file in files:
        line = ""
        for row in Path(f"{file}.snap").read_text().splitlines():
            if row.startswith(">"):
                line = row
            elif row.startswith("#") and row.rstrip().endswith(" source.arch"):
                marked = [i for i, c in enumerate(row) if c == "^"]
                if line[marked[0] : marked[-1] + 1].strip():
                    bare.append((file.name, line))
    assert bare == []


def test_the_extension_has_what_its_manifest_names() -> None:
    manifest = json.loads((EXTENSION / "package.json").read_text())
    contributed = manifest["contributes"]
    named = [language["configuration"] for language in contributed["languages"]]
    named += [grammar["path"] for grammar in contributed["grammars"]]
    for path in (*named, manifest["main"]):
        assert (EXTENSION / path).is_file()
    (grammar,) = contributed["grammars"]
    assert json.loads((EXTENSION / grammar["path"]).read_text())["scopeName"] == "source.arch"
    json.loads((EXTENSION / "language-configuration.json").read_text())
