"""Numbers in words and units, and words side by side."""

from __future__ import annotations

import re


def counted(number: int, singular: str) -> str:
    """A number with its noun, in the plural where needed: ``1 layer``, ``1,234 layers``."""
    return f"{number:,} {singular}{'' if number == 1 else 's'}"


def count_words(number: int | None) -> str:
    """A number with its thousands apart; ``unknown`` for one that depends on an open size."""
    return "unknown" if number is None else f"{number:,}"


def memory(size: int) -> str:
    """A number of bytes in the decimal unit that suits it: ``512 B``, ``1.23 MB``."""
    if size < 1000:
        return f"{size} B"
    value = float(size)
    for unit in ("kB", "MB"):
        value /= 1000
        if round(value) < 1000:
            return f"{value:.3g} {unit}" if value < 100 else f"{value:.0f} {unit}"
    return f"{value / 1000:.2f} GB"


def key(word: str) -> str:
    """A word as words are compared: without case, and without what stands between its parts."""
    return re.sub(r"[\W_]+", "", word).casefold()


def with_article(noun: str) -> str:
    """A noun with its indefinite article: ``an en dash``, ``a comma``."""
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"
