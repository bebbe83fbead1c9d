"""Layers that share a box: a convolution with the normalisation and activation behind it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from archdsl.ir.edges import EdgeType
from archdsl.ir.layer import Category
from archdsl.ir.network import LayerInstance, Network, Scope

_FOLLOWERS = frozenset(
    {Category.NORMALIZATION, Category.ACTIVATION, Category.REGULARIZATION, Category.RESHAPE}
)


@dataclass(frozen=True, eq=False)
class Fused:
    """Layers in a row that are drawn as one."""

    layers: tuple[LayerInstance, ...]
    scope: Scope
    """The innermost scope that holds them all."""
    sources: tuple[str, ...]
    """The heads of the groups whose outputs it takes; one each."""
    shape: EdgeType

    @property
    def head(self) -> LayerInstance:
        return self.layers[0]


def fused(network: Network, *, fuse: bool = True) -> dict[str, Fused]:
    """The groups of a checked network by the path of their first layer, in execution order.

    Without ``fuse`` every layer is a group of its own.
    """
    inputs = _drawn_inputs(network)
    consumers = Counter(source for sources in inputs.values() for source in sources)
    kept = set(drawn_outputs(network).values())
    light = _light_scopes(network)
    group: dict[str, str] = {}
    members: dict[str, list[LayerInstance]] = {}
    for instance in network.instances():
        if not instance.layer.drawn:
            continue
        before = inputs[instance.path][0] if len(instance.inputs) == 1 else None
        joins = (
            fuse
            and before is not None
            and instance.layer.category in _FOLLOWERS
            and consumers[before] == 1
            and before not in kept
            and members[group[before]][0].inputs != ()
            and members[group[before]][0].frozen == instance.frozen
            and members[group[before]][0].scope.shared == instance.scope.shared
            and _belongs(instance.scope, members[group[before]][0].scope, light)
        )
        head = group[before] if joins and before is not None else instance.path
        group[instance.path] = head
        members.setdefault(head, []).append(instance)
    groups = {}
    for head, layers in members.items():
        sources = tuple(dict.fromkeys(group[path] for path in inputs[head]))
        shape = network.shape(layers[-1].path)
        groups[head] = Fused(tuple(layers), _common(layers), sources, shape)
    return groups


def _drawn_inputs(network: Network) -> dict[str, tuple[str, ...]]:
    """The inputs of every layer that are worth a line, seen through layers that have no box.

    A concatenation that extends another one is drawn behind it: in a dense block each takes all
    that the one before takes, and one tensor more. Drawn like that a block of n layers has 2n lines
    instead of n²/2, and means the same.
    """
    drawn: dict[str, tuple[str, ...]] = {}
    known: dict[tuple[str, ...], str] = {}
    seen: dict[str, str] = {}
    for instance in network.instances():
        sources = tuple(seen.get(source, source) for source in instance.inputs)
        if not instance.layer.drawn:
            seen[instance.path] = sources[0]
        if instance.layer.locating:
            left_out = {range(len(sources))[place] for place in instance.layer.locating}
            sources = tuple(s for place, s in enumerate(sources) if place not in left_out)
        if instance.layer.concatenates:
            shorter = known.get(sources[:-1])
            known[sources] = instance.path
            if shorter is not None:
                sources = (shorter, sources[-1])
        drawn[instance.path] = sources
    return drawn


def drawn_outputs(network: Network) -> dict[str, str]:
    """The outputs by name, each with the drawn layer that it is seen to come from."""
    return {name: drawn_source(network, path) for name, path in network.outputs.items()}


def drawn_source(network: Network, path: str) -> str:
    """The layer that is seen to give an output: itself, or the one before it with a box."""
    while not (instance := network.instance(path)).layer.drawn:
        path = instance.inputs[0]
    return path


def _light_scopes(network: Network) -> frozenset[Scope]:
    """The scopes in which there is nothing but layers that follow others."""
    heavy: set[Scope] = set()
    for instance in network.instances():
        if instance.layer.category in _FOLLOWERS:
            continue
        scope: Scope | None = instance.scope
        while scope is not None and scope not in heavy:
            heavy.add(scope)
            scope = scope.parent
    return frozenset(scope for scope in network.scopes if scope not in heavy)


def _belongs(scope: Scope, head: Scope, light: frozenset[Scope]) -> bool:
    """True if a layer in ``scope`` belongs to the group of a layer in ``head``."""
    while scope in light and scope.parent is not None:
        scope = scope.parent
    return scope in _line(head)


def _common(layers: list[LayerInstance]) -> Scope:
    lines = [_line(layer.scope) for layer in layers]
    common = lines[0][0]
    for level in zip(*lines, strict=False):
        if any(scope is not level[0] for scope in level):
            break
        common = level[0]
    return common


def _line(scope: Scope) -> list[Scope]:
    """The scopes from the network down to ``scope``."""
    line = [scope]
    while line[-1].parent is not None:
        line.append(line[-1].parent)
    return line[::-1]


def boxes_by_scope(groups: Mapping[str, Fused]) -> dict[Scope, list[str]]:
    """The heads of the groups in each scope and in all scopes inside it, in execution order."""
    found: dict[Scope, list[str]] = {}
    for head, group in groups.items():
        for scope in _line(group.scope):
            found.setdefault(scope, []).append(head)
    return found
