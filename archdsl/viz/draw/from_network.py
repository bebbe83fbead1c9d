"""From a checked network to its diagram."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property

from archdsl.analysis.cost import summarise
from archdsl.ir.build import MAIN_OUTPUT
from archdsl.ir.edges import EdgeType, shown
from archdsl.ir.layer import Category
from archdsl.ir.network import Network
from archdsl.viz.draw.boxes import Describer, brief
from archdsl.viz.draw.clusters import ClusterTree
from archdsl.viz.draw.collapse import Collapsed, Levels, collapsed, levels_of
from archdsl.viz.draw.details import DetailFinder
from archdsl.viz.draw.diagram import ALONE, Beside, Diagram, Edge, End
from archdsl.viz.draw.fusion import Fused, boxes_by_scope, fused
from archdsl.viz.draw.repeats import NOTHING_FOLDED, Folding, folded
from archdsl.viz.draw.words import giga

_LONGEST_LABEL = 24
"""Characters: what is longer, such as the sizes of several feature maps, crowds the lines."""


class DiagramBuilder:
    """Makes diagrams of a checked network; what they share is found once."""

    def __init__(self, network: Network, *, fold: bool = True, fuse: bool = True) -> None:
        self.network = network
        self.groups = fused(network, fuse=fuse)
        self._fold = fold
        self._summary = summarise(network)
        self._describer = Describer(network, self._summary)

    def levels(self) -> int:
        """Number of levels of template instances; at this depth none is closed."""
        return levels_of(self.network, self.groups)

    def diagram(self, levels: Levels, *, usual: bool = True, details: Beside = ALONE) -> Diagram:
        """The diagram with these levels; with ``usual``, its legend says what most boxes hold.

        With ``details`` it has the inside of what is closed, unless that is too much.
        """
        network = self.network
        groups = collapsed(network, self.groups, levels)
        inside = boxes_by_scope(groups)
        folding = folded(network, groups, inside) if self._fold else NOTHING_FOLDED
        visible = {head: group for head, group in groups.items() if head not in folding.stands_for}
        tree = ClusterTree(network.scopes[0], network.scopes[1:], visible, folding)
        boxes = {
            head: self._describer.box(group, tree.repeated.get(head, 1))
            for head, group in visible.items()
        }
        kinds = {}
        if details.any:
            uses = {head: tree.times(head) for head in visible}
            kinds = self._details.kinds(visible, uses, repeated=details.repeated)
        for head, group in visible.items():
            if isinstance(group, Collapsed) and group.scope in kinds:
                kind = kinds[group.scope]
                box = boxes[head]
                boxes[head] = self._details.closed_box(box, kind, group, costs=details.costs)
            elif isinstance(group, Collapsed) and not details.costs:
                told = boxes[head].details[:1] if details.sizes else ()
                boxes[head] = replace(boxes[head], details=told)
        panels = [self._details.panel(kind, kinds) for kind in dict.fromkeys(kinds.values())]
        everything = [*boxes.values(), *(box for panel in panels for box in panel.boxes.values())]
        shorter, legend = brief(everything)
        if not usual:
            shorter = {box.id: box for box in everything}
        return Diagram(
            network.name,
            f"{self._summary.parameters:,} parameters, {giga(self._summary.macs)} MACs",
            tree.root(shorter, self._ends(groups, folding)),
            _edges(network, groups, visible, folding),
            tuple(legend),
            tuple(panel.detail(shorter) for panel in panels),
        )

    @cached_property
    def _details(self) -> DetailFinder:
        return DetailFinder(self.network, self.groups, self._describer, fold=self._fold)

    def _ends(self, groups: Mapping[str, Fused], folding: Folding) -> list[End]:
        shown_as = {
            layer.path: folding.shown(head)
            for head, group in groups.items()
            for layer in group.layers
        }
        ends = []
        for name, path in self.network.outputs.items():
            words = shown(self.network.shape(path))
            if name != MAIN_OUTPUT:
                words = f"{name} {words}"
            ends.append(End(f"output {name}", shown_as[path], words))
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
    told: set[str] = set()
    known: dict[str, set[EdgeType]] = {}
    edges = []
    for head, group in groups.items():
        before = {shape for source in group.sources for shape in known[source]}
        sizes = {_size(groups[source].shape) for source in group.sources}
        # A convolution says how many channels it makes; a change of size or what joins make, and
        # the end of a block, are worth a word.
        joins = group.head.layer.category is Category.JOIN
        changed = joins or _size(group.shape) not in sizes
        # fc 10 has said so.
        said = network.label(group.head).endswith(f" {shown(group.shape)}")
        short = len(shown(group.shape)) <= _LONGEST_LABEL
        tells = changed and group.shape not in before and not said and short
        known[head] = {group.shape} if tells or isinstance(group, Collapsed) else before
        if tells and not isinstance(group, Collapsed):
            told.add(head)
    for head, group in visible.items():
        for place in dict.fromkeys(group.sources):
            source = folding.shown(place)
            label = shown(groups[place].shape) if place in told else ""
            told.discard(place)
            edges.append(Edge(source, head, label))
    return tuple(edges)


def _size(edge: EdgeType) -> object:
    """Height and width of a feature map, which a convolution's text leaves out; else the edge."""
    return edge[1:] if isinstance(edge, tuple) and len(edge) > 1 else edge
