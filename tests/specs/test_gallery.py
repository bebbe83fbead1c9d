"""The gallery in specs/README.md is that of the specs."""

import gallery


def test_the_table_is_fresh() -> None:
    text = gallery.README.read_text(encoding="utf-8")
    assert gallery.written(text) == text, "run python tests/specs/gallery.py"
