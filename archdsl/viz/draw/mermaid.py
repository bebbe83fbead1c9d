"""A diagram as a Mermaid flowchart, which Markdown pages of code hosts draw themselves.

Words of specs stand in quoted strings, in which everything that Mermaid or HTML could read is an
entity.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from archdsl.diagnostics.printable import printable
from archdsl.viz.draw.colours import Colouring
from archdsl.viz.draw.diagram import Box, Cluster, Diagram, Edge, End
from archdsl.viz.draw.themes import Paint
from archdsl.viz.draw.words import times_words


def mermaid_source(diagram: Diagram, colouring: Colouring, direction: str) -> str:
    """The flowchart of a diagram; the same for equal diagrams. ``direction`` is TB or LR."""
    writer = _Writer(colouring)
    lines = [f"flowchart {direction}", *writer.inside(diagram.root)]
    lines += [writer.edge(edge) for edge in diagram.edges]
    lines += [writer.edge(Edge(end.source, end.id)) for end in diagram.ends]
    for detail in diagram.details:
        lines.append(
            f"  subgraph {writer.name(f'detail {detail.letter}')}[{_quoted(detail.title)}]"
        )
        lines += [f"  direction {direction}", *writer.inside(detail.root)]
        lines.append("  end")
        lines += [writer.edge(edge) for edge in detail.edges]
        ends = (part for part in detail.root.walk() if isinstance(part, End))
        lines += [writer.edge(Edge(end.source, end.id)) for end in ends]
    return "\n".join([*lines, *writer.classes(), ""])


class _Writer:
    """Names of its own for boxes, and classes for their paints."""

    def __init__(self, colouring: Colouring) -> None:
        self._colouring = colouring
        self._names: dict[str, str] = {}
        self._members: dict[Paint, list[str]] = {}

    def name(self, identity: str) -> str:
        return self._names.setdefault(identity, f"n{len(self._names)}")

    def inside(self, root: Cluster) -> Iterator[str]:
        """Boxes and frames, from the outside inwards."""
        waiting: list[Box | End | Cluster | None] = [*root.children[::-1]]
        while waiting:
            part = waiting.pop()
            if part is None:
                yield "  end"
            elif isinstance(part, Box):
                yield self._box(part)
            elif isinstance(part, End):
                yield f"  {self.name(part.id)}([{_quoted(part.title)}])"
            else:
                if part.framed:
                    title = times_words(part.title, part.times, part.times_shown)
                    yield f"  subgraph {self.name(f'frame {part.id}')}[{_quoted(title)}]"
                    waiting.append(None)
                waiting += part.children[::-1]

    def _box(self, box: Box) -> str:
        name = self.name(box.id)
        self._members.setdefault(self._colouring.paint(box), []).append(name)
        words = [box.heading, *filter(None, box.small_lines)]
        opens, closes = ("([", "])") if box.joint else ("[", "]")
        return f"  {name}{opens}{_quoted(*words)}{closes}"

    def edge(self, edge: Edge) -> str:
        label = f"|{_quoted(edge.label)}|" if edge.label else ""
        return f"  {self.name(edge.source)} -->{label} {self.name(edge.target)}"

    def classes(self) -> Iterable[str]:
        """The paints, and who has them."""
        for number, (paint, names) in enumerate(self._members.items()):
            yield f"  classDef c{number} fill:{paint.fill},stroke:{paint.line},color:#1a1a1a"
            yield f"  class {','.join(names)} c{number}"


def _quoted(*lines: str) -> str:
    return '"' + "<br/>".join(_escaped(printable(line)) for line in lines) + '"'


def _escaped(text: str) -> str:
    """Letters, digits and plain punctuation as they are, the others as entities by number."""
    return "".join(
        letter if letter.isalnum() or letter in " _,.()+/=×·−–…" else f"#{ord(letter)};"
        for letter in text
    )
