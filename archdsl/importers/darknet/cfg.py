"""The syntax of Darknet's .cfg: sections in brackets, each with settings ``key=value``."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from archdsl.diagnostics import ArchError, fail, listing, nearest
from archdsl.diagnostics.source import Source, Span


class Setting(NamedTuple):
    """A value as written, and where it stands."""

    text: str
    span: Span


@dataclass(frozen=True)
class Section:
    """One section: its name, where that stands, and its settings by key.

    What has been asked for is remembered, so that what nobody knows can be told.
    """

    kind: str
    span: Span
    settings: dict[str, Setting] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)

    def text(self, key: str, default: str) -> str:
        setting = self._setting(key)
        return default if setting is None else setting.text

    def integer(self, key: str, default: int) -> int:
        """A whole number; raises ArchError for anything else."""
        setting = self._setting(key)
        if setting is None:
            return default
        try:
            return int(setting.text)
        except ValueError:
            raise _not_a_number(key, setting, "a whole number") from None

    def required(self, key: str) -> int:
        """A whole number that has no default."""
        if key not in self.settings:
            raise fail(f"[{self.kind}] has no {key}", self.span, f"expected a line {key}=...")
        return self.integer(key, 0)

    def number(self, key: str, default: float) -> float:
        setting = self._setting(key)
        return default if setting is None else _float(key, setting, setting.text)

    def numbers(self, key: str) -> list[float]:
        """Numbers with commas between them; none where the key is missing."""
        setting = self._setting(key)
        if setting is None:
            return []
        return [_float(key, setting, part) for part in setting.text.split(",") if part.strip()]

    def integers(self, key: str) -> list[int]:
        numbers = self.numbers(key)
        if not all(number.is_integer() for number in numbers):
            raise _not_a_number(key, self.settings[key], "whole numbers")
        return [int(number) for number in numbers]

    def where(self, key: str) -> Span:
        """Span of a setting; that of the section's name where the setting is missing."""
        return self.settings[key].span if key in self.settings else self.span

    def finish(self, idle: Iterable[str]) -> None:
        """Raises ArchError for a setting that nobody asked for, unless it is among ``idle``."""
        known = {*self.asked, *idle}
        for key, setting in self.settings.items():
            if key not in known:
                raise fail(
                    f"[{self.kind}] has a setting that is not known here: {key}",
                    setting.span,
                    f"expected one of {listing(sorted(self.asked), 12)}",
                    help=nearest(key, known),
                )

    def _setting(self, key: str) -> Setting | None:
        self.asked.add(key)
        return self.settings.get(key)


def _float(key: str, setting: Setting, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise _not_a_number(key, setting, "a number")
    return number


def _not_a_number(key: str, setting: Setting, what: str) -> ArchError:
    return fail(f"{key} has to be {what}", setting.span, f"found {setting.text!r}")


def sections(source: Source) -> list[Section]:
    """The sections in their order. Raises ArchError for a line that is none of the syntax."""
    found: list[Section] = []
    offset = 0
    for line in source.text.splitlines(keepends=True):
        start, offset = offset, offset + len(line)
        text = line.partition("#")[0].strip()
        if not text or text.startswith(";"):
            continue
        start += line.index(text[0])
        span = Span(source, start, start + len(text))
        if text.startswith("["):
            if not text.endswith("]"):
                raise fail("a section's name ends with ]", span, f"found {text}")
            found.append(Section(text[1:-1].strip(), span))
            continue
        key, equals, value = text.partition("=")
        if not equals:
            raise fail("a line is a [section] or key=value", span, f"found {text}")
        if not found:
            raise fail("a setting before the first section", span, "expected [net]")
        # Darknet's option_find takes the first of two settings with one key.
        found[-1].settings.setdefault(key.strip(), Setting(value.strip(), span))
    return found
