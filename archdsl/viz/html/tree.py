"""The tree of a network's blocks and layers that a reader opens and closes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from archdsl.ir.network import LayerInstance, Network, Scope
from archdsl.viz.draw.fusion import Fused, boxes_by_scope
from archdsl.viz.draw.looks import Looks
from archdsl.viz.draw.repeats import folded


class NodeKind(Enum):
    """Kinds of nodes in the tree of the page."""

    BLOCK = "block"
    """The instance of a template."""
    RUN = "run"
    """Equal blocks in a row; shown as the first of them, with their number, until unfolded."""
    ROW = "row"
    """A layer with the small layers behind it."""
    LAYER = "layer"


@dataclass(eq=False)
class TreeNode:
    """A node of the page's tree: a block, a run, a row or a layer, with children in order."""

    kind: NodeKind
    scope: Scope
    children: list[TreeNode] = field(default_factory=list)
    layer: LayerInstance | None = None
    """The layer itself, of a row its first one."""

    def walk(self) -> Iterator[tuple[TreeNode, int]]:
        """This part and all inside it, outer before inner; each with how many are around it."""
        waiting = [(self, 0)]
        while waiting:
            part, level = waiting.pop()
            yield part, level
            waiting.extend((child, level + 1) for child in reversed(part.children))


def tree(network: Network, groups: Mapping[str, Fused]) -> TreeNode:
    """The tree of a checked network whose layers are grouped.

    Template instances with several parts are blocks; one with a single part is that part. Branches
    of combinators have no names that a reader knows, so what is in them stands side by side.
    """
    inside = _inside(network, groups)
    runs, model_of = _runs(network, groups)
    made: dict[Scope, list[TreeNode]] = {}
    for scope in reversed(network.scopes):  # inner ones before the ones around them
        if scope not in inside:
            continue
        parts: list[TreeNode] = []
        items = inside[scope]
        at = 0
        while at < len(items):
            item = items[at]
            if isinstance(item, TreeNode):
                parts.append(item)
                at += 1
                continue
            row = items[at : at + runs.get(item, 1)]
            following = [s for s in row[1:] if isinstance(s, Scope) and model_of.get(s) is item]
            blocks = [part for s in (item, *following) for part in made.pop(s)]
            if 1 < len(row) == len(blocks) == len(following) + 1 and _alike(blocks):
                parts.append(TreeNode(NodeKind.RUN, scope, blocks))
            else:
                parts.extend(blocks)
            at += 1 + len(following)
        made[scope] = parts if scope.template is None else [_block(scope, parts)]
    return TreeNode(NodeKind.BLOCK, network.scopes[0], made[network.scopes[0]])


def _block(scope: Scope, parts: list[TreeNode]) -> TreeNode:
    if len(parts) > 1 or parts[0].kind is NodeKind.RUN:
        return TreeNode(NodeKind.BLOCK, scope, parts)
    only = parts[0]
    return TreeNode(NodeKind.BLOCK, scope, only.children) if only.kind is NodeKind.BLOCK else only


def _inside(network: Network, groups: Mapping[str, Fused]) -> dict[Scope, list[TreeNode | Scope]]:
    """The groups and inner scopes of every scope that has any, in execution order."""
    inside: dict[Scope, list[TreeNode | Scope]] = {network.scopes[0]: []}
    for group in groups.values():
        item: TreeNode | Scope = _part(group)
        scope: Scope | None = group.scope
        while scope is not None and scope not in inside:
            inside[scope] = [item]
            item, scope = scope, scope.parent
        assert scope is not None
        inside[scope].append(item)
    return inside


def _part(group: Fused) -> TreeNode:
    layers = [TreeNode(NodeKind.LAYER, layer.scope, [], layer) for layer in group.layers]
    return (
        layers[0] if len(layers) == 1 else TreeNode(NodeKind.ROW, group.scope, layers, group.head)
    )


def _runs(
    network: Network, groups: Mapping[str, Fused]
) -> tuple[Mapping[Scope, int], Mapping[Scope, Scope]]:
    """The length of every run by its first scope, and of each equal scope the first of its run.

    Drawings fold the inside of a run's first block only, since they draw no other. What is in the
    others is equal, and so are the runs in it.
    """
    inside = boxes_by_scope(groups)
    times = dict(folded(network, groups, inside, Looks(network)).times)
    children: defaultdict[Scope | None, list[Scope]] = defaultdict(list)
    model_of: dict[Scope, Scope] = {}
    first_of: dict[Scope, Scope] = {}
    left: dict[Scope | None, tuple[Scope, int]] = {}
    for scope in network.scopes:
        outer = scope.parent
        children[outer].append(scope)
        if scope not in inside or outer is None:
            continue
        # Calls of one region have equal scopes in them, in one order.
        if outer in model_of:
            model = model_of[scope] = children[model_of[outer]][len(children[outer]) - 1]
            if model in times:
                times[scope] = times[model]
        first, more = left.get(outer, (scope, 0))
        if more:
            model_of.setdefault(scope, first)
            first_of[scope] = first
            left[outer] = (first, more - 1)
        elif scope in times:
            left[outer] = (scope, times[scope] - 1)
    return times, first_of


def _alike(blocks: list[TreeNode]) -> bool:
    """True if all parts have equal trees, so that one can stand for another node by node."""
    first, *others = ([(part.kind, level) for part, level in block.walk()] for block in blocks)
    return all(other == first for other in others)
