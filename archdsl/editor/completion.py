"""Completion and signature help."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from lsprotocol import types

from archdsl.editor.cursor import Bracket, Cursor
from archdsl.editor.descriptions import argument_at, argument_text, comment, label, plain, signature
from archdsl.editor.document import Document
from archdsl.editor.files import Target, View
from archdsl.editor.outline import Kind
from archdsl.frontend.bundled import specs_folder
from archdsl.frontend.elaborate.arithmetic import FUNCTIONS
from archdsl.frontend.elaborate.initial_values import drawn_kinds
from archdsl.ir.block import Label
from archdsl.ir.layer import Argument, Definition, definitions, lookup
from archdsl.layers.initial import SCHEMES, Scheme

_Kind = types.CompletionItemKind
_STATEMENTS = ("using", "template", "param", "const", "#include")
_TYPES = ("int", "float", "bool", "typename", "template")
_NUMBERS = (int, float, bool)
_MOST_LISTED = 1000
"""Of a text that defines more names, those that hold the typed letters, in their order, are listed,
the last ones at most: the editor asks again when more is typed."""


def completions(document: Document, offset: int) -> types.CompletionList:
    """Completion items for the cursor at an offset."""
    cursor = Cursor(document.view, offset)
    items = _completions(document, cursor)
    return types.CompletionList(cursor.view.defined > _MOST_LISTED, items)


def _completions(document: Document, cursor: Cursor) -> list[types.CompletionItem]:
    view = cursor.view
    if cursor.include is not None:
        return list(_paths(document, cursor, cursor.include))
    if cursor.in_initial_fact:
        return _words((*SCHEMES, *drawn_kinds()))
    if cursor.in_comment or cursor.behind in ("USING", "NAMESPACE", "CTYPE", "TYPENAME"):
        return []
    if cursor.in_header or cursor.behind in ("PARAM", "_CONST"):
        return _words(_TYPES)
    if cursor.after_header:
        return _words(("using",))
    if cursor.at_start:
        return [*_words(_STATEMENTS), *_names(view, cursor)]
    bracket = cursor.bracket
    if bracket is not None and bracket.head is None:
        return [*_formals(cursor), *_numbers(view, cursor)]
    found = cursor.call()
    if found is None:
        return [*_formals(cursor), *_names(view, cursor), *_numbers(view, cursor)]
    callee, inside = found
    argument = _argument(callee, inside.place, inside.key)
    if argument is not None and _holds(argument, (Label,)):
        return [*_labels(view), *_keys(callee, inside)]
    if argument is not None and _holds(argument, (Scheme,)):
        return _words(SCHEMES)
    if inside.key is not None:
        blocks = argument is None or not _holds(argument, _NUMBERS)
        names = _names(view, cursor) if blocks else ()
        truths = _words(("true", "false")) if argument is not None and argument.type is bool else ()
        return [*truths, *_formals(cursor), *_numbers(view, cursor), *names]
    return [
        *_keys(callee, inside),
        *_formals(cursor),
        *_names(view, cursor),
        *_numbers(view, cursor),
    ]


def signature_help(document: Document, offset: int) -> types.SignatureHelp | None:
    """The signature of the layer or template whose arguments are being written."""
    cursor = Cursor(document.view, offset)
    found = None if cursor.in_comment else cursor.call()
    if found is None:
        return None
    callee, bracket = found
    described = signature(callee)
    parameters = [
        types.ParameterInformation((p.start, p.end), plain(p.doc)) for p in described.parameters
    ]
    doc = types.MarkupContent(types.MarkupKind.Markdown, plain(described.doc))
    active = described.active(bracket.place, bracket.key)
    shown = types.SignatureInformation(described.label, doc, parameters, active)
    return types.SignatureHelp([shown], active_signature=0, active_parameter=active)


def _argument(callee: Definition | Target, place: int, key: str | None) -> Argument | None:
    if isinstance(callee, Target):
        return None
    return callee.argument(key) if key is not None else argument_at(callee, place)


def _holds(argument: Argument, kinds: Iterable[Any]) -> bool:
    inner = getattr(argument.type, "__args__", (None,))[0]
    return argument.type in kinds or inner in kinds


# ---- what there is ----


def _item(
    name: str, kind: types.CompletionItemKind, rank: str, detail: str = "", doc: str = ""
) -> types.CompletionItem:
    content = types.MarkupContent(types.MarkupKind.Markdown, plain(doc)) if doc else None
    return types.CompletionItem(
        name, kind=kind, detail=detail or None, documentation=content, sort_text=rank + name
    )


def _words(words: Iterable[str]) -> list[types.CompletionItem]:
    return [_item(word, _Kind.Keyword, "4") for word in words]


def _keys(callee: Definition | Target, inside: Bracket) -> Iterator[types.CompletionItem]:
    """The arguments that are not there yet, to be given by name."""
    if isinstance(callee, Target):
        known = [(f.name, f.text) for f in callee.declared.formals if f.type != "typename"]
    else:
        ordered = sorted(callee.arguments, key=lambda a: not a.positional)
        known = [(a.name, argument_text(a)) for a in ordered]
    for name, meaning in known[inside.place - len(inside.keys) :]:
        if name not in inside.keys:
            yield _item(f"{name}=", _Kind.Field, "0", meaning)


def _formals(cursor: Cursor) -> Iterator[types.CompletionItem]:
    for formal in cursor.formals():
        yield _item(formal.name, _Kind.TypeParameter, "1", formal.text)


def _names(view: View, cursor: Cursor) -> Iterator[types.CompletionItem]:
    """Templates that are defined before the cursor or in an include, and the catalogue."""
    own, start = set(), cursor.start
    for target in _listed(view, cursor, ("template", "network")):
        later = target.file is view.file and target.declared.start >= start
        if cursor.at_start or not later:
            own.add(target.declared.name)
            detail = label(target.declared) if target.declared.formals else ""
            yield _item(target.declared.name, _Kind.Class, "2", detail, comment(target))
    yield from (item for item in _catalogue() if item.label not in own)


def _listed(view: View, cursor: Cursor, kinds: Collection[Kind]) -> Iterable[Target]:
    """The definitions of some kinds; of many the last ones that fit what is typed."""
    found = (target for target in view.visible() if target.declared.kind in kinds)
    if view.defined <= _MOST_LISTED:
        return found
    typed = cursor.typed.lower()
    return deque((t for t in found if _holds_in_order(t.declared.name, typed)), _MOST_LISTED)


def _holds_in_order(name: str, typed: str) -> bool:
    letters = iter(name.lower())
    return all(letter in letters for letter in typed)


def _numbers(view: View, cursor: Cursor) -> Iterator[types.CompletionItem]:
    for target in _listed(view, cursor, ("constant", "parameter")):
        detail = "can be set with -D" if target.declared.kind == "parameter" else ""
        yield _item(target.declared.name, _Kind.Constant, "2", detail, comment(target))
    for name in FUNCTIONS:
        yield _item(name, _Kind.Function, "3")


@cache
def _catalogue() -> tuple[types.CompletionItem, ...]:
    return tuple(
        _item(name, _Kind.Function, "3", signature(definition).label, definition.summary)
        for name, definition in definitions().items()
        if definition.writable
    )


def _labels(view: View) -> Iterator[types.CompletionItem]:
    """The names of places that the text mentions."""
    uses = view.file.outline.uses
    names = {}
    for use in uses:
        definition = None if use.callee is None else lookup(uses[use.callee].name)
        argument = None if definition is None else argument_at(definition, use.place)
        if argument is not None and use.role == "name" and _holds(argument, (Label,)):
            names[use.name] = True
    return (_item(name, _Kind.Reference, "0") for name in names)


def _paths(document: Document, cursor: Cursor, typed: str) -> Iterator[types.CompletionItem]:
    """Files beside the text and bundled ones."""
    folders = [specs_folder()] if document.path is None else [document.path.parent, specs_folder()]
    found: dict[str, Path] = {}
    for folder in folders:
        for path in sorted([*folder.glob("*.arch"), *folder.glob("*/*.arch")]):
            if path.resolve() != document.path:
                found.setdefault(path.relative_to(folder).as_posix(), path)
    where = document.file.range(cursor.offset - len(typed), cursor.offset)
    for name in found:
        item = _item(name, _Kind.File, "0")
        item.text_edit = types.TextEdit(where, name)
        yield item
