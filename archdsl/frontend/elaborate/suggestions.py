"""Suggestions for unknown names: known names that the author may have meant."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from archdsl.diagnostics import listing, nearest
from archdsl.frontend.bundled import block_files
from archdsl.ir.layer import definitions
from archdsl.layers import synonyms
from archdsl.text.words import key

_NAMES = 3
"""Names that a hint offers at most."""

_UNRELEASED = {
    "affine_con": "affine",
    "affine_fc": "affine",
    "bn": "bn_con or bn_fc",
    "concat": "concat2, concat3, ...",
    "concat1": "its only branch by itself",
    "grp": "inception2, inception3, ...",
    "inception1": "its only branch by itself",
    "loss_binary_mmod": "loss_mmod",
    "loss_metric_hardish": "loss_metric",
}
"""Names that dlib's repository had before a release and no release has, and what is there instead.

Source: the history of dlib/dnn/{core,layers,loss}.h; those of layers are older than dlib 19.0, of
losses than 19.3.
"""


_ALMOST = 0.8
"""Likeness from which on a name is a synonym with a mistake in it, and not another word."""


def spelling(name: str, known: Sequence[str], *, cpp: bool = False) -> str | None:
    """A hint for an unknown name: what is called so elsewhere, or the nearest that is known.

    People who come from PyTorch or Keras write ``Conv2d`` and ``MaxPooling2D``, those who read
    papers ``deconv`` and ``swish``. Names of the text itself come first, ``known`` has them too;
    ``cpp`` is true for a C++ program, which may be older than dlib's release.
    """
    built_in = definitions()
    wanted = key(name)
    own_names = [n for n in known if n not in built_in]
    own = [n for n in own_names if key(n) == wanted]
    return (
        nearest(name, own, cutoff=0)
        or _look_alikes(name)
        or (_of_dlib(name) if cpp else None)
        or _elsewhere(name, known)
        or _of_dlib(name)
        or _numbered(name)
        or (None if cpp else _in_blocks(name))
        or (None if nearest(name, own_names) else _subnet(name))
        or _almost(name, known)
    )


def _of_dlib(name: str) -> str | None:
    instead = _UNRELEASED.get(name.removesuffix("_"))
    if instead is None:
        return None
    version = "19.3" if name.startswith("loss_") else "19.0"
    return f"no release of dlib has '{name}', it went before {version}; there is {instead}"


def namesake_hint(layer: str) -> str | None:
    """Other layers that a layer's name means elsewhere, for arguments that fit those better."""
    found = next((s for s in synonyms.meant(layer) if layer not in s.layers), None)
    return None if found is None else _calls(found)


def _calls(synonym: synonyms.Synonym) -> str:
    return f"{synonyms.names_in_words(synonym.layers[:_NAMES])} is what {synonym.called()}"


def _elsewhere(name: str, known: Sequence[str]) -> str | None:
    absent = synonyms.absent(name)
    if absent is not None:
        return absent
    found = synonyms.meant(name)
    if not found:
        return None
    wanted = key(name)
    here = [n for n in known if key(n) == wanted and not n.endswith("_")]
    also = "" if set(here) <= set(found[0].layers) else f"; there is '{here[0]}' too"
    return _calls(found[0]) + also


def _look_alikes(name: str) -> str | None:
    """The letters of other alphabets in a name, which often look like those of this one."""
    other = [c for c in name if not c.isascii()]
    if not other:
        return None
    letters = listing(f"'{c}' is {unicodedata.name(c, 'no letter').lower()}" for c in other)
    return f"names here are written with a to z: {letters}"


def _subnet(name: str) -> str | None:
    if key(name) not in ("subnet", "subnettype", "previous", "prev"):
        return None
    return f"a template's subnet is its parameter: template <..., typename {name}> using ..."


def _numbered(name: str) -> str | None:
    """The last name of a row such as tag1 to tag10, and the one that takes any number."""
    stem = name.rstrip("0123456789")
    row = [d for n, d in definitions().items() if re.fullmatch(rf"{re.escape(stem)}\d+", n)]
    if stem == name or not row:
        return None
    general = [d.name for d in definitions().values() if d.cls is row[-1].cls and not d.preset]
    any_number = f"; {general[0]} takes any number" if general else ""
    return f"'{row[-1].name}' is the last of them{any_number}"


def _in_blocks(name: str) -> str | None:
    """The bundled files of blocks that define a name."""
    definition = re.compile(rf"\busing\s+{re.escape(name)}\s*=")
    files = [file for file, text in block_files() if definition.search(text)]
    return f'it is in {listing(files, 3)}: #include "{files[0]}"' if files else None


def _almost(name: str, known: Sequence[str]) -> str | None:
    """The known name that is spelled most alike, or the synonym if that is clearly meant."""
    here = nearest(name, known, cutoff=_ALMOST)
    if here is not None:
        return here
    foreign = synonyms.misspelt(name, _ALMOST)
    if foreign is not None:
        names = synonyms.names_in_words(foreign.layers[:_NAMES])
        return f"did you mean {names}? {foreign.called('it ')}"
    return nearest(name, known) or nearest(name.lower(), known)
