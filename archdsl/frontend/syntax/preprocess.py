"""The first phases of translating C++: what its compiler drops before it looks for tokens.

The text keeps its length and its lines, so that every place in it stays true: comments, the
contents of literals, preprocessor lines and branches that are not compiled become spaces.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from archdsl.diagnostics import fail
from archdsl.diagnostics.source import Source, Span

# Every alternative is linear in what it matches. Those that can run on to the end of the text end
# the reading with an error there, so that no text makes them do so twice.
_PIECE = re.compile(
    r"""
      (?P<comment> //(?:\\\n|[^\n])* | /\*.*?\*/ )
    | (?P<open> /\* | (?<!\w)(?:u8|[uUL])?R"(?=[^()\\\s"]{0,16}\() )
    | (?P<literal> "(?:\\.|[^"\\\n])*"? | '(?:\\.|[^'\\\n])*'? )
    | (?P<directive> ^[ \t]*\#(?:\\\n|/(?![/*])|[^\n/])* )
    | (?P<splice> \\\n )
    | (?P<number> (?<![\w.])\.?\d[\w.]*(?:'[\w.]+)+ )
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
_RAW = re.compile(
    r'(?:u8|[uUL])?R"(?P<delimiter>[^()\\\s"]{0,16})\(.*?\)(?P=delimiter)"', re.DOTALL
)
_CONDITIONAL = re.compile(
    r"^[ \t]*\#[ \t]*(if|ifdef|ifndef|elif|elifdef|elifndef|else|endif)\b(?:\\\n|[^\n])*",
    re.MULTILINE,
)
_NEVER = re.compile(r"[ \t]*\#[ \t]*(?:el)?if[ \t]+\(?(?:0|false)\)?[ \t]*$")
_QUOTED = re.compile(r'[ \t]*\#[ \t]*include[ \t]*"')
_DEFINE = re.compile(r"[ \t]*\#[ \t]*define[ \t]+([A-Za-z_]\w*)[ \t]+([^\\\n]*?)[ \t]*$")
_VISIBLE = re.compile(r"[^\n]+")


def preprocessed(source: Source) -> str:
    """The text of a C++ source as its tokens are read; of its includes those in quotes stay.

    A literal becomes a ``"``, which has no meaning to the grammar, and an apostrophe between the
    digits of a number is left out. Raises ArchError where a comment or a string never ends.
    """
    return "".join(_Preprocessor(source).parts)


def macros(source: Source) -> list[Macro]:
    """The object-like macros of a C++ source that are compiled, in the order of the text."""
    return _Preprocessor(source).macros


class Macro(NamedTuple):
    """``#define NAME body``: its name, and from where to where its body stands in the text."""

    name: str
    start: int
    end: int


class _Preprocessor:
    def __init__(self, source: Source) -> None:
        self.parts: list[str] = []
        self.macros: list[Macro] = []
        self._source = source
        self._text = text = source.text
        self._taken = 0  # branches of #if that are being read
        at = 0
        while (found := _PIECE.search(text, at)) is not None:
            self.parts.append(text[at : found.start()])
            at = self._end(found)
            self.parts.append(self._instead(found, at))
        self.parts.append(text[at:])

    def _end(self, found: re.Match[str]) -> int:
        """The end of what is to be replaced."""
        if found.lastgroup == "directive":
            return self._directive(found)
        if found.lastgroup != "open":
            return found.end()
        raw = _RAW.match(self._text, found.start()) if found[0] != "/*" else None
        if raw is None:
            what = "comment" if found[0] == "/*" else "string"
            raise fail(f"an unfinished {what}", Span(self._source, *found.span()), code="E015")
        return raw.end()

    def _instead(self, found: re.Match[str], end: int) -> str:
        text = self._text[found.start() : end]
        if found.lastgroup == "number":
            return text.replace("'", "").ljust(len(text))
        if found.lastgroup == "directive" and _QUOTED.match(text):
            return text
        mark = '"' if found.lastgroup in ("literal", "open") else ""
        return mark + _VISIBLE.sub(lambda seen: " " * len(seen[0]), text[len(mark) :])

    # ---- conditional compilation ----

    def _directive(self, found: re.Match[str]) -> int:
        """Behind a line, and behind the branch that it leaves out."""
        line = found[0].replace("\\\n", " ")
        word = line.strip().removeprefix("#").split()
        name = word[0] if word else ""
        defined = _DEFINE.match(found[0])
        if defined is not None:
            start = found.start()
            self.macros.append(Macro(defined[1], start + defined.start(2), start + defined.end(2)))
        if name in ("if", "ifdef", "ifndef"):
            self._taken += 1
            if _NEVER.match(line):
                return self._skip_branch(found.end(), every=False)
        elif name in ("elif", "elifdef", "elifndef", "else") and self._taken:
            return self._skip_branch(found.end(), every=True)
        elif name == "endif":
            self._taken = max(0, self._taken - 1)
        return found.end()

    def _skip_branch(self, at: int, *, every: bool) -> int:
        """Behind a branch that is not compiled, or behind all that remain."""
        depth = 0
        for found in _CONDITIONAL.finditer(self._text, at):
            name = found[1]
            if name.startswith("if"):
                depth += 1
            elif depth:
                depth -= name == "endif"
            elif name == "endif":
                self._taken -= 1
                return found.end()
            elif not every and not _NEVER.match(found[0]):
                return found.end()
        return len(self._text)
