"""Elaboration: template expressions become blocks.

Every template instance is elaborated once per set of arguments, so the work is bounded by the text
and its distinct instances, not by the network that they expand to. A network's expression is read
from the outside in by a loop along the subnet arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from archdsl.diagnostics import ArchError, Diagnostic, Frame, fail, listing, nearest
from archdsl.elaborate import structs
from archdsl.elaborate.arguments import (
    Closure,
    Given,
    Pending,
    Unbound,
    at_once,
    default,
    flat,
    in_parentheses,
    is_complete,
    is_named_blocks,
    is_variadic,
    literal,
    missing,
    no_subnet,
    own_formals,
    short,
    show,
    signature,
    split,
    takes_block,
    too_many,
    variadic,
)
from archdsl.elaborate.scope import (
    CPP_CONTAINERS,
    PIXELS,
    Definitions,
    Environment,
    StructBinding,
    Subnet,
    TemplateBinding,
    Value,
)
from archdsl.elaborate.tails import find, net_like, values_type
from archdsl.elaborate.trampoline import Task
from archdsl.elaborate.values import PLAIN, meaning, pixels_value, value_type
from archdsl.layers.block import Block, Combinator, Instance, Step, Tag
from archdsl.layers.combinators import AddTag
from archdsl.layers.definition import Argument, Definition, Layer, lookup
from archdsl.layers.endpoints import Pixels
from archdsl.source import Span
from archdsl.syntax import nodes

MAX_ERRORS = 50


@dataclass(frozen=True)
class Limits:
    """How large a network may become before expansion is refused."""

    layers: int = 1_000_000
    levels: int = 256
    instances: int = 10_000


class Reading(NamedTuple):
    """What a step of a network's expression was read as, and what is left to read inside it."""

    steps: tuple[Step, ...]
    inner: Pending | None
    complete: bool


@dataclass
class Elaborator:
    """The state of one elaboration: instances made so far, and errors found so far."""

    limits: Limits
    errors: list[Diagnostic] = field(default_factory=list)
    structs: dict[Any, Definitions] = field(default_factory=dict)
    """The instances of structs so far."""
    inlined: int = 0
    """How many members of structs were read in the place of their names."""
    _instances: dict[Any, Instance] = field(default_factory=dict)
    _identities: dict[Any, int] = field(default_factory=dict)
    _literal_layers: dict[Any, Layer] = field(default_factory=dict)
    _shared: dict[Layer | Combinator, Layer | Combinator] = field(default_factory=dict)
    _frames: list[Frame] = field(default_factory=list)
    _told: set[tuple[str, Span | None]] = field(default_factory=set)

    # ---- networks and blocks ----

    def block(
        self, node: nodes.Expression, environment: Environment, *, subnet: bool
    ) -> Task[Block]:
        """The block that an expression means.

        With ``subnet`` the expression is a whole network or the body of a template with a subnet:
        every layer on the way has one inside. Without, it is a block that waits for its subnet.
        """
        steps: list[Step] = []  # outermost first
        at: Pending | None = Pending(node, environment)
        complete = False
        while at is not None:
            try:
                reading = yield self._read(at, subnet)
            except ArchError as error:
                self._record(error)
                at = self._skip(at)
                continue
            steps.extend(reversed(reading.steps))
            at, complete = reading.inner, reading.complete
        steps.reverse()
        key = (complete, *(self._identity(step.what) for step in steps))
        identity = self._identities.setdefault(key, len(self._identities))
        return Block(tuple(steps), complete, identity)

    def _identity(self, what: Layer | Combinator | Instance) -> int:
        """A number that equal steps share; where they are written does not count."""
        if isinstance(what, Instance):
            return id(what)  # there is one per template and arguments, and it is kept
        return id(self._shared.setdefault(what, what))

    def _record(self, error: ArchError) -> None:
        frames = tuple(reversed(self._frames))
        for d in error.diagnostics:
            # A template is elaborated for every set of arguments: its mistakes are told once.
            place = d.message, d.span
            if len(self.errors) < MAX_ERRORS and place not in self._told:
                self._told.add(place)
                self.errors.append(d if d.frames else _framed(d, frames))

    def _skip(self, at: Pending) -> Pending | None:
        """Where reading goes on behind an error: at the subnet, to find its errors too."""
        node = at.node
        inner = node.arguments[-1] if isinstance(node, nodes.Apply) and node.arguments else None
        if isinstance(inner, nodes.Apply) and net_like(inner, at.environment, {}):
            return Pending(inner, at.environment)
        return None

    def _read(self, at: Pending, subnet: bool) -> Task[Reading]:
        """One step from the outside in."""
        node, environment = at
        if isinstance(node, nodes.Group):
            return Reading((), Pending(node.inner, environment), False)
        if isinstance(node, nodes.Call):
            raise in_parentheses(node)
        if not isinstance(node, (nodes.Name, nodes.Apply)):
            raise fail(
                "a number stands where a layer or block belongs",
                node.span,
                f"expected a layer, found '{short(node.span.text)}'",
                help="the subnet is the last argument of every layer",
                code="E106",
            )
        name = node if isinstance(node, nodes.Name) else node.name
        if name.scope is None:
            meaning = environment.require(name)
        else:
            meaning = yield structs.member(self, name, environment)
        arguments = node.arguments if isinstance(node, nodes.Apply) else ()
        if isinstance(meaning, Subnet):
            if arguments:
                raise fail(
                    f"'{name.text}' is a subnet and takes no arguments", name.span, code="E120"
                )
            if not subnet:
                raise fail(
                    "a block is written without its subnet",
                    name.span,
                    f"'{name.text}' stands inside an argument that is itself a block",
                    help=f"leave '{name.text}' out here: the block is applied to it",
                    code="E137",
                )
            return Reading((), None, False)
        positional, named = split(arguments, environment)
        if isinstance(meaning, Block):
            return self._splice(meaning, name, positional, named, subnet)
        if structs.is_type(meaning):
            reading: Reading = yield structs.read(self, meaning, name, positional, named, subnet)
            return reading
        callee, positional = flat(meaning, name, positional)
        inner = self._take_subnet(callee, name, positional, subnet)
        step = yield self.step(callee, name, positional, named)
        complete = inner is None and is_complete(callee)
        return Reading((step,), inner, complete)

    def _splice(
        self,
        block: Block,
        name: nodes.Name,
        positional: list[Unbound],
        named: list[tuple[nodes.Name, Unbound]],
        subnet: bool,
    ) -> Reading:
        """A template parameter that is bound to a block, applied to a subnet."""
        if named or len(positional) > 1 or (subnet and not positional and not block.complete):
            raise fail(
                f"'{name.text}' is a block and takes one subnet",
                name.span,
                f"found {len(positional) + len(named)} arguments",
                code="E120",
            )
        inner = positional[0] if positional else None
        assert not isinstance(inner, Given)  # only closures hold those, and this is a block
        return Reading(block.steps, inner, block.complete and inner is None)

    def _take_subnet(
        self,
        callee: Definition | TemplateBinding,
        name: nodes.Name,
        positional: list[Unbound],
        subnet: bool,
    ) -> Pending | None:
        """Take the subnet out of the positional arguments, if one is there."""
        if is_complete(callee):
            return None
        own, index = own_formals(callee), len(positional) - 1
        if isinstance(callee, TemplateBinding) and len(positional) == len(own) + 1:
            index = callee.subnet if callee.subnet is not None else index
        if not positional:
            if subnet:
                raise no_subnet(name)
            return None
        candidate = positional[index]
        if isinstance(candidate.node, nodes.Call) and lookup(candidate.node.name.text) is not None:
            raise in_parentheses(candidate.node)
        if not isinstance(candidate, Pending) or not net_like(
            candidate.node, candidate.environment, {}
        ):
            if subnet:
                raise no_subnet(name)
            return None
        if not subnet and any(variadic(formal) for formal in own):
            return None
        if not subnet and index < len(own) and takes_block(own[index]):
            return None
        del positional[index]
        return candidate

    # ---- steps ----

    def step(
        self,
        callee: Definition | TemplateBinding,
        name: nodes.Name,
        positional: list[Unbound],
        named: list[tuple[nodes.Name, Unbound]],
    ) -> Task[Step]:
        if isinstance(callee, TemplateBinding):
            instance = yield self._instance(callee, name, positional, named)
            return Step(instance, name.span)
        what = yield self._builtin(callee, name, positional, named)
        return Step(what, name.span)

    def _builtin(
        self,
        definition: Definition,
        name: nodes.Name,
        positional: list[Unbound],
        named: list[tuple[nodes.Name, Unbound]],
    ) -> Task[Layer | Combinator]:
        """A layer or combinator of the catalogue with its arguments bound and checked."""
        key: Any = None
        if not named:  # most layers have literal arguments, and most of those occur before
            literals = tuple(literal(p.node) for p in positional)
            key = (definition.name, *literals) if None not in literals else None
            if key in self._literal_layers:
                return self._literal_layers[key]
        values: dict[str, Any] = dict(definition.preset)
        formals = definition.arguments
        places = definition.places
        for place, pending in enumerate(positional):
            formal = places[min(place, len(places) - 1)] if places else None
            if formal is None or (place >= len(places) and not is_variadic(formal)):
                raise too_many(name, definition, positional)
            value = at_once(formal, pending)
            if value is None:
                value = yield self._value(formal, pending)
            if is_variadic(formal):
                values.setdefault(formal.name, []).append(value)
            else:
                values[formal.name] = value
        for key_name, pending in named:
            yield self._bind_named(definition, key_name, pending, values)
        for formal in formals:
            if formal.required and formal.name not in values:
                raise missing(name, definition, formal)
        bound = {k: tuple(v) if type(v) is list else v for k, v in values.items()}
        what: Layer | Combinator = definition.cls(**bound)
        if key is not None and isinstance(what, Layer):
            self._literal_layers[key] = what
        return what

    def _bind_named(
        self, definition: Definition, key: nodes.Name, pending: Unbound, values: dict[str, Any]
    ) -> Task[None]:
        formal = definition.argument(key.text)
        heads = next((f for f in definition.arguments if is_named_blocks(f)), None)
        if heads is not None:
            if any(key.text == name for name, _ in values.setdefault(heads.name, [])):
                raise fail(f"there are two outputs '{key.text}'", key.span, code="E126")
            assert isinstance(pending, Pending)
            block = yield self.block(*pending, subnet=False)
            values[heads.name].append((key.text, block))
            return
        if formal is None:
            known = [f.name for f in definition.arguments]
            raise fail(
                f"{definition.name} has no argument '{key.text}'",
                key.span,
                f"its arguments are {listing(known, 12)}" if known else "it has no arguments",
                help=nearest(key.text, known),
                code="E110",
            )
        if formal.name in values:
            raise fail(f"the argument '{key.text}' is given twice", key.span, code="E111")
        value = at_once(formal, pending)
        if value is None:
            value = yield self._value(formal, pending)
        values[formal.name] = [value] if is_variadic(formal) else value

    def _value(self, formal: Argument, pending: Unbound) -> Task[Value]:
        """The value of a layer's argument, checked against its type and range."""
        if isinstance(pending, Given):
            return pending.value
        if is_named_blocks(formal):
            raise fail(
                f"every one of the {formal.name} needs a name",
                pending.node.span,
                f"expected name=block, found '{short(pending.node.span.text)}'",
                code="E125",
            )
        kind = formal.type.__args__[0] if is_variadic(formal) else formal.type
        value = yield self._evaluate(kind, pending)
        low, high = formal.minimum, formal.maximum
        if (low is not None and value < low) or (high is not None and value > high):
            limits = f"at least {low:g}" if high is None else f"{low:g} to {high:g}"
            raise fail(
                f"{formal.name} is out of range",
                pending.node.span,
                f"expected {limits}, found {value}",
                f"{formal.name}: {formal.doc}",
                code="E113",
            )
        return value

    # ---- template instances ----

    def _instance(
        self,
        template: TemplateBinding,
        name: nodes.Name,
        positional: list[Unbound],
        named: list[tuple[nodes.Name, Unbound]],
    ) -> Task[Instance]:
        values, shown, local = yield self.bind(template, name, positional, named)
        text = f"{template.name}<{','.join(shown)}>" if shown else template.name
        key_ = (template, *values)
        found = self._instances.get(key_)
        if found is None:
            if template.subnet is not None:
                subnet = template.formals[template.subnet].name
                assert subnet is not None  # a tail is found by its name
                local[subnet.text] = Subnet(subnet.text)
            self.count_instance(template, name)
            inside = Environment(template.definitions, template.position, local)
            numbers = tuple((k, v) for k, v in local.items() if isinstance(v, (int, float)))
            block = yield self._expand(template, text, inside, name.span)
            found = Instance(template.name, text, block, numbers)
            self._instances[key_] = found
        if len(self._frames) + found.block.depth + 1 > self.limits.levels:
            raise self._too_deep(template, name.span)
        return found

    def count_instance(self, template: TemplateBinding | StructBinding, name: nodes.Name) -> None:
        """Raise ArchError where there are too many instances for one more."""
        if len(self._instances) + len(self.structs) >= self.limits.instances:
            raise fail(
                f"more than {self.limits.instances:,} different template instances are "
                f"expanded, the last of them '{template.name}'",
                name.span,
                help="a template that is applied to ever new blocks grows without end",
                code="E130",
            )

    def bind(
        self,
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
            pending = given.get(index) or default(template, formal, name, environment)
            value = yield self.argument(formal, pending)
            values.append(value)
            shown.append(show(value, pending))
            if formal.name is not None:
                local[formal.name.text] = value
        return values, shown, local

    def _expand(
        self, template: TemplateBinding, text: str, environment: Environment, span: Span
    ) -> Task[Block]:
        if len(self._frames) >= self.limits.levels:
            raise self._too_deep(template, span)
        self._frames.append(Frame(text, span))
        try:
            block: Block = yield self.block(
                template.definition.body,
                environment,
                subnet=template.tail not in ("block", "unknown"),
            )
        finally:
            self._frames.pop()
        return block

    def _too_deep(self, template: TemplateBinding, span: Span) -> ArchError:
        return fail(
            f"templates are expanded more than {self.limits.levels} levels deep in "
            f"'{template.name}'",
            span,
            help="repeat<N, block, SUBNET> applies a block many times without nesting templates; "
            "--max-levels raises the limit",
            code="E129",
        )

    def argument(self, formal: nodes.Formal, pending: Unbound) -> Task[Value]:
        """A template argument, as its parameter says."""
        if isinstance(pending, Given):
            return pending.value
        if isinstance(formal, nodes.ValueFormal):
            return (yield self._evaluate(value_type(formal.type), pending))
        if isinstance(formal, nodes.TypeFormal):
            return (yield self._type(pending))
        if len(formal.formals) == 1 and isinstance(formal.formals[0], nodes.TypeFormal):
            return (yield self._block(pending))
        return (yield self._closure(pending))

    def _closure(self, pending: Pending) -> Task[Closure]:
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
        callee, positional = flat(found, name, positional)
        formals = own_formals(callee)
        given: list[Given] = []
        for place, argument in enumerate(positional):
            if place >= len(formals):
                raise fail(f"too many arguments for '{name.text}'", argument.node.span, code="E108")
            formal = formals[place]
            evaluate = self._value if isinstance(formal, Argument) else self.argument
            value = yield evaluate(formal, argument)
            given.append(Given(value, argument.node))
        return Closure(callee, tuple(given))

    def _type(self, pending: Pending) -> Task[Value]:
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
                return (yield structs.instance(self, node, environment))
        return (yield self._block(pending))

    # ---- values ----

    def _evaluate(self, kind: Any, pending: Pending) -> Task[Value]:
        """The value of an argument of a kind: what its layer's or template's signature says."""
        plain = PLAIN.get(kind)
        return plain(pending) if plain is not None else _BLOCKS[kind](self, pending)

    def _block(self, pending: Pending) -> Task[Block]:
        block: Block = yield self.block(*pending, subnet=False)
        return block

    def _tag(self, pending: Pending) -> Task[Tag]:
        block = yield self.block(*pending, subnet=False)
        what = block.meant
        if not isinstance(what, AddTag):
            raise fail(
                "a tag belongs here",
                pending.node.span,
                f"expected tag1, tag2, ... or a template of add_tag_layer, "
                f"found '{short(pending.node.span.text)}'",
                code="E118",
            )
        return Tag(what.id)


_BLOCKS: Mapping[Any, Callable[[Elaborator, Pending], Task[Value]]] = {
    Block: Elaborator._block,
    Tag: Elaborator._tag,
}
"""Kinds of arguments that are elaborated themselves; all others are in PLAIN."""


def _framed(d: Diagnostic, frames: tuple[Frame, ...]) -> Diagnostic:
    return replace(d, frames=frames)
