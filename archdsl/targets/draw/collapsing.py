"""The overview: template instances drawn as one box each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from archdsl.graph.model import Network, Scope
from archdsl.targets.draw.fusing import Fused, boxes_by_scope

_AROUND_A_SINGLE_BLOCK = 2
"""Boxes beside a block that is all the rest of a network: its input and its last layer."""


@dataclass(frozen=True, eq=False)
class Collapsed(Fused):
    """All layers of a template instance, drawn as one; ``scope`` is the instance."""


def collapsed(network: Network, groups: Mapping[str, Fused], depth: int) -> dict[str, Fused]:
    """The groups with those of each template instance ``depth`` levels down put together.

    The network itself is the first level. An instance that is one box anyway stays that box. An
    activation right behind an instance goes with it, as it goes with a convolution.
    """
    closed = _closed_scopes(network, groups, depth)
    shown_as: dict[str, str] = {}
    first: dict[Scope, str] = {}
    members: dict[str, list[Fused]] = {}
    for path, group in groups.items():
        scope = closed.get(group.head.scope)
        head = path if scope is None else first.setdefault(scope, path)
        shown_as[path] = head
        members.setdefault(head, []).append(group)
    put_together: dict[str, Fused] = {}
    for head, parts in members.items():
        sources = tuple(
            dict.fromkeys(
                shown_as[source]
                for part in parts
                for source in part.sources
                if shown_as[source] != head
            )
        )
        layers = tuple(layer for part in parts for layer in part.layers)
        # What comes out is the last that was made: tensors that leave earlier are side outputs.
        shape = parts[-1].shape
        scope = closed.get(parts[0].head.scope)
        if scope is None or len(parts) == 1:
            put_together[head] = Fused(layers, parts[0].scope, sources, shape)
        else:
            put_together[head] = Collapsed(layers, scope, sources, shape)
    return put_together


def _closed_scopes(network: Network, groups: Mapping[str, Fused], depth: int) -> dict[Scope, Scope]:
    """Every scope that is hidden in a box, and the instance that this box stands for."""
    inside = boxes_by_scope(groups)
    enough = len(groups) - _AROUND_A_SINGLE_BLOCK
    closed: dict[Scope, Scope] = {}
    level: dict[Scope, int] = {}
    template: dict[Scope, str | None] = {}
    for scope in network.scopes:
        outer = scope.parent
        if outer is None:
            level[scope], template[scope] = 0, None
        elif outer in closed:
            closed[scope] = closed[outer]
        else:
            # A block that is nearly the whole network shows nothing as one box; and a template
            # within itself is no level further down: so are all the levels of a U-Net drawn.
            counts = (
                scope.template is not None
                and scope.template != template[outer]
                and len(inside.get(scope, ())) < enough
            )
            level[scope] = level[outer] + counts
            template[scope] = scope.template or template[outer]
            if level[scope] == depth:
                closed[scope] = scope
    return closed
