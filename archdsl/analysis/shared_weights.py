"""Check of what shares its weights: all uses of a name are one block, on inputs that fit it."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.diagnostics import Diagnostic
from archdsl.ir.edges import EdgeType, applications, shown
from archdsl.ir.layer import Layer
from archdsl.ir.lowering import Construct
from archdsl.ir.network import Network, Scope
from archdsl.ir.typed_region import distinct


def misfits(network: Network) -> Iterator[Diagnostic]:
    """An error for each use of a shared block, of a network with types, that is not as the first.

    Behind such an error in a scope nothing of it is told.
    """
    assert network.typed is not None
    if not any(call.shared for typed in distinct(network.typed) for call in typed.region.calls):
        return
    first: dict[str, Scope] = {}
    places: dict[tuple[Scope | None, str | None], Scope] = {}
    told: set[Scope] = set()
    for scope in network.scopes:
        if scope.call is None or not scope.call.shared:
            continue
        owner = first.setdefault(scope.weights, scope)
        place = places.setdefault((_template(scope), scope.call.stem), scope)
        if place.parent is not scope.parent:
            yield _diagnostic(
                scope,
                f"the shared block '{scope.call.stem}' is used in another part of its template too",
                f"in {place.path} and in {scope.path}",
                help="uses stand beside each other: take out of a branch what is around the block",
                code="E207",
            )
        if owner.blocks != scope.blocks:
            told.add(scope)
            yield _diagnostic(
                scope,
                f"two different blocks share the name '{scope.call.stem}'",
                f"the first stands at {owner.span.where}" if owner.span is not None else "",
                help="blocks of one name have one set of weights; give them two names",
                code="E207",
            )
    modules: dict[str, tuple[Construct, tuple[EdgeType, ...]]] = {}
    for instance in network.instances():
        around = set(_around(instance.scope))
        inputs = network.input_shapes(instance)
        layer = instance.layer
        if not instance.scope.shared or told & around or not _stored(layer, inputs):
            continue
        found = _module(layer, inputs)
        before, given = modules.setdefault(instance.weights, (found, inputs))
        if before != found:
            told |= around
            shapes = " and ".join(shown(shape) for (shape, *_) in (given, inputs))
            yield Diagnostic(
                f"the weights of {layer.kind}, which are shared, fit one of its inputs only",
                instance.span,
                (f"found {shapes}",),
                help="what is shared is applied to inputs of the same channels",
                frames=instance.scope.frames(),
                code="E325",
            )


def _template(scope: Scope) -> Scope | None:
    """The scope of the template, or of the network, that a block is written in."""
    around = scope.parent
    while around is not None and around.parent is not None and around.template is None:
        around = around.parent
    return around


def _around(scope: Scope | None) -> Iterator[Scope]:
    while scope is not None:
        yield scope
        scope = scope.parent


def _stored(layer: Layer, inputs: tuple[EdgeType, ...]) -> bool:
    return bool(layer.edge_parameters(inputs) or layer.edge_buffers(inputs))


def _module(layer: Layer, inputs: tuple[EdgeType, ...]) -> Construct:
    shapes = applications(inputs, layer.kind)[0]
    return layer.module(layer.seen(shapes))


def _diagnostic(scope: Scope, message: str, *notes: str, help: str, code: str) -> Diagnostic:
    return Diagnostic(
        message, scope.span, tuple(filter(None, notes)), help, scope.frames(), code=code
    )
