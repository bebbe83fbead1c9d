"""Docstrings of generated classes, from the comments of a spec and its templates."""

from __future__ import annotations

import textwrap

from archdsl.backends.plan import Unit
from archdsl.backends.source.code_style import prose
from archdsl.frontend.header import facts
from archdsl.ir.network import Network

_WIDTH = 78


def heading(network: Network) -> list[str]:
    """The comment at the top of the spec, less its facts, in lines; none where there is none."""
    block = network.block
    # The text with the network's last layer is the one that was named, not what it includes.
    span = block.steps[-1].span if block is not None and block.steps else None
    if span is None or span.source.is_cpp:
        return []
    return wrapped(facts(span.source).comment)


def commented(unit: Unit) -> list[str]:
    """The comment right above a scope's template, in lines; none where there is none."""
    return wrapped(" ".join(unit.scope.doc))


def wrapped(text: str) -> list[str]:
    """Text in lines of a docstring; nothing in it can end that."""
    return textwrap.wrap(prose(text), _WIDTH, break_on_hyphens=False)
