"""From a checked network to its diagram."""

from __future__ import annotations

from collections.abc import Mapping

from archdsl.analysis.cost import summarise
from archdsl.ir.build import MAIN_OUTPUT
from archdsl.ir.edges import EdgeType, shown
from archdsl.ir.layer import Category
from archdsl.ir.network import Network, Scope
from archdsl.viz.draw.boxes import Describer, brief
from archdsl.viz.draw.collapse import Collapsed, Levels, collapsed, levels_of
from archdsl.viz.draw.diagram import Box, Cluster, Diagram, Edge, End
from archdsl.viz.draw.fusion import Fused, boxes_by_scope, fused
from archdsl.viz.draw.repeats import NOTHING_FOLDED, Folding, folded
from archdsl.viz.draw.words import giga, title

_FRAMES = 2
"""Frames within frames, at most: with more, a drawing shows its frames instead of its layers."""


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

    def diagram(self, levels: Levels, *, usual: bool = True) -> Diagram:
        """The diagram with these levels; with ``usual``, its legend says what most boxes hold."""
        network = self.network
        groups = collapsed(network, self.groups, levels)
        inside = boxes_by_scope(groups)
        folding = folded(network, groups, inside) if self._fold else NOTHING_FOLDED
        visible = {head: group for head, group in groups.items() if head not in folding.stands_for}
        tree = _Tree(network, visible, folding)
        boxes = {
            head: self._describer.box(group, tree.repeated.get(head, 1))
            for head, group in visible.items()
        }
        shorter, legend = brief(boxes.values())
        return Diagram(
            network.name,
            f"{self._summary.parameters:,} parameters, {giga(self._summary.macs)} MACs",
            tree.root(shorter if usual else boxes, self._ends(groups, folding)),
            _edges(groups, visible, folding),
            tuple(legend),
        )

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
    groups: Mapping[str, Fused], visible: Mapping[str, Fused], folding: Folding
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
        said = group.head.layer.label().endswith(f" {shown(group.shape)}")
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


class _Tree:
    """The clusters of a diagram: scopes that hold several of its boxes, some of them with frames.

    ``repeated``: how many equal ones a box stands for where no frame carries the number.
    """

    def __init__(self, network: Network, visible: Mapping[str, Fused], folding: Folding) -> None:
        inside = boxes_by_scope(visible)
        self._times = folding.times
        self._visible = visible
        self._root = network.scopes[0]
        self._cluster: dict[Scope, Scope] = {self._root: self._root}
        self._outer: dict[Scope, Scope] = {}
        self._framed: dict[Scope, int] = {self._root: 0}
        self.repeated: dict[str, int] = {}
        for scope in network.scopes[1:]:
            assert scope.parent is not None
            outer = self._cluster.get(scope.parent)
            if outer is None or scope not in inside:  # folded away
                continue
            count, repeats = len(inside[scope]), scope in folding.times
            if count > 1 and (repeats or count < len(inside[outer])):
                level = self._framed[outer]
                framed = repeats or (scope.template is not None and level < _FRAMES)
                self._cluster[scope], self._outer[scope] = scope, outer
                self._framed[scope] = level + framed
            else:
                self._cluster[scope] = outer
                if repeats:  # a single box needs no frame to carry the number
                    head = inside[scope][0]
                    self.repeated[head] = self.repeated.get(head, 1) * folding.times[scope]

    def root(self, boxes: Mapping[str, Box], ends: list[End]) -> Cluster:
        """The cluster around everything."""
        children: dict[Scope, list[Box | End | Scope]] = {self._root: []}
        listed = {self._root}
        ends_of: dict[str, list[End]] = {}
        for end in ends:
            ends_of.setdefault(end.source, []).append(end)
        for head, group in self._visible.items():
            scope = self._cluster[group.scope]
            self._list(scope, children, listed)
            children[scope].append(boxes[head])
            # A side output stays beside what gives it.
            children[scope] += [e for e in ends_of.get(head, ()) if e is not ends[0]]
        children[self._root].append(ends[0])
        # Inner clusters were listed after the ones around them, so backwards all parts are there.
        made: dict[Scope, Cluster] = {}
        for scope in reversed(children):
            made[scope] = Cluster(
                scope.path,
                title(scope),
                tuple(made[c] if isinstance(c, Scope) else c for c in children[scope]),
                self._times.get(scope, 1),
                self._has_frame(scope),
            )
        return made[self._root]

    def _list(
        self, scope: Scope, children: dict[Scope, list[Box | End | Scope]], listed: set[Scope]
    ) -> None:
        """Put a cluster into the one around it, when the first of its boxes comes."""
        line = []
        while scope not in listed:
            line.append(scope)
            scope = self._outer[scope]
        for inner in reversed(line):
            listed.add(inner)
            children[self._outer[inner]].append(inner)
            children[inner] = []

    def _has_frame(self, scope: Scope) -> bool:
        outer = self._outer.get(scope)
        return outer is not None and self._framed[scope] > self._framed[outer]
