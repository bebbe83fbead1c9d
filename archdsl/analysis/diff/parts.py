"""A checked network as a tree of parts, each with a digest of all that is inside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from archdsl.analysis.cost import Row, Summary
from archdsl.ir.edges import EdgeType, shown, total
from archdsl.ir.network import LayerInstance, Network, Scope


class Skeleton(NamedTuple):
    """Hash of a sequence of layer kinds; the hash of two sequences joined follows from theirs."""

    digest: int
    length: int

    def followed(self, by: Skeleton) -> Skeleton:
        # A polynomial hash, as Karp and Rabin's.
        shifted = self.digest * pow(_BASE, by.length, _PRIME)
        return Skeleton((shifted + by.digest) % _PRIME, self.length + by.length)


_PRIME, _BASE = 2**61 - 1, 0x9E3779B97F4A7C1


@dataclass(eq=False, slots=True)
class NetworkPart:
    """A layer, or a scope with parts inside, which stand in the order of execution."""

    path: str
    kind: str
    """Kind of a layer; for a scope the template that it is an instance of, or empty."""
    title: str
    """The instance of a scope as written; empty for layers."""
    category: str = ""
    instance: LayerInstance | None = None
    row: Row | None = None
    """The layer's row of the summary; ``None`` for scopes."""
    children: list[NetworkPart] = field(default_factory=list)
    digest: int = 0
    """A hash that is equal for parts that are equal but for their names."""
    written: int = 0
    """A hash that is equal for parts that are written the same, whatever sizes go into them."""
    skeleton: Skeleton = Skeleton(0, 0)
    """A hash of the kinds of layers in order, however they are nested."""
    kinds: dict[str, int] = field(default_factory=dict)
    """Number of layers inside, by kind."""
    parameters: int = 0
    macs: int | None = 0
    shape: EdgeType = ()
    """Output type of the last layer inside."""

    @property
    def name(self) -> str:
        return self.path.rpartition(".")[2]

    def layers(self) -> Iterator[NetworkPart]:
        """The layers inside in order of execution; of a layer only itself."""
        waiting = [self]
        while waiting:
            part = waiting.pop()
            if part.instance is not None:
                yield part
            waiting.extend(reversed(part.children))


def arguments(instance: LayerInstance) -> dict[str, Any]:
    """A layer's arguments in normal form, and whether it is frozen, by name."""
    return instance.layer.effective() | {"frozen": instance.frozen}


def parts(network: Network, summary: Summary) -> NetworkPart:
    """The tree of a checked network: its root is the network itself."""
    rows = {row.path: row for row in summary.rows}
    root = NetworkPart("", "", network.name)
    known: dict[str, NetworkPart] = {"": root}
    # Scopes join the tree with their first layer: they stand in the order of execution.
    for instance in network.instances():
        layer = NetworkPart(
            instance.path,
            instance.layer.kind,
            instance.layer.kind,
            instance.layer.category.value,
            instance,
            rows[instance.path],
        )
        child, scope = layer, instance.scope
        while scope.path not in known:
            around = NetworkPart(scope.path, scope.template or "", scope.title, children=[child])
            known[scope.path] = child = around
            scope = _outer(scope)
        known[scope.path].children.append(child)
    digested(root)
    return root


def renested(layers: Iterator[NetworkPart], like: NetworkPart) -> NetworkPart:
    """Layers in the scopes of a part that has as many of the same kinds, nested otherwise."""
    root = NetworkPart(like.path, like.kind, like.title)
    waiting = [(root, child) for child in reversed(like.children)]
    while waiting:
        around, child = waiting.pop()
        if child.instance is not None:
            around.children.append(next(layers))
            continue
        scope = NetworkPart(child.path, child.kind, child.title)
        around.children.append(scope)
        waiting += ((scope, inner) for inner in reversed(child.children))
    digested(root)
    return root


def _outer(scope: Scope) -> Scope:
    assert scope.parent is not None, f"{scope.path} is outside of the network"
    return scope.parent


def digested(root: NetworkPart) -> None:
    """Fill in the hashes and totals of parts from the parts inside them, inner parts first."""
    order, waiting = [], [root]
    while waiting:
        part = waiting.pop()
        order.append(part)
        waiting.extend(part.children)
    for part in reversed(order):
        if part.kinds:  # known already: it has been nested anew, or taken into another part
            continue
        if part.instance is not None:
            _digested_layer(part)
            continue
        part.digest = hash(tuple(child.digest for child in part.children))
        part.written = hash(tuple(child.written for child in part.children))
        for child in part.children:
            part.skeleton = part.skeleton.followed(child.skeleton)
            for kind, number in child.kinds.items():
                part.kinds[kind] = part.kinds.get(kind, 0) + number
            part.parameters += child.parameters
            part.macs = total((part.macs, child.macs))
            part.shape = child.shape


def _digested_layer(part: NetworkPart) -> None:
    instance, row = part.instance, part.row
    assert instance is not None and row is not None
    given = tuple((name, repr(value)) for name, value in arguments(instance).items())
    part.written = hash((part.kind, given, len(instance.inputs)))
    part.digest = hash((part.written, shown(row.shape), row.parameters, row.macs))
    part.skeleton = Skeleton(hash(part.kind) % _PRIME, 1)
    part.kinds[part.kind] = 1
    part.parameters, part.macs, part.shape = row.parameters, row.macs, row.shape
