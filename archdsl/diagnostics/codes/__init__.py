"""Explanations of the codes of errors and warnings: the texts of ``archdsl explain E301``.

The texts lie in Markdown files, one for each stage; a section is a code. They are read when
somebody asks for one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

_TEXTS = Path(__file__).resolve().parent / "texts"
_STAGES = ("syntax", "meaning", "connections", "shapes", "requests", "warnings")
_SECTION = re.compile(r"^## ([EW]\d{3}): (.+)$", re.MULTILINE)
_EXAMPLE = re.compile(
    r"^(Wrong|Right)(?:, with `([^`]*)`)?:\n\n((?:(?:    .*)?\n)+?)(?=\S|\Z)", re.MULTILINE
)


@dataclass(frozen=True)
class Example:
    """An example spec, and the options that ``archdsl check`` needs for it."""

    text: str
    options: tuple[str, ...]


@dataclass(frozen=True)
class Explanation:
    """The explanation of a code; ``wrong`` is a spec that gives the code, ``right`` one mended."""

    code: str
    title: str
    text: str
    wrong: Example | None
    right: Example | None


@cache
def explanations() -> Mapping[str, Explanation]:
    """The explanation of every code, by code and in order."""
    found: dict[str, Explanation] = {}
    for stage in _STAGES:
        text = (_TEXTS / f"{stage}.md").read_text(encoding="utf-8")
        # The parts are what stands before the first section, then code, title, body by turns.
        _, *parts = _SECTION.split(text)
        for code, title, body in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
            found[code] = _explanation(code, title, body)
    return MappingProxyType(found)


def _explanation(code: str, title: str, body: str) -> Explanation:
    examples = {
        kind: Example(
            "".join(line[4:] for line in text.rstrip().splitlines(keepends=True)) + "\n",
            tuple((options or "").split()),
        )
        for kind, options, text in _EXAMPLE.findall(body + "\n")
    }
    return Explanation(code, title, body.strip(), examples.get("Wrong"), examples.get("Right"))
