"""Macros of C++: what a name stands for, and the words that a text has with all of them replaced.

A word of a macro's body keeps its place where that lies in the same text, and stands where the
macro is used where it does not, as one of a header or of ``-D`` does. A macro is not replaced
inside of its own expansion; what an argument expands to is worked out before it is put in
(C++ standard, [cpp.rescan] and [cpp.subst]).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from archdsl.diagnostics import ArchError, fail
from archdsl.diagnostics.source import Source, Span
from archdsl.ir.trampoline import Task, run

_WORD = re.compile(
    r"[A-Za-z_]\w*|\.?\d(?:[eEpP][+-]|[\w.])*|::|<<|>>|<=|>=|==|!=|&&|\|\||->|\+\+|--|\.\.\.|##|\S"
)
_DEFINITION = re.compile(r"\s*([A-Za-z_]\w*)(\([^()]*\))?")
_MAX_WORDS = 300_000
_NONE: frozenset[str] = frozenset()


class Word(NamedTuple):
    """A word of a text: its offset, and the macros that it is not to be replaced by any more."""

    text: str
    at: int
    hidden: frozenset[str] = _NONE


class Macro(NamedTuple):
    """``#define NAME body``, or with ``parameters`` ``#define NAME(a, b) body``.

    ``source`` is the text that the places of its body refer to, ``None`` for values from outside.
    """

    name: str
    parameters: tuple[str, ...] | None
    variadic: bool
    body: tuple[Word, ...]
    source: Source | None = None
    at: int = 0

    @property
    def where(self) -> str:
        """The place of its definition, for people."""
        if self.source is None:
            return "-D"
        return Span(self.source, self.at, self.at).where


Macros = Mapping[str, Macro]


def words_of(text: str, offset: int = 0) -> Iterator[Word]:
    """The words of a text without comments; ``offset`` is that of its first character."""
    return (Word(found[0], offset + found.start()) for found in _WORD.finditer(text))


def defined(text: str, offset: int, source: Source | None) -> Macro | None:
    """The macro that the text behind ``#define`` means; ``None`` where it means none."""
    found = _DEFINITION.match(text)
    if found is None:
        return None
    name, listed = found[1], found[2]
    parameters: tuple[str, ...] | None = None
    variadic = False
    if listed is not None:
        names = [part.strip() for part in listed[1:-1].split(",")]
        if names == [""]:
            names = []
        if names and names[-1].endswith("..."):
            variadic = True
            names[-1] = names[-1].removesuffix("...").strip() or "__VA_ARGS__"
        if not all(name.isidentifier() for name in names):
            return None
        parameters = tuple(names)
    body = tuple(words_of(text[found.end() :], offset + found.end()))
    return Macro(name, parameters, variadic, body, source, offset + found.start(1))


class Expansion:
    """Replaces the macros in words of one text; ``uses`` are the places at which it did.

    Raises ArchError where a macro is used with the wrong number of arguments, or where all of them
    together make more words than any program needs.
    """

    def __init__(self, source: Source) -> None:
        self.uses: list[tuple[Macro, int]] = []
        self._source = source
        self._count = 0

    def words(self, words: Iterable[Word], macros: Macros) -> list[Word]:
        """The words with those of macros in place of their names."""
        return run(self._expand(list(words), macros))

    def _expand(self, words: list[Word], macros: Macros) -> Task[list[Word]]:
        waiting, found = words[::-1], list[Word]()
        while waiting:
            word = waiting.pop()
            macro = macros.get(word.text)
            if macro is None or word.text in word.hidden:
                found.append(word)
                continue
            hidden, given = word.hidden, dict[str, list[Word]]()
            if macro.parameters is not None:
                taken = self._arguments(macro, word, waiting)
                if taken is None:
                    found.append(word)
                    continue
                given, closer = taken
                hidden &= closer.hidden
            self.uses.append((macro, word.at))
            expanded: dict[str, list[Word]] = {}
            for name in _put_in_expanded(macro):
                expanded[name] = yield self._expand(given[name], macros)
            hidden |= {macro.name}
            result = self._substituted(macro, given, expanded, word)
            self._counted(len(result), word)
            waiting += [Word(text, at, own | hidden) for text, at, own in reversed(result)]
        return found

    def _arguments(
        self, macro: Macro, name: Word, waiting: list[Word]
    ) -> tuple[dict[str, list[Word]], Word] | None:
        """The arguments behind a macro's name by parameter, and their ``)``; they are taken."""
        assert macro.parameters is not None
        if not waiting or waiting[-1].text != "(":
            return None
        parts: list[list[Word]] = [[]]
        depth, at = 0, len(waiting)
        closer: Word | None = None
        while at and closer is None:
            at -= 1
            word = waiting[at]
            depth += (word.text == "(") - (word.text == ")")
            whole = macro.variadic and len(parts) == len(macro.parameters)
            if not depth:
                closer = word
            elif depth == 1 and word.text == "," and not whole:
                parts.append([])
            elif depth > 1 or word.text != "(":
                parts[-1].append(word)
        self._counted(len(waiting) - at, name)
        if closer is None:
            return None
        del waiting[at:]
        wanted = len(macro.parameters)
        if not wanted and parts == [[]]:
            parts = []
        if macro.variadic and len(parts) == wanted - 1:
            parts.append([])
        if len(parts) != wanted:
            arguments = "1 argument" if wanted == 1 else f"{wanted} arguments"
            raise self._fail(f"the macro '{macro.name}' takes {arguments}", name, len(parts), macro)
        return dict(zip(macro.parameters, parts, strict=True)), closer

    def _counted(self, words: int, use: Word) -> None:
        self._count += words
        if self._count > _MAX_WORDS:
            raise self._fail(f"macros expand to more than {_MAX_WORDS:,} words", use)

    def _fail(
        self, message: str, word: Word, found: int | None = None, macro: Macro | None = None
    ) -> ArchError:
        notes = [] if found is None else [f"found {found}"]
        notes += [] if macro is None else [f"it is defined at {macro.where}"]
        span = Span(self._source, word.at, word.at + len(word.text))
        return fail(message, span, *notes, code="E015")

    def _substituted(
        self,
        macro: Macro,
        given: Mapping[str, list[Word]],
        expanded: Mapping[str, list[Word]],
        use: Word,
    ) -> list[Word]:
        """The body with arguments in place of parameters, ``#`` and ``##`` carried out."""
        found: list[Word] = []
        last: list[Word] = []  # of what may be pasted to something
        glue = False
        body = macro.body
        at = 0
        while at < len(body):
            word = body[at]
            if macro.source is not self._source:
                word = Word(word.text, use.at)
            at += 1
            if word.text == "##":
                glue = True
                continue
            if word.text == "#" and at < len(body) and body[at].text in given:
                at += 1
                parts = [word._replace(text='"')]
            elif word.text in given:
                pasted = glue or (at < len(body) and body[at].text == "##")
                parts = (given if pasted else expanded)[word.text]
            else:
                parts = [word]
            if not glue:
                found += last
                last = parts
            elif last and parts:
                pair = last[-1]._replace(text=last[-1].text + parts[0].text)
                last = [*last[:-1], pair, *parts[1:]]
            else:
                last = last or parts
            glue = False
        return found + last


def _put_in_expanded(macro: Macro) -> set[str]:
    """The parameters whose arguments the body has other than beside ``#`` and ``##``."""
    texts = ["", *(word.text for word in macro.body), ""]
    return {
        text
        for before, text, behind in zip(texts, texts[1:], texts[2:], strict=False)
        if text in (macro.parameters or ()) and before not in ("#", "##") and behind != "##"
    }
