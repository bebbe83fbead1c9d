"""Isomorphism of two canonical graphs: the pairing of their nodes, if there is one.

Every node gets a *class*: a number that stands for its label and the classes of its inputs, so that
two nodes have one class when, and only when, the same computation leads to them. Classes are
interned in one dictionary for both graphs; equal numbers are equality, not a hash that may collide.

Classes alone do not tell siblings apart (two equal branches of one block), nor a layer used twice
from two equal layers. A pass back from the outputs refines the classes by how each node is used,
and the pairing starts from what is unique and follows edges from there; only when nothing is forced
any more is one of several equal candidates taken. At the end every edge and every parameter is
checked to agree, so a match is never wrong. Each step is linear in the number of edges. Refinement
of colours cannot settle every graph isomorphism: for a graph with enough symmetry a match could be
missed.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace

from archdsl.analysis.equivalence.differences import (
    Sides,
    connection_differences,
    layer_differences,
    missing_outputs,
)
from archdsl.analysis.equivalence.graph import INPUT, STORED, CanonicalGraph, CanonicalNode
from archdsl.analysis.equivalence.outputs import MAIN, OutputPairs, paired_outputs

_ROUNDS = 4  # of refinement; two suffice for every network the tests have met


@dataclass(frozen=True)
class Match:
    """The outcome of a comparison.

    Attributes:
        matched: whether the two networks are the same architecture.
        pairs: nodes of the reference with their counterparts, in execution order.
        modules: path of each module with parameters or buffers, reference's to compiled's.
        tensors: full name of each parameter and buffer, reference's to compiled's.
        outputs: names of the outputs that are compared, reference's with compiled's.
        reference_only: names of outputs that only the reference has.
        compiled_only: names of outputs that only the compiled network has.
        layers: number of matched operations; inputs and stored tensors are not counted.
        differences: when they do not match, the first layers at which they part, in sentences.
    """

    matched: bool
    pairs: tuple[tuple[CanonicalNode, CanonicalNode], ...] = ()
    modules: tuple[tuple[str, str], ...] = ()
    tensors: tuple[tuple[str, str], ...] = ()
    outputs: tuple[tuple[str, str], ...] = ()
    reference_only: tuple[str, ...] = ()
    compiled_only: tuple[str, ...] = ()
    layers: int = 0
    differences: tuple[str, ...] = ()


def match(reference: CanonicalGraph, compiled: CanonicalGraph, *, partial: bool = False) -> Match:
    """Compares two networks and pairs their layers.

    Outputs are paired by name and number (see ``outputs``), and each has to be computed as its
    counterpart is. With ``partial`` either network may have more of them than the other, such as
    the auxiliary heads which torchvision's GoogLeNet has in training mode only; what only these
    need is not compared.
    """
    outputs = _paired_outputs(reference, compiled)
    unequal = Match(
        False, reference_only=outputs.reference_only, compiled_only=outputs.compiled_only
    )
    missing = () if partial and outputs.pairs else missing_outputs(reference, compiled, outputs)
    ends = dict(reference.outputs), dict(compiled.outputs)
    reference = reference.restricted([(a, ends[0][a]) for a, _ in outputs.pairs])
    compiled = compiled.restricted([(b, ends[1][b]) for _, b in outputs.pairs])

    classes = _Interner()
    sides = Sides(reference, compiled, _forward(reference, classes), _forward(compiled, classes))
    differences = layer_differences(sides)
    if differences or missing:
        return replace(unequal, differences=(*differences, *missing))

    colours = _refined(reference, compiled)
    counts = [Counter(side) for side in colours]
    pairing = _Pairing(reference, compiled, *colours) if counts[0] == counts[1] else None
    found = pairing.complete() if pairing else None
    tensors = _paired_tensors(reference, compiled, found) if found else None
    if found is None or tensors is None:
        return replace(unequal, differences=connection_differences(sides))

    pairs = tuple((node, compiled.nodes[found[node.index]]) for node in reference.nodes)
    return Match(
        True,
        pairs,
        tuple({a.module: (a.module, b.module) for a, b in pairs if a.module and b.module}.values()),
        tensors,
        outputs.pairs,
        layers=sum(node.label.operation not in (INPUT, STORED) for node, _ in pairs),
        reference_only=outputs.reference_only,
        compiled_only=outputs.compiled_only,
    )


def match_bodies(reference: CanonicalGraph, compiled: CanonicalGraph) -> Match:
    """Pairs the layers that two networks have in common from their inputs on, whatever follows.

    So a classifier matches another with a head of its own. They are unequal where they have no
    layer in common.
    """
    intern = _Interner()
    sides = (reference, compiled)
    classes = [_forward(graph, intern) for graph in sides]
    shared = set(classes[0]) & set(classes[1])
    ends: list[dict[int, int]] = []
    for graph, found in zip(sides, classes, strict=True):
        going_on = {
            found[source]
            for node in graph.nodes
            if found[node.index] in shared
            for source in node.inputs
        }
        last = {number: index for index, number in enumerate(found) if number in shared}
        ends.append({number: last[number] for number in shared - going_on})
    named = [(str(number), number) for number in sorted(ends[0].keys() & ends[1].keys())]
    if not named:
        return Match(False, differences=("they have no layer in common",))
    parts = [
        graph.restricted([(name, end[number]) for name, number in named])
        for graph, end in zip(sides, ends, strict=True)
    ]
    return match(*parts)


class _Interner:
    """Numbers for values, the same number for equal values."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}

    def __call__(self, value: Hashable) -> int:
        return self._numbers.setdefault(value, len(self._numbers))


def _forward(
    graph: CanonicalGraph, intern: _Interner, colours: Sequence[int] | None = None
) -> list[int]:
    """The class of each node: its label (and colour), and the classes of what it is made from."""
    classes: list[int] = []
    for node in graph.nodes:
        inputs = [classes[source] for source in node.inputs]
        if node.commutes:
            inputs.sort()
        own: Hashable = node.label if colours is None else colours[node.index]
        classes.append(intern((own, tuple(inputs))))
    return classes


def _backward(
    graph: CanonicalGraph,
    intern: _Interner,
    colours: Sequence[int],
    consumers: Sequence[Sequence[tuple[int, int]]],
) -> list[int]:
    """Colours refined by the colours of whatever reads a node, and at which position."""
    returned: defaultdict[int, list[int]] = defaultdict(list)
    for place, (_, index) in enumerate(graph.outputs):  # those of one place are a pair
        returned[index].append(place)
    refined = [0] * len(graph.nodes)
    for node in reversed(graph.nodes):
        uses = sorted(
            (refined[reader], -1 if graph.nodes[reader].commutes else position)
            for reader, position in consumers[node.index]
        )
        refined[node.index] = intern((colours[node.index], tuple(uses), (*returned[node.index],)))
    return refined


def _refined(*graphs: CanonicalGraph) -> list[list[int]]:
    """Colours for the nodes of all graphs, refined until no round tells more nodes apart."""
    intern = _Interner()
    consumers = [graph.consumers() for graph in graphs]
    colours = [[intern(use) for use in zip(_forward_uses(graph), strict=True)] for graph in graphs]
    labels = [[intern(node.label) for node in graph.nodes] for graph in graphs]
    colours = [
        [intern(pair) for pair in zip(*both, strict=True)]
        for both in zip(labels, colours, strict=True)
    ]
    known = 0
    for _ in range(_ROUNDS):
        colours = [_forward(g, intern, c) for g, c in zip(graphs, colours, strict=True)]
        colours = [
            _backward(g, intern, c, r) for g, c, r in zip(graphs, colours, consumers, strict=True)
        ]
        distinct = len({colour for side in colours for colour in side})
        if distinct == known:
            break
        known = distinct
    return colours


def _forward_uses(graph: CanonicalGraph) -> Iterable[tuple[tuple[str, int], ...]]:
    """For each node how often its parameters are used in the whole network, by role."""
    uses = Counter(name for node in graph.nodes for _, name in node.tensors)
    for node in graph.nodes:
        # A functional batch norm has no such counter, and the count of uses is the weight's anyway.
        yield tuple((role, uses[name]) for role, name in node.tensors if role != _COUNTER)


_COUNTER = "num_batches_tracked"


def _paired_outputs(reference: CanonicalGraph, compiled: CanonicalGraph) -> OutputPairs:
    """The outputs by name; what names say nothing about, the only output of a reference among
    several heads of other names, by what it computes.
    """
    mine, theirs = ([name for name, _ in graph.outputs] for graph in (reference, compiled))
    outputs = paired_outputs(mine, theirs)
    if len(mine) == 1 and MAIN not in theirs and theirs[0] != mine[0]:
        classes = _Interner()
        wanted = _forward(reference, classes)[reference.outputs[0][1]]
        known = _forward(compiled, classes)
        heads = [name for name, index in compiled.outputs if known[index] == wanted]
        theirs = heads[:1] + [name for name in theirs if name not in heads[:1]]
        outputs = paired_outputs(mine, theirs)
    return outputs


class _Pairing:
    """Pairs the nodes of two graphs whose colours agree in number."""

    def __init__(
        self,
        reference: CanonicalGraph,
        compiled: CanonicalGraph,
        reference_colours: Sequence[int],
        compiled_colours: Sequence[int],
    ) -> None:
        self._graphs = (reference, compiled)
        self._colours = (reference_colours, compiled_colours)
        self._consumers = (reference.consumers(), compiled.consumers())
        self._there: dict[int, int] = {}
        self._back: dict[int, int] = {}
        self._fresh: deque[tuple[int, int]] = deque()
        self._consistent = True

    def complete(self) -> dict[int, int] | None:
        """The compiled node for each reference node; None when the pairing fails."""
        candidates: defaultdict[int, deque[int]] = defaultdict(deque)
        for index, colour in enumerate(self._colours[1]):
            candidates[colour].append(index)
        for index, colour in enumerate(self._colours[0]):
            if len(candidates[colour]) == 1:
                self._pair(index, candidates[colour][0])
        self._propagate()
        for index, colour in enumerate(self._colours[0]):
            if index in self._there:
                continue
            queue = candidates[colour]
            while queue and queue[0] in self._back:
                queue.popleft()
            if not queue:
                return None
            self._pair(index, queue.popleft())
            self._propagate()
        return self._there if self._consistent and self._edges_agree() else None

    def _pair(self, mine: int, theirs: int) -> None:
        if mine in self._there or theirs in self._back:
            self._consistent &= self._there.get(mine) == theirs
            return
        self._there[mine] = theirs
        self._back[theirs] = mine
        self._fresh.append((mine, theirs))

    def _propagate(self) -> None:
        """Follows edges from new pairs to whatever they leave no choice about."""
        while self._fresh:
            mine, theirs = self._fresh.popleft()
            self._pair_inputs(mine)
            self._pair_forced(
                self._grouped(0, self._consumers[0][mine]),
                self._grouped(1, self._consumers[1][theirs]),
            )
            for reader, _ in self._consumers[0][mine]:
                if self._graphs[0].nodes[reader].commutes and reader in self._there:
                    self._pair_inputs(reader)

    def _pair_inputs(self, mine: int) -> None:
        node, other = self._graphs[0].nodes[mine], self._graphs[1].nodes[self._there[mine]]
        if len(node.inputs) != len(other.inputs):
            self._consistent = False
        elif node.commutes:
            self._pair_forced(
                self._grouped(0, ((source, -1) for source in node.inputs)),
                self._grouped(1, ((source, -1) for source in other.inputs)),
            )
        else:
            for source, counterpart in zip(node.inputs, other.inputs, strict=True):
                self._pair(source, counterpart)

    def _grouped(
        self, side: int, neighbours: Iterable[tuple[int, int]]
    ) -> dict[tuple[int, int], list[int]]:
        """Neighbours not paired yet, by colour and position."""
        paired = (self._there, self._back)[side]
        groups: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
        for index, position in dict.fromkeys(neighbours):
            if index not in paired:
                place = -1 if self._graphs[side].nodes[index].commutes else position
                groups[self._colours[side][index], place].append(index)
        return groups

    def _pair_forced(
        self, mine: dict[tuple[int, int], list[int]], theirs: dict[tuple[int, int], list[int]]
    ) -> None:
        for key, group in mine.items():
            counterparts = theirs.get(key, [])
            if len(set(group)) == len(set(counterparts)) == 1:
                self._pair(group[0], counterparts[0])

    def _edges_agree(self) -> bool:
        for node in self._graphs[0].nodes:
            mapped = [self._there[source] for source in node.inputs]
            other = self._graphs[1].nodes[self._there[node.index]]
            actual = list(other.inputs)
            if node.commutes:
                mapped.sort()
                actual.sort()
            if node.label != other.label or mapped != actual:
                return False
        return True


def _paired_tensors(
    reference: CanonicalGraph, compiled: CanonicalGraph, pairing: dict[int, int]
) -> tuple[tuple[str, str], ...] | None:
    """Parameters and buffers one to one; None when one side shares what the other does not."""
    there: dict[str, str] = {}
    back: dict[str, str] = {}
    for node in reference.nodes:
        theirs = dict(compiled.nodes[pairing[node.index]].tensors)
        for role, name in node.tensors:
            if role not in theirs and role == _COUNTER:
                continue
            counterpart = theirs[role]
            if (
                there.setdefault(name, counterpart) != counterpart
                or back.setdefault(counterpart, name) != name
            ):
                return None
    return tuple(there.items())
