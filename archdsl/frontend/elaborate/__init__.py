"""Elaboration: from the syntax tree to the block that is the network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

from archdsl.diagnostics import ArchError, coded, fail, listing, nearest
from archdsl.frontend.elaborate.assemble import (
    Assembly,
    Candidate,
    ReadDocument,
    assemble,
)
from archdsl.frontend.elaborate.evaluate import Elaborator
from archdsl.frontend.elaborate.initial_values import Starting
from archdsl.frontend.elaborate.opaque import Opaque, opaque_layers, opaque_warnings
from archdsl.frontend.elaborate.structs import member
from archdsl.frontend.elaborate.unused import unknown_in_template, unknown_names
from archdsl.frontend.syntax import nodes
from archdsl.ir.block import Block, BlockStep, Combinator, Instance, layers_of
from archdsl.ir.gc_pause import collector_paused
from archdsl.ir.layer import Layer
from archdsl.ir.origin import Limits
from archdsl.ir.trampoline import run
from archdsl.layers.combinators import Repeat

__all__ = [
    "Collected",
    "Elaborated",
    "Limits",
    "check_unused",
    "collect",
    "elaborate",
    "expand",
    "opaque_warnings",
]


@dataclass(frozen=True)
class Elaborated:
    """A network with its templates expanded once each.

    ``parameters`` holds every ``param`` with its value, ``others`` the names of the networks that
    the text defines besides. ``changed`` are the parameters that are not at their defaults, and
    ``chosen`` says that without ``net`` it were another network.
    """

    name: str | None
    block: Block
    parameters: Mapping[str, Any]
    others: tuple[str, ...]
    changed: frozenset[str] = frozenset()
    chosen: bool = False
    opaque: tuple[Opaque, ...] = ()
    """The layer classes of the program that count as other layers, as far as it uses them."""


def elaborate(
    document: nodes.Document,
    *,
    net: str | None = None,
    settings: Mapping[str, Any] | None = None,
    limits: Limits | None = None,
    opaque: Mapping[str, str] | None = None,
    read: ReadDocument | None = None,
) -> Elaborated:
    """The network that a document defines: ``net``, else ``net_type``, else its last complete one.

    ``opaque`` says of layer classes of the program, by name, which layer each counts as, ``read``
    gives the documents of includes.

    Raises ArchError with every error of the definitions that the network uses, and every unknown
    name in the others.
    """
    collected = collect(document, settings, limits, read, opaque)
    expanded = expand(collected, net)
    used = collected.elaborator.opaque
    told = tuple(Opaque(name, (opaque or {})[name], span) for name, span in used.items())
    return replace(expanded, opaque=told)


class Collected(NamedTuple):
    """The definitions of a document, and what is to expand them."""

    document: nodes.Document
    assembly: Assembly
    elaborator: Elaborator

    @property
    def any(self) -> bool:
        """True if the file has a network or something meant as one; it may hold blocks alone."""
        suspects = any(c.own for c in self.assembly.suspects)
        return suspects or bool(_own(self.assembly, self.document))


@coded("E100")
@collector_paused()
def collect(
    document: nodes.Document,
    settings: Mapping[str, Any] | None = None,
    limits: Limits | None = None,
    read: ReadDocument | None = None,
    opaque: Mapping[str, str] | None = None,
) -> Collected:
    """The first half of :func:`elaborate`: includes are followed, constants evaluated.

    ``read`` gives the documents of includes. Raises ArchError with every error in them.
    """
    elaborator = Elaborator(limits or Limits(), Starting(document.source))
    layers = opaque_layers(elaborator, opaque or {})
    assembly = assemble(document, settings or {}, partial(member, elaborator), read, layers)
    return Collected(document, assembly, elaborator)


@coded("E100")
@collector_paused()
def expand(collected: Collected, net: str | None = None) -> Elaborated:
    """The second half of :func:`elaborate`: the network that is wanted, expanded."""
    document, assembly, elaborator = collected
    limits = elaborator.limits
    candidate = _choose(assembly, net, document)
    environment = candidate.environment
    block = run(elaborator.block(candidate.body, environment, subnet=True))
    check_unused(collected, candidate)
    if block.layers > limits.layers:
        raise _too_large(block, limits)
    names = dict.fromkeys(c.name for c in _own(assembly, document) if c.name is not None)
    others = tuple(name for name in names if name != candidate.name)
    chosen = net is not None and candidate is not _usual(assembly, document)
    changed = frozenset(assembly.changed)
    return Elaborated(candidate.name, block, assembly.parameters, others, changed, chosen)


def check_unused(collected: Collected, used: Candidate | None = None) -> None:
    """Raise ArchError for every error so far, and every unknown name in what was not expanded.

    C++ programs are left alone: they speak of much that is no network.
    """
    _, assembly, elaborator = collected
    expanded = elaborator.expanded()
    unnamed = [c for c in assembly.candidates if c.name is None and c is not used]
    waiting = chain(
        chain.from_iterable(unknown_names(c.body, "block", c.environment) for c in unnamed),
        chain.from_iterable(
            unknown_in_template(template)
            for template in assembly.definitions.templates()
            if template not in expanded
            and (used is None or template.definition.body is not used.body)
            and not template.definition.span.source.is_cpp
        ),
    )
    for error in waiting:
        if not elaborator.record(error):
            break
    if elaborator.errors:
        raise ArchError(elaborator.errors)


def _own(assembly: Assembly, document: nodes.Document) -> list[Candidate]:
    """The networks of a text; a C++ program may have all of its own in a header."""
    own = [c for c in assembly.candidates if c.own]
    return own if own or not document.source.is_cpp else assembly.candidates


def _choose(assembly: Assembly, net: str | None, document: nodes.Document) -> Candidate:
    found = _usual(assembly, document) if net is None else _named(net, assembly, document)
    if found is None:
        raise _no_network(assembly, document)
    return found


def _usual(assembly: Assembly, document: nodes.Document) -> Candidate | None:
    """The network that is taken where none is asked for by name."""
    own = _own(assembly, document)
    suspects = [c for c in assembly.suspects if c.own]
    own = [c for c in own if not c.variable] or own
    for candidates in (own, suspects):
        wanted = [c for c in candidates if c.short == "net_type"]
        if wanted:
            return wanted[-1]
    # The error of a definition that may be meant says more than that there is no network.
    return (own or suspects)[-1] if own or suspects else None


def _named(net: str, assembly: Assembly, document: nodes.Document) -> Candidate:
    """The network of a name, or of the last part of one; a C++ program's includes count."""
    known = [c for c in assembly.candidates if c.own or document.source.is_cpp]
    meant = [c for c in assembly.suspects if c.own or document.source.is_cpp]
    named = {c.short: c for c in (*meant, *known)} | {c.name: c for c in (*meant, *known)}
    if net in named:
        return named[net]
    names = list(dict.fromkeys(c.name for c in known if c.name is not None))
    raise fail(
        f"--net {net}: there is no network '{net}' in {document.source.name}",
        None,
        f"its networks are: {listing(names) or 'none'}",
        help=nearest(net, [name for name in named if name is not None]),
        code="E403",
    )


def _no_network(assembly: Assembly, document: nodes.Document) -> ArchError:
    own = [t for t in assembly.definitions.templates() if t.definition.name.span.source]
    if not own:
        return fail(
            f"{document.source.name} defines no network",
            help="write one, such as fc<10,relu<input<1,28,28>>>",
            code="E127",
        )
    last = own[-1].definition
    return fail(
        f"{document.source.name} defines no complete network",
        last.name.span,
        "expected a definition without parameters whose innermost layer is an input, "
        f"found blocks: {listing(t.name for t in own)}",
        help="the innermost layer of a network is an input, such as input<3,224,224>",
        code="E127",
    )


def _too_large(block: Block, limits: Limits) -> ArchError:
    """Name the template that grows: the innermost one that exceeds the limit by itself."""
    culprit: BlockStep | None = None
    names: list[str] = []
    while True:
        step = max(block.steps, key=lambda s: layers_of(s.what))
        inner = _largest(step.what)
        if culprit is not None and layers_of(step.what) <= limits.layers:
            break
        culprit = step
        if isinstance(step.what, Instance):
            names.append(step.what.shown)
        if inner is None or inner.layers <= limits.layers:
            break
        block = inner
    what = culprit.what
    if isinstance(what, Repeat):
        each = "1 layer" if what.block.layers == 1 else f"{what.block.layers} layers"
        grows = f"repeat<{what.count:,}> of {each}"
    elif isinstance(what, Instance):
        grows = f"'{what.shown}'"
    else:
        grows = "it"
    return fail(
        f"the network expands to more than {limits.layers:,} layers",
        culprit.span,
        f"{grows} alone expands to {layers_of(what):,}",
        *([f"reached through {listing(names)}"] if names else []),
        help="--max-layers raises the limit",
        code="E128",
    )


def _largest(what: Layer | Combinator | Instance) -> Block | None:
    if isinstance(what, Instance):
        return what.block
    if isinstance(what, Combinator):
        return max(what.blocks(), key=lambda b: b.layers, default=None)
    return None
