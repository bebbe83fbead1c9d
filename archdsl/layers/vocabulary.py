"""The names that the language has built in, grouped as editors colour them."""

from __future__ import annotations

from typing import NamedTuple

from archdsl.layers import Category, Definition, definitions
from archdsl.layers.inputs import CPP_CONTAINERS, PIXELS


class Vocabulary(NamedTuple):
    """The language's names in groups for highlighting and completion; each is in one group only."""

    inputs: tuple[str, ...]
    """Names of input layers."""
    layers: tuple[str, ...]
    """Names of all other layers."""
    combinators: tuple[str, ...]
    """Names that arrange layers: repetition, branches, tags, and the parts of detectors."""
    pixels: tuple[str, ...]
    """C++ types of an input's pixels."""


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
    """The category of a layer; ``None`` for combinators, which compute nothing themselves."""
    return getattr(definition.cls, "category", None)
