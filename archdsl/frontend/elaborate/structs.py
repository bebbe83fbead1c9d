"""Structs and classes: their instances and members, and layers that are derived from others.

A struct is instantiated once per set of arguments; a specialisation is chosen by its pattern. A
member without a meaning of its own in the network, such as ``impl<SUBNET>::type``, is read in the
place of its name.
"""

from __future__ import annotations

from typing import Any, NamedTuple, cast

from archdsl.diagnostics import ArchError, fail, nearest
from archdsl.frontend.elaborate.arguments import Pending, Unbound, split, unread
from archdsl.frontend.elaborate.arguments import positional as positional_of
from archdsl.frontend.elaborate.expander import Expander, PartialBlock
from archdsl.frontend.elaborate.scope import (
    Definitions,
    Environment,
    Selector,
    StructBinding,
    StructBody,
    TemplateBinding,
    Unread,
    Value,
)
from archdsl.frontend.elaborate.tails import in_namespaces
from archdsl.frontend.elaborate.values import bool_value, meaning
from archdsl.frontend.syntax import nodes
from archdsl.ir.block import BlockStep
from archdsl.ir.layer import Definition, Layer
from archdsl.ir.trampoline import Task
from archdsl.layers.own_classes import OwnInput, OwnLoss, own_input, own_loss

_MAX_INLINED = 100_000

Named = list[tuple[nodes.Name, Unbound]]


class Chosen(NamedTuple):
    """The type that ``conditional<...>::type`` is, by its condition."""

    pending: Pending


def is_type(found: Any) -> bool:
    """True if a name stands for another expression, such as a struct or an alias of a member."""
    kind = type(found)
    if isinstance(found, TemplateBinding):
        return found.tail == "outer"
    return kind is StructBinding or kind in (Selector, Chosen, Definitions)


def is_instance(found: Any) -> bool:
    """True if a type is a struct, by its own name or by an alias."""
    if isinstance(found, TemplateBinding):
        return found.alias is not None
    return isinstance(found, (StructBinding, Definitions))


# ---- members ----


def member(expander: Expander, name: nodes.Name, environment: Environment) -> Task[Any]:
    """The meaning of a name with a scope, ``a::b``; raises ArchError where it has none."""
    assert name.scope is not None
    container, path = name.scope
    if name.text in environment.definitions.root.opaque:
        return environment.get(name.text)
    if container is not None:
        rest = [*path, name.text]
        selected = yield _selected(container, rest, environment)
        if selected is not None:
            return selected
        found: Any = yield instance(expander, container, environment)
    else:
        found, rest = in_namespaces([*path, name.text], environment)
        if found is None:
            raise environment.definitions.unknown(name, environment.position, environment.local)
    for part in rest:
        scope = found
        if not isinstance(scope, Definitions):
            scope = yield _instance_of(expander, found, name)
        assert scope.generic is not None and scope.struct is not None
        found = scope.own(part, scope.generic.position)
        if found is None:
            found = yield _inherited(expander, scope, part, name)
        if found is None:
            known = [key for key, _ in scope.generic._order]
            raise fail(
                f"'{scope.struct.name.text}' has no member '{part}'",
                name.span,
                f"it is defined at {scope.struct.span.where}",
                help=nearest(part, known),
                code="E138",
            )
    return found


def _inherited(expander: Expander, scope: Definitions, part: str, name: nodes.Name) -> Task[Any]:
    """A member of the structs that one is derived from, ``None`` where they have none."""
    while True:
        assert scope.struct is not None and scope.generic is not None
        base = scope.struct.base
        if not isinstance(base, (nodes.Name, nodes.Apply)):
            return None
        inside = Environment(scope, scope.generic.position, {})
        head = base.name if isinstance(base, nodes.Apply) else base
        if not is_instance((yield meaning(head, inside))):
            return None
        _count_inlined(expander, name)
        scope = yield instance(expander, base, inside)
        assert scope.generic is not None
        found = scope.own(part, scope.generic.position)
        if found is not None:
            return found


def _selected(
    container: nodes.Apply, rest: list[str], environment: Environment
) -> Task[Chosen | None]:
    """``conditional<...>::type``, which is ``conditional_t<...>`` with its arguments given."""
    if container.name.scope is not None:
        return None
    found = environment.get(container.name.text)
    if not isinstance(found, Selector) or rest != [found.member]:
        return None
    positional, _ = split(container.arguments, environment)
    return Chosen((yield _choose(container.name, positional)))


def _choose(name: nodes.Name, positional: list[Unbound]) -> Task[Pending]:
    if len(positional) != 3:
        raise fail(
            f"'{name.text}' takes a condition and two types",
            name.span,
            f"found {len(positional)} arguments",
            code="E138",
        )
    condition = yield bool_value(cast("Pending", positional[0]))
    return cast("Pending", positional[1 if condition else 2])


# ---- instances ----


def instance(
    expander: Expander, node: nodes.Expression, environment: Environment
) -> Task[Definitions]:
    """The struct that an expression means, with its arguments; other names of it are followed."""
    while True:
        if not isinstance(node, (nodes.Name, nodes.Apply)):
            raise fail("a struct belongs here", node.span, code="E138")
        name = node if isinstance(node, nodes.Name) else node.name
        found = yield meaning(name, environment)
        arguments = node.arguments if isinstance(node, nodes.Apply) else ()
        positional, named = split(arguments, environment)
        if isinstance(found, Definitions):
            return found
        if isinstance(found, StructBinding):
            scope: Definitions = yield _instantiate(expander, found, name, positional, named)
            return scope
        if isinstance(found, (Selector, Chosen)):
            pending = found.pending if isinstance(found, Chosen) else None
            node, environment = pending or (yield _choose(name, positional))
        elif isinstance(found, TemplateBinding):
            _count_inlined(expander, name)
            _, _, local = yield expander.bind(found, name, positional, named)
            node = found.definition.body
            environment = Environment(found.definitions, found.position, local)
        elif isinstance(found, Unread):
            raise unread(name, found)
        else:
            raise fail(f"'{name.text}' is no struct, so it has no members", name.span, code="E138")


def _instance_of(expander: Expander, found: Any, name: nodes.Name) -> Task[Definitions]:
    """The struct behind the first parts of a qualified name."""
    scope: Definitions
    if isinstance(found, StructBinding):
        scope = yield _instantiate(expander, found, name, [], [])
    elif isinstance(found, TemplateBinding):
        inside = Environment(found.definitions, found.position, {})
        scope = yield instance(expander, found.definition.body, inside)
    else:
        raise fail(
            f"a part of '{name.span.text}' is no struct, so it has no members",
            name.span,
            code="E138",
        )
    return scope


def _instantiate(
    expander: Expander,
    binding: StructBinding,
    name: nodes.Name,
    positional: list[Unbound],
    named: Named,
) -> Task[Definitions]:
    values, _, local = yield expander.bind(binding, name, positional, named)
    key = (binding, *values)
    found = expander.structs.get(key)
    if found is not None:
        return found
    expander.count_instance(binding, name)
    body, bound = binding.bodies[0], local
    fitting = -1
    for special in binding.bodies[1:]:
        matched = yield _match(expander, binding, special, values)
        if matched is not None:
            literals = len(values) - len(matched)
            if literals >= fitting:
                body, bound, fitting = special, matched, literals
    if body.definition.items is None:
        raise fail(
            f"'{binding.name}' has no definition for these arguments",
            name.span,
            "it is declared only, and none of its specialisations fits"
            if len(binding.bodies) > 1
            else "it is declared only",
            code="E138",
        )
    scope = Definitions(
        binding.definitions,
        outer=body.members.outer,
        generic=body.members,
        struct=body.definition,
    )
    for formal, value in bound.items():
        scope.bind(formal, value)
    expander.structs[key] = scope
    return scope


def _match(
    expander: Expander, binding: StructBinding, body: StructBody, values: list[Value]
) -> Task[dict[str, Value] | None]:
    """The parameters of a specialisation, ``None`` where its pattern does not fit the values."""
    definition = body.definition
    free = {f.name.text for f in definition.formals or () if f.name is not None}
    pattern = definition.pattern or ()
    if len(pattern) != len(values):
        return None
    bound: dict[str, Value] = {}
    environment = Environment(binding.definitions, body.members.outer or 0, {})
    for part, value, formal in zip(pattern, values, binding.formals, strict=True):
        if isinstance(part, nodes.Name) and part.scope is None and part.text in free:
            if bound.setdefault(part.text, value) != value:
                return None
        else:
            given = Pending(positional_of(part), environment)
            if (yield expander.argument(formal, given)) != value:
                return None
    return bound


def _count_inlined(expander: Expander, name: nodes.Name) -> None:
    expander.inlined += 1
    if expander.inlined > _MAX_INLINED:
        raise fail(f"'{name.text}' is expanded without an end", name.span, code="E138")


# ---- in networks ----


def read(
    expander: Expander,
    found: Any,
    name: nodes.Name,
    positional: list[Unbound],
    named: Named,
    subnet: bool,
) -> Task[PartialBlock]:
    """A step of a network's expression whose name means a type."""

    _count_inlined(expander, name)
    if isinstance(found, Selector):
        return PartialBlock((), (yield _choose(name, positional)), False)
    if isinstance(found, Chosen):
        return PartialBlock((), found.pending, False)
    if isinstance(found, TemplateBinding):
        _, _, local = yield expander.bind(found, name, positional, named)
        inside = Environment(found.definitions, found.position, local)
        return PartialBlock((), Pending(found.definition.body, inside), False)
    scope = found
    if isinstance(found, StructBinding):
        scope = yield _instantiate(expander, found, name, positional, named)
    own = _known_by_its_shape(scope, name, subnet)
    if own is not None:
        return PartialBlock((BlockStep(own, name.span),), None, own.inputs == 0)
    callee, arguments = yield _base(expander, scope, name, subnet)
    step = yield expander.step(callee, name, arguments, [])
    return PartialBlock((step,), None, False)


_OF_LOSSES = ("training_label_type", "output_label_type")
"""The types that dlib asks a loss class to have."""


def _known_by_its_shape(scope: Definitions, name: nodes.Name, subnet: bool) -> Layer | None:
    """The loss or input that a class of a C++ program is, going by its name and its types."""
    struct = scope.struct
    assert struct is not None and scope.generic is not None
    if struct.base is not None or not struct.span.source.is_cpp:
        return None
    types = {key for key, _ in scope.generic._order}
    if not subnet and (own_loss(name.text) or types & set(_OF_LOSSES)):
        return OwnLoss(name.text.removesuffix("_"))
    if subnet and (own_input(name.text) or "input_type" in types):
        return OwnInput(name=name.text)
    return None


def _base(
    expander: Expander, scope: Definitions, name: nodes.Name, subnet: bool
) -> Task[tuple[Definition, list[Unbound]]]:
    """The layer of the catalogue that a class is derived from, and what it is given."""
    struct = scope.struct
    assert struct is not None and scope.generic is not None
    base = struct.base
    if base is None:
        raise _of_its_own(struct, scope, name, subnet)
    inside = Environment(scope, scope.generic.position, {})
    head = base if isinstance(base, nodes.Name) else base.name
    found = yield meaning(head, inside)
    arguments = () if isinstance(base, nodes.Name) else base.arguments
    positional, _ = split(arguments, inside)
    if isinstance(found, StructBinding) and not isinstance(base, nodes.Call):
        _count_inlined(expander, name)
        further = yield _instantiate(expander, found, head, positional, [])
        layer: tuple[Definition, list[Unbound]] = yield _base(expander, further, name, subnet)
        return layer
    if not isinstance(found, Definition):
        raise _of_its_own(struct, scope, name, subnet)
    return found, positional


def _of_its_own(
    struct: nodes.Struct, scope: Definitions, name: nodes.Name, subnet: bool
) -> ArchError:
    where = f"'{struct.name.text}' is defined at {struct.span.where}"
    assert scope.generic is not None
    types = [key for key, binding in scope.generic._order if isinstance(binding, TemplateBinding)]
    if types and (struct.formals or not subnet):
        return fail(
            f"'{name.text}' is a struct, not a layer or block",
            name.span,
            where,
            help=f"name a member of it: {name.text}::{types[-1]}, or say with --opaque "
            f"{name.text}=LAYER which layer it counts as",
            code="E139",
        )
    if subnet:
        return fail(
            f"'{name.text}' is an input class of its own, and what it gives is not known",
            name.span,
            where,
            help="write input<C,H,W>, or input<matrix<...>> as dlib does, in its place",
            code="E139",
        )
    return fail(
        f"'{name.text}' is a layer class of its own, and what it computes is not known",
        name.span,
        where,
        "only a class is understood that derives from a layer of the catalogue and passes "
        "constants to its constructor",
        help=f"--opaque {struct.name.text}=LAYER says which layer it counts as, such as relu "
        "or con<8,3,3,1,1>",
        code="E139",
    )
