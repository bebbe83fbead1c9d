"""The first phases of translating C++: what its compiler does before it looks for tokens.

Comments, the contents of literals, preprocessor lines and branches that are not compiled become
spaces, macros what they stand for. Every place in the result can be told in the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from archdsl.diagnostics import ArchError, fail
from archdsl.diagnostics.source import Expanded, Source, Span
from archdsl.frontend.files import beside, read_source
from archdsl.frontend.syntax.conditions import evaluate
from archdsl.frontend.syntax.macros import Expansion, Macro, Macros, Word, defined, words_of
from archdsl.frontend.syntax.tokens import Token

# Every alternative is linear in what it matches. Those that can run on to the end of the text end
# the reading with an error there, so that no text makes them do so twice.
_PIECE = re.compile(
    r"""
      (?P<comment> //(?:\\\n|[^\n])* | /\*.*?\*/ )
    | (?P<open> /\* | (?<!\w)(?:u8|[uUL])?R"(?=[^()\\\s"]{0,16}\() )
    | (?P<literal> "(?:\\.|[^"\\\n])*"? | '(?:\\.|[^'\\\n])*'? )
    | (?P<splice> \\\n )
    | (?P<number> (?<![\w.])\.?\d[\w.]*(?:'[\w.]+)+ )
    """,
    re.VERBOSE | re.DOTALL,
)
_RAW = re.compile(
    r'(?:u8|[uUL])?R"(?P<delimiter>[^()\\\s"]{0,16})\(.*?\)(?P=delimiter)"', re.DOTALL
)
_DIRECTIVE = re.compile(r"^[ \t]*\#[ \t]*(?P<name>\w*)(?P<rest>[^\n]*)", re.MULTILINE)
_QUOTED = re.compile(r'[ \t]*\#[ \t]*include[ \t]*"([^"\n]+)"')
_NAME = re.compile(r"[A-Za-z_]\w*")
_VISIBLE = re.compile(r"[^\n]")
_HAS_INCLUDE = "__has_include"
_MAX_HEADERS = 500
_MAX_NESTED = 32  # headers in headers whose macros are looked for

PREDEFINED = {
    name: Macro(name, None, False, tuple(words_of(value)))
    for name, value in {
        "__cplusplus": "201703L",
        "__GNUC__": "13",
        "__linux__": "1",
        "__x86_64__": "1",
    }.items()
}
"""Macros that a compiler has from the start."""


class Preprocessed(NamedTuple):
    """A C++ text as it is compiled.

    ``parts`` are those of the text in order: the offset of each in ``text`` and in the source.
    """

    text: str
    parts: list[tuple[int, int]]
    used: frozenset[str]
    """The macros with a value from outside that the text speaks of."""
    included: Mapping[int, Macros]
    """The macros that are known where a header is included, by the offset of that line."""

    def placed(self, tokens: list[Token]) -> list[Token]:
        """Tokens of the text at their places in the source."""
        if len(self.parts) == 1:
            return tokens
        found: list[Token] = []
        part, last, behind = 0, len(self.parts) - 1, 0
        for token in tokens:
            while part < last and self.parts[part + 1][0] <= token.start:
                part += 1
            at, origin = self.parts[part]
            start = origin + token.start - at
            before = behind if behind <= start else start
            found.append(token._replace(start=start, before=before))
            behind = start + len(token.text)
        return found


def preprocessed(
    source: Source, given: Mapping[str, str] | None = None, macros: Macros | None = None
) -> Preprocessed:
    """A C++ source as its tokens are read; of its includes those in quotes stay.

    ``given`` are the values of macros that ``-D`` gives, before which those of the text are
    nothing; ``macros`` are known from the text that includes this one. A literal becomes a ``"``,
    which has no meaning to the grammar, and an apostrophe between the digits of a number is left
    out. Raises ArchError where a comment, a string or an ``#if`` never ends, at an ``#error``, and
    where macros cannot be expanded.
    """
    outside = {
        name: Macro(name, None, False, tuple(words_of(value)))
        for name, value in (given or {}).items()
    }
    table = {**PREDEFINED, **(macros or {}), **outside}
    reading = _Reading(source, table, frozenset(outside), [])
    reading.read(expand=True)
    source.expanded[:] = reading.expanded()
    text = "".join(reading.parts)
    return Preprocessed(text, reading.places, frozenset(reading.used), reading.included)


def _cleaned(source: Source) -> str:
    """The text with comments, literals and line splices as spaces, in its length."""
    text = source.text
    parts: list[str] = []
    at = 0
    while (found := _PIECE.search(text, at)) is not None:
        start, end = found.span()
        parts.append(text[at:start])
        if found.lastgroup == "open":
            raw = _RAW.match(text, start) if found[0] != "/*" else None
            if raw is None:
                what = "comment" if found[0] == "/*" else "string"
                raise fail(f"an unfinished {what}", Span(source, start, end), code="E015")
            end = raw.end()
        if found.lastgroup == "number":
            parts.append(found[0].replace("'", "").ljust(end - start))
        else:
            mark = '"' if found.lastgroup in ("literal", "open") else ""
            parts.append(mark + " " * (end - start - len(mark)))
        at = end
    return "".join((*parts, text[at:]))


class _Branch(NamedTuple):
    """An ``#if`` that is open; ``taken`` once one of its branches is compiled."""

    start: int
    active: bool
    outer: bool
    taken: bool


class _Reading:
    """Reads a text line by line of the preprocessor, and what stands between them."""

    def __init__(
        self, source: Source, macros: dict[str, Macro], given: frozenset[str], nested: list[Path]
    ) -> None:
        self.parts: list[str] = []
        self.places: list[tuple[int, int]] = []
        self.used: set[str] = set()
        self.included: dict[int, Macros] = {}
        self.macros = macros
        self.headers = 0
        self._source = source
        self._given = given
        self._nested = nested
        self._clean = _cleaned(source)
        self._length = 0
        self._plain = True  # the last part goes on as the source does
        self._branches: list[_Branch] = []
        self._expansion = Expansion(source)
        self._conditions = Expansion(source)

    def read(self, *, expand: bool) -> None:
        """Read the text; with ``expand`` for what it says, otherwise for its macros alone."""
        at = 0
        for found in _DIRECTIVE.finditer(self._clean):
            if expand:
                self._run(at, found.start())
            if self._active or found["name"] in _CONDITIONALS:
                self._line(found)
            if expand:
                self._directive(found)
            at = found.end()
        if expand:
            self._run(at, len(self._clean))
            if len(self.places) > 1:
                self._add("", len(self._clean), plain=False)
        if self._branches:
            start = self._branches[-1].start
            span = Span(self._source, start, start + len(self._source.text[start:].split("\n")[0]))
            raise fail("an #if without its #endif", span, code="E015")

    @property
    def _active(self) -> bool:
        return not self._branches or self._branches[-1].active

    # ---- text ----

    def _add(self, text: str, origin: int, *, plain: bool) -> None:
        """Add text that begins at a place of the source; ``plain`` text goes on as it does."""
        goes_on = self.places and self._plain and plain
        if not goes_on or self.places[-1][1] + self._length - self.places[-1][0] != origin:
            self.places.append((self._length, origin))
        self.parts.append(text)
        self._length += len(text)
        self._plain = plain

    def _run(self, start: int, end: int) -> None:
        """Add what stands between two lines of the preprocessor."""
        text = self._clean[start:end]
        if not self._active:
            text = _VISIBLE.sub(" ", text)
        elif not self.macros.keys().isdisjoint(_NAME.findall(text)):
            self._expand(text, start)
            return
        self._add(text, start, plain=True)

    def _expand(self, text: str, start: int) -> None:
        words = list(words_of(text, start))
        own = set(words)
        group: list[Word] = []
        self._note(text)
        if text.startswith("\n"):  # an include before it ends there
            self._add("\n", start, plain=True)
        for word in self._expansion.words(words, self.macros):
            if word not in own:
                self._add_group(group)
                group = []
                self._add(word.text + " ", word.at, plain=False)
                continue
            if group and not self._follows(group[-1], word):
                self._add_group(group)
                group = []
            group.append(word)
        self._add_group(group)

    def _follows(self, before: Word, word: Word) -> bool:
        """True if nothing but spaces stands between two words of the text."""
        end = before.at + len(before.text)
        return end <= word.at and not self._clean[end : word.at].strip()

    def _add_group(self, words: list[Word]) -> None:
        """Add words of the text that stand as they do there."""
        if words:
            start, end = words[0].at, words[-1].at + len(words[-1].text)
            self._add(self._clean[start:end] + " ", start, plain=True)

    def _note(self, text: str) -> None:
        if self._given:
            self.used |= self._given.intersection(_NAME.findall(text))

    def expanded(self) -> list[Expanded]:
        """The macros that were replaced, each with the places where that was."""
        found: dict[tuple[int, int, str], list[int]] = {}
        for macro, at in self._expansion.uses:
            if macro.source is self._source and macro.body:
                first, last = macro.body[0], macro.body[-1]
                place = first.at, last.at + len(last.text), f"the macro '{macro.name}'"
            else:
                where = "given with -D" if macro.source is None else f"defined at {macro.where}"
                place = at, at + len(macro.name), f"the macro '{macro.name}', {where}"
            found.setdefault(place, []).append(at)
        return [Expanded(*place, tuple(dict.fromkeys(uses))) for place, uses in found.items()]

    # ---- lines of the preprocessor ----

    def _directive(self, found: re.Match[str]) -> None:
        """Add a line of the preprocessor: an include in quotes as it is, the others as spaces."""
        quoted = _QUOTED.match(self._source.text, found.start())
        if quoted is not None and self._active:
            self._add(quoted[0], found.start(), plain=True)
            self._add(" " * (found.end() - quoted.end()), quoted.end(), plain=True)
        else:
            self._add(" " * (found.end() - found.start()), found.start(), plain=True)

    def _line(self, found: re.Match[str]) -> None:
        name, rest = found["name"], found["rest"]
        self._note(rest)
        conditional = _CONDITIONALS.get(name)
        if conditional is not None:
            conditional(self, found.start(), name, rest)
        elif name == "define":
            macro = defined(rest, found.start("rest"), self._source)
            if macro is not None and macro.name not in self._given:
                self.macros[macro.name] = macro
        elif name == "undef":
            undefined = rest.strip()
            if undefined not in self._given:
                self.macros.pop(undefined, None)
        elif name == "error":
            text = self._source.text[found.start() : found.end()].strip()
            raise fail(
                "the program does not want to be compiled like this",
                Span(self._source, found.start(), found.end()),
                f"it says {text}",
                help="-D NAME=VALUE gives a macro its value, as a compiler's -D does",
                code="E015",
            )
        elif name == "include":
            self._include(found)

    def _include(self, found: re.Match[str]) -> None:
        """Know the macros of a header that lies beside the source."""
        quoted = _QUOTED.match(self._source.text, found.start())
        place = None if quoted is None else beside(quoted[1], self._source)
        if quoted is None or place is None:
            return
        own = {name: m for name, m in self.macros.items() if m is not PREDEFINED.get(name)}
        if own:
            self.included[found.start() + quoted[0].index("#")] = own
        path, root = place
        loops = path in self._nested or path == self._source.path
        if loops or len(self._nested) >= _MAX_NESTED or self.headers >= _MAX_HEADERS:
            return
        self.headers += 1
        try:
            header = read_source(path, root=root)
            inner = _Reading(header, self.macros, self._given, [*self._nested, path])
            inner.headers = self.headers
            inner.read(expand=False)
            self.headers = inner.headers
        except ArchError:
            return  # it is told where the header itself is read

    # ---- conditional compilation ----

    def _if(self, start: int, name: str, rest: str) -> None:
        outer = self._active
        active = outer and self._holds(start, name, rest)
        self._branches.append(_Branch(start, active, outer, active))

    def _elif(self, start: int, name: str, rest: str) -> None:
        if self._branches:
            branch = self._branches[-1]
            wanted = branch.outer and not branch.taken
            active = wanted and self._holds(start, name, rest)
            self._branches[-1] = branch._replace(active=active, taken=branch.taken or active)

    def _endif(self, start: int, name: str, rest: str) -> None:
        if self._branches:
            self._branches.pop()

    def _holds(self, start: int, name: str, rest: str) -> bool:
        """True if the condition of a line is met."""
        if name == "else":
            return True
        if name.endswith("def"):
            return self._defined(rest.strip()) != name.endswith("ndef")
        words, asked = list[Word](), [Word(w.text, start) for w in words_of(rest)]
        at = 0
        while at < len(asked):
            word = asked[at]
            texts = [w.text for w in asked[at : at + 4]]
            at += 1
            answer: bool | None = None
            if word.text == "defined" and len(texts) > 1:
                grouped = texts[1:2] == ["("] and texts[3:] == [")"]
                answer = self._defined(texts[2 if grouped else 1])
                at += 3 if grouped else 1
            elif word.text == _HAS_INCLUDE and texts[1:2] == ["("]:
                wanted = []
                while at < len(asked) and asked[at].text != ")":
                    wanted.append(asked[at].text)
                    at += 1
                at += 1
                answer = _is_there("".join(wanted[1:]))
            words.append(word if answer is None else Word(str(int(answer)), start))
        return bool(evaluate([word.text for word in self._conditions.words(words, self.macros)]))

    def _defined(self, name: str) -> bool:
        return name in self.macros or name == _HAS_INCLUDE


def _is_there(header: str) -> bool:
    """True for a header in ``<>`` that a compiler has with dlib beside it: dlib's and C++'s own."""
    name = header.removeprefix("<").removesuffix(">")
    return name != header and (name.startswith("dlib/") or name.isidentifier())


_CONDITIONALS: dict[str, Callable[[_Reading, int, str, str], None]] = {
    "if": _Reading._if,
    "ifdef": _Reading._if,
    "ifndef": _Reading._if,
    "elif": _Reading._elif,
    "elifdef": _Reading._elif,
    "elifndef": _Reading._elif,
    "else": _Reading._elif,
    "endif": _Reading._endif,
}
