"""Go to definition, find references, document symbols and rename."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from lsprotocol import types

from archdsl.diagnostics import fail
from archdsl.editor.descriptions import label
from archdsl.editor.document import Document
from archdsl.editor.files import File, Files, Target, View
from archdsl.editor.marks import given_by, mark_at, same
from archdsl.frontend.syntax.grammar import tokens_of
from archdsl.frontend.syntax.tokens import END
from archdsl.ir.layer import definitions, lookup

_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_SYMBOLS = {
    "template": types.SymbolKind.Function,
    "network": types.SymbolKind.Class,
    "constant": types.SymbolKind.Constant,
    "parameter": types.SymbolKind.Variable,
}


class Mention(NamedTuple):
    """A place at which a definition is named."""

    file: File
    start: int
    end: int

    @property
    def location(self) -> types.Location:
        return types.Location(self.file.uri, self.file.range(self.start, self.end))


def definition(document: Document, files: Files, offset: int) -> types.Location | None:
    """Location of the definition of the name at an offset; for an include, the start of its file.

    For a tag or the name of a place it is what gives the place that.
    """
    view = document.view
    target = view.target_at(offset)
    if target is not None:
        return Mention(target.file, target.named.start, target.named.end).location
    mark = mark_at(view, offset)
    given = given_by(view, mark) if mark is not None else None
    if given is not None:
        return Mention(given.file, given.use.start, given.use.end).location
    statement = document.file.outline.statement_at(offset)
    if statement is None or statement.included is None or offset > statement.end:
        return None
    inner = files.included(document.file, statement.included)
    return None if inner is None else Mention(inner, 0, 0).location


def references(
    document: Document, files: Files, offset: int, *, declaration: bool = True
) -> list[types.Location]:
    """Locations that name the definition at an offset, in all texts that can see it."""
    view = document.view
    target = view.target_at(offset)
    mark = mark_at(view, offset) if target is None else None
    if mark is not None:
        found = [m for m in same(view, mark) if declaration or not m.gives]
        return [Mention(m.file, m.use.start, m.use.end).location for m in found]
    if target is None:
        return _uses_of_builtin(document, offset)
    own = target.file, target.named.start
    mentions = _mentions(target, document, files)
    return [m.location for m in mentions if declaration or (m.file, m.start) != own]


def _uses_of_builtin(document: Document, offset: int) -> list[types.Location]:
    """The uses of a layer of the catalogue in the text itself."""
    at = document.file.outline.use_at(offset)
    if at is None or lookup(at.name) is None:
        return []
    view = document.view
    same = (u for u in document.file.outline.named[at.name] if u.role == at.role)
    return [
        Mention(view.file, use.start, use.end).location
        for use in same
        if view.resolve(view.file, use) is None
    ]


def _mentions(target: Target, document: Document, files: Files) -> Iterator[Mention]:
    """Every place at which a definition is named, itself first; each once."""
    named = target.named
    yield Mention(target.file, named.start, named.end)
    done = {target.place}
    views = [document.view, *(View(file, files) for file in files.searched())]
    for view in views:
        if not any(file.source.path == target.file.source.path for file in view.files):
            continue
        for file in view.files:
            for use in file.outline.named.get(named.name, ()):
                place = file.source.path or file, use.start
                if place in done:
                    continue
                meant = view.resolve(file, use)
                if meant is not None and meant.place == target.place:
                    done.add(place)
                    yield Mention(file, use.start, use.end)


def symbols(document: Document) -> list[types.DocumentSymbol]:
    """The definitions of a text, and the networks that stand in it without a name."""
    file = document.file
    found = []
    for statement in document.file.outline.statements:
        whole = file.range(statement.start, statement.end)
        declared = statement.declared
        if declared is None:
            head = document.file.outline.use_at(statement.start)
            if head is not None and head.role == "head":
                kind = types.SymbolKind.Class
                name = file.range(head.start, head.end)
                found.append(types.DocumentSymbol("network", kind, whole, name, head.name))
            continue
        detail = None
        if declared.formals:
            detail = label(declared)
        kind = _SYMBOLS[declared.kind]
        name = file.range(declared.start, declared.end)
        found.append(types.DocumentSymbol(declared.name, kind, whole, name, detail))
    return found


# ---- renaming ----


def renamable(document: Document, files: Files, offset: int) -> Mention:
    """The name at an offset, if it can be renamed; raises ArchError with the reason if not."""
    target = document.view.target_at(offset)
    use = document.file.outline.use_at(offset)
    if target is None:
        if use is not None and lookup(use.name) is not None and use.role != "key":
            raise fail(f"'{use.name}' is built in and keeps its name")
        raise fail("there is no name of this text here")
    path = target.file.source.path
    folders = files.folders
    foreign = path is not None and not any(path.is_relative_to(folder) for folder in folders)
    if foreign and folders and target.file is not document.file:
        raise fail(f"'{target.named.name}' is defined outside of this folder, in {path}")
    if use is not None:
        return Mention(document.file, use.start, use.end)
    return Mention(document.file, target.named.start, target.named.end)


def rename(document: Document, files: Files, offset: int, name: str) -> types.WorkspaceEdit:
    """The edits that give the definition at an offset another name, in all texts that use it.

    Raises ArchError where it cannot be renamed, or not to this.
    """
    renamable(document, files, offset)
    target = document.view.target_at(offset)
    assert target is not None  # it is renamable
    edits: defaultdict[str, list[types.TextEdit]] = defaultdict(list)
    if name != target.named.name:
        _refuse(name, target, document)
        for mention in _mentions(target, document, files):
            edit = types.TextEdit(mention.location.range, name)
            edits[mention.file.uri].append(edit)
    return types.WorkspaceEdit(dict(edits))


def _refuse(name: str, target: Target, document: Document) -> None:
    kinds = [token.kind for token in tokens_of(name)]
    if not _NAME.fullmatch(name) or kinds != ["NAME", END]:
        raise fail(f"'{name}' is not a name that a definition can have")
    if name in definitions() or lookup(name) is not None:
        raise fail(f"'{name}' is built in; a definition of that name would hide it")
    if target.formal is not None and name in {f.name for f in target.declared.formals}:
        raise fail(f"'{target.declared.name}' has a parameter '{name}' already")
    for other in document.view.visible():
        if other.declared.name == name:
            raise fail(f"'{name}' is defined already, in {other.file.source.name}")
    if target.formal is None:
        for file in document.view.files:
            for statement in file.outline.statements:
                declared = statement.declared
                if declared is not None and name in (f.name for f in declared.formals):
                    raise fail(f"the template '{declared.name}' has a parameter '{name}'")
