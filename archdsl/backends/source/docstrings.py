"""Docstrings of generated classes, from the comments of a spec and its templates."""

from __future__ import annotations

import re
import textwrap

from archdsl.backends.source.code_style import prose
from archdsl.backends.source.units import InnerUnit, Leaf, Unit
from archdsl.diagnostics.source import Span
from archdsl.frontend.header import facts
from archdsl.ir.network import Network, Scope

_WIDTH = 78


def heading(network: Network) -> list[str]:
    """The comment at the top of the spec, less its facts, in lines; none where there is none."""
    block = network.block
    # The text with the network's last layer is the one that was named, not what it includes.
    span = block.steps[-1].span if block is not None and block.steps else None
    if span is None or span.source.is_cpp:
        return []
    return wrapped(facts(span.source).comment)


def commented(network: Network, unit: Unit) -> list[str]:
    """The comment right above a scope's template, in lines; none where there is none."""
    inside = _inside(network, unit)
    template = unit.scope.template
    if template is None or inside is None:
        return []
    text = inside.source.text
    using = [m.start() for m in re.finditer(rf"\busing\s+{re.escape(template)}\b", text)]
    before = [start for start in using if start < inside.start]
    if not before:
        return []
    start = text.rfind("\n", 0, before[-1]) + 1
    head = text.rfind("template", 0, before[-1])
    if head >= 0 and ";" not in text[head : before[-1]]:
        start = text.rfind("\n", 0, head) + 1
    found: list[str] = []
    for line in reversed(text[:start].splitlines()):
        if not line.startswith("//") or line.startswith("// archdsl:"):
            break
        found.append(line.removeprefix("//").strip())
    return wrapped(" ".join(reversed(found)))


def wrapped(text: str) -> list[str]:
    """Text in lines of a docstring; nothing in it can end that."""
    return textwrap.wrap(prose(text), _WIDTH, break_on_hyphens=False)


def _inside(network: Network, unit: Unit) -> Span | None:
    """A place inside the definition of the unit's template."""
    scope: Scope = unit.scope
    for piece in unit.pieces:
        if isinstance(piece, InnerUnit) and piece.unit.scope.template is not None:
            return piece.unit.scope.span
        if isinstance(piece, Leaf) and str(piece.node.target) in network.graph:
            instance = network.instance(str(piece.node.target))
            if instance.scope is scope:
                return instance.span
    return None
