"""Lint rules about definitions, tags and taps that are never used."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from archdsl.analysis.lint.rule import TextContext, text_rule
from archdsl.diagnostics import Diagnostic
from archdsl.diagnostics.source import Span
from archdsl.frontend.syntax import nodes
from archdsl.ir.block import Block, BlockStep, Combinator, Instance, Tag
from archdsl.ir.layer import Layer
from archdsl.layers.combinators import AddTag
from archdsl.layers.pyramids import Tap

_Defined = nodes.Template | nodes.Constant | nodes.Parameter
_NAMELESS = (Span, nodes.Integer, nodes.CppType)


@text_rule("W001")
def unused_definitions(context: TextContext) -> Iterator[Diagnostic]:
    """Definitions of the text itself that none of its networks needs, one through another."""
    items = context.document.items
    if context.document.source.is_cpp:
        return  # the rest of the program may use it, or another program that includes the header
    defined = [item for item in items if isinstance(item, _Defined)]
    if not defined:
        return
    wanted: set[str] = set()
    unused: list[_Defined] = []
    # A name means the definition before it, so going backwards all uses are known in time.
    for item in reversed(items):
        if isinstance(item, nodes.Include):
            break  # what stands above may be for the included file
        if isinstance(item, nodes.NetworkExpression):
            wanted |= _names(item.body)
        elif isinstance(item, _Defined):
            if item.name.text in wanted or _stands_alone(item, context):
                wanted |= _names(item)
            else:
                unused.append(item)
        else:
            wanted |= _names(item)  # what scopes and structs hold is not judged by itself
    for item in reversed(unused):
        what = "template" if isinstance(item, nodes.Template) else "number"
        yield Diagnostic(
            f"the {what} '{item.name.text}' is never used",
            item.name.span,
            help="leave it out, or allow it with a comment that says what it is for",
            severity="warning",
        )


def _stands_alone(item: _Defined, context: TextContext) -> bool:
    """True if a definition is a network by itself; all alternatives of a text count."""
    if not isinstance(item, nodes.Template) or item.formals:
        return False
    elaborated = context.elaborated
    return item.name.text in (elaborated.name, *elaborated.others)


def _names(root: Any) -> set[str]:
    """Every name in a tree of nodes but the one that it defines."""
    found: set[str] = set()
    pending = [root]
    while pending:
        node = pending.pop()
        if isinstance(node, nodes.Name):
            found.add(node.text)
            if node.scope is not None:
                found.update(node.scope.path)
                pending.append(node.scope.container or ())
        else:
            pending.extend(c for c in node if isinstance(c, tuple) and type(c) not in _NAMELESS)
    if isinstance(root, _Defined):
        own = [f.name.text for f in getattr(root, "formals", ()) if f.name is not None]
        return (found - set(own)) | _recursive(root, found)
    return found


def _recursive(item: _Defined, found: set[str]) -> set[str]:
    # A definition that shadows an earlier one of its name may use that one.
    return {item.name.text} & found if isinstance(item, nodes.Template) else set()


@text_rule("W002")
def dead_tags(context: TextContext) -> Iterator[Diagnostic]:
    """Tags and taps of numbers and names that nothing in the network asks for."""
    placed: list[tuple[int | str, Span]] = []
    wanted: set[int | str] = set()
    for step in _steps(context.elaborated.block):
        what = step.what
        if isinstance(what, AddTag):
            placed.append((what.id, step.span))
        elif isinstance(what, Tap):
            placed.append((what.name, step.span))
        elif isinstance(what, Combinator):
            wanted |= _marks(what)
    for mark, span in placed:
        if mark in wanted:
            continue
        what_is = f"tag{mark}" if isinstance(mark, int) else f"the place '{mark}'"
        yield Diagnostic(
            f"nothing refers to {what_is}",
            span,
            help="leave it out, or go back to it with skip, add_prev or another layer that does",
            severity="warning",
        )


def _steps(root: Block) -> Iterator[BlockStep]:
    """Every step that is written, each block once however often it is used."""
    seen: set[int] = set()
    pending = [root]
    while pending:
        block = pending.pop()
        if id(block) in seen:
            continue
        seen.add(id(block))
        for step in block.steps:
            yield step
            if isinstance(step.what, Instance):
                pending.append(step.what.block)
            elif isinstance(step.what, Combinator):
                pending.extend(b for b in step.what.blocks() if _mark_of(b) is None)


def _marks(combinator: Combinator) -> set[int | str]:
    """The marks that a combinator refers to: the tags and names among its arguments."""
    assert dataclasses.is_dataclass(combinator)
    found: set[int | str] = set()
    pending = [getattr(combinator, field.name) for field in dataclasses.fields(combinator)]
    while pending:
        value = pending.pop()
        if isinstance(value, Tag):
            found.add(value.id)
        elif isinstance(value, str):
            found.add(value)
        elif isinstance(value, Block):
            mark = _mark_of(value)
            if mark is not None:
                found.add(mark)
        elif isinstance(value, (tuple, Layer)):
            pending.extend(value if isinstance(value, tuple) else ())
    return found


def _mark_of(block: Block) -> int | None:
    """The tag that a block names when it is an argument by itself, as in ``scale<tag1, ...>``."""
    meant = block.meant
    return meant.id if isinstance(meant, AddTag) else None
