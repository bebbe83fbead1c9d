"""Open texts and the files they include, and the definitions of names across them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from archdsl.diagnostics import ArchError
from archdsl.diagnostics.source import Source, Span
from archdsl.editor.outline import Declared, Formal, Included, Outline, Statement, Use, outline
from archdsl.editor.positions import Places
from archdsl.frontend.elaborate.assemble import find_include
from archdsl.frontend.files import read_source
from archdsl.frontend.syntax import nodes
from archdsl.frontend.syntax.macros import Macros
from archdsl.frontend.syntax.parser import parse
from archdsl.ir.layer import lookup
from archdsl.text.paths import resolved

_MAX_SEARCHED = 2000


class File:
    """One version of a text, with what is found in it when it is first asked for."""

    def __init__(self, source: Source, encoding: str, uri: str) -> None:
        self.source = source
        self.uri = uri
        self._encoding = encoding

    @property
    def text(self) -> str:
        return self.source.text

    @cached_property
    def outline(self) -> Outline:
        return outline(self.text)

    @cached_property
    def places(self) -> Places:
        return Places(self.text, self._encoding)

    @cached_property
    def document(self) -> nodes.Document:
        return parse(self.source)


class Target(NamedTuple):
    """The definition that a name refers to, or the parameter ``formal`` of one."""

    file: File
    declared: Declared
    formal: Formal | None = None

    @property
    def named(self) -> Declared | Formal:
        return self.formal or self.declared

    @property
    def place(self) -> tuple[Path | File, int]:
        """Hashable identity of the definition, equal by whatever include it was reached."""
        return self.file.source.path or self.file, self.named.start


class Files:
    """The open texts, and the files behind them; unsaved texts stand in for their files."""

    def __init__(self) -> None:
        self.encoding = "utf-16"
        self.folders: list[Path] = []
        self._open: dict[Path, tuple[str, str]] = {}  # the address that the editor uses, the text
        self._known: dict[tuple[Path, Path], tuple[object, File]] = {}

    def opened(self, path: Path, uri: str, text: str) -> None:
        self._open[path] = uri, text

    def closed(self, path: Path) -> None:
        self._open.pop(path, None)

    def file(self, path: Path, root: Path | None = None) -> File:
        """The file at a path; raises ArchError where it cannot be read."""
        root = root or path.parent
        opened = self._open.get(path)
        stamp: object = opened
        if opened is None and path.is_file():
            status = path.stat()
            stamp = status.st_mtime_ns, status.st_size
        known = self._known.get((path, root))
        if known is not None and known[0] == stamp:
            return known[1]
        if opened is None:
            file = File(read_source(path, root=root), self.encoding, path.as_uri())
        else:
            uri, text = opened
            file = File(Source(path.name, text, path, root), self.encoding, uri)
        self._known[path, root] = stamp, file
        return file

    def read(self, path: Path, root: Path, macros: Macros | None = None) -> nodes.Document:
        """The syntax tree of an included file, parsed once for each of its versions.

        With macros of a C++ program around it, it may say something else each time.
        """
        file = self.file(path, root)
        return parse(file.source, None, macros) if macros else file.document

    def included(self, file: File, include: Included) -> File | None:
        """The file that an include means, ``None`` where there is none."""
        span = Span(file.source, include.start, include.end)
        try:
            return self.file(*find_include(nodes.Include(include.target, span), file.source))
        except (ArchError, ValueError):  # a line without quotes has no place for a message
            return None

    def searched(self) -> Iterator[File]:
        """Every text that is open or lies in the editor's folders, unreadable ones left out."""
        paths = dict.fromkeys(self._open)
        for folder in self.folders:
            for path in folder.rglob("*.arch"):
                if len(paths) >= _MAX_SEARCHED:
                    break
                paths.setdefault(resolved(path))
        for path in paths:
            try:
                yield self.file(path)
            except ArchError:
                continue


class View:
    """A text with its includes, in the order in which definitions follow each other."""

    def __init__(self, file: File, files: Files) -> None:
        self.file = file
        self._files = files
        self._order: dict[tuple[File, int], int] = {}
        self._targets: dict[str, list[tuple[int, Target]]] = {}
        self.files: list[File] = []
        self.doors: dict[Path, Included] = {}
        """By the path of an included file, the include of the text that leads to it."""
        self._collect()

    def _collect(self) -> None:
        pending: list[tuple[File, Iterator[tuple[int, Statement]]]] = []

        def enter(file: File) -> None:
            self.files.append(file)
            pending.append((file, iter(enumerate(file.outline.statements))))

        done = {self.file.source.path}
        enter(self.file)
        while pending:
            file, statements = pending[-1]
            index, statement = next(statements, (0, None))
            if statement is None:
                pending.pop()
                continue
            order = self._order[file, index] = len(self._order)
            if statement.declared is not None:
                target = Target(file, statement.declared)
                self._targets.setdefault(statement.declared.name, []).append((order, target))
            if statement.included is None:
                continue
            inner = self._files.included(file, statement.included)
            if inner is not None and inner.source.path not in done:
                path = inner.source.path
                assert path is not None  # it was found by it
                done.add(path)
                outer = None if len(pending) == 1 else self.doors.get(file.source.path or path)
                self.doors[path] = outer or statement.included
                enter(inner)

    def visible(self) -> Iterator[Target]:
        """Every definition, the last one of each name."""
        return (found[-1][1] for found in self._targets.values())

    def resolve(self, file: File, use: Use) -> Target | None:
        """The user's definition that a use means; ``None`` for what is built in, or unknown."""
        if use.role == "function":
            return None
        if use.role == "key":
            return self._key(file, use)
        declared = file.outline.statements[use.statement].declared
        for formal in declared.formals if declared is not None else ():
            if formal.name == use.name:
                assert declared is not None
                return Target(file, declared, formal)
        found = self._targets.get(use.name, [])
        here = self._order[file, use.statement]
        earlier = [target for order, target in found if order < here]
        if earlier:
            return earlier[-1]
        # A definition that comes too late is wrong, but it is what the author means.
        return found[0][1] if found and lookup(use.name) is None else None

    def _key(self, file: File, use: Use) -> Target | None:
        if use.callee is None:
            return None
        callee = self.resolve(file, file.outline.uses[use.callee])
        if callee is None or callee.formal is not None:
            return None
        formals = (f for f in callee.declared.formals if f.name == use.name)
        formal = next(formals, None)
        return None if formal is None else callee._replace(formal=formal)

    def target_at(self, offset: int) -> Target | None:
        """The definition that the name at an offset gives or uses."""
        statement = self.file.outline.statement_at(offset)
        if statement is not None and statement.declared is not None:
            declared = statement.declared
            if declared.start <= offset <= declared.end:
                return Target(self.file, declared)
            for formal in declared.formals:
                if formal.start <= offset <= formal.end:
                    return Target(self.file, declared, formal)
        use = self.file.outline.use_at(offset)
        return None if use is None else self.resolve(self.file, use)
