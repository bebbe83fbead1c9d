"""Construction of the graph: blocks are expanded, tags become edges, scopes become names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import networkx as nx

from archdsl.diagnostics import ArchError, Diagnostic, Frame, coded, fail
from archdsl.diagnostics.source import Span
from archdsl.ir.block import INPUT, Block, Combinator, Connection, Instance, Port
from archdsl.ir.gc_pause import collector_paused
from archdsl.ir.input_layer import InputLayer
from archdsl.ir.layer import Layer, RuleError, shown
from archdsl.ir.names import allowed
from archdsl.ir.network import LayerInstance, Network, Scope
from archdsl.ir.trampoline import run

MAIN_OUTPUT = "output"
"""The name of the output at the end of a network that does not name its outputs."""


@coded("E200")
@collector_paused()
def build(block: Block, name: str, parameters: Mapping[str, Any] | None = None) -> Network:
    """The graph of an elaborated network.

    Raises ArchError where a tag is missing, where two inputs disagree, or nothing comes out.
    """
    expansion = Expansion()
    end = run(expansion.expand(block, Port(None, {})))
    expansion.finish(end, block)
    return replace(expansion.network(name, parameters), block=block)


class _OpenScope(NamedTuple):
    """A scope under construction; its name is known once all its siblings are."""

    stem: str
    title: str
    template: str | None
    span: Span | None
    parent: int
    block: int | None
    numbers: tuple[tuple[str, int | float], ...] = ()
    doc: tuple[str, ...] = ()


class _OpenLayer(NamedTuple):
    layer: Layer
    stem: str
    scope: int
    span: Span
    inputs: tuple[int, ...]
    frozen: bool


class Expansion:
    """The graph under construction: the builder that combinators talk to."""

    def __init__(self) -> None:
        self._drafts: list[_OpenLayer] = []
        self._scopes: list[_OpenScope] = [_OpenScope("", "", None, None, -1, None)]
        self._scope = 0
        self._span: Span | None = None
        self._frozen = False
        self._input: int | None = None
        self._outputs: dict[str, int] = {}

    # ---- what combinators use ----

    def apply(
        self, block: Block, port: Port, label: str | None = None, *, frozen: bool = False
    ) -> Connection:
        """Expand a block; with a label, or as an instance of a template, in a scope of its own."""
        before = self._scope, self._span, self._frozen
        self._frozen = self._frozen or frozen
        only = block.single
        if isinstance(only, Instance):
            step = block.steps[0]
            self._open(label or only.template, only, step.span)
            end = yield self.expand(only.block, port)
        elif label is not None:
            self._scopes.append(
                _OpenScope(label, label, None, self._span, self._scope, block.identity)
            )
            self._scope = len(self._scopes) - 1
            end = yield self.expand(block, port)
        else:
            end = yield self.expand(block, port)
        self._scope, self._span, self._frozen = before
        return end

    def join(self, layer: Layer, *ports: Port, name: str | None = None) -> Port:
        nodes = tuple(self._attached(port) for port in ports)
        return Port(self._emit(layer, nodes, name), ports[0].tags)

    def output(self, name: str, port: Port) -> None:
        if name in self._outputs or name == MAIN_OUTPUT:
            raise RuleError(f"there are two outputs '{name}'", code="E126")
        self._outputs[name] = self._attached(port)

    # ---- expansion ----

    def expand(self, block: Block, port: Port) -> Connection:
        """Attach the steps of a block one after the other, in the current scope."""
        for what, span in block.steps:
            self._span = span
            if isinstance(what, Layer):
                if isinstance(what, InputLayer):
                    port = self._enter(what, span)
                else:
                    port = self._follow(what, span, port)
            elif isinstance(what, Instance):
                outer = self._scope
                self._open(what.template, what, span)
                port = yield self.expand(what.block, port)
                self._scope = outer
            else:
                port = yield self._connect(what, span, port)
        return port

    def _follow(self, layer: Layer, span: Span, port: Port) -> Port:
        try:
            return Port(self._emit(layer, (self._attached(port),)), port.tags)
        except RuleError as error:
            raise ArchError(self._diagnostic(error, span)) from None

    def _connect(self, what: Combinator, span: Span, port: Port) -> Connection:
        try:
            return (yield what.connect(self, port))
        except RuleError as error:
            raise ArchError(self._diagnostic(error, span)) from None

    def _enter(self, layer: InputLayer, span: Span) -> Port:
        """Add the network's input, or go on from it where the same input is written again."""
        if self._input is None:
            self._input = self._emit(layer, ())
        else:
            first = self._drafts[self._input]
            assert isinstance(first.layer, InputLayer)
            if first.layer != layer:
                line, column = first.span.position
                raise fail(
                    "two inputs of one network disagree",
                    span,
                    f"this one is {layer.kind} {shown(layer.size())}",
                    f"the one at line {line}, column {column} is {first.layer.kind} "
                    f"{shown(first.layer.size())}",
                    help="a network has one input; branches are written without",
                    frames=self._frames(),
                    code="E203",
                )
        return Port(self._input, {INPUT: self._input})

    def _attached(self, port: Port) -> int:
        if port.node is None:
            raise RuleError("nothing can follow the outputs of a network", code="E204")
        return port.node

    def _emit(self, layer: Layer, inputs: tuple[int, ...], name: str | None = None) -> int:
        assert self._span is not None
        stem = name or layer.stem
        self._drafts.append(_OpenLayer(layer, stem, self._scope, self._span, inputs, self._frozen))
        return len(self._drafts) - 1

    def _open(self, stem: str, what: Instance, span: Span) -> None:
        self._scopes.append(
            _OpenScope(
                stem,
                what.shown,
                what.template,
                span,
                self._scope,
                what.block.identity,
                what.numbers,
                what.doc,
            )
        )
        self._scope = len(self._scopes) - 1

    # ---- the end ----

    def finish(self, end: Port, block: Block) -> None:
        """Make the last layer the main output, unless the network named its outputs."""
        if end.node is not None:
            self._outputs[MAIN_OUTPUT] = end.node
        if not self._drafts or self._input is None:
            raise fail(
                "the network has no input",
                block.steps[0].span if block.steps else None,
                code="E206",
            )
        if not self._outputs:
            raise fail("the network has no output", block.steps[-1].span, code="E206")

    def network(self, name: str, parameters: Mapping[str, Any] | None) -> Network:
        """The finished network; layers and scopes have their stems as names, numbered if shared."""
        scopes, namers = self._named_scopes()
        graph: nx.MultiDiGraph[str] = nx.MultiDiGraph(name=name)
        paths: list[str] = []
        for layer, stem, scope, span, sources, frozen in self._drafts:
            path = namers[scope].path(stem)
            inputs = tuple([paths[i] for i in sources])
            paths.append(path)
            # One by one is quicker than networkx's add_..._from, which copies every dict again.
            instance = LayerInstance(layer, path, scopes[scope], span, inputs, frozen)
            graph.add_node(path, instance=instance)
            for port, source in enumerate(inputs):
                graph.add_edge(source, path, port)
        assert self._input is not None
        # The main output first, side outputs in the order in which data reaches them.
        names = sorted(self._outputs, key=lambda key: key != MAIN_OUTPUT)
        outputs = {key: paths[self._outputs[key]] for key in names}
        return Network(
            name,
            nx.freeze(graph),
            paths[self._input],
            outputs,
            tuple(scopes),
            parameters=parameters or {},
        )

    def _named_scopes(self) -> tuple[list[Scope], list[_Namer]]:
        siblings: list[Counter[str]] = [Counter() for _ in self._scopes]
        for opened in self._scopes[1:]:
            siblings[opened.parent][opened.stem] += 1
        for draft in self._drafts:
            siblings[draft.scope][draft.stem] += 1
        scopes: list[Scope] = []
        namers: list[_Namer] = []
        for index, opened in enumerate(self._scopes):
            parent = scopes[opened.parent] if index else None
            path = namers[opened.parent].path(opened.stem) if index else ""
            scopes.append(
                Scope(
                    path,
                    opened.title,
                    opened.template,
                    opened.span,
                    parent,
                    opened.block,
                    opened.numbers,
                    opened.doc,
                )
            )
            namers.append(_Namer(path, siblings[index]))
        return scopes, namers

    def _diagnostic(self, error: RuleError, span: Span) -> Diagnostic:
        frames = self._frames()
        return Diagnostic(error.message, span, error.notes, error.help, frames, code=error.code)

    def _frames(self) -> tuple[Frame, ...]:
        frames: list[Frame] = []
        index = self._scope
        while index > 0:
            opened = self._scopes[index]
            if opened.template is not None and opened.span is not None:
                frames.append(Frame(opened.title, opened.span))
            index = opened.parent
        return tuple(frames)


class _Namer:
    """Naming inside one scope: ``fc`` if there is one, ``conv1``, ``conv2`` if several."""

    def __init__(self, path: str, totals: Counter[str]) -> None:
        self._prefix = f"{path}." if path else ""
        self._totals = totals
        self._used: Counter[str] = Counter()
        self._taken: set[str] = set()

    def path(self, stem: str) -> str:
        name = stem
        if self._totals[stem] > 1:
            between = "_" if stem[-1].isdigit() else ""
            # A stem may itself look like another one with a number.
            while name in self._totals or name in self._taken:
                self._used[stem] += 1
                name = f"{stem}{between}{self._used[stem]}"
            self._taken.add(name)
        return self._prefix + allowed(name)
