"""Check for unknown names in definitions that nothing uses.

A template is expanded where it is used, which finds what is wrong with it. The others are only read
here: each name once, by what is defined before it. Whether arguments and shapes fit cannot be told
before a use, and neither can what a member of a struct means.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from archdsl.diagnostics import ArchError
from archdsl.frontend.elaborate import arithmetic
from archdsl.frontend.elaborate.arguments import (
    in_parentheses,
    index_of,
    is_complete,
    is_variadic,
)
from archdsl.frontend.elaborate.scope import Environment, Formal, TemplateBinding
from archdsl.frontend.syntax import nodes
from archdsl.ir.block import Label
from archdsl.ir.layer import Argument, Definition
from archdsl.layers.initial import Scheme
from archdsl.layers.inputs import CPP_CONTAINERS, PIXELS, Pixels

Wanted = Literal["block", "number", "type", "anything"]
"""The kind of value an argument must be; "anything" allows a bare name, as of a tapped place."""


class _Expected(NamedTuple):
    """An expression still to be checked, and the kind of value it must be."""

    node: nodes.Argument
    wanted: Wanted


def unknown_in_template(template: TemplateBinding) -> Iterator[ArchError]:
    """The errors of a template's body and defaults."""
    formals = template.formals
    local = {f.name.text: Formal(i, f) for i, f in enumerate(formals) if f.name is not None}
    environment = Environment(template.definitions, template.position, local)
    for formal in formals:
        if formal.default is not None:
            yield from unknown_names(formal.default, _of_formal(formal), environment)
    yield from unknown_names(template.definition.body, "type", environment)


def unknown_names(
    root: nodes.Expression, wanted: Wanted, environment: Environment
) -> Iterator[ArchError]:
    """The errors of an expression, in the order of its text."""
    pending = [(_Expected(root, wanted), environment)]
    while pending:
        part, outside = pending.pop()
        inside = _with_index(part.node, outside)
        try:
            found = list(reversed(_read(part, inside)))
        except ArchError as error:
            yield error
            found = _behind(part.node)
        pending.extend((each, inside) for each in found)


def _with_index(node: nodes.Argument, environment: Environment) -> Environment:
    """The names inside of an expression: of a repetition with an index, the index is one."""
    if not isinstance(node, nodes.Apply):
        return environment
    callee = environment.get(node.name.text)
    given = [argument for argument in node.arguments if not isinstance(argument, nodes.Named)]
    # Its subnet may be there or not.
    index = index_of(callee, given[:-1], environment) or index_of(callee, given, environment)
    if index is None:
        return environment
    return environment._replace(local={**environment.local, index.text: 0})


def _read(part: _Expected, environment: Environment) -> list[_Expected]:
    """Look a name up; what is inside is left to be read. Raises ArchError for one unknown."""
    node, wanted = part
    if isinstance(node, nodes.Group):
        return [_Expected(node.inner, wanted)]
    if isinstance(node, nodes.Named):
        return [_Expected(node.value, wanted)]
    if isinstance(node, nodes.Name):
        if wanted != "anything" and not (wanted == "type" and _is_cpp_type(node)):
            _require(node, environment, number=wanted == "number")
    elif isinstance(node, nodes.Apply):
        if not _is_cpp_type(node.name):
            _require(node.name, environment)
        return list(_arguments(node, environment))
    elif isinstance(node, nodes.Operation):
        return [_Expected(operand, "number") for operand in node.operands]
    elif isinstance(node, nodes.Conditional):
        parts = (node.condition, node.then, node.otherwise)
        return [_Expected(operand, "number") for operand in parts]
    elif isinstance(node, nodes.Negation):
        return [_Expected(node.operand, "number")]
    elif isinstance(node, nodes.Cast):
        return [_Expected(node.value, "number")]
    elif isinstance(node, nodes.Call):
        if wanted == "block":
            raise in_parentheses(node)
        arithmetic.function_of(node)
        return [_Expected(argument, "number") for argument in node.arguments]
    return []


def _require(name: nodes.Name, environment: Environment, *, number: bool = False) -> None:
    if name.scope is None:
        environment.require(name, number=number)


def _is_cpp_type(name: nodes.Name) -> bool:
    return name.text in CPP_CONTAINERS or name.text in PIXELS


def _behind(node: nodes.Argument) -> list[_Expected]:
    """The expressions to read behind an error: the subnet, since the others are of unknown kind."""
    last = node.arguments[-1] if isinstance(node, nodes.Apply) and node.arguments else None
    return [_Expected(last, "block")] if isinstance(last, nodes.Apply) else []


def _arguments(node: nodes.Apply, environment: Environment) -> Iterator[_Expected]:
    """The arguments of a layer or template, and what each is to be."""
    scoped = node.name.scope is not None
    callee: Any = None if scoped else environment.get(node.name.text)
    given = [a for a in node.arguments if not isinstance(a, nodes.Named)]
    place = 0
    for argument in node.arguments:
        if isinstance(argument, nodes.Named):
            yield _Expected(argument, _of_named(callee, argument.name.text))
            continue
        place += 1
        if isinstance(callee, Definition):
            wanted = _of_place(callee, place - 1, last=place == len(given))
        elif isinstance(callee, TemplateBinding):
            wanted = _of_parameter(callee, place - 1, len(given))
        else:
            wanted = "anything"  # a parameter that stands for a layer may take names of places
        yield _Expected(argument, wanted)


def _of_place(callee: Definition, place: int, *, last: bool) -> Wanted:
    places = callee.places
    formal = places[min(place, len(places) - 1)] if places else None
    behind = formal is None or (place >= len(places) and not is_variadic(formal))
    if formal is None or behind:
        return "block"
    wanted = _of_argument(formal)
    subnet = last and not is_complete(callee) and wanted == "number"
    return "block" if subnet else wanted  # an unknown name is taken for a network there


def _of_named(callee: Any, key: str) -> Wanted:
    if isinstance(callee, TemplateBinding):
        named = (f for f in callee.formals if f.name is not None and f.name.text == key)
        formal = next(named, None)
        return _of_formal(formal) if formal is not None else "anything"
    argument = callee.argument(key) if isinstance(callee, Definition) else None
    return _of_argument(argument) if argument is not None else "anything"


def _of_parameter(callee: TemplateBinding, place: int, count: int) -> Wanted:
    """The kind of value that a template's parameter takes; the subnet comes last, always."""
    own = [f for i, f in enumerate(callee.formals) if i != callee.subnet]
    formals = callee.formals if count == len(callee.formals) else own
    return _of_formal(formals[place]) if place < len(formals) else "type"


def _of_formal(formal: nodes.Formal) -> Wanted:
    return "number" if isinstance(formal, nodes.ValueFormal) else "type"


def _of_argument(argument: Argument) -> Wanted:
    kind: Any = argument.type.__args__[0] if is_variadic(argument) else argument.type
    if kind in (Label, Scheme):
        return "anything"
    if kind in (int, float, bool):
        return "number"
    return "type" if kind is Pixels else "block"
