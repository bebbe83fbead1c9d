"""Arguments of templates and layers before their evaluation, and the errors about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from archdsl.diagnostics import ArchError, fail, listing
from archdsl.frontend.elaborate.scope import (
    Definitions,
    Environment,
    StructBinding,
    TemplateBinding,
    Unread,
    Value,
)
from archdsl.frontend.elaborate.suggestions import namesake_hint
from archdsl.frontend.syntax import nodes
from archdsl.ir.block import Block, Label, Tag
from archdsl.ir.layer import Argument, Definition, lookup, modes_of
from archdsl.layers.inputs import Pixels

_USUAL = 2**31
"""Numbers beyond this are left to arithmetic, which knows how large they may be."""


class Pending(NamedTuple):
    """An argument that is not evaluated yet: its text, and where its names are looked up."""

    node: nodes.Expression
    environment: Environment


@dataclass(frozen=True)
class Given:
    """An argument that a closure holds: its value, and the text that it came from."""

    value: Value
    node: nodes.Expression = field(compare=False)


Unbound = Pending | Given


class Closure(NamedTuple):
    """A template or layer with some arguments given, waiting for the others and its subnet."""

    callee: Definition | TemplateBinding
    positional: tuple[Given, ...]


def split(
    arguments: tuple[nodes.Argument, ...], environment: Environment
) -> tuple[list[Unbound], list[tuple[nodes.Name, Unbound]]]:
    """Positional and named arguments; a subnet may follow the named ones."""
    positional: list[Unbound] = []
    named: list[tuple[nodes.Name, Unbound]] = []
    last = len(arguments) - 1
    for index, argument in enumerate(arguments):
        if isinstance(argument, nodes.Named):
            named.append((argument.name, Pending(argument.value, environment)))
        elif named and index != last:
            raise fail(
                "a positional argument behind a named one",
                argument.span,
                "named arguments follow the positional ones; only the subnet comes after them",
                code="E112",
            )
        else:
            positional.append(Pending(argument, environment))
    return positional, named


def flat(
    meaning: Any, name: nodes.Name, positional: list[Unbound]
) -> tuple[Definition | TemplateBinding, list[Unbound]]:
    """The template or layer that is meant, with the arguments that a closure holds already."""
    if isinstance(meaning, Closure):
        return meaning.callee, [*meaning.positional, *positional]
    if isinstance(meaning, Unread):
        raise unread(name, meaning)
    if not isinstance(meaning, (Definition, TemplateBinding)):
        raise fail(
            f"'{name.text}' is not a layer or template",
            name.span,
            f"it is {show(meaning, None)}",
            code="E105",
        )
    return (meaning, positional) if not modes_of(name.text) else _in_mode(meaning, name, positional)


def _in_mode(
    meaning: Definition | TemplateBinding, name: nodes.Name, positional: list[Unbound]
) -> tuple[Definition | TemplateBinding, list[Unbound]]:
    """The layer that ``fc_<10, FC_NO_BIAS>`` is, and its arguments without the enumerator."""
    modes = modes_of(name.text)
    if isinstance(meaning, TemplateBinding):
        return meaning, positional
    for place, argument in enumerate(positional):
        node = argument.node
        layer = modes.get(node.text) if isinstance(node, nodes.Name) else None
        if layer is not None:
            found = lookup(layer)
            assert found is not None
            return found, [*positional[:place], *positional[place + 1 :]]
    if lookup(name.text.removesuffix("_")) is None:
        raise fail(
            f"'{name.text}' lacks its mode",
            name.span,
            f"expected {name.text}<{' or '.join(modes)}>",
            help=f"{' and '.join(modes.values())} are the layers",
            code="E109",
        )
    return meaning, positional


def unread(name: nodes.Name, meaning: Unread) -> ArchError:
    return fail(
        f"what '{name.text}' means is not known",
        name.span,
        f"its definition at {meaning.name.span.where} is C++ that is no network, block or constant",
        code="E140",
    )


def at_once(formal: Argument, argument: Unbound) -> int | None:
    """The value of a plain number, or of a name for one, that a layer takes as it stands.

    Nearly all arguments are such; evaluating them like the others takes most of the time that a
    network does. ``None`` says nothing: the argument is to be evaluated.
    """
    if formal.type is not int or not isinstance(argument, Pending):
        return None
    node, environment = argument
    value: Any = None
    if isinstance(node, nodes.Integer):
        value = node.value
    elif isinstance(node, nodes.Name) and node.scope is None:
        value = environment.get(node.text)
    low, high = formal.minimum, formal.maximum
    usual = type(value) is int and -_USUAL < value < _USUAL
    inside = usual and (low is None or value >= low) and (high is None or value <= high)
    return value if inside else None


def positional(argument: nodes.Argument) -> nodes.Expression:
    return argument.value if isinstance(argument, nodes.Named) else argument


def index_of(
    callee: Definition | TemplateBinding,
    given: Sequence[nodes.Argument],
    environment: Environment,
) -> nodes.Name | None:
    """The name before the last argument that stands for the number of a turn, if there is one.

    A name that means a layer or block already is none: there the last argument is a subnet.
    """
    if not isinstance(callee, Definition) or getattr(callee.cls, "turns", None) is None:
        return None
    index = given[-2] if len(given) == len(callee.places) + 1 else None
    if not isinstance(index, nodes.Name) or index.scope is not None:
        return None
    return index if isinstance(environment.get(index.text), (int, float, type(None))) else None


def is_complete(callee: Definition | TemplateBinding) -> bool:
    if isinstance(callee, TemplateBinding):
        return callee.tail == "complete"
    return getattr(callee.cls, "inputs", 1) == 0


def own_formals(callee: Definition | TemplateBinding) -> tuple[Any, ...]:
    """The parameters of a template or layer, its subnet left out."""
    if isinstance(callee, TemplateBinding):
        formals = callee.formals
        return tuple(f for i, f in enumerate(formals) if i != callee.subnet)
    return callee.places


def is_variadic(formal: Argument) -> bool:
    return getattr(formal.type, "__origin__", None) is tuple


def is_named_blocks(formal: Argument) -> bool:
    return (
        is_variadic(formal)
        and formal.type.__args__[0] is not Block
        and (getattr(formal.type.__args__[0], "__origin__", None) is tuple)
    )


def variadic(formal: Argument | nodes.Formal) -> bool:
    return isinstance(formal, Argument) and is_variadic(formal)


def takes_block(formal: Argument | nodes.Formal) -> bool:
    if isinstance(formal, Argument):
        return formal.type in (Block, Tag, Label, Pixels)
    return not isinstance(formal, nodes.ValueFormal)


def in_parentheses(node: nodes.Call) -> ArchError:
    name = node.name.text
    return fail(
        f"the arguments of '{name}' stand in parentheses",
        node.name.span,
        f"expected {name}<...>, found {name}(...)",
        help="the arguments of layers and templates stand between < and >",
        code="E014",
    )


def no_subnet(name: nodes.Name) -> ArchError:
    return fail(
        f"'{name.text}' is applied to nothing",
        name.span,
        "expected a subnet as its last argument",
        help="the innermost layer of a network is an input, such as input<3,224,224>",
        code="E107",
    )


def too_many(name: nodes.Name, definition: Definition, positional: list[Unbound]) -> ArchError:
    places = [f.name for f in definition.arguments if f.positional]
    wanted = f"at most {len(places)} ({listing(places, 12)})" if places else "none"
    extra = positional[len(places)].node
    return fail(
        f"too many arguments for '{name.text}'",
        extra.name.span if isinstance(extra, nodes.Apply) else extra.span,
        f"expected {wanted} before the subnet, found {len(positional)}",
        help=_for_extra(extra, definition),
        code="E108",
    )


def _for_extra(extra: nodes.Expression, definition: Definition) -> str | None:
    if is_complete(definition) and isinstance(extra, nodes.Apply):
        return f"{definition.name} is the innermost layer; others stand around it"
    elsewhere = namesake_hint(definition.name)
    if elsewhere is not None:
        return elsewhere
    if isinstance(extra, nodes.Apply):
        return "a layer has one subnet, its last argument; parallel and residual join several"
    if definition.places and definition.places[0].name == "outputs":
        return "the size of the input is known: the outputs alone are given"
    return "named arguments are written name=value" if definition.arguments else None


def missing(name: nodes.Name, definition: Definition, formal: Argument) -> ArchError:
    cpp = name.span.source.is_cpp
    required = [f.name for f in definition.arguments if f.required or (cpp and not f.cpp_default)]
    return fail(
        f"'{name.text}' lacks its {formal.name}",
        name.span,
        f"expected {listing(required, 12)}"
        + ("" if is_complete(definition) else " before the subnet"),
        f"{formal.name}: {formal.doc}",
        help="such as input<3,224,224>: channels, height, width"
        if is_complete(definition)
        else namesake_hint(definition.name),
        code="E109",
    )


def default(
    template: TemplateBinding | StructBinding,
    formal: nodes.Formal,
    name: nodes.Name,
    inside: Environment,
) -> Pending:
    if formal.default is not None:
        return Pending(formal.default, inside)
    missing = formal.name.text if formal.name is not None else "an argument"
    raise fail(
        f"'{template.name}' lacks its argument '{missing}'",
        name.span,
        f"expected {signature(template)}",
        code="E109",
    )


def signature(template: TemplateBinding | StructBinding) -> str:
    """``bottleneck<N, stride=1, SUBNET>``."""
    parts = []
    for formal in template.formals:
        name = formal.name.text if formal.name is not None else "..."
        default = f"={short(formal.default.span.text)}" if formal.default is not None else ""
        parts.append(name + default)
    return f"{template.name}<{', '.join(parts)}>"


def short(text: str, limit: int = 40) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def show(value: Value, pending: Unbound | None) -> str:
    """An argument as it stands in the name of an instance: ``64``, ``bottleneck``."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return f"{value:g}" if isinstance(value, float) else str(value)
    if isinstance(value, Closure) and not value.positional:
        return value.callee.name  # not the parameter by which it was handed on
    if pending is not None:
        return short("".join(pending.node.span.text.split()), 24)
    return "a type" if isinstance(value, (str, Pixels, Definitions)) else "a block"
