"""Words of specs as LaTeX text."""

from __future__ import annotations

import unicodedata

from archdsl.diagnostics.printable import printable

_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}",
    "'": r"\textquotesingle{}", "`": r"\textasciigrave{}", "-": "-{}",
    "×": r"$\times$", "·": r"$\cdot$", "−": "$-$", "–": "--{}", "…": r"\dots{}", "²": "$^2$",
    "⊙": r"$\odot$", "±": r"$\pm$", "≤": r"$\leq$", "≥": r"$\geq$",
}  # fmt: skip


def tex_words(text: str) -> str:
    """Text in which no letter is a command; what TeX's usual fonts do not have becomes ``?``."""
    return "".join(_SPECIAL.get(letter, _plain(letter)) for letter in printable(text))


def _plain(letter: str) -> str:
    """A letter that T1 fonts have: ASCII, and what ISO 8859-1 has of Latin letters."""
    latin = "\xa0" < letter <= "\xff" and unicodedata.category(letter).startswith("L")
    return letter if " " <= letter <= "~" or latin else "?"
