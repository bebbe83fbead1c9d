"""Whether two canonical graphs are isomorphic, and which node is which.

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
from dataclasses import dataclass

from archdsl.analysis.equivalence.differences import (
    Sides,
    connection_differences,
    layer_differences,
)
from archdsl.analysis.equivalence.graph import INPUT, STORED, CanonicalGraph, CanonicalNode

_ROUNDS = 4  # of refinement; two suffice for every network the tests have met


@dataclass(frozen=True)
class Match:
    """The outcome of a comparison.

    Attributes:
        matched: whether the two networks are the same architecture.
        pairs: nodes of the reference with their counterparts, in execution order.
        modules: path of each module with parameters or buffers, reference's to compiled's.
        tensors: full name of each parameter and buffer, reference's to compiled's.
        outputs: names of the outputs, reference's with compiled's.
        layers: number of matched operations; inputs and stored tensors are not counted.
        differences: when they do not match, the first layers at which they part, in sentences.
    """

    matched: bool
    pairs: tuple[tuple[CanonicalNode, CanonicalNode], ...] = ()
    modules: tuple[tuple[str, str], ...] = ()
    tensors: tuple[tuple[str, str], ...] = ()
    outputs: tuple[tuple[str, str], ...] = ()
    layers: int = 0
    differences: tuple[str, ...] = ()


def match(
    reference: CanonicalGraph, compiled: CanonicalGraph, *, allow_extra_outputs: bool = False
) -> Match:
    """Compares two networks and pairs their layers.

    Outputs are paired by what they compute, not by name. With ``allow_extra_outputs`` the compiled
    network may have more of them than the reference, such as the auxiliary heads which
    torchvision's GoogLeNet has in training mode only; what only these need is not compared.
    """
    classes = _Interner()
    sides = Sides(reference, compiled, _forward(reference, classes), _forward(compiled, classes))
    chosen = _chosen_outputs(sides, allow_extra_outputs)
    if chosen is None:
        return Match(False, differences=layer_differences(sides))
    compiled = compiled.restricted(chosen)

    colours = _refined(reference, compiled)
    counts = [Counter(side) for side in colours]
    pairing = _Pairing(reference, compiled, *colours) if counts[0] == counts[1] else None
    found = pairing.complete() if pairing else None
    tensors = _paired_tensors(reference, compiled, found) if found else None
    if found is None or tensors is None:
        classes = _Interner()
        forward = _forward(reference, classes), _forward(compiled, classes)
        sides = Sides(reference, compiled, *forward)
        return Match(False, differences=connection_differences(sides))

    pairs = tuple((node, compiled.nodes[found[node.index]]) for node in reference.nodes)
    return Match(
        True,
        pairs,
        tuple({a.module: (a.module, b.module) for a, b in pairs if a.module and b.module}.values()),
        tensors,
        _paired_outputs(reference, compiled, found),
        sum(node.label.operation not in (INPUT, STORED) for node, _ in pairs),
    )


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
    returned = Counter(index for _, index in graph.outputs)
    refined = [0] * len(graph.nodes)
    for node in reversed(graph.nodes):
        uses = sorted(
            (refined[reader], -1 if graph.nodes[reader].commutes else position)
            for reader, position in consumers[node.index]
        )
        refined[node.index] = intern((colours[node.index], tuple(uses), returned[node.index]))
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


def _chosen_outputs(sides: Sides, allow_extra: bool) -> list[tuple[str, int]] | None:
    """The compiled network's outputs which compute the reference's; None when some are missing."""
    wanted = Counter(sides.reference_classes[index] for _, index in sides.reference.outputs)
    chosen: list[tuple[str, int]] = []
    for name, index in sides.compiled.outputs:
        output_class = sides.compiled_classes[index]
        if wanted[output_class] > 0:
            wanted[output_class] -= 1
            chosen.append((name, index))
    extra = len(sides.compiled.outputs) - len(chosen)
    return None if any(wanted.values()) or (extra and not allow_extra) else chosen


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


def _paired_outputs(
    reference: CanonicalGraph, compiled: CanonicalGraph, pairing: dict[int, int]
) -> tuple[tuple[str, str], ...]:
    names: defaultdict[int, deque[str]] = defaultdict(deque)
    for name, index in compiled.outputs:
        names[index].append(name)
    return tuple((name, names[pairing[index]].popleft()) for name, index in reference.outputs)
