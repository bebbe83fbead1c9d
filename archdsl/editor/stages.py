"""Running the compiler's stages on a text at every keystroke.

Statements are parsed each by itself, as far as their ends can be told by semicolons, and kept:
a keystroke changes one of them. The trees of the others stay as they are, though the text before
them may have grown; :class:`StatementSource` knows where its statement stands now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property, partial
from operator import itemgetter
from typing import NamedTuple

from archdsl.analysis import shapes
from archdsl.analysis.cost import Summary, summarise
from archdsl.analysis.lint import LintContext, TextContext, advise, advise_on_text, rules
from archdsl.diagnostics import ArchError, Diagnostic
from archdsl.diagnostics.source import Source, Span
from archdsl.editor.facts import ExpandedName, Facts, facts
from archdsl.editor.files import File, Files
from archdsl.frontend.elaborate import check_unused, collect, expand
from archdsl.frontend.expansion import network_name
from archdsl.frontend.syntax import nodes
from archdsl.frontend.syntax.parser import parse
from archdsl.frontend.syntax.tokens import semicolons
from archdsl.ir import network as model
from archdsl.ir.build import build
from archdsl.ir.gc_pause import collector_paused

LIVE_LAYERS = 50_000
"""Larger networks are not built at every keystroke: that would take longer than typing."""


class StatementPosition:
    """Position of a statement in its text; it moves when the text before it changes."""

    offset = 0
    line = 0
    column = 0

    def __init__(self, whole: Source) -> None:
        self.whole = whole
        """The current version of the text."""


@dataclass(frozen=True, eq=False)
class StatementSource(Source):
    """Source of a single statement; it gives positions in the whole text."""

    place: StatementPosition = field(kw_only=True)

    def outer(self, start: int, end: int) -> Span:
        return Span(self.place.whole, self.place.offset + start, self.place.offset + end)

    def locate(self, offset: int) -> tuple[int, int]:
        line, column = super().locate(offset)
        return line + self.place.line, column + (self.place.column if line == 1 else 0)

    def line(self, number: int) -> str:
        return super().line(number - self.place.line)


class Parsed(NamedTuple):
    """The syntax tree of a statement, or its errors."""

    part: StatementSource
    items: tuple[nodes.Item, ...]
    errors: tuple[Diagnostic, ...]


@dataclass(frozen=True, eq=False)
class Checked:
    """Result of compiling one version of a text.

    ``findings`` leave out advice about what is written in other files. ``network`` is ``None``
    where there are errors, where the text defines no network, and where that is too large
    (``oversized``). ``offsets`` says where the sources of spans began.
    """

    file: File
    offsets: Mapping[Source, int]
    findings: tuple[Diagnostic, ...]
    network: model.Network | None = None
    oversized: int | None = None

    costs: Callable[[], Summary] | None = None
    """The summary of the network, made when first asked for."""

    @cached_property
    def facts(self) -> Facts:
        """Layers that each name of the text was expanded to."""
        if self.network is None or self.costs is None:
            return {}
        return facts(self.network, self.costs(), self.offsets)

    @cached_property
    def first_of_lines(self) -> list[tuple[int, list[ExpandedName]]]:
        """Those of the first name of each line, with the offsets of the names, in their order."""
        line_of = self.file.places.lines.at
        found: dict[int, tuple[int, list[ExpandedName]]] = {}
        for each in sorted(self.facts.items(), key=itemgetter(0)):
            found.setdefault(line_of(each[0]), each)
        return list(found.values())


class Checker:
    """Checks the versions of one text, one after the other."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._kept: dict[str, list[Parsed]] = {}

    @collector_paused()
    def check(self, file: File) -> Checked:
        """All errors and warnings of a text, and its network."""
        parsed = self._parse(file)
        offsets: dict[Source, int] = {p.part: p.part.place.offset for p in parsed}
        offsets[file.source] = 0
        errors = [error for p in parsed for error in p.errors]
        if errors:
            return Checked(file, offsets, tuple(errors))
        document = nodes.Document(file.source, tuple(item for p in parsed for item in p.items))
        try:
            collected = collect(document, read=self._files.read)
            if not collected.any:  # a file of blocks, for others to include
                check_unused(collected)
                return Checked(file, offsets, ())
            elaborated = expand(collected)
        except ArchError as error:
            return Checked(file, offsets, error.diagnostics)
        if elaborated.block.layers > LIVE_LAYERS:
            return Checked(file, offsets, (), oversized=elaborated.block.layers)
        written = TextContext(document, elaborated)
        try:
            name = network_name(file.source, elaborated)
            network = shapes.check(build(elaborated.block, name, elaborated.parameters))
        except ArchError as error:
            advice = _own(advise_on_text(written), offsets)
            return Checked(file, offsets, (*error.diagnostics, *advice))
        costs = cache(partial(summarise, network))
        advice = _own(advise(LintContext(document, elaborated, network)), offsets)
        return Checked(file, offsets, advice, network, costs=costs)

    def _parse(self, file: File) -> list[Parsed]:
        """The statements of a text; those that were there before are not parsed again."""
        kept: dict[str, list[Parsed]] = {}
        parsed: list[Parsed] = []
        line = column = 0
        for start, text in _statements(file.text):
            before = self._kept.get(text)
            found = before.pop() if before else None
            place = StatementPosition(file.source) if found is None else found.part.place
            # Before parsing: messages speak of lines.
            place.whole, place.offset, place.line, place.column = file.source, start, line, column
            if found is None or found.part.path != file.source.path:
                source = file.source
                found = _parsed(
                    StatementSource(source.name, text, source.path, source.root, place=place)
                )
            parsed.append(found)
            kept.setdefault(text, []).append(found)
            newlines = text.count("\n")
            column = len(text) - 1 - text.rfind("\n") if newlines else column + len(text)
            line += newlines
        self._kept = kept
        return parsed


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """The text in pieces that end with a semicolon outside of comments, but for the last one.

    Braces hold several statements: a text that has any is one piece.
    """
    start = 0
    if "{" in text:
        yield start, text
        return
    for semicolon in semicolons(text):
        yield start, text[start : semicolon + 1]
        start = semicolon + 1
    yield start, text[start:]


def _own(advice: tuple[Diagnostic, ...], offsets: Mapping[Source, int]) -> tuple[Diagnostic, ...]:
    """Advice about the text itself.

    What is written in an included file is told to whoever has that open; but what a layer's rule
    warns of in it may come from the sizes in this one.
    """
    foreign = rules()
    return tuple(
        a for a in advice if a.code not in foreign or a.span is None or a.span.source in offsets
    )


def _parsed(part: StatementSource) -> Parsed:
    try:
        return Parsed(part, parse(part).items, ())
    except ArchError as error:
        return Parsed(part, (), error.diagnostics)
