"""C++ text to the few tokens that tell where its definitions are.

Comments, literals, preprocessor lines and branches that are not compiled are passed over.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import NamedTuple

from archdsl.diagnostics import fail
from archdsl.diagnostics.source import Source, Span

# Every alternative is linear in what it matches. Those that can run on to the end of the text end
# the reading with an error there, so that no text makes them do so twice.
_EVENT = re.compile(
    r"""
      (?P<comment> //(?:\\\n|[^\n])* | /\*.*?\*/ )
    | (?P<open> /\* | \b(?:u8|[uUL])?R"(?=[^()\\\s"]{0,16}\() )
    | (?P<string> "(?:\\.|[^"\\\n])*"? | '(?:\\.|[^'\\\n])*'? )
    | (?P<directive> ^[ \t]*\#(?:\\\n|/(?![/*])|[^\n/])* )
    | (?P<splice> \\\n )
    | (?P<number> \.?\d(?:'?[\w.])* )
    | (?P<word> [A-Za-z_]\w* )
    | (?P<mark> :: | [{}()\[\];:=<>,~] )
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
_QUALIFIER = re.compile(r">|(?!(?:typename|using|return|const)$)[A-Za-z_]\w*")
_QUOTED = re.compile(r'[ \t]*\#[ \t]*include[ \t]*"')


class Event(NamedTuple):
    """A token: ``kind`` is "word", "number", "string", "mark" or "include"."""

    kind: str
    text: str
    start: int
    end: int


class Tokens:
    """The tokens of a C++ text, one at a time.

    What lies between them and must not be read as a part of a definition is collected: pieces of
    the text with what stands there instead, in their order.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.text = source.text
        self.at = 0
        self._taken = 0  # branches of #if that are being read
        self._starts: list[int] = []
        self._pieces: list[tuple[int, int, str]] = []
        self._last = ""

    def next(self) -> Event | None:
        """The next token, ``None`` at the end; raises ArchError for an unfinished literal."""
        while (found := _EVENT.search(self.text, self.at)) is not None:
            kind, start, end = str(found.lastgroup), found.start(), found.end()
            self.at = end
            if kind == "comment" or kind == "splice":
                self._cut(start, end)
            elif kind == "open":
                self._long(start, found.group())
                if found.group() != "/*":
                    return Event("string", "", start, self.at)
            elif kind == "directive":
                if _QUOTED.match(found.group()):
                    return Event("include", found.group(), start, end)
                self._directive(found.group().replace("\\\n", " "), start, end)
            else:
                text = found.group()
                if kind == "number" and "'" in text:
                    self._cut(start, end, text.replace("'", "").ljust(end - start))
                elif text == "::" and not _QUALIFIER.fullmatch(self._last):
                    self._cut(start, end)  # names are found without a leading ::
                    continue
                self._last = text
                return Event(kind, text, start, end)
        self.at = len(self.text)
        return None

    def back(self, event: Event | None) -> None:
        """Have a token read again."""
        if event is not None:
            self.at = event.start
            self._last = ""

    def slice(self, start: int, end: int) -> str:
        """The text of a range as it is read: comments, lines and branches cut out of it."""
        parts: list[str] = []
        at = start
        for index in range(bisect_left(self._starts, start), len(self._starts)):
            first, last, instead = self._pieces[index]
            if first >= end:
                break
            parts += self.text[at:first], instead
            at = last
        parts.append(self.text[at:end])
        return "".join(parts)

    def _cut(self, start: int, end: int, instead: str | None = None) -> None:
        if not self._starts or start > self._starts[-1]:  # not when it is read again
            self._starts.append(start)
            self._pieces.append((start, end, instead or blank(self.text[start:end])))

    def _long(self, start: int, opener: str) -> None:
        found = _RAW.match(self.text, start) if opener != "/*" else None
        if found is None:
            what = "comment" if opener == "/*" else "string"
            raise fail(
                f"an unfinished {what}", Span(self.source, start, start + len(opener)), code="E015"
            )
        self.at = found.end()

    def _directive(self, line: str, start: int, end: int) -> None:
        word = line.strip().removeprefix("#").split()
        name = word[0] if word else ""
        if name in ("if", "ifdef", "ifndef"):
            self._taken += 1
            if _NEVER.match(line):
                self.at = self._skip_branch(end, every=False)
        elif name in ("elif", "elifdef", "elifndef", "else") and self._taken:
            self.at = self._skip_branch(end, every=True)
        elif name == "endif":
            self._taken = max(0, self._taken - 1)
        self._cut(start, self.at)

    def _skip_branch(self, at: int, *, every: bool) -> int:
        """Behind a branch that is not compiled, or behind all that remain."""
        depth = 0
        for found in _CONDITIONAL.finditer(self.text, at):
            name = found.group(1)
            if name.startswith("if"):
                depth += 1
            elif depth:
                depth -= name == "endif"
            elif name == "endif":
                self._taken -= 1
                return found.end()
            elif not every and not _NEVER.match(found.group()):
                return found.end()
        return len(self.text)


def blank(text: str) -> str:
    """As many spaces as there are characters, the lines kept."""
    return _VISIBLE.sub(lambda found: " " * len(found.group()), text)


_VISIBLE = re.compile(r"[^\n]+")
