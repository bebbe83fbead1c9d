"""Open texts and the files they include, and the definitions of names across them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from lsprotocol import types

from archdsl.diagnostics import ArchError
from archdsl.diagnostics.source import Source, Span
from archdsl.editor.outline import Declared, Formal, Included, Outline, Statement, Use, outline
from archdsl.editor.positions import Moved, Places
from archdsl.frontend.elaborate.assemble import find_include
from archdsl.frontend.files import read_source
from archdsl.frontend.syntax import nodes
from archdsl.frontend.syntax.grammar import tokens_of
from archdsl.frontend.syntax.macros import Macros
from archdsl.frontend.syntax.parser import parse
from archdsl.frontend.syntax.tree import Tree
from archdsl.ir.layer import lookup
from archdsl.text.paths import resolved

_MAX_SEARCHED = 2000


class File:
    """One version of a text, with what is found in it when it is first asked for.

    Editors know the newest version alone, though answers may be those of an earlier one: ``range``
    and ``offset`` are of positions in the newest.
    """

    def __init__(self, source: Source, encoding: str, uri: str, *, opened: bool = False) -> None:
        self.source = source
        self.uri = uri
        self.newest = self
        self._encoding = encoding
        self._opened = opened
        self._moved: tuple[File, Moved, Moved] | None = None

    @property
    def text(self) -> str:
        return self.source.text

    @cached_property
    def outline(self) -> Outline:
        return outline(self.text, self.tree if self._opened else None)

    @cached_property
    def tree(self) -> Tree:
        """The brackets of the text. It is ten times as large, and kept of texts that are open."""
        return Tree(tokens_of(self.text))

    @cached_property
    def places(self) -> Places:
        return Places(self.text, self._encoding)

    def range(self, start: int, end: int) -> types.Range:
        """The range of the characters between two offsets."""
        if self.newest is not self:
            _, _, later = self._moves
            start, end = later.nearest(start), later.nearest(end)
        return self.newest.places.range(start, end)

    def offset(self, position: types.Position) -> int:
        """The character at a position; the start of what was edited since, for one in that."""
        found = self.newest.places.offset(position)
        if self.newest is self:
            return found
        _, earlier, _ = self._moves
        return earlier.nearest(found)

    @property
    def _moves(self) -> tuple[File, Moved, Moved]:
        newest = self.newest
        if self._moved is None or self._moved[0] is not newest:
            ways = Moved(self.text, newest.text), Moved(newest.text, self.text)
            self._moved = newest, *ways
        return self._moved

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
        self._open: dict[Path, File] = {}
        self._known: dict[tuple[Path, Path], tuple[object, File]] = {}

    def opened(self, path: Path, file: File) -> None:
        """Let a version of a text stand in for a file."""
        self._open[path] = file

    def closed(self, path: Path) -> None:
        self._open.pop(path, None)

    def file(self, path: Path, root: Path | None = None) -> File:
        """The file at a path; raises ArchError where it cannot be read."""
        root = root or path.parent
        opened = self._open.get(path)
        if opened is not None and opened.source.root == root:
            return opened
        stamp: object = opened
        if opened is None and path.is_file():
            status = path.stat()
            stamp = status.st_mtime_ns, status.st_size
        known = self._known.get((path, root))
        if known is not None and known[0] == stamp:
            if opened is not None:
                known[1].newest = opened.newest
            return known[1]
        if opened is None:
            file = File(read_source(path, root=root), self.encoding, path.as_uri())
        else:
            source = Source(path.name, opened.text, path, root)
            file = File(source, self.encoding, opened.uri)
            file.newest = opened.newest
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

    @property
    def defined(self) -> int:
        """Number of names that are defined."""
        return len(self._targets)

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
