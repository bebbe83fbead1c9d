"""Elaboration: template expressions become blocks.

Every template instance is elaborated once per set of arguments, so the work is bounded by the text
and its distinct instances, not by the network that they expand to. A network's expression is read
from the outside in by a loop along the subnet arguments.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

from archdsl.diagnostics import ArchError, Diagnostic, Frame, fail, listing, nearest
from archdsl.elaborate import arithmetic
from archdsl.elaborate.scope import (
    CPP_CONTAINERS,
    PIXELS,
    Environment,
    Subnet,
    TemplateBinding,
    Value,
    net_like,
)
from archdsl.elaborate.trampoline import Task
from archdsl.layers.block import Block, Combinator, Instance, Label, Step, Tag
from archdsl.layers.combinators import AddTag
from archdsl.layers.definition import Argument, Definition, Layer
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
    _instances: dict[Any, Instance] = field(default_factory=dict)
    _identities: dict[Any, int] = field(default_factory=dict)
    _literal_layers: dict[Any, Layer] = field(default_factory=dict)
    _shared: dict[Layer | Combinator, Layer | Combinator] = field(default_factory=dict)
    _frames: list[Frame] = field(default_factory=list)

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
            if len(self.errors) < MAX_ERRORS and d not in self.errors:
                self.errors.append(d if d.frames else _framed(d, frames))

    def _skip(self, at: Pending) -> Pending | None:
        """Where reading goes on behind an error: at the subnet, so that its errors are found too."""
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
        if not isinstance(node, (nodes.Name, nodes.Apply)):
            raise fail(
                "a number stands where a layer or block belongs",
                node.span,
                f"expected a layer, found '{_short(node.span.text)}'",
                help="the subnet is the last argument of every layer",
            )
        name = node if isinstance(node, nodes.Name) else node.name
        meaning = environment.require(name)
        arguments = node.arguments if isinstance(node, nodes.Apply) else ()
        if isinstance(meaning, Subnet):
            if arguments:
                raise fail(f"'{name.text}' is a subnet and takes no arguments", name.span)
            if not subnet:
                raise fail(
                    "a block is written without its subnet",
                    name.span,
                    f"'{name.text}' stands inside an argument that is itself a block",
                    help=f"leave '{name.text}' out here: the block is applied to it",
                )
            return Reading((), None, False)
        positional, named = _split(arguments, environment)
        if isinstance(meaning, Block):
            return self._splice(meaning, name, positional, named, subnet)
        callee, positional = _flat(meaning, name, positional)
        inner = self._take_subnet(callee, name, positional, subnet)
        step = yield self._step(callee, name, positional, named)
        complete = inner is None and _is_complete(callee)
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
        if _is_complete(callee):
            return None
        own, index = _own_formals(callee), len(positional) - 1
        if isinstance(callee, TemplateBinding) and callee.subnet is not None:
            if len(positional) == len(own) + 1:
                index = callee.subnet
        if not positional:
            if subnet:
                raise _no_subnet(name)
            return None
        candidate = positional[index]
        if not isinstance(candidate, Pending) or not net_like(
            candidate.node, candidate.environment, {}
        ):
            if subnet:
                raise _no_subnet(name)
            return None
        if not subnet and any(_variadic(formal) for formal in own):
            return None
        if not subnet and index < len(own) and _takes_block(own[index]):
            return None
        del positional[index]
        return candidate

    # ---- steps ----

    def _step(
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
            literals = tuple(_literal(p.node) for p in positional)
            key = (definition.name, *literals) if None not in literals else None
            if key in self._literal_layers:
                return self._literal_layers[key]
        values: dict[str, Any] = dict(definition.preset)
        formals = definition.arguments
        places = [f for f in formals if f.positional]
        for place, pending in enumerate(positional):
            formal = places[min(place, len(places) - 1)] if places else None
            if formal is None or (place >= len(places) and not _is_variadic(formal)):
                raise _too_many(name, definition, positional)
            value = yield self._value(formal, pending)
            if _is_variadic(formal):
                values.setdefault(formal.name, []).append(value)
            else:
                values[formal.name] = value
        for key_name, pending in named:
            yield self._bind_named(definition, key_name, pending, values)
        for formal in formals:
            if formal.required and formal.name not in values:
                raise _missing(name, definition, formal)
        bound = {k: tuple(v) if type(v) is list else v for k, v in values.items()}
        what: Layer | Combinator = definition.cls(**bound)
        if key is not None and isinstance(what, Layer):
            self._literal_layers[key] = what
        return what

    def _bind_named(
        self, definition: Definition, key: nodes.Name, pending: Unbound, values: dict[str, Any]
    ) -> Task[None]:
        formal = definition.argument(key.text)
        heads = next((f for f in definition.arguments if _is_named_blocks(f)), None)
        if heads is not None:
            if any(key.text == name for name, _ in values.setdefault(heads.name, [])):
                raise fail(f"there are two outputs '{key.text}'", key.span)
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
            )
        if formal.name in values:
            raise fail(f"the argument '{key.text}' is given twice", key.span)
        value = yield self._value(formal, pending)
        values[formal.name] = [value] if _is_variadic(formal) else value

    def _value(self, formal: Argument, pending: Unbound) -> Task[Value]:
        """The value of a layer's argument, checked against its type and range."""
        if isinstance(pending, Given):
            return pending.value
        if _is_named_blocks(formal):
            raise fail(
                f"every one of the {formal.name} needs a name",
                pending.node.span,
                f"expected name=block, found '{_short(pending.node.span.text)}'",
            )
        kind = formal.type.__args__[0] if _is_variadic(formal) else formal.type
        value = yield _EVALUATE[kind](self, pending)
        low, high = formal.minimum, formal.maximum
        if (low is not None and value < low) or (high is not None and value > high):
            limits = f"at least {low:g}" if high is None else f"{low:g} to {high:g}"
            raise fail(
                f"the {formal.name} is out of range",
                pending.node.span,
                f"expected {limits}, found {value}",
                f"{formal.name}: {formal.doc}",
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
        formals = template.definition.formals
        own = [(i, f) for i, f in enumerate(formals) if i != template.subnet]
        given: dict[int, Unbound] = {}
        for place, pending in enumerate(positional):
            if place >= len(own):
                raise fail(
                    f"too many arguments for '{template.name}'",
                    pending.node.span,
                    f"expected {_signature(template)}, found {len(positional)} before the subnet",
                )
            given[own[place][0]] = pending
        by_name = {f.name.text: i for i, f in own if f.name is not None}
        for key, pending in named:
            if key.text not in by_name:
                raise fail(
                    f"'{template.name}' has no parameter '{key.text}'",
                    key.span,
                    f"expected {_signature(template)}",
                    help=nearest(key.text, by_name),
                )
            if by_name[key.text] in given:
                raise fail(f"the argument '{key.text}' is given twice", key.span)
            given[by_name[key.text]] = pending
        inside = Environment(template.definitions, template.position, {})
        local: dict[str, Value] = {}
        values: list[Value] = []
        shown: list[str] = []
        for index, formal in own:
            environment = inside._replace(local=local)
            pending = given.get(index) or _default(template, formal, name, environment)
            value = yield self._argument(formal, pending)
            values.append(value)
            shown.append(_show(value, pending))
            if formal.name is not None:
                local[formal.name.text] = value
        text = f"{template.name}<{','.join(shown)}>" if shown else template.name
        key_ = (template, *values)
        found = self._instances.get(key_)
        if found is None:
            if template.subnet is not None:
                subnet = formals[template.subnet].name
                assert subnet is not None  # a tail is found by its name
                local[subnet.text] = Subnet(subnet.text)
            if len(self._instances) >= self.limits.instances:
                raise fail(
                    f"more than {self.limits.instances:,} different template instances are "
                    f"expanded, the last of them '{template.name}'",
                    name.span,
                    help="a template that is applied to ever new blocks grows without end",
                )
            found = yield self._expand(template, text, inside._replace(local=local), name.span)
            self._instances[key_] = found
        if len(self._frames) + found.block.depth + 1 > self.limits.levels:
            raise self._too_deep(template, name.span)
        return found

    def _expand(
        self, template: TemplateBinding, text: str, environment: Environment, span: Span
    ) -> Task[Instance]:
        if len(self._frames) >= self.limits.levels:
            raise self._too_deep(template, span)
        self._frames.append(Frame(text, span))
        try:
            block = yield self.block(
                template.definition.body, environment, subnet=template.tail != "block"
            )
        finally:
            self._frames.pop()
        return Instance(template.name, text, block)

    def _too_deep(self, template: TemplateBinding, span: Span) -> ArchError:
        return fail(
            f"templates are expanded more than {self.limits.levels} levels deep in "
            f"'{template.name}'",
            span,
            help="repeat<N, block, SUBNET> applies a block many times without nesting templates; "
            "--max-levels raises the limit",
        )

    def _argument(self, formal: nodes.Formal, pending: Unbound) -> Task[Value]:
        """A template argument, as its parameter says."""
        if isinstance(pending, Given):
            return pending.value
        if isinstance(formal, nodes.ValueFormal):
            return (yield _EVALUATE[value_type(formal.type)](self, pending))
        if isinstance(formal, nodes.TypeFormal):
            return (yield self._type(pending))
        if len(formal.formals) == 1 and isinstance(formal.formals[0], nodes.TypeFormal):
            return (yield _block(self, pending))
        return (yield self._closure(pending))

    def _closure(self, pending: Pending) -> Task[Closure]:
        """A template passed as an argument, possibly with its first arguments given."""
        node, environment = pending
        if not isinstance(node, (nodes.Name, nodes.Apply)):
            raise fail(
                "a template belongs here",
                node.span,
                f"expected the name of a template, found '{_short(node.span.text)}'",
            )
        name = node if isinstance(node, nodes.Name) else node.name
        arguments = node.arguments if isinstance(node, nodes.Apply) else ()
        positional, named = _split(arguments, environment)
        if named:
            raise fail("a template passed as an argument is given its values by position", name.span)
        callee, positional = _flat(environment.require(name), name, positional)
        formals = _own_formals(callee)
        given: list[Given] = []
        for place, argument in enumerate(positional):
            if place >= len(formals):
                raise fail(f"too many arguments for '{name.text}'", argument.node.span)
            formal = formals[place]
            evaluate = self._value if isinstance(formal, Argument) else self._argument
            value = yield evaluate(formal, argument)
            given.append(Given(value, argument.node))
        return Closure(callee, tuple(given))

    def _type(self, pending: Pending) -> Task[Value]:
        """A typename that is not the subnet: an element type, or a block."""
        node = pending.node
        if isinstance(node, nodes.CppType):
            return node.name
        if isinstance(node, nodes.Name):
            known = pending.environment.get(node.text)
            if known is None and node.text in PIXELS:
                return node.text
            if isinstance(known, (str, Pixels)):
                return known
        if isinstance(node, nodes.Apply) and node.name.text in CPP_CONTAINERS:
            return (yield _pixels(self, pending))
        return (yield _block(self, pending))

    # ---- values ----

    def number(self, node: nodes.Expression, environment: Environment) -> Task[arithmetic.Number]:
        """The value of an expression that has to be a number or true or false."""
        if isinstance(node, (nodes.Integer, nodes.Float, nodes.Boolean)):
            return node.value
        if isinstance(node, nodes.Group):
            return (yield self.number(node.inner, environment))
        if isinstance(node, nodes.Negation):
            value = yield self.number(node.operand, environment)
            return not value if node.operator == "!" else -value
        if isinstance(node, nodes.Operation):
            evaluate = lambda operand: self.number(operand, environment)  # noqa: E731
            return (yield arithmetic.operation(node, evaluate))
        if isinstance(node, nodes.Call):
            arguments = []
            for argument in node.arguments:
                arguments.append((yield self.number(argument, environment)))
            return arithmetic.call(node, arguments)
        if isinstance(node, nodes.Name):
            value = environment.require(node)
            if isinstance(value, (int, float)):
                return value
        raise fail(
            "a number belongs here",
            node.span if not isinstance(node, nodes.Apply) else node.name.span,
            f"expected a number, found '{_short(node.span.text)}'",
            help="the arguments of a layer come before its subnet; one may be missing",
        )


# ---- evaluation by the type that an argument declares ----


def _int(self: Elaborator, pending: Pending) -> Task[int]:
    value = yield self.number(*pending)
    if isinstance(value, float):
        raise fail(
            "a whole number belongs here",
            pending.node.span,
            f"expected an integer, found {value:g}",
            help="round(x), floor(x) and ceil(x) make whole numbers",
        )
    return int(value)


def _float(self: Elaborator, pending: Pending) -> Task[float]:
    value = yield self.number(*pending)
    return float(value)


def _bool(self: Elaborator, pending: Pending) -> Task[bool]:
    value = yield self.number(*pending)
    if value not in (0, 1):
        raise fail("true or false belongs here", pending.node.span, f"found {value:g}")
    return bool(value)


def _block(self: Elaborator, pending: Pending) -> Task[Block]:
    return (yield self.block(*pending, subnet=False))


def _tag(self: Elaborator, pending: Pending) -> Task[Tag]:
    block = yield self.block(*pending, subnet=False)
    what = block.single
    while isinstance(what, Instance):
        what = what.block.single
    if not isinstance(what, AddTag):
        raise fail(
            "a tag belongs here",
            pending.node.span,
            f"expected tag1, tag2, ... or a template of add_tag_layer, "
            f"found '{_short(pending.node.span.text)}'",
        )
    return Tag(what.id)


def _label(self: Elaborator, pending: Pending) -> Task[Label]:
    if not isinstance(pending.node, nodes.Name):
        raise fail(
            "a name belongs here",
            pending.node.span,
            f"expected a bare name, found '{_short(pending.node.span.text)}'",
        )
    return Label(pending.node.text)
    yield


def _pixels(self: Elaborator, pending: Pending) -> Task[Pixels]:
    """Channels as a number, or the C++ type that dlib reads images from."""
    node, environment = pending
    channels = 0
    while isinstance(node, nodes.Apply) and node.name.text in CPP_CONTAINERS:
        if node.name.text == "array" and len(node.arguments) == 2:
            _, size = node.arguments
            channels = yield _int(self, Pending(_positional(size), environment))
        node = _positional(node.arguments[0]) if node.arguments else node.name
    element = node.name if isinstance(node, nodes.CppType) else None
    if isinstance(node, nodes.Name):
        known = environment.get(node.text)
        if known is None and node.text in PIXELS:
            return Pixels(PIXELS[node.text], 256)
        element = known if isinstance(known, str) else None
        if isinstance(known, Pixels):
            return known
        if known in PIXELS:
            return Pixels(PIXELS[known], 256)
    if element is not None:
        return Pixels(channels or 1, 256 if element in ("unsigned char", "uint8_t", "uint8") else 1)
    count = yield _int(self, Pending(node, environment))
    if count < 1:
        raise fail("an input needs at least one channel", node.span, f"found {count}")
    return Pixels(count)


_EVALUATE: Mapping[Any, Any] = {
    int: _int,
    float: _float,
    bool: _bool,
    Block: _block,
    Tag: _tag,
    Label: _label,
    Pixels: _pixels,
}


def value_type(ctype: nodes.CppType) -> type[int] | type[float] | type[bool]:
    """What a C++ type of a parameter or constant holds."""
    words = ctype.name.split()
    if "bool" in words:
        return bool
    return float if {"float", "double"} & set(words) else int


def evaluate_as(
    kind: type[int] | type[float] | type[bool], elaborator: Elaborator, pending: Pending
) -> Task[Value]:
    """The value of an expression as a number of a kind, or as true or false."""
    return cast("Task[Value]", _EVALUATE[kind](elaborator, pending))


# ---- helpers ----


def _framed(d: Diagnostic, frames: tuple[Frame, ...]) -> Diagnostic:
    return Diagnostic(d.message, d.span, d.notes, d.help, frames, d.severity)


def _split(
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
            )
        else:
            positional.append(Pending(argument, environment))
    return positional, named


def _flat(
    meaning: Any, name: nodes.Name, positional: list[Unbound]
) -> tuple[Definition | TemplateBinding, list[Unbound]]:
    """The template or layer that is meant, with the arguments that a closure holds already."""
    if isinstance(meaning, Closure):
        return meaning.callee, [*meaning.positional, *positional]
    if not isinstance(meaning, (Definition, TemplateBinding)):
        raise fail(
            f"'{name.text}' is not a layer or template",
            name.span,
            f"it is {_show(meaning, None)}",
        )
    return meaning, positional


def _literal(node: nodes.Expression) -> int | None:
    return node.value if isinstance(node, nodes.Integer) else None


def _positional(argument: nodes.Argument) -> nodes.Expression:
    return argument.value if isinstance(argument, nodes.Named) else argument


def _is_complete(callee: Definition | TemplateBinding) -> bool:
    if isinstance(callee, TemplateBinding):
        return callee.tail == "complete"
    return getattr(callee.cls, "inputs", 1) == 0


def _own_formals(callee: Definition | TemplateBinding) -> tuple[Any, ...]:
    """The parameters of a template or layer, its subnet left out."""
    if isinstance(callee, TemplateBinding):
        formals = callee.definition.formals
        return tuple(f for i, f in enumerate(formals) if i != callee.subnet)
    return tuple(f for f in callee.arguments if f.positional)


def _is_variadic(formal: Argument) -> bool:
    return getattr(formal.type, "__origin__", None) is tuple


def _is_named_blocks(formal: Argument) -> bool:
    return _is_variadic(formal) and formal.type.__args__[0] is not Block and (
        getattr(formal.type.__args__[0], "__origin__", None) is tuple
    )


def _variadic(formal: Argument | nodes.Formal) -> bool:
    return isinstance(formal, Argument) and _is_variadic(formal)


def _takes_block(formal: Argument | nodes.Formal) -> bool:
    if isinstance(formal, Argument):
        return formal.type in (Block, Tag, Label, Pixels)
    return not isinstance(formal, nodes.ValueFormal)


def _no_subnet(name: nodes.Name) -> ArchError:
    return fail(
        f"'{name.text}' is applied to nothing",
        name.span,
        "expected a subnet as its last argument",
        help="the innermost layer of a network is an input, such as input<3,224,224>",
    )


def _too_many(name: nodes.Name, definition: Definition, positional: list[Unbound]) -> ArchError:
    places = [f.name for f in definition.arguments if f.positional]
    wanted = f"at most {len(places)} ({listing(places, 12)})" if places else "none"
    extra = positional[len(places)].node
    return fail(
        f"too many arguments for '{name.text}'",
        extra.name.span if isinstance(extra, nodes.Apply) else extra.span,
        f"expected {wanted} before the subnet, found {len(positional)}",
        help="named arguments are written name=value",
    )


def _missing(name: nodes.Name, definition: Definition, formal: Argument) -> ArchError:
    required = [f.name for f in definition.arguments if f.required]
    return fail(
        f"'{name.text}' lacks its {formal.name}",
        name.span,
        f"expected {listing(required, 12)} before the subnet",
        f"{formal.name}: {formal.doc}",
    )


def _default(
    template: TemplateBinding, formal: nodes.Formal, name: nodes.Name, inside: Environment
) -> Pending:
    if formal.default is not None:
        return Pending(formal.default, inside)
    missing = formal.name.text if formal.name is not None else "an argument"
    raise fail(
        f"'{template.name}' lacks its argument '{missing}'",
        name.span,
        f"expected {_signature(template)}",
    )


def _signature(template: TemplateBinding) -> str:
    """``bottleneck<N, stride=1, SUBNET>``."""
    parts = []
    for formal in template.definition.formals:
        name = formal.name.text if formal.name is not None else "..."
        default = f"={_short(formal.default.span.text)}" if formal.default is not None else ""
        parts.append(name + default)
    return f"{template.name}<{', '.join(parts)}>"


def _short(text: str, limit: int = 40) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def _show(value: Value, pending: Unbound | None) -> str:
    """An argument as it stands in the name of an instance: ``64``, ``bottleneck``."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return f"{value:g}" if isinstance(value, float) else str(value)
    if pending is not None:
        return _short("".join(pending.node.span.text.split()), 24)
    return "a type" if isinstance(value, (str, Pixels)) else "a block"
