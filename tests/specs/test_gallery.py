"""The gallery in specs/README.md is that of the specs."""

import importlib.util
from pathlib import Path

_SPEC = importlib.util.spec_from_file_location("gallery", Path(__file__).with_name("gallery.py"))
assert _SPEC is not None
assert _SPEC.loader is not None
gallery = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(gallery)


def test_the_table_is_fresh() -> None:
    text = gallery.README.read_text(encoding="utf-8")
    assert gallery.written(text) == text, "run python tests/specs/gallery.py"
