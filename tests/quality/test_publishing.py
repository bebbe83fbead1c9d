"""What is published: versions that agree, and archives that hold all that they need."""

import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import archdsl

ROOT = Path(__file__).resolve().parents[2]
FACTS = ROOT / ".github"


def test_the_version_is_one() -> None:
    citation = (FACTS / "CITATION.cff").read_text("utf-8")
    assert re.findall(r"^version: (.+)$", citation, re.MULTILINE) == [archdsl.__version__]
    changes = (FACTS / "CHANGELOG.md").read_text("utf-8")
    assert re.findall(r"^## (\d\S*)", changes, re.MULTILINE)[0] == archdsl.__version__


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "CHANGELOG.md"])
def test_what_pages_name_is_there(page: str) -> None:
    text = (FACTS / page).read_text("utf-8")
    named = re.findall(r"`((?:\.ci|\.github|archdsl|specs|tests)/[\w./-]*)`", text)
    commands = re.findall(r"`python (\S+\.py)`", text)
    for path in (*named, *commands):
        assert (ROOT / path).exists(), path


def built(root: Path, target: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    subprocess.run(command, cwd=root, check=True, capture_output=True)
    (found,) = folder.iterdir()
    assert archdsl.__version__ in found.name
    return found


@pytest.mark.slow
def test_the_source_archive_makes_the_same_wheel(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("wheel", "sdist", "unpacked", "again")]
    for folder in folders:
        folder.mkdir()
    wheel = built(ROOT, "wheel", folders[0])
    with tarfile.open(built(ROOT, "sdist", folders[1])) as archive:
        archive.extractall(folders[2], filter="data")
    (root,) = folders[2].iterdir()
    assert (root / "tests" / "README.md").exists() and (root / ".github").is_dir()
    again = built(root, "wheel", folders[3])
    with zipfile.ZipFile(wheel) as first, zipfile.ZipFile(again) as second:
        assert sorted(first.namelist()) == sorted(second.namelist())
        held = {"archdsl/specs/resnet50.arch", "archdsl/grammars/arch.lark", "archdsl/py.typed"}
        assert held <= set(first.namelist())
