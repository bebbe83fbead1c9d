"""The code is clean, and the wheel carries what an installed archdsl needs."""

import os
import subprocess
import sys
import zipfile
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
