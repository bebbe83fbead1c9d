"""Binding of arguments: the expressions given to layers and templates become typed values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from archdsl.diagnostics import fail, listing, nearest
from archdsl.frontend.elaborate import structs
from archdsl.frontend.elaborate.arguments import (
    Closure,
    Given,
    Pending,
    Unbound,
    at_once,
    default,
    flat,
    index_of,
    is_named_blocks,
    is_variadic,
    missing,
    own_formals,
    short,
    show,
    signature,
    split,
    too_many,
)
from archdsl.frontend.elaborate.expander import Expander
from archdsl.frontend.elaborate.scope import (
    Environment,
    StructBinding,
    Subnet,
    TemplateBinding,
    Value,
)
from archdsl.frontend.elaborate.tails import find, values_type
from archdsl.frontend.elaborate.values import PLAIN, meaning, pixels_value, value_type
from archdsl.frontend.syntax import nodes
from archdsl.ir.block import Block, Combinator, Tag
from archdsl.ir.layer import Argument, Definition, Layer, outside
from archdsl.ir.trampoline import Task
from archdsl.layers.argument_names import argument_hint, value_hint
from archdsl.layers.combinators import AddTag
from archdsl.layers.inputs import CPP_CONTAINERS, PIXELS, Pixels

NONE_GIVEN: Mapping[str, Any] = MappingProxyType({})
"""Values of arguments where none stand before."""

# ---- layers ----


def layer(
    expander: Expander,
    definition: Definition,
    name: nodes.Name,
    positional: list[Unbound],
    named: list[tuple[nodes.Name, Unbound]],
) -> Task[Layer | Combinator]:
    """A layer or combinator of the catalogue with its arguments bound and checked."""
    index = _index(definition, positional)
    if index is not None:
        turned: Combinator = yield _in_turns(expander, definition, index, positional, named)
        return turned
    values: dict[str, Any] = dict(definition.preset)
    formals = definition.arguments
    places = definition.places
    for place, pending in enumerate(positional):
        formal = places[min(place, len(places) - 1)] if places else None
        if formal is None or (place >= len(places) and not is_variadic(formal)):
            raise too_many(name, definition, positional)
        value = at_once(formal, pending)
        if value is None:
            value = yield layer_argument(expander, formal, pending, values)
        if is_variadic(formal):
            values.setdefault(formal.name, []).append(value)
        else:
            values[formal.name] = value
    for key_name, pending in named:
        yield _bind_named(expander, definition, key_name, pending, values)
    expander.starting.complete(definition, values, name.span)
    cpp = name.span.source.is_cpp
    for formal in formals:
        needed = formal.required or (cpp and not formal.cpp_default)
        if needed and formal.name not in values:
            raise missing(name, definition, formal)
    bound = {k: tuple(v) if type(v) is list else v for k, v in values.items()}
    what: Layer | Combinator = definition.cls(**bound)
    return what


def _index(definition: Definition, positional: list[Unbound]) -> nodes.Name | None:
    last = positional[-1] if positional else None
    if not isinstance(last, Pending):
        return None
    return index_of(definition, [given.node for given in positional], last.environment)


def _in_turns(
    expander: Expander,
    definition: Definition,
    index: nodes.Name,
    positional: list[Unbound],
    named: list[tuple[nodes.Name, Unbound]],
) -> Task[Combinator]:
    """The blocks of a repetition with an index, each with its own number in place of the name."""
    if named:
        raise fail(
            "a repetition with an index has no named arguments", named[0][0].span, code="E110"
        )
    counted, _, body = positional
    count = yield layer_argument(expander, definition.places[0], counted)
    if count > expander.limits.instances:
        raise fail(
            f"more than {expander.limits.instances:,} turns with a number of their own",
            counted.node.span,
            help="repeat<N, block, SUBNET>, without an index, repeats one block at no cost",
            code="E130",
        )
    assert isinstance(body, Pending)
    node, environment = body
    blocks = []
    for turn in reversed(range(count)):
        local = {**environment.local, index.text: turn}
        inside = environment._replace(local=local)
        blocks.append((yield expander.block(node, inside, subnet=False)))
    what: Combinator = definition.cls.turns(tuple(blocks))
    return what


def _bind_named(
    expander: Expander,
    definition: Definition,
    key: nodes.Name,
    pending: Unbound,
    values: dict[str, Any],
) -> Task[None]:
    formal = definition.argument(key.text)
    heads = next((f for f in definition.arguments if is_named_blocks(f)), None)
    if heads is not None:
        if any(key.text == name for name, _ in values.setdefault(heads.name, [])):
            raise fail(f"there are two outputs '{key.text}'", key.span, code="E126")
        assert isinstance(pending, Pending)
        block = yield expander.block(*pending, subnet=False)
        values[heads.name].append((key.text, block))
        return
    if formal is None:
        known = [f.name for f in definition.arguments]
        raise fail(
            f"{definition.name} has no argument '{key.text}'",
            key.span,
            f"its arguments are {listing(known, 12)}" if known else "it has no arguments",
            help=argument_hint(definition, key.text) or nearest(key.text, known),
            code="E110",
        )
    if formal.name in values:
        raise fail(f"the argument '{key.text}' is given twice", key.span, code="E111")
    value = at_once(formal, pending)
    if value is None:
        value = yield layer_argument(expander, formal, pending, values)
    values[formal.name] = [value] if is_variadic(formal) else value


def layer_argument(
    expander: Expander, formal: Argument, pending: Unbound, given: Mapping[str, Any] = NONE_GIVEN
) -> Task[Value]:
    """The value of a layer's argument, checked against its type and range.

    ``given`` are the values of arguments before it, by name.
    """
    if isinstance(pending, Given):
        return pending.value
    _refuse_foreign(formal, pending, given)
    if is_named_blocks(formal):
        raise fail(
            f"every one of the {formal.name} needs a name",
            pending.node.span,
            f"expected name=block, found '{short(pending.node.span.text)}'",
            code="E125",
        )
    kind = formal.type.__args__[0] if is_variadic(formal) else formal.type
    value = yield _evaluate(expander, kind, pending)
    limits = outside(value, formal.minimum, formal.maximum)
    if limits is not None:
        raise fail(
            f"{formal.name} is out of range",
            pending.node.span,
            f"expected {limits}, found {value}",
            f"{formal.name}: {formal.doc}",
            code="E113",
        )
    return value


def _refuse_foreign(formal: Argument, pending: Pending, given: Mapping[str, Any]) -> None:
    """Raise ArchError for a word that is a value elsewhere and means nothing here: ``same``."""
    word = pending.node
    if formal.type not in (int, float, bool) or not isinstance(word, nodes.Name):
        return
    if find(word, pending.environment) is None and (hint := value_hint(formal, word.text, given)):
        raise fail(
            f"{formal.name} is {'true or false' if formal.type is bool else 'a number'}",
            word.span,
            f"found '{word.text}'",
            help=hint,
            code="E116" if formal.type is bool else "E114",
        )


# ---- templates ----


def bind(
    expander: Expander,
    template: TemplateBinding | StructBinding,
    name: nodes.Name,
    positional: list[Unbound],
    named: list[tuple[nodes.Name, Unbound]],
) -> Task[tuple[list[Value], list[str], dict[str, Value]]]:
    """The values of a template's parameters, as they are shown, and by name; no subnet."""
    skipped = None
    if isinstance(template, TemplateBinding) and template.tail == "subnet":
        skipped = template.subnet
    own = [(i, f) for i, f in enumerate(template.formals) if i != skipped]
    given: dict[int, Unbound] = {}
    packed: list[Unbound] | None = None
    if own and own[-1][1].pack:
        positional, packed = positional[: len(own) - 1], positional[len(own) - 1 :]
    for place, pending in enumerate(positional):
        if place >= len(own):
            raise fail(
                f"too many arguments for '{template.name}'",
                pending.node.span,
                f"expected {signature(template)}, found {len(positional)} before the subnet",
                code="E108",
            )
        given[own[place][0]] = pending
    by_name = {f.name.text: i for i, f in own if f.name is not None}
    for key, pending in named:
        if key.text not in by_name:
            raise fail(
                f"'{template.name}' has no parameter '{key.text}'",
                key.span,
                f"expected {signature(template)}",
                help=nearest(key.text, by_name),
                code="E110",
            )
        if by_name[key.text] in given:
            raise fail(f"the argument '{key.text}' is given twice", key.span, code="E111")
        given[by_name[key.text]] = pending
    inside = Environment(template.definitions, template.position, {})
    local: dict[str, Value] = {}
    values: list[Value] = []
    shown: list[str] = []
    for index, formal in own:
        environment = inside._replace(local=local)
        if packed is not None and index == own[-1][0]:
            members = []
            for member in packed:
                members.append((yield template_argument(expander, formal, member)))
                shown.append(show(members[-1], member))
            values.append(tuple(members))
            if formal.name is not None:
                local[formal.name.text] = values[-1]
            break
        pending = given.get(index) or default(template, formal, name, environment)
        value = yield template_argument(expander, formal, pending)
        values.append(value)
        shown.append(show(value, pending))
        if formal.name is not None:
            local[formal.name.text] = value
    return values, shown, local


def template_argument(expander: Expander, formal: nodes.Formal, pending: Unbound) -> Task[Value]:
    """A template argument, as its parameter says."""
    if isinstance(pending, Given):
        return pending.value
    if isinstance(formal, nodes.ValueFormal):
        return (yield _evaluate(expander, value_type(formal.type), pending))
    if isinstance(formal, nodes.TypeFormal):
        return (yield _type(expander, pending))
    if len(formal.formals) == 1 and isinstance(formal.formals[0], nodes.TypeFormal):
        return (yield _block(expander, pending))
    return (yield closure(expander, pending))


def closure(expander: Expander, pending: Pending) -> Task[Closure]:
    """A template passed as an argument, possibly with its first arguments given."""
    node, environment = pending
    if not isinstance(node, (nodes.Name, nodes.Apply)):
        raise fail(
            "a template belongs here",
            node.span,
            f"expected the name of a template, found '{short(node.span.text)}'",
            code="E119",
        )
    name = node if isinstance(node, nodes.Name) else node.name
    arguments = node.arguments if isinstance(node, nodes.Apply) else ()
    positional, named = split(arguments, environment)
    if named:
        raise fail(
            "a template that is an argument gets its own by position", name.span, code="E119"
        )
    found = yield meaning(name, environment)
    opaque: Closure | None = environment.definitions.root.opaque.get(name.text)
    if opaque is not None and found is opaque.callee:
        expander.note_opaque(name)
        return opaque
    callee, positional = flat(found, name, positional)
    formals = own_formals(callee)
    given: list[Given] = []
    for place, argument in enumerate(positional):
        if place >= len(formals):
            raise fail(f"too many arguments for '{name.text}'", argument.node.span, code="E108")
        formal = formals[place]
        evaluated = layer_argument if isinstance(formal, Argument) else template_argument
        value = yield evaluated(expander, formal, argument)
        given.append(Given(value, argument.node))
    return Closure(callee, tuple(given))


def _type(expander: Expander, pending: Pending) -> Task[Value]:
    """A typename that is not the subnet: an element type, or a block."""
    node, environment = values_type(*pending)
    if isinstance(node, nodes.CppType):
        return node.name
    if isinstance(node, nodes.Apply) and node.name.text in CPP_CONTAINERS:
        return (yield pixels_value(Pending(node, environment)))
    name = node.name if isinstance(node, nodes.Apply) else node
    if isinstance(name, nodes.Name):
        known = find(name, environment)
        if isinstance(node, nodes.Name):
            if known is None and node.text in PIXELS:
                return node.text
            if isinstance(known, (str, Pixels, Subnet)):
                return known
        if structs.is_instance(known):
            return (yield structs.instance(expander, node, environment))
    return (yield _block(expander, pending))


# ---- values ----


def _evaluate(expander: Expander, kind: Any, pending: Pending) -> Task[Value]:
    """The value of an argument of a kind: what its layer's or template's signature says."""
    plain = PLAIN.get(kind)
    return plain(pending) if plain is not None else _BLOCKS[kind](expander, pending)


def _block(expander: Expander, pending: Pending) -> Task[Block]:
    block: Block = yield expander.block(*pending, subnet=False)
    return block


def _tag(expander: Expander, pending: Pending) -> Task[Tag]:
    block = yield expander.block(*pending, subnet=False)
    what = block.meant
    if not isinstance(what, AddTag):
        raise fail(
            "a tag belongs here",
            pending.node.span,
            f"expected tag1, tag2, ... or a template of add_tag_layer, "
            f"found '{short(pending.node.span.text)}'",
            code="E118",
            help="in a block, compose<concat2<tag1,tag2>, block> joins tags that the block sets",
        )
    return Tag(what.id)


_BLOCKS: Mapping[Any, Callable[[Expander, Pending], Task[Value]]] = {
    Block: _block,
    Tag: _tag,
}
"""Kinds of arguments that are elaborated themselves; all others are in PLAIN."""
