"""The code is clean, and the wheel carries what an installed archdsl needs."""

import ast
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "command",
    [
        ("ruff", "check", "archdsl", "tests"),
        ("ruff", "format", "--check", "archdsl", "tests"),
        pytest.param(("mypy",), marks=pytest.mark.slow),  # a minute
    ],
    ids=" ".join,
)
def test_static(command: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


_QUESTION = re.compile(r"(What|Which|Whether|How|Where|Who|When)\b")


def _strings(tree: ast.AST) -> Iterator[ast.Constant]:
    """Docstrings, and the strings below attributes."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)  # that of a lambda is an expression
        for statement in body if isinstance(body, list) else ():
            value = statement.value if isinstance(statement, ast.Expr) else None
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield value


def test_docstrings_are_no_riddles() -> None:
    """They say what a thing is, ``Number of rows``, and do not open as a question, ``How many``."""
    riddles = [
        f"{path.relative_to(ROOT)}:{each.lineno}: {str(each.value).splitlines()[0]}"
        for path in sorted((ROOT / "archdsl").rglob("*.py"))
        for each in _strings(ast.parse(path.read_text(encoding="utf-8")))
        if _QUESTION.match(str(each.value).strip())
    ]
    assert not riddles, "\n".join(riddles)


def contract(folder: Path) -> subprocess.CompletedProcess[str]:
    """Who imports whom in a checkout, held against the contract in its pyproject.toml."""
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_rooms_import_rooms_below_them() -> None:
    done = contract(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("viz/draw/svg.py", "from archdsl.cli import output"),
        ("ir/names.py", "from archdsl.frontend import files"),
        ("analysis/cost.py", "def _late():\n    import torch"),
        ("text/words.py", "import click"),
        ("dlib/tree.py", "from archdsl.dlib import weights"),
    ],
)
def test_one_import_upwards_breaks_the_contract(tmp_path: Path, module: str, line: str) -> None:
    shutil.copytree(ROOT / "archdsl", tmp_path / "archdsl")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / "archdsl" / module).open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")
    assert contract(tmp_path).returncode == 1


def test_an_installed_wheel_finds_grammar_specs_and_page(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    installed, elsewhere = tmp_path / "installed", tmp_path / "elsewhere"
    elsewhere.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
    for command in (("check", "vgg19"), ("draw", "vgg19", "-o", "page.html")):
        done = subprocess.run(
            [sys.executable, "-m", "archdsl", *command],
            cwd=elsewhere,
            env={**os.environ, "PYTHONPATH": str(installed)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "143,667,240" in done.stdout or (elsewhere / "page.html").exists()
