"""What an overview says: every box its output and its cost, in place of its inner layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from archdsl.layers.definition import Category, shown
from archdsl.summary import Row, Summary
from archdsl.targets.draw.collapsing import Collapsed
from archdsl.targets.draw.diagram import Box, Cluster, Diagram
from archdsl.targets.draw.fusing import Fused
from archdsl.targets.draw.wording import giga, title


def overview(diagram: Diagram, groups: Mapping[str, Fused], summary: Summary) -> Diagram:
    """The diagram of collapsed groups, made small: its boxes tell what lines and legend told."""
    rows = {row.scope: row for row in summary.rows}
    return replace(
        diagram,
        root=_told(diagram.root, groups, rows),
        edges=tuple(replace(edge, label="") for edge in diagram.edges),
        legend=(),
    )


def _told(cluster: Cluster, groups: Mapping[str, Fused], rows: Mapping[str, Row]) -> Cluster:
    """A cluster with its boxes rewritten; frames nest two deep, so this may recurse."""
    return replace(
        cluster,
        boxes=tuple(_box(box, groups[box.id], rows) for box in cluster.boxes),
        clusters=tuple(_told(inner, groups, rows) for inner in cluster.clusters),
    )


def _box(box: Box, group: Fused, rows: Mapping[str, Row]) -> Box:
    if box.category is Category.JOIN and not isinstance(group, Collapsed):
        return replace(box, details=())
    costs = {layer: (rows[layer.path].macs, rows[layer.path].parameters) for layer in group.layers}
    macs, parameters = (sum(values) for values in zip(*costs.values(), strict=True))
    details = [shown(group.shape)]
    if parameters:
        each = "each " if box.times > 1 else ""
        details.append(f"{each}{giga(parameters)} parameters")
    if macs:
        details.append(f"{giga(macs)} MACs")
    if not isinstance(group, Collapsed):
        return replace(box, details=tuple(details))
    return replace(
        box,
        title=title(group.scope),
        details=tuple(details),
        # A block is coloured by the layer that has most to do.
        category=max(costs, key=lambda layer: costs[layer]).layer.category,
        block=True,
    )
