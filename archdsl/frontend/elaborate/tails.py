"""The kind of a template's innermost subnet, found without evaluating anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archdsl.frontend.elaborate.scope import (
    Deferred,
    Definitions,
    Environment,
    Formal,
    Selector,
    StructBinding,
    Subnet,
    Tail,
    TemplateBinding,
)
from archdsl.frontend.syntax import nodes
from archdsl.ir.block import Block
from archdsl.ir.input_layer import InputLayer
from archdsl.ir.layer import Definition
from archdsl.layers.inputs import CPP_CONTAINERS, PIXELS

_MAX_ALIASES = 100


def find(name: nodes.Name, environment: Environment) -> Any:
    """The meaning of a name, also in a scope, ``None`` where it has none.

    A member of a struct is found as it is written, whatever the struct's arguments are.
    """
    return environment.get(name.text) if name.scope is None else find_in(name, environment)[0]


def find_in(
    name: nodes.Name, environment: Environment
) -> tuple[Any, tuple[nodes.Argument, ...] | None]:
    """The meaning of a name with a scope, and the arguments of the struct that has it as member."""
    assert name.scope is not None
    container, path = name.scope
    if name.text in environment.definitions.root.opaque:
        return environment.get(name.text), None
    arguments: tuple[nodes.Argument, ...] | None = None
    found: Any
    if container is not None:
        found, rest = find(container.name, environment), [*path, name.text]
        arguments = container.arguments if isinstance(found, StructBinding) else None
    else:
        found, rest = in_namespaces([*path, name.text], environment)
    for part in rest:
        struct = found.alias if isinstance(found, TemplateBinding) else found
        if not isinstance(struct, StructBinding):
            return None, None
        members = (b.members.own(part, b.members.position) for b in struct.bodies)
        found = next((member for member in members if member is not None), None)
    return found, arguments


def in_namespaces(path: list[str], environment: Environment) -> tuple[Any, list[str]]:
    """The meaning of the beginning of a qualified name, and the parts of the name that are left."""
    place = environment.definitions.inner(path[0], environment.position)
    if place is not None:
        space, position = place
        index = 1
        while index < len(path) - 1 and path[index] in space.spaces:
            space = space.spaces[path[index]]
            index += 1
        return space.own(path[index], position), path[index + 1 :]
    found = environment.get(path[0])
    if isinstance(found, (StructBinding, Definitions)) or (
        isinstance(found, TemplateBinding) and found.alias is not None
    ):
        return found, path[1:]
    # A scope that is not known is taken for that of another library.
    return environment.get(path[-1]), []


def alias_of(body: nodes.Expression, environment: Environment) -> StructBinding | None:
    """The struct that a definition is another name of."""
    if not isinstance(body, (nodes.Name, nodes.Apply)):
        return None
    found = find(body if isinstance(body, nodes.Name) else body.name, environment)
    return (
        found.alias
        if isinstance(found, TemplateBinding)
        else (found if isinstance(found, StructBinding) else None)
    )


def values_type(node: nodes.Expression, environment: Environment) -> tuple[Any, Environment]:
    """The C++ type of values that other names stand for; any other expression is itself."""
    start = node, environment
    for _ in range(_MAX_ALIASES):
        name = node if isinstance(node, nodes.Name) else None
        if name is None or (name.scope is None and name.text in environment.local):
            break
        found = find(name, environment)
        if not isinstance(found, TemplateBinding) or found.formals:
            return start
        node = found.definition.body
        environment = Environment(found.definitions, found.position, {})
    is_type = isinstance(node, nodes.CppType) or (
        isinstance(node, nodes.Apply) and node.name.text in CPP_CONTAINERS
    )
    return (node, environment) if is_type else start


def tail_of(definition: nodes.Template, environment: Environment) -> tuple[Tail, int | None]:
    """The kind of the innermost subnet of a template's body, found along the last arguments."""
    formals = {f.name.text: i for i, f in enumerate(definition.formals) if f.name is not None}
    types = {
        f.name.text
        for f in definition.formals
        if f.name is not None and isinstance(f, nodes.TypeFormal)
    }
    others = formals.keys() - types  # blocks and numbers
    node: nodes.Argument = definition.body
    layers = False
    while True:
        if isinstance(node, nodes.Group):
            node = node.inner
            continue
        if not isinstance(node, (nodes.Name, nodes.Apply)):
            return "block", None
        name = node if isinstance(node, nodes.Name) else node.name
        arguments = node.arguments if isinstance(node, nodes.Apply) else ()
        own = name.scope is None and name.text in formals
        if own and isinstance(node, nodes.Name):
            return ("subnet", formals[name.text]) if name.text in types else ("block", None)
        given: tuple[nodes.Argument, ...] | None = None
        if own:
            head = None
        elif name.scope is None:
            head = environment.get(name.text)
        else:
            head, given = find_in(name, environment)
            passed = None if arguments else _passed_on(name, head, environment)
            if passed is not None:
                node = passed
                continue
        if isinstance(head, TemplateBinding) and head.tail == "outer":
            # The end is what the struct was given.
            if given is None or head.subnet is None or head.subnet >= len(given):
                return "block", None
            node = given[head.subnet]
            continue
        if isinstance(head, Formal) and isinstance(node, nodes.Name):
            is_type = isinstance(head.formal, nodes.TypeFormal)
            return ("outer", head.place) if is_type else ("block", None)
        strange = not own and (head is None or isinstance(head, StructBinding))
        if layers and strange and not any(map(_is_named, arguments)):
            return "unknown", None
        layers = layers or isinstance(head, (Definition, TemplateBinding))
        tail = _tail_of_reference(head)
        if tail == "complete" or not arguments:
            return tail, None
        inner = arguments[-1]
        if isinstance(head, TemplateBinding) and len(arguments) == len(head.formals):
            inner = arguments[head.subnet] if head.subnet is not None else inner
        if isinstance(inner, nodes.Name) and inner.scope is None and inner.text in others:
            return "block", None
        if not _is_named(inner) or not net_like(inner, environment, formals):
            return "block", None
        node = inner


def _passed_on(name: nodes.Name, head: Any, environment: Environment) -> nodes.Argument | None:
    """The inner end of a struct's member that has no definition yet or depends on a condition.

    A struct that uses itself hands its subnet on, as its last argument.
    """
    container = name.scope.container if name.scope is not None else None
    if head is not None or container is None or not container.arguments:
        return None
    struct = find(container.name, environment)
    return container.arguments[-1] if isinstance(struct, (Selector, StructBinding)) else None


def _is_named(node: nodes.Argument) -> bool:
    return isinstance(node, (nodes.Name, nodes.Apply))


def _tail_of_reference(binding: Any) -> Tail:
    if isinstance(binding, TemplateBinding):
        return "complete" if binding.tail == "complete" else "block"
    if isinstance(binding, Definition) and issubclass(binding.cls, InputLayer):
        return "complete"
    if isinstance(binding, (Subnet, Block)):
        return "outer"
    return "block"


def net_like(node: nodes.Argument, environment: Environment, formals: Mapping[str, Any]) -> bool:
    """True if an argument is a network or a block, going by the meaning of its name."""
    if not isinstance(node, (nodes.Name, nodes.Apply)):
        return False
    name = node if isinstance(node, nodes.Name) else node.name
    if name.scope is None and name.text in formals:
        return True
    if isinstance(node, nodes.Apply):  # no number has arguments
        return name.text not in CPP_CONTAINERS and name.text not in PIXELS
    found = find(name, environment)
    if isinstance(found, Formal):
        return not isinstance(found.formal, nodes.ValueFormal)
    # An unknown name is taken for a layer: that is what the reader will be told about it.
    return not (
        isinstance(found, (int, float, Deferred))
        or name.text in CPP_CONTAINERS
        or name.text in PIXELS
    )
