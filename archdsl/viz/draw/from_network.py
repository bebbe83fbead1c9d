"""From a checked network to its diagram."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple

from archdsl.analysis.cost import summarise
from archdsl.ir.build import MAIN_OUTPUT
from archdsl.ir.edges import shown
from archdsl.ir.network import Network
from archdsl.viz.draw.boxes import Describer, brief
from archdsl.viz.draw.clusters import ClusterTree
from archdsl.viz.draw.collapse import Collapsed, Levels, collapsed, levels_of
from archdsl.viz.draw.details import DetailFinder
from archdsl.viz.draw.diagram import ALONE, Beside, Box, Diagram, Edge, End
from archdsl.viz.draw.edge_words import edge_words
from archdsl.viz.draw.fusion import Fused, boxes_by_scope, drawn_outputs, fused
from archdsl.viz.draw.looks import Looks
from archdsl.viz.draw.repeats import NOTHING_FOLDED, Folding, folded
from archdsl.viz.draw.staging import staging
from archdsl.viz.draw.words import giga


class _Overview(NamedTuple):
    """The figure of some levels, which is the same whatever is shown beside it."""

    groups: Mapping[str, Fused]
    folding: Folding
    visible: Mapping[str, Fused]
    tree: ClusterTree
    boxes: Mapping[str, Box]
    edges: tuple[Edge, ...]


class DiagramBuilder:
    """Makes diagrams of a checked network; what they share is found once."""

    def __init__(self, network: Network, *, fold: bool = True, fuse: bool = True) -> None:
        self.network = network
        self.groups = fused(network, fuse=fuse)
        self._fold = fold
        self._summary = summarise(network)
        self._describer = Describer(network, self._summary)
        self._looks = Looks(network)
        self._overviews: dict[Levels, _Overview] = {}

    def levels(self) -> int:
        """Number of levels of template instances; at this depth none is closed."""
        return levels_of(self.network, self.groups)

    def staged(self) -> bool:
        """True if there are blocks whose inside is what a detector is known for."""
        return bool(staging(self.network, "all"))

    def diagram(self, levels: Levels, *, usual: bool = True, details: Beside = ALONE) -> Diagram:
        """The diagram with these levels; with ``usual``, its legend says what most boxes hold.

        With ``details`` it has the inside of what is closed, unless that is too much.
        """
        view = self._overview(levels)
        groups, folding, visible, tree = view.groups, view.folding, view.visible, view.tree
        boxes, alike = dict(view.boxes), folding.alike
        kinds = {}
        if details.any:
            uses = {head: tree.times(head) for head in visible}
            kinds = self._details.kinds(visible, uses, details)
            for head, others in alike.items():
                kind = kinds.get(groups[head].scope)
                if kind is not None:
                    self._details.extend(kind, [groups[each].scope for each in others])
        panels = self._details.panels(kinds) if kinds else []
        for head, group in visible.items():
            if isinstance(group, Collapsed) and group.scope in kinds:
                kind = kinds[group.scope]
                box = boxes[head]
                boxes[head] = self._details.closed_box(box, kind, group, details)
            elif isinstance(group, Collapsed) and not details.costs:
                told = details.told(boxes[head].details)
                boxes[head] = replace(boxes[head], details=told, arguments=())
        everything = [*boxes.values(), *(box for panel in panels for box in panel.boxes.values())]
        shorter, legend = brief(everything)
        if not usual:
            shorter = {box.id: box for box in everything}
        return Diagram(
            self.network.name,
            f"{self._summary.parameters:,} parameters, {giga(self._summary.macs)} MACs",
            tree.root(shorter, self._ends(groups, folding)),
            view.edges,
            tuple(legend),
            tuple(panel.detail(shorter) for panel in panels),
        )

    def _overview(self, levels: Levels) -> _Overview:
        if levels not in self._overviews:
            network = self.network
            groups = collapsed(network, self.groups, levels)
            inside = boxes_by_scope(groups)
            folding = folded(network, groups, inside, self._looks) if self._fold else NOTHING_FOLDED
            visible = {h: group for h, group in groups.items() if h not in folding.stands_for}
            tree = ClusterTree(network.scopes[0], network.scopes[1:], visible, folding)
            alike = folding.alike
            boxes = {
                head: self._describer.box(
                    group,
                    tree.repeated.get(head, 1),
                    [groups[each] for each in alike.get(head, ())],
                )
                for head, group in visible.items()
            }
            edges = _edges(network, groups, visible, folding)
            self._overviews[levels] = _Overview(groups, folding, visible, tree, boxes, edges)
        return self._overviews[levels]

    @cached_property
    def _details(self) -> DetailFinder:
        looks = self._looks if self._fold else None
        return DetailFinder(self.network, self.groups, self._describer, looks)

    def _ends(self, groups: Mapping[str, Fused], folding: Folding) -> list[End]:
        shown_as = {
            layer.path: folding.shown(head)
            for head, group in groups.items()
            for layer in group.layers
        }
        ends = []
        given = drawn_outputs(self.network)
        for name, path in self.network.outputs.items():
            words = shown(self.network.shape(path))
            if name != MAIN_OUTPUT:
                words = f"{name} {words}"
            ends.append(End(f"output {name}", shown_as[given[name]], words))
        return ends


def diagram_of(
    network: Network, levels: Levels | None = None, *, fold: bool = True, fuse: bool = True
) -> Diagram:
    """The diagram of a checked network, with every level open unless ``levels`` says otherwise."""
    return DiagramBuilder(network, fold=fold, fuse=fuse).diagram(levels or Levels())


def _edges(
    network: Network,
    groups: Mapping[str, Fused],
    visible: Mapping[str, Fused],
    folding: Folding,
) -> tuple[Edge, ...]:
    words = edge_words(network, groups)
    edges = []
    for head, group in visible.items():
        for place in dict.fromkeys(group.sources):
            source = folding.shown(place)
            edges.append(Edge(source, head, words.pop(place, "")))
    return tuple(edges)
