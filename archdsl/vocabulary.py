"""The names that the language has built in, grouped as editors colour them."""

from __future__ import annotations

from typing import NamedTuple

from archdsl.layers import Category, Definition, definitions
from archdsl.layers.endpoints import CPP_CONTAINERS, PIXELS


class Vocabulary(NamedTuple):
    """Names by what they are; a name is in one group only."""

    inputs: tuple[str, ...]
    """Where a network begins."""
    layers: tuple[str, ...]
    """What computes."""
    combinators: tuple[str, ...]
    """What arranges layers: repetition, branches, tags, and the parts of detectors."""
    pixels: tuple[str, ...]
    """C++ types that say what an input holds."""


def vocabulary() -> Vocabulary:
    """All names, those of the catalogue in its order."""
    known = [d for d in definitions().values() if d.writable]
    return Vocabulary(
        inputs=tuple(d.name for d in known if category(d) is Category.INPUT),
        layers=tuple(d.name for d in known if category(d) not in (Category.INPUT, None)),
        combinators=tuple(d.name for d in known if category(d) is None),
        pixels=(*CPP_CONTAINERS, *PIXELS),
    )


def category(definition: Definition) -> Category | None:
    """What a layer is for; ``None`` for combinators, which compute nothing themselves."""
    return getattr(definition.cls, "category", None)
