"""Elaboration: template expressions become blocks.

Every template instance is elaborated once per set of arguments, so the work is bounded by the text
and its distinct instances, not by the network that they expand to. A network's expression is read
from the outside in by a loop along the subnet arguments.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from archdsl.diagnostics import ArchError, Diagnostic, Frame, fail
from archdsl.diagnostics.source import Span
from archdsl.frontend.elaborate import bind as binding
from archdsl.frontend.elaborate import structs
from archdsl.frontend.elaborate.arguments import (
    Given,
    Pending,
    Unbound,
    flat,
    in_parentheses,
    index_of,
    is_complete,
    no_subnet,
    own_formals,
    short,
    split,
    takes_block,
    variadic,
)
from archdsl.frontend.elaborate.arguments import positional as positional_of
from archdsl.frontend.elaborate.expander import PartialBlock
from archdsl.frontend.elaborate.initial_values import Starting
from archdsl.frontend.elaborate.scope import (
    Definitions,
    Environment,
    StructBinding,
    Subnet,
    TemplateBinding,
)
from archdsl.frontend.elaborate.tails import net_like
from archdsl.frontend.syntax import nodes
from archdsl.ir.block import Block, BlockStep, Combinator, Instance
from archdsl.ir.layer import Definition, Layer, lookup
from archdsl.ir.origin import Limits
from archdsl.ir.trampoline import Task
from archdsl.layers.own_classes import OwnInput, OwnLoss, own_input, own_loss

MAX_ERRORS = 50


@dataclass
class Elaborator:
    """The state of one elaboration: instances made so far, and errors found so far."""

    limits: Limits
    starting: Starting
    errors: list[Diagnostic] = field(default_factory=list)
    structs: dict[Any, Definitions] = field(default_factory=dict)
    """The instances of structs so far."""
    inlined: int = 0
    """Number of members of structs that were read in the place of their names."""
    opaque: dict[str, Span] = field(default_factory=dict)
    """First places where layer classes that count as another layer are named."""
    _instances: dict[Any, Instance] = field(default_factory=dict)
    _identities: dict[Any, int] = field(default_factory=dict)
    _literal_layers: dict[tuple[Any, ...] | None, Layer] = field(default_factory=dict)
    _shared: dict[Layer | Combinator, Layer | Combinator] = field(default_factory=dict)
    _representative: set[int] = field(default_factory=set)
    """The ids of what is kept in ``_shared``, so that they mean the same throughout."""
    _frames: list[Frame] = field(default_factory=list)
    _told: set[tuple[str, Span | None]] = field(default_factory=set)

    bind = binding.bind
    argument = binding.template_argument

    # ---- networks and blocks ----

    def block(
        self, node: nodes.Expression, environment: Environment, *, subnet: bool
    ) -> Task[Block]:
        """The block that an expression means.

        With ``subnet`` the expression is a whole network or the body of a template with a subnet:
        every layer on the way has one inside. Without, it is a block that waits for its subnet.
        """
        steps: list[BlockStep] = []  # outermost first
        at: Pending | None = Pending(node, environment)
        complete = False
        while at is not None:
            try:
                partial = self._read(at, subnet)
                if not isinstance(partial, PartialBlock):
                    partial = yield partial
            except ArchError as error:
                self.record(error)
                at = self._skip(at)
                continue
            steps.extend(reversed(partial.steps))
            at, complete = partial.inner, partial.complete
        steps.reverse()
        key = (complete, *(self._identity(step.what) for step in steps))
        identity = self._identities.setdefault(key, len(self._identities))
        return Block(tuple(steps), complete, identity)

    def _identity(self, what: Layer | Combinator | Instance) -> int:
        """A number that equal steps share; where they are written does not count."""
        # Of instances there is one per template and arguments; hashing a layer takes its time.
        if isinstance(what, Instance) or id(what) in self._representative:
            return id(what)
        shared = id(self._shared.setdefault(what, what))
        self._representative.add(shared)
        return shared

    def expanded(self) -> set[TemplateBinding]:
        """The templates that have instances."""
        return {key[0] for key in self._instances}

    def record(self, error: ArchError) -> bool:
        """Add an error's new diagnostics to the list; False when the list is full."""
        frames = tuple(reversed(self._frames))
        for d in error.diagnostics:
            # A template is elaborated for every set of arguments: its mistakes are told once.
            place = d.message, d.span
            if len(self.errors) < MAX_ERRORS and place not in self._told:
                self._told.add(place)
                self.errors.append(d if d.frames else _framed(d, frames))
        return len(self.errors) < MAX_ERRORS

    def _skip(self, at: Pending) -> Pending | None:
        """The expression to go on with behind an error: the subnet, to find its errors too."""
        node = at.node
        inner = node.arguments[-1] if isinstance(node, nodes.Apply) and node.arguments else None
        if isinstance(inner, nodes.Apply) and net_like(inner, at.environment, {}):
            return Pending(inner, at.environment)
        return None

    def _read(self, at: Pending, subnet: bool) -> PartialBlock | Task[PartialBlock]:
        """One step from the outside in; most of them need no task."""
        node, environment = at
        if isinstance(node, nodes.Group):
            return PartialBlock((), Pending(node.inner, environment), False)
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
        name, arguments = (node, ()) if isinstance(node, nodes.Name) else node[:2]
        if name.scope is not None:
            return self._read_member(name, arguments, environment, subnet)
        meaning = environment.get(name.text)
        if meaning is None:
            return _not_defined(name, arguments, environment, subnet)
        return self._read_as(meaning, name, arguments, environment, subnet)

    def _read_member(
        self,
        name: nodes.Name,
        arguments: tuple[nodes.Argument, ...],
        environment: Environment,
        subnet: bool,
    ) -> Task[PartialBlock]:
        """A step whose name has a scope."""
        meaning = yield structs.member(self, name, environment)
        partial = self._read_as(meaning, name, arguments, environment, subnet)
        return partial if isinstance(partial, PartialBlock) else (yield partial)

    def _read_as(
        self,
        meaning: Any,
        name: nodes.Name,
        arguments: tuple[nodes.Argument, ...],
        environment: Environment,
        subnet: bool,
    ) -> PartialBlock | Task[PartialBlock]:
        """A step by what its name means."""
        if isinstance(meaning, Subnet):
            return _end_at_subnet(name, arguments, subnet)
        positional, named = split(arguments, environment)
        if isinstance(meaning, Block):
            return self._splice(meaning, name, positional, named, subnet)
        if structs.is_type(meaning):
            return structs.read(self, meaning, name, positional, named, subnet)
        opaque = environment.definitions.root.opaque.get(name.text)
        if opaque is not None and meaning is opaque.callee:
            # What the class itself is given means nothing to the other layer.
            self.note_opaque(name)
            has_subnet = bool(arguments) and (subnet or net_like(arguments[-1], environment, {}))
            positional, named = [*opaque.positional, *positional[-1:][:has_subnet]], []
        callee, positional = flat(meaning, name, positional)
        inner = self._take_subnet(callee, name, positional, subnet)
        known = None if named else self._literal_layers.get(_literal_key(callee, name, positional))
        if known is not None:
            return PartialBlock(
                (BlockStep(known, name.span),), inner, inner is None and is_complete(callee)
            )
        return self._read_step(callee, name, positional, named, inner)

    def _read_step(
        self,
        callee: Definition | TemplateBinding,
        name: nodes.Name,
        positional: list[Unbound],
        named: list[tuple[nodes.Name, Unbound]],
        inner: Pending | None,
    ) -> Task[PartialBlock]:
        """A layer or template whose arguments are still to be evaluated."""
        step = yield self.step(callee, name, positional, named)
        return PartialBlock((step,), inner, inner is None and is_complete(callee))

    def _splice(
        self,
        block: Block,
        name: nodes.Name,
        positional: list[Unbound],
        named: list[tuple[nodes.Name, Unbound]],
        subnet: bool,
    ) -> PartialBlock:
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
        return PartialBlock(block.steps, inner, block.complete and inner is None)

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
        given = [argument.node for argument in positional]
        if not subnet and index_of(callee, given, candidate.environment):
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
    ) -> Task[BlockStep]:
        if isinstance(callee, TemplateBinding):
            instance = yield self._instance(callee, name, positional, named)
            return BlockStep(instance, name.span)
        what: Layer | Combinator = yield binding.layer(self, callee, name, positional, named)
        key = None if named else _literal_key(callee, name, positional)
        if key is not None and isinstance(what, Layer):
            self._literal_layers[key] = what
        return BlockStep(what, name.span)

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
            found = Instance(template.name, text, block, numbers, template.definition.doc)
            self._instances[key_] = found
        if len(self._frames) + found.block.depth + 1 > self.limits.levels:
            raise self._too_deep(template, name.span)
        return found

    def note_opaque(self, name: nodes.Name) -> None:
        self.opaque.setdefault(name.text, name.span)

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


def _not_defined(
    name: nodes.Name,
    arguments: tuple[nodes.Argument, ...],
    environment: Environment,
    subnet: bool,
) -> PartialBlock:
    """A loss or input that a C++ program has from elsewhere; raises ArchError for other names."""
    cpp = name.span.source.is_cpp
    last = arguments[-1] if arguments else None
    inside = last is not None and net_like(last, environment, {})
    if cpp and own_loss(name.text) and (inside or not subnet):
        inner = Pending(positional_of(last), environment) if inside and last is not None else None
        step = BlockStep(OwnLoss(name.text.removesuffix("_")), name.span)
        return PartialBlock((step,), inner, False)
    if cpp and own_input(name.text) and subnet and not inside:
        return PartialBlock((BlockStep(OwnInput(name=name.text), name.span),), None, True)
    raise environment.definitions.unknown(name, environment.position, environment.local)


def _end_at_subnet(
    name: nodes.Name, arguments: tuple[nodes.Argument, ...], subnet: bool
) -> PartialBlock:
    """A template's own subnet, where its body ends."""
    if arguments:
        raise fail(f"'{name.text}' is a subnet and takes no arguments", name.span, code="E120")
    if not subnet:
        raise fail(
            "a block is written without its subnet",
            name.span,
            f"'{name.text}' stands inside an argument that is itself a block",
            help=f"leave '{name.text}' out here: the block is applied to it",
            code="E137",
        )
    return PartialBlock((), None, False)


def _literal_key(
    callee: Definition | TemplateBinding, name: nodes.Name, positional: list[Unbound]
) -> tuple[Any, ...] | None:
    """Key of a layer whose arguments are all integers, since most such have occurred before.

    ``None`` for layers with other arguments.
    """
    key: list[Any] = [callee, id(name.span.source)]  # a file may say how its layers start
    for argument in positional:
        node = argument.node
        if type(node) is not nodes.Integer:
            return None
        key.append(node.value)
    return tuple(key)


def _framed(d: Diagnostic, frames: tuple[Frame, ...]) -> Diagnostic:
    return replace(d, frames=frames)
