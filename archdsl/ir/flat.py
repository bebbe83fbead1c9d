"""The flat view of a network: every layer under a name of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import repeat
from typing import NamedTuple

from archdsl.diagnostics import Frame
from archdsl.diagnostics.source import Span
from archdsl.ir.edges import EdgeType
from archdsl.ir.gc_pause import collector_paused
from archdsl.ir.layer import Layer
from archdsl.ir.names import allowed
from archdsl.ir.region import Call, LayerStep, Region, Value
from archdsl.ir.typed_region import TypedRegion


@dataclass(frozen=True, eq=False, slots=True)
class Scope:
    """One call of a region on the path to a layer: a template's instance or a combinator's part."""

    path: str
    """Dotted and unique (``stage2.bottleneck1.body``), empty for the network itself."""
    region: Region
    call: Call | None = None
    """The call that it is, ``None`` for the network itself."""
    parent: Scope | None = None
    weights: str = ""
    """The path of the scope whose weights it has: its own, or that of the first shared one."""
    typed: TypedRegion | None = None
    """The region with its types, one object for equal regions; ``None`` before a check."""

    @property
    def name(self) -> str:
        """The last part of the path of its weights, by which a compiled module has it."""
        return self.weights.rpartition(".")[2]

    @property
    def shared(self) -> bool:
        """True if its weights may be those of another scope too."""
        scope: Scope | None = self
        while scope is not None and not (scope.call is not None and scope.call.shared):
            scope = scope.parent
        return scope is not None

    @property
    def title(self) -> str:
        """The instance as written, ``bottleneck<64>``, or the name of a combinator's part."""
        return self.call.title if self.call is not None else ""

    @property
    def label(self) -> str | None:
        """Its name where a combinator gave it one: ``None`` if it is called after its template."""
        if self.call is None or self.call.stem == self.template:
            return None
        return self.name

    @property
    def template(self) -> str | None:
        """Name of the template that it is an instance of."""
        return self.region.template

    @property
    def span(self) -> Span | None:
        """The place in the text where the instance is written, or the combinator."""
        return self.call.span if self.call is not None else None

    @property
    def blocks(self) -> int | None:
        """Identity of the expanded block; scopes with equal ones have equal contents."""
        block = self.region.block
        return block.identity if block is not None and self.call is not None else None

    @property
    def numbers(self) -> tuple[tuple[str, int | float], ...]:
        """The template's parameters that are numbers or truth values, by name."""
        return self.region.numbers

    @property
    def doc(self) -> tuple[str, ...]:
        """The comment above the template, line by line."""
        return self.region.doc

    def frames(self) -> tuple[Frame, ...]:
        """The template expansions from here outwards, innermost first."""
        frames: list[Frame] = []
        scope: Scope | None = self
        while scope is not None:
            if scope.template is not None and scope.span is not None:
                frames.append(Frame(scope.title, scope.span))
            scope = scope.parent
        return tuple(frames)


class LayerInstance(NamedTuple):
    """One layer of the expanded network."""

    layer: Layer
    path: str
    scope: Scope
    span: Span
    inputs: tuple[str, ...]
    """The paths of the layers whose outputs it takes, in order."""
    frozen: bool = False
    """True if its parameters and running statistics do not change in training."""

    @property
    def weights(self) -> str:
        """The path of its module: its own, or that of the layer whose weights it shares."""
        scope = self.scope
        return scope.weights + self.path[len(scope.path) :]

    @property
    def shares(self) -> bool:
        """True if its weights are those of a layer before it."""
        return self.scope.weights != self.scope.path


class Turn(NamedTuple):
    """One turn of a repeated block that has several parts and no scope of its own."""

    region: Region
    scope: Scope
    """The scope that its parts stand in."""
    layers: range
    """The places of its layers in the order of execution."""

    @property
    def title(self) -> str:
        """Its templates' instances as written, combinators and layers by their kinds."""
        if self.region.title or self.region.combinator is not None:
            return _shown(self.region)
        return ", ".join(
            step.layer.kind if isinstance(step, LayerStep) else _shown(_opened(step.region))
            for step in self.region.steps
        )


class Flat(NamedTuple):
    """A network's layers by path, with the scopes that they stand in."""

    instances: Mapping[str, LayerInstance]
    """The layers by path, in an order in which every layer comes after its inputs."""
    types: Mapping[str, EdgeType]
    """The type of each layer's output by path; empty for a network that is not checked."""
    scopes: tuple[Scope, ...]
    """All scopes, outer ones before inner ones."""
    input: str
    outputs: dict[str, str]
    """Output name to the path of the layer that gives it."""
    turns: tuple[Turn, ...]
    """The turns of repeated blocks without a scope, outer ones before inner ones."""


@collector_paused()
def flatten(root: Region, typed: TypedRegion | None = None, limit: int | None = None) -> Flat:
    """Every layer of a network; layers and scopes have their stems as names, numbered if shared.

    With ``limit`` no more than so many equal runs of a block in a row are there, of which none
    changes a type.
    """
    walk = _Walk(root, typed, limit)
    walk.run()
    scopes, namers = _named(walk)
    instances: dict[str, LayerInstance] = {}
    paths: list[str] = []
    for step, scope, sources in walk.layers:
        path = namers[scope].path(step.stem)
        inputs = tuple([paths[i] for i in sources])
        paths.append(path)
        instances[path] = LayerInstance(
            step.layer, path, scopes[scope], step.span, inputs, step.frozen
        )
    types = dict(zip(paths, walk.types, strict=True)) if typed is not None else {}
    values = walk.root.values
    assert root.entry is not None
    outputs = {key: paths[values[value]] for key, value in root.named.items()}
    turns = tuple(
        Turn(_opened(each.region), scopes[each.scope], range(each.begin, each.end))
        for each in walk.turns
    )
    return Flat(instances, types, tuple(scopes), paths[values[root.entry]], outputs, turns)


class _OpenScope(NamedTuple):
    """A scope under construction; its name is known once all its siblings are."""

    call: Call | None
    parent: int
    typed: TypedRegion | None


class _Visit:
    """A region that is being walked through; its values are layers by their place in the walk."""

    __slots__ = (
        "begin", "call", "end", "inputs", "region", "runs", "scope", "steps", "typed", "values",
    )  # fmt: skip

    def __init__(
        self,
        region: Region,
        typed: TypedRegion | None,
        inputs: tuple[int, ...],
        scope: int,
        call: Call | None,
        runs: Iterator[TypedRegion | None],
        begin: int = 0,
    ) -> None:
        self.begin = self.end = begin
        """The places of its first layer and of the first one behind it."""
        self.region = region
        self.typed = typed
        self.inputs = inputs
        self.scope = scope
        self.call = call
        self.runs = runs
        """The runs of the same call that are still to come."""
        self.steps = enumerate(region.steps)
        self.values: list[int] = []

    def layer(self, value: Value) -> int:
        """The layer that gives a value."""
        return self.inputs[~value] if value < 0 else self.values[value]


class _Walk:
    """A walk through all layers of a network, in the order of execution."""

    def __init__(self, root: Region, typed: TypedRegion | None, limit: int | None) -> None:
        self.layers: list[tuple[LayerStep, int, tuple[int, ...]]] = []
        self.types: list[EdgeType] = []
        self.scopes: list[_OpenScope] = [_OpenScope(None, -1, typed)]
        self.root = _Visit(root, typed, (), 0, None, iter(()))
        self.turns: list[_Visit] = []
        self._limit = limit

    def run(self) -> None:
        """Visit every region; what is nested is on a stack."""
        pending = [self.root]
        while pending:
            visit = pending[-1]
            for place, step in visit.steps:
                if isinstance(step, LayerStep):
                    sources = tuple([visit.layer(source) for source in step.inputs])
                    if visit.typed is not None:
                        self.types.append(visit.typed.made[len(visit.values)])
                    visit.values.append(len(self.layers))
                    self.layers.append((step, visit.scope, sources))
                else:
                    inputs = tuple([visit.layer(source) for source in step.inputs])
                    runs = self._runs(step, visit.typed, place)
                    pending.append(self._visit(step, next(runs), inputs, visit, runs))
                    break
            else:
                pending.pop()
                if pending:
                    self._leave(visit, pending)

    def _leave(self, visit: _Visit, pending: list[_Visit]) -> None:
        """Begin the next run of a repeated region, or hand its values to the region around it."""
        call, around = visit.call, pending[-1]
        assert call is not None
        visit.end = len(self.layers)
        for typed in visit.runs:
            inputs = tuple([visit.layer(value) for value in visit.region.carried])
            pending.append(self._visit(call, typed, inputs, around, visit.runs))
            return
        around.values.extend(visit.layer(value) for value in call.given)

    def _visit(
        self,
        call: Call,
        typed: TypedRegion | None,
        inputs: tuple[int, ...],
        around: _Visit,
        runs: Iterator[TypedRegion | None],
    ) -> _Visit:
        scope = around.scope
        if call.stem is not None:
            self.scopes.append(_OpenScope(call, scope, typed))
            scope = len(self.scopes) - 1
        made = _Visit(call.region, typed, inputs, scope, call, runs, len(self.layers))
        repeat = around.region.combinator
        repeated = repeat is not None and repeat.turns is not None
        if repeated and call.stem is None and len(_opened(call.region).steps) > 1:
            self.turns.append(made)
        return made

    def _runs(
        self, call: Call, around: TypedRegion | None, place: int
    ) -> Iterator[TypedRegion | None]:
        runs = [(None, call.times)] if around is None else around.runs[place]
        for typed, times in runs:
            yield from repeat(typed, times if self._limit is None else min(times, self._limit))


def _shown(region: Region) -> str:
    """The region's template with its arguments, or its combinator with the templates in it."""
    inside = ", ".join(call.region.title for call in region.calls if call.region.title)
    return region.title or (f"{region.kind}<{inside}>" if inside else region.kind)


def _opened(region: Region) -> Region:
    """The region, or what is all of it where that has no scope of its own."""
    while len(region.steps) == 1:
        (step,) = region.steps
        if not isinstance(step, Call) or step.stem is not None or step.times > 1:
            break
        region = step.region
    return region


def _named(walk: _Walk) -> tuple[list[Scope], list[_Namer]]:
    siblings: list[Counter[str]] = [Counter() for _ in walk.scopes]
    shared: set[tuple[int, str]] = set()
    for call, parent, _ in walk.scopes[1:]:
        assert call is not None and call.stem is not None
        if call.shared and (parent, call.stem) in shared:
            continue  # it has the name of the first one
        siblings[parent][call.stem] += 1
        if call.shared:
            shared.add((parent, call.stem))
    for step, place, _ in walk.layers:
        siblings[place][step.stem] += 1
    scopes = [Scope("", walk.root.region, typed=walk.root.typed)]
    namers = [_Namer("", siblings[0])]
    uses: dict[tuple[int, str], list[Scope]] = {}
    for index, (call, parent, typed) in enumerate(walk.scopes[1:], 1):
        assert call is not None and call.stem is not None
        around = scopes[parent]
        before = uses.setdefault((parent, call.stem), []) if call.shared else []
        if before:
            path, weights = f"{before[0].path}@{len(before) + 1}", before[0].weights
        else:
            path = namers[parent].path(call.stem)
            weights = around.weights + path[len(around.path) :]
        scope = Scope(path, call.region, call, around, weights, typed)
        scopes.append(scope)
        before.append(scope)
        namers.append(_Namer(path, siblings[index]))
    return scopes, namers


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
