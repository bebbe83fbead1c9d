"""From a checked network to its diagram."""

from __future__ import annotations

from collections.abc import Mapping

from archdsl.graph.model import Network, Scope
from archdsl.layers.definition import Category
from archdsl.layers.edges import shown
from archdsl.summary import summarise
from archdsl.targets.draw.collapsing import collapsed
from archdsl.targets.draw.diagram import Box, Cluster, Diagram, Edge, End
from archdsl.targets.draw.folding import NOTHING_FOLDED, Folding, folded
from archdsl.targets.draw.fusing import Fused, boxes_by_scope, fused
from archdsl.targets.draw.overview import overview
from archdsl.targets.draw.wording import giga, title

_LEVELS = 2
"""Frames within frames, at most: with more, a drawing shows its frames instead of its layers."""


def diagram_of(network: Network, *, fold: bool = True, depth: int | None = None) -> Diagram:
    """The diagram of a checked network.

    With ``depth`` it is an overview: template instances that many levels down are a box each, the
    network itself being the first level, and boxes say what they give and cost.
    """
    groups = fused(network)
    if depth is not None:
        groups = collapsed(network, groups, depth)
    inside = boxes_by_scope(groups)
    folding = folded(network, groups, inside) if fold else NOTHING_FOLDED
    visible = {head: group for head, group in groups.items() if head not in folding.stands_for}
    shown_as = {
        layer.path: folding.shown(head) for head, group in groups.items() for layer in group.layers
    }
    summary = summarise(network)
    present = {group.head.layer.category for group in visible.values()}
    diagram = Diagram(
        network.name,
        f"{summary.parameters:,} parameters, {giga(summary.macs)} MACs",
        _clusters(network, visible, folding),
        _edges(groups, visible, folding),
        tuple(
            End(
                f"output {name}",
                shown_as[path],
                f"{name} {shown(network.shape(path))}".removeprefix("output "),
            )
            for name, path in network.outputs.items()
        ),
        tuple(category for category in Category if category in present),
    )
    return diagram if depth is None else overview(diagram, groups, summary)


def _box(network: Network, group: Fused, times: int) -> Box:
    head = group.head.layer
    details = tuple(layer.layer.label() for layer in group.layers[1:])
    frozen = any(i.frozen and i.layer.learned(network.input_shapes(i)) for i in group.layers)
    return Box(group.head.path, head.label(), details, head.category, times, frozen)


def _edges(
    groups: Mapping[str, Fused], visible: Mapping[str, Fused], folding: Folding
) -> tuple[Edge, ...]:
    told: set[str] = set()
    edges = []
    for head, group in visible.items():
        for place in group.sources:
            source = folding.shown(place)
            changed = all(groups[s].shape != groups[place].shape for s in groups[place].sources)
            label = shown(groups[place].shape) if changed and source not in told else ""
            told.add(source)
            edges.append(Edge(source, head, label))
    return tuple(edges)


def _clusters(network: Network, visible: Mapping[str, Fused], folding: Folding) -> Cluster:
    """The frames: template instances that hold several boxes, two levels of them at most."""
    inside = boxes_by_scope(visible)
    frame_of: dict[Scope, Scope] = {}
    level: dict[Scope, int] = {}
    children: dict[Scope, list[Scope]] = {}
    repeated: dict[str, int] = {}
    root = network.scopes[0]
    frame_of[root], level[root] = root, 0
    for scope in network.scopes[1:]:
        assert scope.parent is not None
        outer = frame_of.get(scope.parent)
        if outer is None or scope not in inside:  # folded away
            continue
        count = len(inside[scope])
        adds = scope.template is not None and level[outer] < _LEVELS and count < len(inside[outer])
        if count > 1 and (adds or scope in folding.times):
            frame_of[scope], level[scope] = scope, level[outer] + 1
            children.setdefault(outer, []).append(scope)
        else:
            frame_of[scope] = outer
            if scope in folding.times:  # a single box needs no frame to carry the number
                head = inside[scope][0]
                repeated[head] = repeated.get(head, 1) * folding.times[scope]
    boxes: dict[Scope, list[Box]] = {}
    for head, group in visible.items():
        box = _box(network, group, repeated.get(head, 1))
        boxes.setdefault(frame_of[group.scope], []).append(box)
    # Inner frames come after the ones around them, so backwards every part is there when needed.
    made: dict[Scope, Cluster] = {}
    frames = [scope for scope in network.scopes if frame_of.get(scope) is scope]
    for scope in reversed(frames):
        made[scope] = Cluster(
            scope.path,
            title(scope),
            tuple(boxes.get(scope, [])),
            tuple(made[child] for child in children.get(scope, [])),
            folding.times.get(scope, 1),
        )
    return made[root]
