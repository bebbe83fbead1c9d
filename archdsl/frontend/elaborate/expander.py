"""The interface of template expansion, which its mutually dependent modules are written to.

:class:`~archdsl.frontend.elaborate.evaluate.Elaborator` implements it. Binding arguments and
reading structs expand templates, and expanding templates does both.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from archdsl.frontend.elaborate.arguments import Pending, Unbound
from archdsl.frontend.elaborate.initial_values import Starting
from archdsl.frontend.elaborate.scope import (
    Definitions,
    Environment,
    StructBinding,
    TemplateBinding,
    Value,
)
from archdsl.frontend.syntax import nodes
from archdsl.ir.block import Block, BlockStep
from archdsl.ir.layer import Definition
from archdsl.ir.origin import Limits
from archdsl.ir.trampoline import Task


class PartialBlock(NamedTuple):
    """The steps read so far from an expression, and the inner expression still to be read."""

    steps: tuple[BlockStep, ...]
    inner: Pending | None
    complete: bool


class Expander(Protocol):
    """Expands template expressions into blocks; every result is a task for the trampoline."""

    limits: Limits
    """The largest network that may come out."""

    structs: dict[Any, Definitions]
    """The instances of structs so far."""
    inlined: int
    """Number of members of structs that were read in the place of their names."""

    starting: Starting
    """Initial values that the text states for all layers of a kind."""

    def block(
        self, node: nodes.Expression, environment: Environment, *, subnet: bool
    ) -> Task[Block]:
        """The block that an expression means; with ``subnet`` it is a whole network or body."""

    def bind(
        self,
        template: TemplateBinding | StructBinding,
        name: nodes.Name,
        positional: list[Unbound],
        named: list[tuple[nodes.Name, Unbound]],
    ) -> Task[tuple[list[Value], list[str], dict[str, Value]]]:
        """The values of a template's arguments, as they are shown, and by the names of formals."""

    def argument(self, formal: nodes.Formal, pending: Unbound) -> Task[Value]:
        """The value of one argument of a template."""

    def step(
        self,
        callee: Definition | TemplateBinding,
        name: nodes.Name,
        positional: list[Unbound],
        named: list[tuple[nodes.Name, Unbound]],
    ) -> Task[BlockStep]:
        """The layer or template instance that a name with arguments means."""

    def note_opaque(self, name: nodes.Name) -> None:
        """Note that a network names a layer class that counts as another layer."""

    def count_instance(self, template: TemplateBinding | StructBinding, name: nodes.Name) -> None:
        """Raise ArchError where there are too many instances for one more."""
