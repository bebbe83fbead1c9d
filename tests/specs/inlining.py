"""The text of a spec that a test changes in one place."""

import re
from pathlib import Path


def inlined(path: Path) -> str:
    """A spec with the text of its includes."""
    found = path.read_text(encoding="utf-8")
    return re.sub(r'#include "(.+)"', lambda m: inlined(path.parent / m[1]), found)
