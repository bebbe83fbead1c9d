"""Construction of a network's regions: blocks are expanded, tags become inputs and results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from archdsl.diagnostics import ArchError, Diagnostic, Frame, coded, fail
from archdsl.diagnostics.source import Span
from archdsl.ir.block import INPUT, Block, Combinator, Connection, Instance, Mark, Marks, Port
from archdsl.ir.gc_pause import collector_paused
from archdsl.ir.input_layer import InputLayer
from archdsl.ir.layer import Layer, RuleError, shown
from archdsl.ir.network import Network
from archdsl.ir.region import ENTRY, MAIN, Call, LayerStep, Region, Step, Value
from archdsl.ir.trampoline import run

MAIN_OUTPUT = "output"
"""The name of the output at the end of a network that does not name its outputs."""


@coded("E200")
@collector_paused()
def build(block: Block, name: str, parameters: Mapping[str, Any] | None = None) -> Network:
    """The regions of an elaborated network.

    Raises ArchError where a tag is missing, where two inputs disagree, or nothing comes out.
    """
    return Network(name, run(Expansion().network(block)), parameters=parameters or {}, block=block)


class _Site(NamedTuple):
    """A block at the place where it is attached."""

    block: Block
    instance: Instance | None
    stem: str | None
    title: str
    span: Span | None


class _OpenRegion:
    """A region under construction."""

    def __init__(self, around: _OpenRegion | None, site: _Site, port: Port, frozen: bool) -> None:
        self.around = around
        self.site = site
        self.frozen = frozen
        self.steps: list[Step] = []
        self.values = 0
        self.layers = 0
        self.inputs: list[Mark] = []
        self.missed: set[Mark] = set()
        self.named: dict[str, Value] = {}
        self.entry: Value | None = None
        self.entered = around is not None and around.has_entry
        """True if the network's input stands before the region."""
        self._read: dict[Mark, Value] = {}
        node = None if port.node is None else self.read(MAIN)
        self.start = Port(node, Marks({}, self, port.tags.visible))

    @property
    def has_entry(self) -> bool:
        """True if the network's input is known here."""
        return self.entered or self.entry is not None

    def read(self, mark: Mark) -> Value:
        """The number of the input for a mark."""
        value = self._read.get(mark)
        if value is None:
            self.inputs.append(mark)
            value = self._read[mark] = -len(self.inputs)
        return value

    def miss(self, mark: Mark) -> None:
        """Note that the region depends on a mark's not being visible before it."""
        self.missed.add(mark)

    def entrance(self) -> Value | None:
        """The value of the network's input, ``None`` where it has none yet."""
        if self.entry is None:
            if not self.entered:
                self.miss(ENTRY)
                return None
            self.entry = self.read(ENTRY)
        return self.entry

    def add(self, step: Step, layers: int) -> Value:
        """Add a step; returns the number of its first value."""
        first = self.values
        self.steps.append(step)
        self.layers += layers
        self.values += 1 if isinstance(step, LayerStep) else len(step.given)
        return first

    def take_back(self) -> None:
        """Take the last step away, a call of one run."""
        call = self.steps.pop()
        assert isinstance(call, Call)
        self.layers -= call.region.layers
        self.values -= len(call.given)

    def closed(self, end: Port, combinator: Combinator | None = None) -> Region:
        """The finished region, with all that leaves it."""
        leaving = [end.node, *end.tags.inside.values(), *self.named.values(), self.entry]
        return Region(
            steps=tuple(self.steps),
            layers=self.layers,
            block=None if combinator is not None else self.site.block,
            instance=None if combinator is not None else self.site.instance,
            combinator=combinator,
            inputs=tuple(self.inputs),
            results=tuple(dict.fromkeys(v for v in leaving if v is not None and v >= 0)),
            output=end.node,
            marks=end.tags.inside,
            through=end.tags.outside is not None,
            named=self.named,
            entry=self.entry,
        )


class _Known(NamedTuple):
    """A finished region, and the marks that must not be visible where it is used again."""

    region: Region
    missed: frozenset[Mark]

    def fits(self, port: Port, around: _OpenRegion) -> bool:
        """True if the block of the region would expand to the same region at a port."""
        visible = port.tags.visible

        def there(mark: Mark) -> bool:
            return around.has_entry if mark == ENTRY else mark == MAIN or mark in visible

        return all(map(there, self.region.inputs)) and not any(map(there, self.missed))


class Expansion:
    """The builder that combinators talk to; it makes each region once for each kind of inputs."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, bool, bool], list[_Known]] = {}
        self._input: tuple[InputLayer, Span] | None = None
        self._names: set[str] = set()
        self._open: _OpenRegion

    def network(self, block: Block) -> Connection:
        """The region of a whole network."""
        site = _Site(block, None, None, "", None)
        self._open = root = _OpenRegion(None, site, Port(None, Marks({}, None, {})), False)
        end = yield self._expand(block, root.start)
        if root.entry is None:
            first = block.steps[0].span if block.steps else None
            raise fail("the network has no input", first, code="E206")
        # The main output first, side outputs in the order in which data reaches them.
        if end.node is not None:
            root.named = {MAIN_OUTPUT: end.node, **root.named}
        if not root.named:
            raise fail("the network has no output", block.steps[-1].span, code="E206")
        return root.closed(end)

    # ---- what combinators use ----

    def apply(
        self,
        block: Block,
        port: Port,
        label: str | None = None,
        *,
        frozen: bool = False,
        shared: bool = False,
    ) -> Connection:
        """Attach a block; with a label, or as an instance of a template, in a scope of its own."""
        site = self._site(block, label)
        known = yield self._region(site, port, frozen or self._open.frozen)
        return self._called(known, site, port, shared=shared)

    def repeat(self, block: Block, count: int, port: Port) -> Connection:
        """Attach a block several times: once two runs are of one region, all that follow are."""
        site = self._site(block, None)
        before: tuple[_Known, Port] | None = None
        for done in range(count):
            known = yield self._region(site, port, self._open.frozen)
            if before is not None and known.region is before[0].region:
                self._open.take_back()
                return self._called(known, site, before[1], count - done + 1)
            before = known, port
            port = self._called(known, site, port)
        return port

    def join(self, layer: Layer, *ports: Port, name: str | None = None) -> Port:
        """Attach a layer; the tags of the first port remain visible."""
        inputs = tuple(_attached(port) for port in ports)
        span = self._open.site.span
        assert span is not None
        return Port(self._layer(layer, inputs, span, name), ports[0].tags)

    def output(self, name: str, port: Port) -> None:
        """Make a port an output of the network."""
        if name in self._names or name == MAIN_OUTPUT:
            raise RuleError(f"there are two outputs '{name}'", code="E126")
        self._open.named[name] = _attached(port)
        self._names.add(name)

    # ---- expansion ----

    def _expand(self, block: Block, port: Port) -> Connection:
        """Attach the steps of a block one after the other, in the open region."""
        for what, span in block.steps:
            if isinstance(what, InputLayer):
                port = self._enter(what, span)
            elif isinstance(what, Layer):
                try:
                    port = Port(self._layer(what, (_attached(port),), span), port.tags)
                except RuleError as error:
                    raise ArchError(self._diagnostic(error, span)) from None
            elif isinstance(what, Instance):
                site = _Site(what.block, what, what.template, what.shown, span)
                known = yield self._region(site, port, self._open.frozen)
                port = self._called(known, site, port)
            else:
                port = yield self._combined(what, block, span, port)
        return port

    def _site(self, block: Block, label: str | None) -> _Site:
        only = block.single
        if isinstance(only, Instance):
            step = block.steps[0]
            return _Site(only.block, only, label or only.template, only.shown, step.span)
        if isinstance(only, Combinator) and only.scopeless:
            label = None
        return _Site(block, None, label, label or "", self._open.site.span)

    def _region(self, site: _Site, port: Port, frozen: bool) -> Connection:
        """The region of a block for the kinds of inputs that there are at a port."""
        around = self._open
        key = id(site.instance or site.block), port.node is None, frozen
        for known in self._known.get(key, ()):
            if known.fits(port, around):
                return known
        inner = self._open = _OpenRegion(around, site, port, frozen)
        end = yield self._expand(site.block, inner.start)
        self._open = around
        found = _Known(inner.closed(end), frozenset(inner.missed))
        if not inner.named:  # a second output of a name is an error, and is to be found
            self._known.setdefault(key, []).append(found)
        return found

    def _combined(self, what: Combinator, block: Block, span: Span, port: Port) -> Connection:
        around = self._open
        site = _Site(block, None, None, what.kind, span)
        inner = self._open = _OpenRegion(around, site, port, around.frozen)
        try:
            end = yield what.connect(self, inner.start)
        except RuleError as error:
            raise ArchError(self._diagnostic(error, span)) from None
        self._open = around
        return self._called(_Known(inner.closed(end, what), frozenset(inner.missed)), site, port)

    def _called(
        self, known: _Known, site: _Site, port: Port, count: int = 1, *, shared: bool = False
    ) -> Port:
        """Add the call of a region to the open one, and return the port behind it."""
        here, region = self._open, known.region
        for mark in known.missed:
            if mark == ENTRY:
                here.entrance()
            else:
                port.tags.get(mark)
        inputs = tuple([self._given(mark, port) for mark in region.inputs])
        call = Call(region, site.stem, site.title, site.span, inputs, count, shared)
        first = here.add(call, count * region.layers)

        def outside(value: Value) -> Value:
            if value < 0 and count == 1:
                return inputs[~value]
            return first + call.given.index(value)

        tags = port.tags if region.through else Marks({}, None, {})
        for mark, value in region.marks.items():
            tags = tags.set(mark, outside(value))
        for name, value in region.named.items():
            here.named[name] = outside(value)
        if region.entry is not None:
            here.entry = outside(region.entry)
        return Port(None if region.output is None else outside(region.output), tags)

    def _given(self, mark: Mark, port: Port) -> Value:
        value = self._open.entrance() if mark == ENTRY else port.node
        if mark not in (ENTRY, MAIN):
            return port.tags[mark]
        assert value is not None  # a region with this input is used where there is one
        return value

    def _enter(self, layer: InputLayer, span: Span) -> Port:
        """Add the network's input, or go on from it where the same input is written again."""
        entry = self._open.entrance()
        if entry is None:
            entry = self._open.entry = self._layer(layer, (), span)
            self._input = layer, span
        assert self._input is not None
        first, place = self._input
        if first != layer:
            line, column = place.position
            raise fail(
                "two inputs of one network disagree",
                span,
                f"this one is {layer.kind} {shown(layer.size())}",
                f"the one at line {line}, column {column} is {first.kind} {shown(first.size())}",
                help="a network has one input; branches are written without",
                frames=self._frames(),
                code="E203",
            )
        return Port(entry, Marks({INPUT: entry}, None, {INPUT: None}))

    def _layer(
        self, layer: Layer, inputs: tuple[Value, ...], span: Span, name: str | None = None
    ) -> Value:
        here = self._open
        return here.add(LayerStep(layer, name or layer.stem, span, inputs, here.frozen), 1)

    def _diagnostic(self, error: RuleError, span: Span) -> Diagnostic:
        frames = self._frames()
        return Diagnostic(error.message, span, error.notes, error.help, frames, code=error.code)

    def _frames(self) -> tuple[Frame, ...]:
        frames: list[Frame] = []
        region: _OpenRegion | None = self._open
        while region is not None:
            _, instance, _, title, span = region.site
            if instance is not None and span is not None:
                frames.append(Frame(title, span))
            region = region.around
        return tuple(frames)


def _attached(port: Port) -> Value:
    if port.node is None:
        raise RuleError("nothing can follow the outputs of a network", code="E204")
    return port.node
