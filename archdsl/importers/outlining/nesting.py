"""From an imported graph to nested chains: what forks and meets again becomes a combinator.

A graph is reduced as series-parallel graphs are (Valdes, Tarjan and Lawler 1982): an operation that
alone reads another one is appended to it, and chains between the same two places become one step.
What is left of a network that is not of this kind is put in a row, with tags and skips.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from archdsl.importers.imported_graph import ImportedGraph, Operation
from archdsl.importers.outlining.chains import Chain, ChainPiece, ChainStep
from archdsl.importers.outlining.detectors import detector, read_by_tags
from archdsl.importers.outlining.shared_parts import collapsed
from archdsl.importers.outlining.tags import in_a_row
from archdsl.ir.names import allowed
from archdsl.layers.joins import Add, BroadcastSum, Concat, Gate

MAIN = "output"
SHARED = "shared"


def structured(graph: ImportedGraph) -> Chain:
    """The network as one chain from its input on.

    Raises ArchError for a network of several inputs, and for layers that no combinator makes.
    """
    graph, uses = collapsed(graph)
    # Of a part by itself the first step stands for what it is applied to.
    parts = {index: (use.name, structured(use.inner)[1:]) for index, use in uses.items()}
    return _Reduction(graph, parts).chain()


class _Reduction:
    def __init__(
        self, graph: ImportedGraph, shared: Mapping[int, tuple[str, Chain]] = MappingProxyType({})
    ) -> None:
        self._shared = shared
        self._operations = graph.operations
        self._inputs = _shortened(graph)
        self._readers: list[list[int]] = [[] for _ in self._operations]
        for index, inputs in enumerate(self._inputs):
            for source in inputs:
                self._readers[source].append(index)
        self._outputs = dict(zip(output_names(graph.outputs), graph.outputs.values(), strict=True))
        self._in_order = graph.in_order
        self._main = MAIN if MAIN in self._outputs else next(iter(self._outputs))
        self._kept = list(self._outputs.values())
        self._piece: dict[int, ChainPiece] = {}
        """The piece that ends in an operation."""
        self._starting: dict[int, ChainPiece] = {}
        """The piece whose first step is an operation."""
        self._changed: deque[ChainPiece] = deque()

    def chain(self) -> Chain:
        for index, operation in enumerate(self._operations):
            inputs = self._inputs[index]
            join = operation if len(inputs) > 1 else None
            made_by, options = detector(operation.layer) or (operation.layer, ())
            step = ChainStep(made_by, names=options, homes=operation.homes)
            if index in self._shared:
                name, inner = self._shared[index]
                step = ChainStep(SHARED, [inner], (name,), homes=operation.homes)
            piece = ChainPiece(deque([step]), inputs, index, index, join)
            self._piece[index] = self._starting[index] = piece
            self._changed.append(piece)
            self._settle()
        self._side_outputs()
        steps = in_a_row(sorted(self._piece.values(), key=lambda piece: piece.first), self._kept)
        if self._main != MAIN and len(self._outputs) > 1:
            steps.append(ChainStep("outputs", [[]], (self._main,)))
        return steps

    def _settle(self) -> None:
        while self._changed:
            piece = self._changed.popleft()
            if self._starting.get(piece.first) is not piece:
                continue  # it is a part of another one by now
            if piece.join is not None:
                self._close(piece, piece.join)
            if piece.join is None:
                self._append(piece)

    def _append(self, piece: ChainPiece) -> None:
        """Make a piece a part of the one before, if nobody else reads that."""
        if len(piece.inputs) != 1:
            return
        source = piece.inputs[0]
        if source in self._kept or len(self._readers[source]) != 1:
            return
        if self._in_order and self._between(source, piece):
            return
        before = self._piece.pop(source)
        del self._starting[piece.first]
        if len(before.steps) >= len(piece.steps):
            before.steps.extend(piece.steps)
        else:
            piece.steps.extendleft(reversed(before.steps))
            before.steps = piece.steps
        before.end = piece.end
        before.highest = max(before.highest, piece.highest)
        self._piece[before.end] = before
        self._retry(before)

    def _between(self, source: int, piece: ChainPiece) -> bool:
        """True if another piece stands between an operation and the piece that reads it."""
        return any(
            self._starting.get(index) not in (None, piece)
            for index in range(source + 1, piece.first)
        )

    def _retry(self, piece: ChainPiece) -> None:
        """Look again at the piece that reads a changed one: it may be reducible now."""
        readers = set(self._readers[piece.end])
        if len(readers) == 1 and (reader := self._starting.get(readers.pop())) is not None:
            self._changed.append(reader)

    def _close(self, piece: ChainPiece, join: Operation) -> None:
        """Make one step of a join and of the branches that meet there, if all have one origin."""
        if isinstance(join.layer, Concat) and not self._in_order:
            self._close_runs(piece, join)
        branches = [self._branch(source) for source in piece.inputs]
        if any(map(_hides_shared, filter(None, branches))):
            return
        firsts = [branch.first for branch in branches if branch is not None]
        if self._in_order and firsts != sorted(firsts):
            return
        direct = {s for s, b in zip(piece.inputs, branches, strict=True) if b is None}
        origins = direct or {branch.inputs[0] for branch in branches if branch is not None}
        if len(origins) != 1:
            return
        (origin,) = origins
        if any(branch is not None and branch.inputs[0] != origin for branch in branches):
            return
        chains = [list(branch.steps) if branch is not None else [] for branch in branches]
        highest = max((branch.highest for branch in branches if branch), default=0)
        steps, piece.highest = _joined(join, chains, highest)
        removed = {piece.first}
        for branch in filter(None, branches):
            removed.add(branch.first)
            del self._piece[branch.end], self._starting[branch.first]
        readers = self._readers[origin]
        self._readers[origin] = [r for r in readers if r not in removed] + [piece.first]
        piece.steps = deque(steps)
        piece.inputs = (origin,)
        piece.join = None

    def _close_runs(self, piece: ChainPiece, join: Operation) -> None:
        """Neighbours among the branches of a concatenation that have an origin of their own.

        They are a concatenation inside of it, which is the same: a concatenation of concatenations
        is one.
        """
        inputs = list(piece.inputs)
        place = 0
        while place < len(inputs):
            first = self._branch(inputs[place])
            run = [first] if first is not None else []
            while first is not None and place + len(run) < len(inputs):
                other = self._branch(inputs[place + len(run)])
                if other is None or other.inputs != first.inputs:
                    break
                run.append(other)
            whole = len(run) == len(inputs) or not first
            if whole or len(run) < 2 or len(self._readers[run[0].inputs[0]]) != len(run):
                place += max(1, len(run))
                continue
            end = len(self._readers)
            self._readers.append([piece.first])
            for branch in run:
                del self._piece[branch.end], self._starting[branch.first]
            blocks = [list(branch.steps) for branch in run]
            inner = ChainPiece(
                deque([ChainStep("parallel", blocks, homes=join.homes)]),
                run[0].inputs,
                run[0].first,
                end,
                highest=max(branch.highest for branch in run),
            )
            self._piece[end] = self._starting[inner.first] = inner
            self._readers[inner.inputs[0]] = [inner.first]
            inputs[place : place + len(run)] = [end]
            piece.inputs = tuple(inputs)
            self._append(inner)
            place += 1

    def _branch(self, source: int) -> ChainPiece | None:
        """The chain that ends in an operation which only the join reads; None for other places."""
        piece = self._piece[source]
        alone = len(self._readers[source]) == 1 and source not in self._kept
        return piece if alone and len(piece.inputs) == 1 and piece.join is None else None

    def _side_outputs(self) -> None:
        """Outputs beside the main one are branches where the network leaves for them."""
        for name, index in reversed(self._outputs.items()):
            if name == self._main:
                continue
            self._kept.remove(index)
            piece = self._piece[index]
            if self._readers[index] or index in self._kept or len(piece.inputs) != 1:
                piece.steps.append(ChainStep("branch", [[]], (name,)))
                self._changed += [self._starting[r] for r in set(self._readers[index])]
            else:
                origin = piece.inputs[0]
                del self._piece[index], self._starting[piece.first]
                self._readers[origin].remove(piece.first)
                before = self._piece[origin]
                before.steps.append(ChainStep("branch", [list(piece.steps)], (name,)))
                before.highest = max(before.highest, piece.highest)
                self._changed += [self._starting[r] for r in set(self._readers[origin])]
                self._retry(before)
            self._settle()


def _hides_shared(branch: ChainPiece) -> bool:
    """True if a shared part would stand in another scope than its other uses beside the branch."""
    return len(branch.steps) > 1 and any(step.what == SHARED for step in branch.steps)


def output_names(names: Iterable[str]) -> list[str]:
    """Words by which a spec calls outputs of these names, each its own."""
    labels: list[str] = []
    for name in names:
        word = re.sub(r"[^A-Za-z0-9_]+", "_", name)
        base = word = allowed(word if word[:1].isalpha() else f"output_{word}".rstrip("_"))
        number = 1
        while word in labels:
            number += 1
            word = f"{base}_{number}"
        labels.append(word)
    return labels


def _shortened(graph: ImportedGraph) -> list[tuple[int, ...]]:
    """The inputs of all operations; those of a concatenation that begins, or ends, as another one
    does are that one and the rest, since a concatenation of concatenations is one.
    """
    beginnings, endings = _Runs(), _Runs()
    shortened: list[tuple[int, ...]] = []
    for index, operation in enumerate(graph.operations):
        inputs = read_by_tags(operation)
        if isinstance(operation.layer, Concat):
            count, first = beginnings.longest(inputs, index)
            behind, last = endings.longest(inputs[::-1], index)
            if max(count, behind) < 2:
                shortened.append(inputs)
            elif count >= behind:
                shortened.append((first, *inputs[count:]))
            else:
                shortened.append((*inputs[:-behind], last))
        else:
            shortened.append(inputs)
    return shortened


class _Runs:
    """Rows of operations that a concatenation has joined, by what they begin with."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], int] = {}
        self._ends: dict[int, int] = {}

    def longest(self, inputs: Sequence[int], index: int) -> tuple[int, int]:
        """The length of the longest row that these begin with, and the concatenation of it.

        Both are 0 and -1 where there is none; the row of ``inputs`` itself is known from then on.
        """
        place, longest = -1, (0, -1)
        for count, source in enumerate(inputs, 1):
            place = self._known.setdefault((place, source), len(self._known))
            if count < len(inputs) and place in self._ends:
                longest = (count, self._ends[place])
        self._ends.setdefault(place, index)
        return longest


def _joined(join: Operation, chains: list[Chain], highest: int) -> tuple[Chain, int]:
    """The steps of a join of chains that all begin at one place, and the highest tag in them."""
    homes = join.homes
    empty = [not chain for chain in chains]
    if isinstance(join.layer, Concat):
        return [ChainStep("parallel", chains, homes=homes)], highest
    if isinstance(join.layer, Add) and len(chains) == 2:
        blocks = sorted(chains, key=_weight, reverse=True)
        if all(empty):
            blocks = [[], []]
        return [ChainStep("residual", [b for b in blocks if b or all(empty)], homes=homes)], highest
    if isinstance(join.layer, (Gate, BroadcastSum)) and empty == [True, False]:
        combinator = "scale" if isinstance(join.layer, Gate) else "offset"
        return [ChainStep(combinator, [chains[1]], homes=homes)], highest
    # No combinator does this: the branches one behind the other, with tags.
    pieces = [ChainPiece(deque(), (), -1, -1)]
    inputs = []
    for place, chain in enumerate(chains):
        if chain:
            pieces.append(ChainPiece(deque(chain), (-1,), place, place, highest=highest))
        inputs.append(place if chain else -1)
    end = ChainPiece(
        deque([ChainStep(join.layer, homes=homes)]), tuple(inputs), len(chains), -2, join
    )
    steps = in_a_row([*pieces, end], [-2], highest)
    return steps, max((tag for step in steps for tag in step.tags), default=highest)


def _weight(chain: Chain) -> int:
    return sum(1 + sum(map(len, step.blocks)) for step in chain)
