"""A diagram as Graphviz DOT text, for those who lay out or restyle it themselves.

Everything from a spec stands in quoted strings, in which quotes, backslashes and line ends are
escaped: no name can end its string, or be read as HTML or as an escape of Graphviz.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from archdsl.diagnostics.printable import printable
from archdsl.viz.draw.colours import Colouring
from archdsl.viz.draw.diagram import Box, Cluster, Detail, Diagram, Edge, End
from archdsl.viz.draw.themes import Theme
from archdsl.viz.draw.words import times_words

_FONT = "Arial"


def dot_source(diagram: Diagram, colouring: Colouring, theme: Theme, direction: str) -> str:
    """The DOT text of a diagram; the same for equal diagrams. ``direction`` is TB or LR."""
    body = "\n".join(dot_body(diagram, colouring, theme, direction))
    return f"digraph {_quoted(diagram.title)} {{\n{body}\n}}\n"


def dot_body(diagram: Diagram, colouring: Colouring, theme: Theme, direction: str) -> Iterator[str]:
    """The lines between the braces."""
    yield (
        f"  graph [label={_quoted(diagram.title, diagram.totals)}, labelloc=t, rankdir={direction},"
        f' fontname="{_FONT}", bgcolor="{theme.paper}", fontcolor="{theme.text}"]'
    )
    yield (
        f'  node [shape=box, style="rounded,filled", fontname="{_FONT}", fontsize=11,'
        f' fontcolor="{theme.text}", height=0.3, margin="0.12,0.05"]'
    )
    yield (
        f'  edge [fontname="{_FONT}", fontsize=9, color="{theme.wire}",'
        f' fontcolor="{theme.quiet}", arrowsize=0.6]'
    )
    yield from _inside(diagram.root, colouring, theme)
    yield from (_edge(edge, theme) for edge in diagram.edges)
    yield from (_edge(Edge(end.source, end.id, mark=end.mark), theme) for end in diagram.ends)
    for detail in diagram.details:
        yield from _detail(detail, colouring, theme)


def _detail(detail: Detail, colouring: Colouring, theme: Theme) -> Iterable[str]:
    paint = theme.frames[0]
    yield (
        f"  subgraph {_quoted(f'cluster detail {detail.letter}')} {{ label={_quoted(detail.title)};"
        f' style="rounded,filled"; fillcolor="{paint.fill}"; color="{paint.line}"'
    )
    yield from _inside(detail.root, colouring, theme)
    yield from (_edge(edge, theme) for edge in detail.edges)
    ends = (part for part in detail.root.walk() if isinstance(part, End))
    yield from (_edge(Edge(end.source, end.id), theme) for end in ends)
    yield "  }"


def _inside(root: Cluster, colouring: Colouring, theme: Theme) -> Iterable[str]:
    """Boxes and frames; only clusters with a frame are clusters of Graphviz."""
    closers: list[int] = []
    waiting: list[tuple[Box | End | Cluster | None, int]] = [(p, 1) for p in root.children[::-1]]
    while waiting:
        part, depth = waiting.pop()
        if part is None:
            yield f"{'  ' * closers.pop()}}}"
        elif isinstance(part, Box):
            yield f"{'  ' * depth}{_box(part, colouring)}"
        elif isinstance(part, End):
            label = _quoted(part.title)
            yield f'{"  " * depth}{_quoted(part.id)} [label={label}, shape=plaintext, style=""]'
        elif part.framed:
            paint = theme.frames[min(len(closers), len(theme.frames) - 1)]
            label = _quoted(times_words(part.title, part.times, part.times_shown))
            yield (
                f"{'  ' * depth}subgraph {_quoted(f'cluster {part.id}')} {{ label={label};"
                f' style="rounded,filled"; fillcolor="{paint.fill}"; color="{paint.line}"'
            )
            closers.append(depth)
            waiting.append((None, depth))
            waiting += [(child, depth + 1) for child in part.children[::-1]]
        else:
            waiting += [(child, depth) for child in part.children[::-1]]


def _box(box: Box, colouring: Colouring) -> str:
    paint = colouring.paint(box)
    words = [box.heading, *filter(None, box.small_lines)]
    shape = ", shape=ellipse" if box.joint else ", penwidth=2" if box.block or box.mark else ""
    style = ', style="rounded,filled,dashed"' if paint.dash else ""
    return (
        f"{_quoted(box.id)} [label={_quoted(*words)}, tooltip={_quoted(box.id)},"
        f' fillcolor="{paint.fill}", color="{paint.line}"{shape}{style}]'
    )


def _edge(edge: Edge, theme: Theme) -> str:
    attributes = []
    if edge.label:
        attributes.append(f"label={_quoted(edge.label)}")
    if edge.mark is not None:
        attributes.append(f'color="{theme.marks[edge.mark].line}", penwidth=2')
    told = f" [{', '.join(attributes)}]" if attributes else ""
    return f"  {_quoted(edge.source)} -> {_quoted(edge.target)}{told}"


def _quoted(*lines: str) -> str:
    """Lines as one quoted string of DOT.

    Graphviz reads entities even in quoted strings, so that an ampersand is written as one.
    """
    escaped = (
        printable(line).replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")
        for line in lines
    )
    return '"' + "\\n".join(escaped) + '"'
