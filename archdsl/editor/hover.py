"""Hover texts, and shapes at the ends of lines (inlay hints)."""

from __future__ import annotations

from collections import Counter

from lsprotocol import types

from archdsl.editor.descriptions import (
    argument_text,
    code,
    comment,
    definition_text,
    plain,
    signature,
)
from archdsl.editor.document import Document
from archdsl.editor.facts import ExpandedName
from archdsl.editor.files import Target, View
from archdsl.editor.marks import given_by, mark_at
from archdsl.editor.outline import Included, Use
from archdsl.frontend.syntax.tokens import opening_comment
from archdsl.ir.layer import lookup, shown
from archdsl.text.words import count_words

_SHOWN = 6
_SHOWN_IN_LINE = 2


def hover(document: Document, offset: int) -> types.Hover | None:
    """Hover text for the name at an offset."""
    view = document.view
    file, target = document.file, view.target_at(offset)
    use = file.outline.use_at(offset)
    statement = file.outline.statement_at(offset)
    included = statement.included if statement is not None else None
    if target is not None:
        start, end = (use or target.named)[1:3]
        parts = _of_target(document, target)
    elif use is not None:
        start, end = use.start, use.end
        parts = [*_of_builtin(view, use), _of_mark(view, offset)]
    elif included is not None and offset <= included.end:
        start, end = included.start, included.end
        parts = _of_include(view, included)
    else:
        return None
    if use is not None and use.role in ("head", "name"):
        parts.append(_in_network(document.made_at(use.written)))
    text = "\n\n".join(filter(None, parts))
    if not text:
        return None
    content = types.MarkupContent(types.MarkupKind.Markdown, text)
    return types.Hover(content, file.range(start, end))


def _of_target(document: Document, target: Target) -> list[str]:
    if target.formal is not None:
        owner = plain(target.declared.name)
        return [code(target.formal.text), f"parameter of the template {owner}"]
    parts = [code(definition_text(target)), plain(comment(target))]
    network = document.checked.network
    if target.declared.kind == "parameter" and network is not None and network.parameters:
        value = network.parameters.get(target.declared.name)
        parts.append(f"`-D {target.declared.name}=...` sets it; here it is {value}")
    return parts


def _of_builtin(view: View, use: Use) -> list[str]:
    if use.role == "key":
        callee = None if use.callee is None else view.file.outline.uses[use.callee]
        definition = None if callee is None else lookup(callee.name)
        argument = None if definition is None else definition.argument(use.name)
        return (
            [] if argument is None else [f"**{argument.name}**: {plain(argument_text(argument))}"]
        )
    definition = lookup(use.name)
    if definition is None or use.role == "function":
        return []
    described = signature(definition)
    summary = plain(" ".join(definition.summary.split()))
    return [code(described.label), summary, f"*{plain(definition.source)}*"]


def _of_mark(view: View, offset: int) -> str:
    """Text about the place that a tag or a name refers to."""
    mark = mark_at(view, offset)
    given = given_by(view, mark) if mark is not None else None
    if mark is None or given is None or mark.gives:
        return ""
    line = given.file.range(given.use.start, given.use.start).start.line + 1
    name = f"tag{mark.key}" if isinstance(mark.key, int) else str(mark.key)
    where = "" if given.file is mark.file else f" of {plain(given.file.source.name)}"
    return f"the place {plain(name)}, named at line {line}{where}"


def _of_include(view: View, included: Included) -> list[str]:
    paths = [path for path, door in view.doors.items() if door == included]
    inner = next((file for file in view.files if file.source.path in paths), None)
    if inner is None:
        return []
    return [f"**{plain(inner.source.name)}**", plain("\n".join(opening_comment(inner.text)))]


def _in_network(made: list[ExpandedName]) -> str:
    """Text about the layers that a name was expanded to, equal ones counted together."""
    counts = Counter(made)
    lines = []
    for one, count in list(counts.items())[:_SHOWN]:
        parts = [f"**{one.shape}**"]
        parts += [f"{one.parameters:,} parameters"] if one.parameters else []
        parts += [f"{count_words(one.macs)} MACs"] if one.macs != 0 else []
        parts += [f"sees {shown(one.sees)}", plain(one.title)]
        lines.append(" · ".join(parts) + (f" ({count} times)" if count > 1 else ""))
    if len(counts) == 1:
        return f"Output {lines[0]}"
    if len(counts) > _SHOWN:
        lines.append(f"and {len(counts) - _SHOWN} others")
    return "\n".join(f"- {line}" for line in lines)


def inlay_hints(document: Document, start: int, end: int) -> list[types.InlayHint]:
    """The output shape of what begins each line between two offsets, at the line's end.

    A name stands outside of what it is applied to, so the first one of a line has what comes out
    of the line. A line of a template that is used at several sizes shows the first ones.
    """
    lines, shown = document.file.places.lines, set[int]()
    hints = []
    for offset, made in document.made_between(start, end):
        line = lines.at(offset)
        if line in shown:  # two lines have become one
            continue
        shown.add(line)
        shapes = list(dict.fromkeys(one.shape for one in made))
        label = ", ".join(shapes[:_SHOWN_IN_LINE]) + (", …" if shapes[_SHOWN_IN_LINE:] else "")
        behind = lines.range(line)[1]
        position = document.file.range(behind, behind).end
        tooltip = ", ".join(shapes) if shapes[_SHOWN_IN_LINE:] else None
        hints.append(types.InlayHint(position, label, tooltip=tooltip, padding_left=True))
    return hints
