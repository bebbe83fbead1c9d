"""Writes what is made from the catalogue of layers and from the grammar, and is kept as files.

That is the layers' reference, the names in editors' grammars, and the parser's tables. Run after a
layer or the grammar has been changed: python tests/editors/regenerate.py.
"""

from __future__ import annotations

import json
import sys
import textwrap
from functools import partial
from pathlib import Path
from typing import Any

from archdsl.importers.coverage import coverage
from archdsl.layers import definitions
from archdsl.layers.reference import markdown
from archdsl.layers.vocabulary import vocabulary

sys.path.append(str(Path(__file__).parent))

from grammar_tables import GRAMMARS, SOURCES, tables

TEXTMATE = GRAMMARS / "vscode" / "syntaxes" / "arch.tmLanguage.json"
VIM = GRAMMARS / "vim" / "syntax" / "arch.vim"

REFERENCE = GRAMMARS / "layers.md"

START, END = '" lists: start\n', '" lists: end\n'

_SCOPES = {
    "inputs": "support.class.input.arch",
    "layers": "support.function.layer.arch",
    "combinators": "keyword.control.combinator.arch",
    "pixels": "support.type.pixel.arch",
}
_VIM_GROUPS = {
    "inputs": "archInput",
    "layers": "archLayer",
    "combinators": "archCombinator",
    "pixels": "archPixel",
}


def textmate(text: str) -> str:
    """The TextMate grammar with its lists of names made anew."""
    grammar: dict[str, Any] = json.loads(text)
    patterns = {p.get("name"): p for p in grammar["repository"]["names"]["patterns"]}
    for group, names in vocabulary()._asdict().items():
        # dlib's computational layers are spelled with an underscore behind: con_.
        patterns[_SCOPES[group]]["match"] = rf"\b(?:{'|'.join(sorted(names))})_?\b"
    return json.dumps(grammar, indent=2, ensure_ascii=False) + "\n"


def vim(text: str) -> str:
    """The Vim syntax file with its lists of names made anew.

    Matches, not keywords: what is defined later goes before them, as the name of an argument must.
    """
    before, rest = text.split(START)
    _, after = rest.split(END)
    lines = []
    for group, names in vocabulary()._asdict().items():
        wrapped = textwrap.wrap(" ".join(sorted(names)), 90, break_on_hyphens=False)
        parts = [r"\|".join(line.split()) for line in wrapped]
        pattern = "\n      \\\\|".join(parts)
        lines.append(f'syntax match {_VIM_GROUPS[group]}\n      \\ "\\<\\%({pattern}\\)_\\=\\>"\n')
    return before + START + "".join(lines) + END + after


def reference(_: str) -> str:
    """What ``archdsl layers --markdown`` prints."""
    return markdown((d for d in definitions().values() if d.writable), coverage())


def tables_of(name: str, _: str) -> str:
    """The LALR(1) tables of a grammar."""
    return tables(name)


WRITTEN = {
    TEXTMATE: textmate,
    VIM: vim,
    REFERENCE: reference,
    **{GRAMMARS / "tables" / f"{name}.json": partial(tables_of, name) for name in SOURCES},
}
"""The files that hold something made here, and how their text is made anew."""


def main() -> None:
    for path, made in WRITTEN.items():
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        path.write_text(made(text), encoding="utf-8")


if __name__ == "__main__":
    main()
