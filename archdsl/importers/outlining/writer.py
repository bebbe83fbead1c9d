"""The text of a spec from an imported graph."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from archdsl.diagnostics.printable import printable
from archdsl.diagnostics.source import Source
from archdsl.frontend.format import formatted
from archdsl.importers.imported_graph import ImportedGraph
from archdsl.importers.outlining.fold import folded
from archdsl.importers.outlining.nesting import structured
from archdsl.importers.outlining.parameters import Parameters, TemplatePattern, TextSlot
from archdsl.importers.outlining.spelling import spelled, value_text
from archdsl.importers.outlining.template_names import TemplateNames
from archdsl.importers.outlining.terms import (
    ActivationHead,
    CombinatorHead,
    LayerHead,
    Pool,
    TagHead,
    TemplateHead,
)
from archdsl.ir.trampoline import Task, run

_NAMED_TAGS = 10
_LINE = 48  # characters behind which single layers begin another line


def written(graph: ImportedGraph) -> str:
    """The spec of an imported graph, in the style of ``archdsl fmt``.

    Raises ArchError for a network that has several inputs, or outputs that no branch reaches.
    """
    found = folded(structured(graph))
    parameters = Parameters(found.pool, found.main)
    return _Writing(found.pool, TemplateNames(found), parameters).text(found.main, graph.notes)


class _Words(NamedTuple):
    """The text of a step without its closing bracket.

    ``open`` ones take any number of blocks or tags: where another block follows as what they are
    applied to, that has to be said.
    """

    text: str
    open: bool = False
    single: bool = False
    """True for a single layer."""

    def __str__(self) -> str:
        """With the bracket or comma behind which its subnet stands."""
        return self.text + ("," if "<" in self.text else "<")

    @property
    def closed(self) -> str:
        """As a block."""
        return self.text + (">" if "<" in self.text else "")


_OPEN = frozenset({"parallel", "residual"})


class _Writing:
    def __init__(self, pool: Pool, names: TemplateNames, parameters: Parameters) -> None:
        self._pool = pool
        self._names = names
        self._parameters = parameters

    def text(self, main: int, notes: Sequence[str]) -> str:
        sections = ["\n".join(f"// {printable(note)}" for note in notes), *self._tags(main)]
        for template, pattern in self._parameters.patterns.items():
            self._names.give(template, pattern)
            sections.append(self._definition(template, pattern))
        cursor = iter(self._parameters.main)
        steps = run(self._steps(main, cursor))
        sections.append(f"using net_type = {_lines(steps)};")
        return formatted(Source("imported", "\n\n".join(filter(None, sections)) + "\n"))

    def _tags(self, main: int) -> list[str]:
        """Definitions of the tags for which dlib has no names."""
        heads = (self._pool[t].head for t in self._pool.within(main) if not self._pool.is_chain(t))
        numbers = {tag for head in heads if isinstance(head, TagHead) for tag in head.tags}
        lines = [
            f"template <typename SUBNET> using {_tag(n)} = add_tag_layer<{n},SUBNET>;"
            for n in sorted(numbers)
            if n > _NAMED_TAGS
        ]
        return ["\n".join(lines)] if lines else []

    def _definition(self, template: int, pattern: TemplatePattern) -> str:
        parameters = [f"{p.type} {p.name}" for p in pattern.parameters]
        head = ", ".join([*parameters, "typename SUBNET"])
        steps = run(self._steps(pattern.body, iter(pattern.slots)))
        body = "".join(map(str, reversed(steps))) + "SUBNET" + ">" * len(steps)
        return f"template <{head}>\nusing {self._names[template]} = {body};"

    def _steps(self, chain: int, cursor: Iterator[TextSlot]) -> Task[list[_Words]]:
        """The steps of a chain as texts without their ends, in the order in which data flows."""
        texts: list[_Words] = []
        for step in self._pool.steps(chain):
            texts.append((yield self._step(step, cursor)))
        return texts

    def _step(self, step: int, cursor: Iterator[TextSlot]) -> Task[_Words]:
        head, _, blocks = self._pool[step]
        if isinstance(head, TemplateHead):
            parameters = self._parameters.patterns[head.template].parameters
            return _applied(self._names[head.template], [next(cursor).text for _ in parameters])
        slots = [next(cursor) for _ in head.names]
        if isinstance(head, ActivationHead):
            return _Words(slots[0].text)
        if isinstance(head, LayerHead):
            columns = {name: s.values for name, s in zip(head.names, slots, strict=True)}
            texts = {name: s.text for name, s in zip(head.names, slots, strict=True)}
            rows = len(slots[0].values) if slots else 1
            columns |= {name: (value,) * rows for name, value in head.fixed}
            texts |= {name: value_text(value) for name, value in head.fixed}
            return _Words(spelled(head.cls, columns, texts), single=True)
        if isinstance(head, TagHead):
            return _tagged(head)
        inner: list[str] = []
        for block in blocks:
            inner.append(_block((yield self._steps(block, cursor))))
        return _combined(head, [slot.text for slot in slots], inner)


def _combined(head: CombinatorHead, values: list[str], blocks: list[str]) -> _Words:
    if head.kind == "outputs":
        return _Words(f"outputs<{head.options[0]}={blocks[0]}")
    if head.kind == "dense":
        return _applied(head.kind, [*blocks, *values])
    words = _applied(head.kind, [*head.options, *values, *blocks])
    return words._replace(open=head.kind in _OPEN)


def _applied(name: str, arguments: Sequence[str]) -> _Words:
    return _Words(f"{name}<{','.join(arguments)}" if arguments else name)


def _block(steps: list[_Words]) -> str:
    """A chain without its subnet."""
    if not steps:
        return "identity"
    text = steps[0].closed
    for step in steps[1:]:
        text = f"compose<{step.closed},{text}>" if step.open else f"{step}{text}>"
    return text


def _lines(steps: list[_Words]) -> str:
    """The network from its last layer down to its input.

    Single layers share a line as far as it is short; what has blocks or is a template's instance
    has a line of its own, with the activations behind it.
    """
    first, *rest = steps
    lines = [""]
    for step in reversed(rest):
        arguments = "<" in step.text
        if arguments and not step.single and "," in lines[-1]:
            lines.append("")
        lines[-1] += str(step)
        if arguments and not (step.single and len(lines[-1]) < _LINE):
            lines.append("")
    lines[-1] += first.text + ">" * len(steps)
    return "\n".join(lines)


def _tagged(head: TagHead) -> _Words:
    names = [_tag(tag) for tag in head.tags]
    if head.kind == "tag":
        return _Words(names[0])
    if head.kind == "concat":
        count = len(names)
        words = _applied(f"concat{count}" if count <= 5 else "concat_tags", names)
        return words._replace(open=True)
    if head.kind == "resize_like":
        return _applied("resize_like", [*names, *head.options])
    if head.tags[0] <= _NAMED_TAGS:
        return _Words(f"{'scale' if head.kind == 'scale_tagged' else head.kind}{head.tags[0]}")
    return _applied("add_skip_layer" if head.kind == "skip" else head.kind, names)


def _tag(number: int) -> str:
    """dlib has names for ten tags; a spec defines those of others."""
    return f"tag{number}" if number <= _NAMED_TAGS else f"t{number}"
