"""The origin of a network: the text that it was expanded from, and what was asked of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from archdsl.diagnostics.source import Source


@dataclass(frozen=True)
class Limits:
    """The size of a network beyond which expansion is refused."""

    layers: int = 1_000_000
    levels: int = 256
    instances: int = 10_000


@dataclass(frozen=True)
class Origin:
    """A text with all that decides which network it is."""

    source: Source
    net: str | None = None
    """The network that was asked for by name."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The values that parameters were given."""
    limits: Limits = field(default_factory=Limits)
    opaque: Mapping[str, str] = field(default_factory=dict)
    """Layer classes of a C++ program, and the layer that each counts as."""
