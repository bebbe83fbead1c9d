"""The interface of the expansion of templates, to which its parts are written.

:class:`~archdsl.elaborate.evaluate.Elaborator` implements it. Binding arguments and reading structs
expand templates, and expanding templates does both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from archdsl.elaborate.arguments import Pending, Unbound
from archdsl.elaborate.scope import Definitions, Environment, StructBinding, TemplateBinding, Value
from archdsl.elaborate.trampoline import Task
from archdsl.layers.block import Block, Step
from archdsl.layers.definition import Definition
from archdsl.syntax import nodes


@dataclass(frozen=True)
class Limits:
    """The size of a network beyond which expansion is refused."""

    layers: int = 1_000_000
    levels: int = 256
    instances: int = 10_000


class Reading(NamedTuple):
    """The steps that a part of a network's expression means, and what is left to read inside it."""

    steps: tuple[Step, ...]
    inner: Pending | None
    complete: bool


class Expander(Protocol):
    """Expands template expressions into blocks; every result is a task for the trampoline."""

    structs: dict[Any, Definitions]
    """The instances of structs so far."""
    inlined: int
    """Number of members of structs that were read in the place of their names."""

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
    ) -> Task[Step]:
        """The layer or template instance that a name with arguments means."""

    def count_instance(self, template: TemplateBinding | StructBinding, name: nodes.Name) -> None:
        """Raise ArchError where there are too many instances for one more."""
