"""Layer classes of a program that a user says what to take for: ``--opaque my_=relu``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from archdsl.diagnostics import ArchError, Diagnostic, fail
from archdsl.diagnostics.source import Source, Span
from archdsl.frontend.elaborate.arguments import Closure, Pending
from archdsl.frontend.elaborate.bind import closure
from archdsl.frontend.elaborate.expander import Expander
from archdsl.frontend.elaborate.scope import Definitions, Environment
from archdsl.frontend.elaborate.suggestions import spelling
from archdsl.frontend.syntax import nodes
from archdsl.frontend.syntax.parser import parse
from archdsl.ir.layer import Definition
from archdsl.ir.layer import definitions as builtin
from archdsl.ir.trampoline import run


class Opaque(NamedTuple):
    """A layer class that counts as a layer of the catalogue: its name, that layer as written.

    ``span`` is where the network first names it.
    """

    name: str
    layer: str
    span: Span


def opaque_warnings(used: Iterable[Opaque]) -> tuple[Diagnostic, ...]:
    """A warning for each layer class that counts as another layer."""
    return tuple(
        Diagnostic(
            f"'{name}' is a layer class of its own and counts as {layer}",
            span,
            ("shapes and numbers are that layer's, and so is what a compiled network computes",),
            severity="warning",
            code="W012",
        )
        for name, layer, span in used
    )


def opaque_layers(expander: Expander, given: Mapping[str, str]) -> dict[str, Closure]:
    """The layers that names are said to be, with the arguments that they have there.

    Raises ArchError where one is no layer.
    """
    return {name: _layer(expander, name, text) for name, text in given.items()}


def _layer(expander: Expander, name: str, text: str) -> Closure:
    written = f"--opaque {name}={text}"
    try:
        items = parse(Source("--opaque", text)).items
        item = items[0] if len(items) == 1 else None
        if isinstance(item, nodes.NetworkExpression):
            body = Pending(item.body, Environment(Definitions(), 0, {}))
            found: Closure = run(closure(expander, body))
            callee = found.callee
            if isinstance(callee, Definition) and getattr(callee.cls, "inputs", 1) == 1:
                return found
    except ArchError:
        pass
    raise fail(
        f"{written}: expected a layer of one input, found '{text}'",
        None,
        "such as relu, or con<8,3,3,1,1>: with its arguments, without its subnet",
        help=None
        if text in builtin()
        else spelling(text, [name for name, d in builtin().items() if d.writable]),
        code="E408",
    )
