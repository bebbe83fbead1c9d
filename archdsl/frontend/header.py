"""The facts that a spec's opening comment states about it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from archdsl.diagnostics.source import Source
from archdsl.frontend.syntax.tokens import opening_comment

_FACT = re.compile(r"([a-z][a-z0-9-]*):\s+(\S.*)")
_SENTENCE_END = re.compile(r"(?<!\bal)\.\s")  # not behind "et al."
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)%")


@dataclass(frozen=True)
class Facts:
    """Facts that a spec states of itself in lines ``// key: value``; ``None`` if not stated."""

    title: str
    """The first sentence of the comment."""
    year: int | None = None
    reference: str | None = None
    """A model that the compiled network equals: ``torchvision:NAME`` or ``timm:NAME``."""
    proof: str | None = None
    """The comparison that the tests make, where there is no such model."""
    top1: float | None = None
    """The reported top-1 accuracy on ImageNet's validation images, in percent."""
    top5: float | None = None
    classes: str | None = None
    """Names of the labels: a data set as ``class_names`` knows it, or the names in their order."""
    comment: str = ""
    """All that stands before the first of these facts."""


def facts(source: Source) -> Facts:
    """The facts of the comment that opens a spec."""
    found: dict[str, str] = {}
    prose: list[str] = []
    for line in opening_comment(source.text):
        fact = _FACT.match(line)
        if fact is not None:
            found[fact.group(1)] = fact.group(2)
        elif not found:
            prose.append(line)
    year = found.get("year", "")
    return Facts(
        _SENTENCE_END.split(" ".join(prose), maxsplit=1)[0].rstrip("."),
        int(year) if year.isdecimal() else None,
        found.get("reference"),
        found.get("proof"),
        _percent(found.get("top-1")),
        _percent(found.get("top-5")),
        found.get("classes"),
        " ".join(prose),
    )


def _percent(text: str | None) -> float | None:
    """The first percentage of ``72.98% (table 3)``."""
    number = _PERCENT.search(text or "")
    return float(number.group(1)) if number else None
