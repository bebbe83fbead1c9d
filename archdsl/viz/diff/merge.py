"""Two diagrams merged into one: the network after, with removed parts where they were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from archdsl.analysis.diff.changes import Difference, Status
from archdsl.ir.network import Network, Turn
from archdsl.viz.diff.edges import wired
from archdsl.viz.diff.insertion import Tree
from archdsl.viz.diff.repeats import repeated
from archdsl.viz.draw.collapse import Levels, collapsed
from archdsl.viz.draw.diagram import ALONE, Beside, Box, ChangeMark, Diagram, End
from archdsl.viz.draw.from_network import DiagramBuilder
from archdsl.viz.draw.words import giga


class DiagramView:
    """One of the two diagrams, and which layers its boxes stand for."""

    def __init__(self, reader: DiagramBuilder, levels: Levels) -> None:
        self.diagram = reader.diagram(levels, usual=False)
        self.boxes = {box.id: box for box in self.diagram.root.boxes()}
        groups = collapsed(reader.network, reader.groups, levels)
        self.layers = {
            head: tuple(layer.path for layer in group.layers) for head, group in groups.items()
        }
        self.box_of = {path: head for head, paths in self.layers.items() for path in paths}
        self._network = reader.network

    def turns(self) -> dict[str, Turn]:
        """The innermost turn of a repeated block without a scope that each box is in."""
        paths = list(self._network.by_path)
        turns = {paths[place]: turn for turn in self._network.turns for place in turn.layers}
        return {head: turns[head] for head in self.boxes if head in turns}


class Merger:
    """Makes the diagrams of a difference, for a figure that fits a page."""

    def __init__(
        self, before: Network, after: Network, found: Difference, *, fold: bool, fuse: bool
    ) -> None:
        self._readers = [DiagramBuilder(side, fold=False, fuse=fuse) for side in (before, after)]
        self._found = found
        self._fold = fold
        self._status: dict[str, Status] = {}
        self._counterpart: dict[str, str] = {}
        self._scopes: dict[str, str] = {}
        for change in found.root.layers():
            if change.after is not None:
                self._status[change.after.path] = change.status
                if change.before is not None:
                    self._counterpart[change.before.path] = change.after.path
        for change in found.root.walk():
            if change.before is not None and change.after is not None:
                self._scopes[change.after.path] = change.before.path

    def levels(self) -> int:
        """Number of levels of template instances; at this depth none is closed."""
        return max(reader.levels() for reader in self._readers)

    def staged(self) -> bool:
        """False: what changed is told at every depth alike."""
        return False

    def diagram(self, levels: Levels, *, usual: bool = True, details: Beside = ALONE) -> Diagram:
        """The diagram with these levels. Its legend is that of the marks; it has no details."""
        after = DiagramView(self._readers[1], levels)
        before = self._opened(levels, after)
        kept = self._kept(before, after)
        marks = self._marks(before, after, kept)
        tree = Tree(after.diagram.root, marks)
        names = tree.restore(before.diagram.root, kept, _gone_outputs(before, after))
        root = tree.root(self._described(before, after, kept, marks))
        added = {name for name, mark in marks.items() if mark is ChangeMark.ADDED}
        old = self._old(before, after, names)
        edges = wired(old, after.diagram.edges, set(names.values()), added)
        order = {box.id: place for place, box in enumerate(root.boxes())}
        edges = [edge for edge in edges if order[edge.source] < order[edge.target]]
        if self._fold:
            turns = before.turns()
            gone = {name: turns[head] for head, name in names.items() if head in turns}
            root, edges = repeated(root, edges, after.turns() | gone)
        was, now = self._found.before, self._found.after
        return Diagram(
            f"{was.name} → {now.name}",
            f"{giga(was.parameters)} → {giga(now.parameters)} parameters, "
            f"{giga(was.macs)} → {giga(now.macs)} MACs",
            root,
            tuple(edges),
            (),
        )

    def _opened(self, levels: Levels, after: DiagramView) -> DiagramView:
        """The diagram before, blocks open in it whose parts are several boxes after."""
        while True:
            before = DiagramView(self._readers[0], levels)
            wide = {
                before.boxes[head].scope
                for head, layers in before.layers.items()
                if before.boxes[head].block
                and self._wider(before.boxes[head], self._there(layers, after), after)
            }
            if wide <= set(levels.expand):
                return before
            levels = replace(levels, expand=(*levels.expand, *sorted(wide)))

    def _wider(self, block: Box, there: Sequence[str], after: DiagramView) -> bool:
        """True if parts of a block before are several boxes after, or boxes within it."""
        if len(there) == 1:
            inner = self._scopes.get(after.boxes[there[0]].scope, "")
            return inner.startswith(f"{block.scope}.")
        return len(there) > 1

    def _there(self, layers: Iterable[str], after: DiagramView) -> list[str]:
        """The boxes after that layers of the network before are in."""
        found = (after.box_of.get(self._counterpart.get(path, "")) for path in layers)
        return list(dict.fromkeys(box for box in found if box is not None))

    def _kept(self, before: DiagramView, after: DiagramView) -> dict[str, str]:
        """The boxes of the diagram before that are in the other one too, and what they are there.

        One that stands for several layers is there as long as one of them is.
        """
        there = {head: self._there(layers, after) for head, layers in before.layers.items()}
        return {head: boxes[0] for head, boxes in there.items() if boxes}

    def _old(
        self, before: DiagramView, after: DiagramView, names: Mapping[str, str]
    ) -> list[tuple[str, str]]:
        """The pairs of boxes of the merged diagram that were connected before.

        Layers that are gone from a box that is still there have no box: what they connected is
        connected through them.
        """
        pairs = []
        gives: dict[str, list[str]] = {}
        for head, group in self._readers[0].groups.items():
            boxes = self._there((layer.path for layer in group.layers), after)
            gone = names.get(before.box_of[head])
            box = boxes[0] if boxes else gone
            sources = dict.fromkeys(name for source in group.sources for name in gives[source])
            gives[head] = [*sources] if box is None else [boxes[-1] if boxes else box]
            if box is not None:
                pairs += [(source, box) for source in sources if source != box]
        return pairs

    def _marks(
        self, before: DiagramView, after: DiagramView, kept: Mapping[str, str]
    ) -> dict[str, ChangeMark]:
        """The marks of the boxes after."""
        shrunk = {
            kept[head]
            for head, layers in before.layers.items()
            if head in kept and any(path not in self._counterpart for path in layers)
        }
        marks = {}
        for head, layers in after.layers.items():
            found = {self._status[path] for path in layers}
            if found == {Status.ADDED}:
                marks[head] = ChangeMark.ADDED
            elif head in shrunk or found & {Status.ADDED, Status.CHANGED}:
                marks[head] = ChangeMark.CHANGED
        return marks

    def _described(
        self,
        before: DiagramView,
        after: DiagramView,
        kept: Mapping[str, str],
        marks: Mapping[str, ChangeMark],
    ) -> dict[str, Box]:
        """The boxes after with their marks; one that changed says what it was."""
        number = Counter(kept.values())
        was = {box: before.boxes[head] for head, box in kept.items() if number[box] == 1}
        return {
            name: _marked(box, marks.get(name), was.get(name)) for name, box in after.boxes.items()
        }


def _marked(box: Box, mark: ChangeMark | None, was: Box | None) -> Box:
    told = box.details
    if mark is ChangeMark.CHANGED and was is not None:
        if (was.title, was.block) != (box.title, box.block):
            told = (*told, f"was {was.title}")
        elif box.block and (others := [a for a in was.arguments if a not in box.arguments]):
            told = (*told, f"was {', '.join(others)}")
        elif not box.block:
            told = (*told, *(f"no {words}" for words in was.details if words not in told))
    return replace(box, details=told, mark=mark)


def _gone_outputs(before: DiagramView, after: DiagramView) -> list[End]:
    names = {end.id for end in after.diagram.ends}
    return [end for end in before.diagram.ends if end.id not in names]
