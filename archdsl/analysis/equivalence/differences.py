"""The first differences of two networks that do not match, in sentences.

Each network has a *frontier*: the layers whose inputs the other network computes too, but which it
does not have itself. These are the first layers at which the networks part; what comes after them
differs for no other reason than that.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from archdsl.analysis.equivalence.graph import CanonicalGraph, CanonicalNode
from archdsl.analysis.equivalence.outputs import OutputPairs

_SHOWN = 10  # sentences, at most


@dataclass(frozen=True)
class Sides:
    """Two graphs, and the class of each of their nodes: equal for equal computations."""

    reference: CanonicalGraph
    compiled: CanonicalGraph
    reference_classes: Sequence[int]
    compiled_classes: Sequence[int]


def layer_differences(sides: Sides) -> tuple[str, ...]:
    """The first layers at which two networks with different layers part, in execution order.

    The graphs have their paired outputs in one order. Empty where each output is computed from the
    input by the same layers as its counterpart.
    """
    if all(mine == theirs for mine, theirs in _output_classes(sides)):
        return ()
    mine = _Frontier(sides.reference, sides.reference_classes, set(sides.compiled_classes))
    theirs = _Frontier(sides.compiled, sides.compiled_classes, set(sides.reference_classes))
    taken: set[int] = set()
    sentences: list[str] = []
    for node in mine.nodes:
        candidate = _nearest(node, mine, theirs, taken)
        if candidate is None:
            sentences.append(_without_counterpart(node, mine.graph))
        else:
            taken.add(candidate.index)
            sentences.extend(_compared(node, candidate, mine, theirs))
    # A layer whose equal is there elsewhere (two branches that begin alike) leaves no gap in the
    # reference's frontier, but what stands in its place shows in the compiled network's.
    sentences.extend(
        f"The compiled network goes on with {_named(node)}{_after(node, theirs.graph)}, "
        f"which the reference has nothing like: {node.label}."
        for node in theirs.nodes
        if node.index not in taken
    )
    return shortened([*sentences, *_output_differences(sides)])


def connection_differences(sides: Sides) -> tuple[str, ...]:
    """Differences of networks that have the same layers but share outputs differently."""
    mine = _by_class(sides.reference, sides.reference_classes)
    theirs = _by_class(sides.compiled, sides.compiled_classes)
    sentences = []
    for number, nodes in mine.items():
        others = theirs.get(number, [])
        if len(nodes) != len(others):
            sentences.append(
                f"{nodes[0].label} is computed {_times(nodes)} in the reference "
                f"({_listed(nodes)}), {_times(others)} in the compiled network "
                f"({_listed(others)})."
            )
            continue
        if nodes[0].tensors:
            own, other = (_owners(side) for side in (nodes, others))
            if own != other:
                sentences.append(
                    f"{_listed(nodes)} use {own} set(s) of parameters in the reference, but "
                    f"{_listed(others)} use {other} in the compiled network."
                )
    sharing = _sharing(sides) if not sentences else []
    return shortened(
        sentences
        or sharing
        or ["Every layer of the reference is there, but the layers are connected differently."]
    )


class _Frontier:
    """The layers of one graph that the other lacks although it computes their inputs."""

    def __init__(self, graph: CanonicalGraph, classes: Sequence[int], common: set[int]) -> None:
        self.graph = graph
        self.classes = classes
        self.common = common
        self.consumers = graph.consumers()
        self.nodes = [
            node
            for node in graph.nodes
            if classes[node.index] not in common
            and all(classes[source] in common for source in node.inputs)
        ]
        self.by_input: defaultdict[int, list[CanonicalNode]] = defaultdict(list)
        for node in self.nodes:
            for source in dict.fromkeys(node.inputs):
                self.by_input[classes[source]].append(node)

    def input_classes(self, node: CanonicalNode) -> list[int]:
        return [self.classes[source] for source in node.inputs]


def _nearest(
    node: CanonicalNode, mine: _Frontier, theirs: _Frontier, taken: set[int]
) -> CanonicalNode | None:
    """The compiled layer most likely meant to be this one: by its inputs, then by what it is."""
    inputs = mine.input_classes(node)
    around = [other for number in dict.fromkeys(inputs) for other in theirs.by_input[number]]
    if not around:
        around = [
            other
            for other in theirs.nodes
            if other.label.operation == node.label.operation and not inputs
        ]

    def likeness(other: CanonicalNode) -> tuple[bool, bool, bool, int, int]:
        others = theirs.input_classes(other)
        return (
            other.label.operation == node.label.operation,
            sorted(others) == sorted(inputs),
            other.label == node.label,
            -len(other.label.differing(node.label)),
            -other.index,
        )

    # A layer of the same kind may stand for one of the reference's only; one of another kind shows
    # what is there instead, and may do so for several.
    same, others = [], []
    for other in around:
        if other.label.operation != node.label.operation:
            others.append(other)
        elif other.index not in taken:
            same.append(other)
    return max(same or others, key=likeness, default=None)


def _compared(
    node: CanonicalNode, other: CanonicalNode, mine: _Frontier, theirs: _Frontier
) -> list[str]:
    if node.label.operation != other.label.operation:
        return [_other_operation(node, other, mine, theirs)]
    sentences = [
        f"{name} is {here!r} in {node.where}, {there!r} in {other.where} ({node.label.operation})."
        for field in node.label.differing(other.label)
        for name, here, there in _settings(field, node.label.value(field), other.label.value(field))
    ]
    expected, actual = mine.input_classes(node), theirs.input_classes(other)
    if node.commutes:
        expected, actual = sorted(expected), sorted(actual)
    if expected != actual:
        order = "in another order" if sorted(expected) == sorted(actual) else "other inputs"
        sentences.append(
            f"{_named(node)} and {_named(other)} have {order}: "
            f"({_inputs(node, mine.graph)}) in the reference, "
            f"({_inputs(other, theirs.graph)}) in the compiled network."
        )
    return sentences


def _settings(field: str, mine: object, theirs: object) -> list[tuple[str, object, object]]:
    """Differing values of a field; of a module's description only the settings that differ."""
    found: list[tuple[str, object, object]] = []
    waiting = [(mine, theirs)]
    while waiting:
        pair = waiting.pop()
        match pair:
            case (str(name), (str() | int() | float()) as here), (str(other), there) if (
                name == other and here != there
            ):
                found.append((name, here, there))
            case tuple(here), tuple(there) if len(here) == len(there):
                waiting.extend(zip(reversed(here), reversed(there), strict=True))
    return found or [(field, mine, theirs)]


def _other_operation(
    node: CanonicalNode, other: CanonicalNode, mine: _Frontier, theirs: _Frontier
) -> str:
    after = _after(node, mine.graph)
    what = f"{_named(node)} comes{after} in the reference, but {_named(other)}"
    after = "" if " after " in _named(other) else _after(other, theirs.graph)
    place = f"{after} in the compiled network"
    follows = {mine.graph.nodes[reader].label for reader, _ in mine.consumers[node.index]}
    preceded = {theirs.graph.nodes[reader].label for reader, _ in theirs.consumers[other.index]}
    if other.label in follows:
        return f"{what}{place}: {node.label.operation} is missing there."
    if node.label in preceded:
        return f"{what}{place}: {other.label.operation} is extra there."
    return f"{what}{place}."


def _without_counterpart(node: CanonicalNode, graph: CanonicalGraph) -> str:
    return (
        f"{_named(node)} comes{_after(node, graph)} in the reference; "
        f"the compiled network has nothing there: {node.label}."
    )


def missing_outputs(
    reference: CanonicalGraph, compiled: CanonicalGraph, outputs: OutputPairs
) -> tuple[str, ...]:
    """Sentences about the outputs that only one of two networks has."""
    return (
        *(
            f"The reference returns {name} ({_named(reference.nodes[index])}), "
            f"which the compiled network does not return."
            for name, index in reference.outputs
            if name in outputs.reference_only
        ),
        *(
            f"The compiled network returns {name} ({_named(compiled.nodes[index])}), "
            f"which the reference does not return."
            for name, index in compiled.outputs
            if name in outputs.compiled_only
        ),
    )


def _output_classes(sides: Sides) -> list[tuple[int, int]]:
    """The classes of each pair of outputs."""
    outputs = zip(sides.reference.outputs, sides.compiled.outputs, strict=True)
    return [
        (sides.reference_classes[mine], sides.compiled_classes[theirs])
        for (_, mine), (_, theirs) in outputs
    ]


def _output_differences(sides: Sides) -> list[str]:
    """Outputs which are computed in the other network too, but not under this name."""
    sentences = []
    outputs = zip(sides.reference.outputs, sides.compiled.outputs, strict=True)
    for (mine, theirs), ((name, index), (other, place)) in zip(
        _output_classes(sides), outputs, strict=True
    ):
        if mine != theirs and mine in sides.compiled_classes:
            sentences.append(
                f"Output {name} is the result of {_named(sides.reference.nodes[index])} in the "
                f"reference; its counterpart {other} is that of "
                f"{_named(sides.compiled.nodes[place])} in the compiled network."
            )
    return sentences


def _sharing(sides: Sides) -> list[str]:
    """Parameters used a different number of times by nodes of the same class."""
    uses = [
        Counter(name for node in graph.nodes for _, name in node.tensors)
        for graph in (sides.reference, sides.compiled)
    ]
    theirs = _by_class(sides.compiled, sides.compiled_classes)
    sentences: list[str] = []
    for node in sides.reference.nodes:
        others = theirs.get(sides.reference_classes[node.index], [])
        for other in others[:1]:
            names = dict(other.tensors)
            sentences.extend(
                f"{name} is used {uses[0][name]} time(s) in the reference, "
                f"{names[role]} is used {uses[1][names[role]]} time(s) in the compiled network."
                for role, name in node.tensors
                if role in names and uses[0][name] != uses[1][names[role]]
            )
    return sentences


def _by_class(graph: CanonicalGraph, classes: Sequence[int]) -> dict[int, list[CanonicalNode]]:
    groups: defaultdict[int, list[CanonicalNode]] = defaultdict(list)
    for node in graph.nodes:
        groups[classes[node.index]].append(node)
    return groups


def _owners(nodes: Sequence[CanonicalNode]) -> int:
    return len({name for node in nodes for _, name in node.tensors[:1]})


def _named(node: CanonicalNode) -> str:
    """A node in words: ``conv2d stem.conv``; one without a module's name says where it stands."""
    operation = node.label.operation
    return node.where if node.where.startswith(f"{operation} ") else f"{operation} {node.where}"


def _listed(nodes: Sequence[CanonicalNode]) -> str:
    return ", ".join(node.where for node in nodes) or "nowhere"


def _times(nodes: Sequence[CanonicalNode]) -> str:
    return "once" if len(nodes) == 1 else f"{len(nodes)} times"


def _inputs(node: CanonicalNode, graph: CanonicalGraph) -> str:
    return _listed([graph.nodes[source] for source in node.inputs])


def _after(node: CanonicalNode, graph: CanonicalGraph) -> str:
    if not node.inputs:
        return " first"
    return f" after {_inputs(node, graph)}"


def shortened(sentences: Sequence[str]) -> tuple[str, ...]:
    """As many sentences as a person will read, none of them twice."""
    unique = tuple(dict.fromkeys(sentences))
    if len(unique) <= _SHOWN:
        return unique
    return (*unique[:_SHOWN], f"There are {len(unique) - _SHOWN} more differences of this kind.")
