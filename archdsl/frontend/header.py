"""The facts that a spec's opening comment states about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from archdsl.diagnostics.source import Source
from archdsl.frontend.syntax.tokens import opening_comment

_FACT = re.compile(r"([a-z][a-z0-9-]*):\s+(\S.*)")
_FOR = re.compile(r"\sfor (\w+=[^\s,]+(?:, *\w+=[^\s,]+)*)")
_SENTENCE_END = re.compile(r"(?<!\bal)\.\s")  # not behind "et al."
_PERCENT = re.compile(r"(?<!\d)(\d++(?:\.\d++)?)%")


_FLAGS = {"true": "1", "false": "0"}


@dataclass(frozen=True)
class Setting:
    """Values of a spec's parameters, and the names of those that are not the defaults.

    Where they are not those of the text, ``input`` is the input's size and ``net`` the network.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    changed: frozenset[str] = frozenset()

    def meets(self, conditions: Mapping[str, str]) -> bool:
        """True if a fact that was measured under these conditions holds; unnamed are defaults."""
        return conditions.keys() >= self.changed and all(
            name in self.values and _same(text, self.values[name])
            for name, text in conditions.items()
        )


DEFAULTS = Setting()


@dataclass(frozen=True)
class Facts:
    """Facts that a spec states of itself in lines ``// key: value``; ``None`` if not stated.

    A line may end in the setting that it holds for: ``// top-1: 50.6% for width=0.25``. Without
    one it holds for the defaults.
    """

    title: str
    """The first sentence of the comment."""
    year: int | None = None
    reference: str | None = None
    """A model that the compiled network equals: ``torchvision:NAME`` or ``timm:NAME``."""
    body: str | None = None
    """A model that the network equals but for its head, whose weights its body takes."""
    proof: str | None = None
    """The comparison that the tests make, where there is no such model."""
    top1: float | None = None
    """The reported top-1 accuracy on ImageNet's validation images, in percent."""
    top5: float | None = None
    cifar10_error: float | None = None
    """The reported error on CIFAR-10's test images, in percent."""
    classes: str | None = None
    """Names of the labels: a data set as ``class_names`` knows it, or the names in their order."""
    comment: str = ""
    """All that stands before the first of these facts."""


def facts(source: Source, setting: Setting = DEFAULTS) -> Facts:
    """The facts of the comment that opens a spec, as far as they hold for a setting.

    Title, year and the labels' meaning are those of the spec, whatever the setting.
    """
    found: dict[str, str] = {}
    general: dict[str, str] = {}
    prose: list[str] = []
    for line in opening_comment(source.text):
        fact = _FACT.match(line)
        if fact is not None:
            key, text = fact.groups()
            conditions = _conditions(text)
            if not conditions:
                general[key] = text
            if setting.meets(conditions):
                found[key] = text
        elif not found and not general:
            prose.append(line)
    year = general.get("year", "")
    return Facts(
        _SENTENCE_END.split(" ".join(prose), maxsplit=1)[0].rstrip("."),
        int(year) if year.isdecimal() else None,
        found.get("reference"),
        found.get("body"),
        found.get("proof"),
        _percent(found.get("top-1")),
        _percent(found.get("top-5")),
        _percent(found.get("cifar-10-error")),
        general.get("classes"),
        " ".join(prose),
    )


def _conditions(text: str) -> dict[str, str]:
    """The setting that a fact names: ``width=0.5, resolution=160`` behind ``for``."""
    named = _FOR.search(text)
    if named is None:
        return {}
    return dict(pair.strip().split("=", 1) for pair in named.group(1).split(","))


def _same(text: str, value: object) -> bool:
    """True if a value in a comment is that of a parameter: ``0.50`` is 0.5."""
    try:
        return float(_FLAGS.get(text.lower(), text)) == float(value)  # type: ignore[arg-type]
    except ValueError:
        return text == value


def _percent(text: str | None) -> float | None:
    """The first percentage of ``72.98% (table 3)``."""
    number = _PERCENT.search(text or "")
    return float(number.group(1)) if number else None
