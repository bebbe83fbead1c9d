"""Figures laid out by Graphviz, where it is installed; the package graphviz calls it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archdsl.diagnostics import fail
from archdsl.ir.network import Network
from archdsl.viz.draw.dot import dot_body
from archdsl.viz.draw.figure import fitted
from archdsl.viz.draw.options import DrawOptions

if TYPE_CHECKING:
    import graphviz

SUFFIXES = (".svg", ".png", ".pdf")
"""Suffixes of what Graphviz draws."""


def digraph(network: Network, options: DrawOptions) -> graphviz.Digraph:
    """The drawing of a checked network as a graph of the package graphviz, to be edited.

    Raises ArchError where the package is not installed.
    """
    try:
        import graphviz
    except ImportError:
        raise fail(
            "this needs the package graphviz", help='pip install "archdsl[graphviz]" brings it'
        ) from None
    figure, theme = fitted(network, options)
    graph = graphviz.Digraph(figure.diagram.title, engine=options.engine or "dot")
    body = dot_body(figure.diagram, figure.colouring, theme, options.flow)
    graph.body += [f"{line}\n" for line in body]
    return graph


def rendered(network: Network, suffix: str, options: DrawOptions) -> bytes:
    """A picture as Graphviz lays it out.

    Raises ArchError where Graphviz is not installed, and with its own words where it fails.
    """
    graph = digraph(network, options)
    import graphviz

    try:
        content: bytes = graph.pipe(suffix.removeprefix("."))
    except graphviz.ExecutableNotFound:
        raise fail(
            f"there is no Graphviz on this machine, so no '{options.engine}'",
            help="its packages are called graphviz; without --engine the layout is our own",
        ) from None
    except graphviz.CalledProcessError as error:
        words = (error.stderr or b"").decode(errors="replace").strip()
        raise fail(f"Graphviz's {options.engine} failed", None, words) from None
    return content
