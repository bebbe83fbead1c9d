"""Search in the catalogue: by names here and elsewhere, arguments, and descriptions."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from archdsl.layers import Definition, definitions, synonyms
from archdsl.text.words import key


class Hit(NamedTuple):
    """A layer that a word was found in, and what the word is there: ``Keras calls it Dense``."""

    definition: Definition
    remark: str


Hits = dict[str, list[Hit]]
"""Hits by the place where the word was found; each layer is at the first of them only."""


def search(word: str, known: Iterable[Definition]) -> Hits:
    """The layers of ``known`` that a word says something about, the nearest first.

    Case and what stands between the parts of a word do not matter; a word of the descriptions is
    found by its beginning. Empty where nothing fits, and for a word without letters and digits.
    """
    wanted = key(word)
    if not wanted:
        return {}
    members = {definition.name: definition for definition in known}
    parts = r"[\W_]*".join(re.findall(r"[^\W_]+", word))
    begins = re.compile(rf"(?<![^\W_]){parts}", re.IGNORECASE)
    places = {
        "named so": [Hit(d, "") for d in members.values() if wanted in key(d.name)],
        "called so elsewhere": [
            Hit(members[name], synonym.called("it "))
            for synonym in sorted(synonyms.synonyms(), key=lambda s: key(s.word) != wanted)
            if wanted in key(synonym.word)
            for name in synonym.layers
            if name in members
        ],
        "with an argument": [
            Hit(d, f"{a.name}: {a.doc}")
            for d in members.values()
            for a in d.arguments
            if wanted in key(a.name)
        ],
        "described so": [
            Hit(d, "") for d in members.values() if begins.search(f"{d.summary} {d.source}")
        ],
    }
    found: Hits = {}
    seen: set[str] = set()
    for place, hits in places.items():
        first: dict[str, Hit] = {}
        for hit in hits:
            if hit.definition.name not in seen:
                first.setdefault(hit.definition.name, hit)
        seen.update(first)
        if first:
            found[place] = list(first.values())
    return found


def elsewhere(layer: str) -> dict[str, list[str]]:
    """The names of a layer elsewhere, by origin: those that mean it before all other layers."""
    names: dict[str, list[str]] = {}
    for synonym in synonyms.of(layer):
        names.setdefault(synonym.origin, []).append(synonym.word)
    return names


def namesakes(layer: str) -> dict[str, str]:
    """Other layers that a layer's name means elsewhere, with who calls them so."""
    named = definitions()
    found: dict[str, str] = {}
    for synonym in synonyms.meant(layer):
        if layer not in synonym.layers:
            for name in synonym.layers:
                if named[name].cls is not named[layer].cls:
                    found.setdefault(name, synonym.called("it "))
    return found
