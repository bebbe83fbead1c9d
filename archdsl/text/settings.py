"""Settings of a spec's parameters as people give them: ``classes=10``."""

from __future__ import annotations

EXPECTED = "expected NAME=VALUE, such as classes=10"
"""The sentence for what is none."""


def setting(text: str) -> tuple[str, str] | None:
    """The name and the value of ``classes=10``; ``None`` for anything else."""
    name, separator, value = text.partition("=")
    return (name.strip(), value.strip()) if separator and name.strip() else None
