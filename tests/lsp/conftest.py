"""Documents for tests: a text with ``|`` where the cursor is. Tests may import ``editor``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from archdsl.editor.document import Document
from archdsl.editor.files import Files

sys.path.insert(0, str(Path(__file__).parent))

Opened = Callable[..., tuple[Document, int]]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    files = Files()
    files.folders = [tmp_path]
    return files


@pytest.fixture
def opened(tmp_path: Path, files: Files) -> Opened:
    def open_text(text: str, name: str = "net.arch") -> tuple[Document, int]:
        before, _, behind = text.partition("|")
        path = (tmp_path / name).resolve()
        return Document(files, path.as_uri(), path, before + behind), len(before)

    return open_text
