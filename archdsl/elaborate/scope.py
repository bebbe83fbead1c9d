"""What names mean: the definitions of a text in order, and the arguments of one expansion."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from archdsl.diagnostics import ArchError, fail, listing, nearest
from archdsl.elaborate.spelling import spelling
from archdsl.layers.definition import Definition, lookup
from archdsl.layers.definition import definitions as builtin
from archdsl.layers.endpoints import InputLayer
from archdsl.source import Span
from archdsl.syntax import nodes

Tail = Literal["subnet", "complete", "block"]


@dataclass(frozen=True, eq=False)
class TemplateBinding:
    """A user's template: its text, what it can see, and what stands at its inner end.

    ``tail`` is "subnet" where the body ends in a parameter (``subnet`` is its index), "complete"
    where it ends in an input, "block" where it is a block without an end, which takes its subnet
    as one argument more.
    """

    definition: nodes.Template
    definitions: Definitions
    position: int
    tail: Tail
    subnet: int | None

    @property
    def name(self) -> str:
        return self.definition.name.text


class Subnet(NamedTuple):
    """The meaning of a template's subnet parameter inside its body."""

    name: str


Value = Any
"""A number, a block, a closure, a tag, pixels or a type: what an argument evaluates to."""


@dataclass(eq=False)
class Definitions:
    """All definitions of a text and its includes; a name sees earlier definitions only."""

    _bindings: dict[str, list[tuple[int, Any]]] = field(default_factory=dict)
    _order: list[tuple[str, Any]] = field(default_factory=list)

    @property
    def position(self) -> int:
        """The position of the next definition: everything so far is visible from there."""
        return len(self._order)

    def add(self, name: str, binding: Any) -> None:
        """Append a definition; it shadows an earlier one of its name, for later ones."""
        self._bindings.setdefault(name, []).append((self.position, binding))
        self._order.append((name, binding))

    def get(self, name: str, position: int) -> Any:
        """The meaning of a name at a position, ``None`` where it has none."""
        bindings = self._bindings.get(name)
        if bindings is not None:
            index = bisect_left(bindings, position, key=lambda pair: pair[0])
            if index:
                return bindings[index - 1][1]
        return lookup(name)

    def templates(self) -> Iterator[TemplateBinding]:
        """The user's templates in the order of their definition."""
        return (b for _, b in self._order if isinstance(b, TemplateBinding))

    def unknown(
        self, name: nodes.Name, position: int, local: Mapping[str, Any], *, number: bool = False
    ) -> ArchError:
        """The error for a name without a meaning."""
        if name.text in self._bindings:
            later = self._bindings[name.text][0][1]
            where = ""
            if isinstance(later, TemplateBinding):
                if _contains(later.definition.span, name.span):
                    return fail(
                        f"'{name.text}' is defined by itself",
                        name.span,
                        "a definition may use earlier definitions only, so templates never recurse",
                        help="repeat<N, block, SUBNET> applies a block several times",
                        code="E103",
                    )
                where = f", at line {later.definition.name.span.position[0]}"
            return fail(
                f"'{name.text}' is defined later{where}",
                name.span,
                "a definition may use earlier definitions only",
                help="move it up",
                code="E102",
            )
        if name.text in builtin():
            return fail(
                f"'{name.text}' has several inputs and is not written by itself",
                name.span,
                help="residual, parallel, add_prev and the other combinators make it",
                code="E104",
            )
        if number:
            return self._unknown_number(name, local)
        known = [*local, *self._bindings, *(n for n, d in builtin().items() if d.writable)]
        help = spelling(name.text, known) or "archdsl layers lists what is built in"
        own = listing(reversed(self._bindings)) if self._bindings else "none"
        return fail(
            f"unknown layer or template '{name.text}'",
            name.span,
            f"defined in this file: {own}",
            help=help,
            code="E101",
        )

    def _unknown_number(self, name: nodes.Name, local: Mapping[str, Any]) -> ArchError:
        defined = {n: pairs[-1][1] for n, pairs in self._bindings.items()} | dict(local)
        numbers = [n for n, value in defined.items() if isinstance(value, (int, float))]
        return fail(
            f"there is no number '{name.text}'",
            name.span,
            f"numbers that are defined here: {listing(numbers) or 'none'}",
            help=nearest(name.text, numbers)
            or f"const int {name.text} = 3; defines one, param one that -D can set",
            code="E101",
        )


def _contains(outer: Span, inner: Span) -> bool:
    return outer.source is inner.source and outer.start <= inner.start and inner.end <= outer.end


class Environment(NamedTuple):
    """Where an expression is evaluated: what is defined before it, and template arguments."""

    definitions: Definitions
    position: int
    local: Mapping[str, Value]

    def get(self, name: str) -> Any:
        if name in self.local:
            return self.local[name]
        return self.definitions.get(name, self.position)

    def require(self, name: nodes.Name, *, number: bool = False) -> Any:
        """The meaning of a name, a ``number``'s perhaps; raises ArchError where it has none."""
        found = self.get(name.text)
        if found is None:
            raise self.definitions.unknown(name, self.position, self.local, number=number)
        return found


def tail_of(definition: nodes.Template, environment: Environment) -> tuple[Tail, int | None]:
    """What stands at the inner end of a template's body; a loop along the last arguments."""
    formals = {f.name.text: i for i, f in enumerate(definition.formals) if f.name is not None}
    types = {
        f.name.text
        for f in definition.formals
        if f.name is not None and isinstance(f, nodes.TypeFormal)
    }
    node: nodes.Argument = definition.body
    while True:
        if isinstance(node, nodes.Name):
            if node.text in formals:
                return ("subnet", formals[node.text]) if node.text in types else ("block", None)
            return _tail_of_reference(environment.get(node.text)), None
        if not isinstance(node, nodes.Apply):
            return "block", None
        head = environment.get(node.name.text) if node.name.text not in formals else None
        if _tail_of_reference(head) == "complete":
            return "complete", None
        inner = node.arguments[-1] if node.arguments else None
        if isinstance(head, TemplateBinding) and head.subnet is not None:
            index = head.subnet
            if len(node.arguments) == len(head.definition.formals):
                inner = node.arguments[index]
        if isinstance(inner, nodes.Name) and inner.text in formals and inner.text not in types:
            return "block", None
        if not isinstance(inner, (nodes.Name, nodes.Apply)):
            return "block", None
        if inner is not None and not net_like(inner, environment, formals):
            return "block", None
        node = inner


def _tail_of_reference(binding: Any) -> Tail:
    if isinstance(binding, TemplateBinding):
        return "complete" if binding.tail == "complete" else "block"
    if isinstance(binding, Definition) and issubclass(binding.cls, InputLayer):
        return "complete"
    return "block"


def net_like(node: nodes.Argument, environment: Environment, formals: Mapping[str, Any]) -> bool:
    """Whether an argument is a network or a block, going by what its name means."""
    if not isinstance(node, (nodes.Name, nodes.Apply)):
        return False
    name = node if isinstance(node, nodes.Name) else node.name
    if name.text in formals:
        return True
    found = environment.get(name.text)
    # An unknown name is taken for a layer: that is what the reader will be told about it.
    return not (
        isinstance(found, (int, float)) or name.text in CPP_CONTAINERS or name.text in PIXELS
    )


CPP_CONTAINERS = ("matrix", "array", "array2d", "vector")
PIXELS = {
    "rgb_pixel": 3,
    "bgr_pixel": 3,
    "hsi_pixel": 3,
    "lab_pixel": 3,
    "rgb_alpha_pixel": 4,
}
"""dlib's pixel types and their channels."""
