"""A diagram as Graphviz DOT text. Names from a spec are quoted or escaped wherever they stand."""

from __future__ import annotations

from html import escape

import graphviz

from archdsl.layers.definition import Category
from archdsl.printing import printable
from archdsl.targets.draw.diagram import Box, Cluster, Diagram, Edge, End
from archdsl.targets.draw.palette import FRAME, INNER_FRAME, PAINTS, QUIET, TEXT

# One name, not a list: engines measure text by it, and know the widths of this one.
_FONT = "Arial"
_SMALL = "9"


def dot_source(diagram: Diagram) -> str:
    """The DOT text of a diagram, data flowing from top to bottom; the same for equal diagrams."""
    graph = graphviz.Digraph(
        # Engines read entities even here: only letters and digits of a file's name are let through.
        name="".join(c if c.isalnum() else "_" for c in diagram.title),
        graph_attr={
            "label": _header(diagram),
            "labelloc": "t",
            "fontname": _FONT,
            "fontsize": "11",
            "fontcolor": TEXT,
            "bgcolor": "white",
            "rankdir": "TB",
            "ranksep": "0.22",
            "nodesep": "0.18",
            "pad": "0.2",
        },
        node_attr={
            "shape": "box",
            "style": "rounded,filled",
            "fontname": _FONT,
            "fontsize": "11",
            "fontcolor": TEXT,
            "height": "0.3",
            "margin": "0.12,0.05",
            "penwidth": "1",
        },
        edge_attr={
            "fontname": _FONT,
            "fontsize": _SMALL,
            "fontcolor": QUIET,
            "color": "#666666",
            "arrowsize": "0.55",
            "penwidth": "0.9",
        },
    )
    _fill(graph, diagram.root, depth=0)
    for end in diagram.ends:
        _end(graph, end)
    for edge in diagram.edges:
        _edge(graph, edge)
    return str(graph.source)


def _fill(graph: graphviz.Digraph, root: Cluster, depth: int) -> None:
    """Add the boxes and frames of a cluster; frames nest two deep, so this may recurse."""
    for box in root.boxes:
        _box(graph, box)
    for cluster in root.clusters:
        paint = FRAME if depth == 0 else INNER_FRAME
        with graph.subgraph(name=f"cluster {graphviz.escape(cluster.id)}") as inner:
            inner.attr(
                label=f"<{_words(cluster.title)}{_count(cluster.times)}>",
                labelloc="b",  # edges come in through the top
                labeljust="r",
                fontname=_FONT,
                fontsize=_SMALL,
                fontcolor=QUIET,
                style="rounded,filled",
                fillcolor=paint.fill,
                color=paint.line,
                margin="8",
            )
            _fill(inner, cluster, depth + 1)


def _box(graph: graphviz.Digraph, box: Box) -> None:
    paint = PAINTS[box.category]
    title = _words(box.title)
    label = f"{f'<B>{title}</B>' if box.block else title}{_count(box.times)}"
    if box.details:
        small = _words(", ".join(box.details))
        label += f'<BR/><FONT POINT-SIZE="{_SMALL}" COLOR="{QUIET}">{small}</FONT>'
    if box.frozen:
        label += f'<BR/><FONT POINT-SIZE="{_SMALL}" COLOR="{QUIET}"><I>frozen</I></FONT>'
    shape = {"shape": "ellipse", "margin": "0.04,0.02"} if box.category is Category.JOIN else {}
    graph.node(
        graphviz.escape(box.id),
        label=f"<{label}>",
        tooltip=graphviz.escape(box.id),
        fillcolor=paint.fill,
        color=paint.line,
        **shape,
        **({"penwidth": "2"} if box.block else {}),
    )


def _edge(graph: graphviz.Digraph, edge: Edge) -> None:
    attributes = {"label": f"<&#160;{_words(edge.label)}>"} if edge.label else {}
    graph.edge(graphviz.escape(edge.source), graphviz.escape(edge.target), **attributes)


def _end(graph: graphviz.Digraph, end: End) -> None:
    name = graphviz.escape(end.id)
    graph.node(name, label=f"<{_words(end.title)}>", shape="plaintext", style="", margin="0.03")
    graph.edge(graphviz.escape(end.source), name)


def _header(diagram: Diagram) -> str:
    """Title, totals, and the legend, where there is one, as a row of coloured cells."""
    cells = "".join(
        f'<TD BGCOLOR="{PAINTS[category].fill}" COLOR="{PAINTS[category].line}" BORDER="1">'
        f'<FONT POINT-SIZE="{_SMALL}">{_words(category.value)}</FONT></TD>'
        for category in diagram.legend
    )
    legend = (
        '<TR><TD><TABLE BORDER="0" CELLSPACING="4" CELLPADDING="3">'
        f"<TR>{cells}</TR></TABLE></TD></TR>"
    )
    return (
        '<<TABLE BORDER="0" CELLSPACING="3" CELLPADDING="2">'
        f'<TR><TD><FONT POINT-SIZE="16"><B>{_words(diagram.title)}</B></FONT></TD></TR>'
        f'<TR><TD><FONT COLOR="{QUIET}">{_words(diagram.totals)}</FONT></TD></TR>'
        f"{legend if cells else ''}</TABLE>>"
    )


def _count(times: int) -> str:
    return f" <B>×{times}</B>" if times > 1 else ""


def _words(text: str) -> str:
    """Text for an HTML-like label: what XML cannot hold is replaced, the rest escaped."""
    return escape(printable(text))
