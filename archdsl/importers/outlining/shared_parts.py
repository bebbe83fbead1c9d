"""Parts of the origin that are applied several times, with the same weights every time."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from archdsl.diagnostics import fail
from archdsl.importers.imported_graph import ImportedGraph, Operation
from archdsl.ir.names import allowed


class SharedUse(NamedTuple):
    """One application of a part: the part's name, and its operations as a graph of their own.

    The graph's first operation stands for what the part is applied to.
    """

    name: str
    inner: ImportedGraph


class _Part(NamedTuple):
    """A part that is applied several times: its name, and the operations of each application."""

    name: str
    uses: list[list[int]]


def collapsed(graph: ImportedGraph) -> tuple[ImportedGraph, Mapping[int, SharedUse]]:
    """The graph with each application of a shared part as one operation, and those by index.

    Raises ArchError where what is shared takes or gives several values.
    """
    owners: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for index, operation in enumerate(graph.operations):
        if operation.tensors:
            owners[tuple(sorted(operation.tensors.values()))].append(index)
    repeated = {members[0]: members for members in owners.values() if len(members) > 1}
    if not repeated:
        return graph, {}
    places = {index: (number, part) for number, part in _members(graph, repeated)
              for index in part}  # fmt: skip
    return _rebuilt(graph, places)


def _members(
    graph: ImportedGraph, repeated: Mapping[int, Sequence[int]]
) -> Iterator[tuple[tuple[str, int], list[int]]]:
    """The operations of each application, by the part's name and the number of the application."""
    taken: set[int] = set()
    names: set[str] = set()
    # What is applied least often may hold what is applied more often.
    for first, members in sorted(repeated.items(), key=lambda item: len(item[1])):
        if first in taken:
            continue
        part = _largest(graph, members, names, taken)
        names.add(part.name)
        for number, use in enumerate(part.uses):
            taken.update(use)
            yield (part.name, number), use


def _largest(
    graph: ImportedGraph, members: Sequence[int], names: set[str], taken: set[int]
) -> _Part:
    """The largest part of the origin around a layer that is applied as often, and as a whole."""
    operations = graph.operations
    first = operations[members[0]]
    path = [home.name for home in first.homes]
    for depth in range(1, len(path) + 1):
        inside = [
            index
            for index, operation in enumerate(operations)
            if [home.name for home in operation.homes[:depth]] == path[:depth]
        ]
        size, rest = divmod(len(inside), len(members))
        uses = [inside[at : at + size] for at in range(0, len(inside), size)]
        if taken.intersection(inside):
            continue
        if not rest and all(_alike(graph, uses[0], use) for use in uses):
            return _Part(_name(path[:depth], names), uses)
    own = first.name.rpartition(".")[2].rpartition("/")[2]
    single = [[index] for index in members]
    if not all(_alike(graph, single[0], use) for use in single):
        raise fail(f"{first.name} is applied in ways that a shared block is not")
    return _Part(_name([*path, own], names), single)


def _name(path: Sequence[str], taken: set[str]) -> str:
    """A word for a part: the last of its path that is one, with a number where it is taken."""
    words = [re.sub(r"\W+", "_", part) for part in path]
    last = next((word for word in reversed(words) if word[:1].isalpha()), "shared")
    name, number = allowed(last), 1
    while name in taken:
        number += 1
        name = f"{last}_{number}"
    return name


def _alike(graph: ImportedGraph, one: Sequence[int], other: Sequence[int]) -> bool:
    """True if two runs of operations are one function of one value, with the same weights."""
    if len(one) != len(other):
        return False
    places = {index: place for place, index in enumerate(one)}
    others = {index: place for place, index in enumerate(other)}
    for a, b in zip(one, other, strict=True):
        mine, theirs = graph.operations[a], graph.operations[b]
        inputs = [places.get(source, -1) for source in mine.inputs]
        if mine.layer != theirs.layer or mine.tensors != theirs.tensors:
            return False
        if inputs != [others.get(source, -1) for source in theirs.inputs]:
            return False
    return _closed(graph, one) and _closed(graph, other)


def _closed(graph: ImportedGraph, use: Sequence[int]) -> bool:
    """True if some operations read one value from outside, and give one, that of the last."""
    members = set(use)
    read = {s for index in use for s in graph.operations[index].inputs if s not in members}
    given = {
        source
        for index, operation in enumerate(graph.operations)
        if index not in members
        for source in operation.inputs
        if source in members
    } | (members & set(graph.outputs.values()))
    return len(read) == 1 and given == {use[-1]}


def _rebuilt(
    graph: ImportedGraph, places: Mapping[int, tuple[tuple[str, int], list[int]]]
) -> tuple[ImportedGraph, dict[int, SharedUse]]:
    operations: list[Operation] = []
    new: dict[int, int] = {}
    uses: dict[int, SharedUse] = {}
    for index, operation in enumerate(graph.operations):
        (name, _), members = places.get(index, (("", 0), [index]))
        if index != members[-1]:
            continue  # it is told where its part ends
        if index in places:
            inner = _inner(graph, members)
            uses[len(operations)] = SharedUse(name, inner)
            source = next(s for i in members for s in graph.operations[i].inputs
                          if s not in members)  # fmt: skip
            operation = replace(operation, inputs=(source,), tensors={})
        inputs = tuple(new[source] for source in operation.inputs)
        new[index] = len(operations)
        operations.append(replace(operation, inputs=inputs))
    outputs = {name: new[index] for name, index in graph.outputs.items()}
    return replace(graph, operations=tuple(operations), outputs=outputs), uses


def _inner(graph: ImportedGraph, members: Sequence[int]) -> ImportedGraph:
    """A part by itself, behind an operation that stands for what it is applied to."""
    start = graph.operations[0]
    places = {index: place for place, index in enumerate(members, 1)}
    operations = [replace(start, inputs=(), homes=graph.operations[members[0]].homes)]
    for index in members:
        operation = graph.operations[index]
        inputs = tuple(places.get(source, 0) for source in operation.inputs)
        operations.append(replace(operation, inputs=inputs))
    return replace(graph, operations=tuple(operations), outputs={"output": len(members)}, notes=())
