"""Name lookup: the definitions of a text in order, and the arguments of one expansion."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

from archdsl.diagnostics import ArchError, fail, listing, nearest
from archdsl.diagnostics.source import Span
from archdsl.frontend.elaborate.suggestions import spelling
from archdsl.frontend.syntax import nodes
from archdsl.ir.layer import definitions as builtin
from archdsl.ir.layer import lookup
from archdsl.ir.trampoline import Task
from archdsl.layers.synonyms import names_in_words, written_as

Tail = Literal["subnet", "complete", "block", "outer", "unknown"]


@dataclass(frozen=True, eq=False)
class TemplateBinding:
    """A user's template: its text, the definitions it can use, and the kind of its inner end.

    ``tail`` is "subnet" where the body ends in a parameter (``subnet`` is its index), "complete"
    where it ends in an input, "block" where it is a block without an end, which takes its subnet
    as one argument more; "outer" where it ends in a parameter of the struct that it is a member
    of (``subnet`` is that one's index); "unknown" where layers end in what may be an input, but is
    a class of the program or nothing known.
    """

    definition: nodes.Template
    definitions: Definitions
    position: int
    tail: Tail
    subnet: int | None
    alias: StructBinding | None = None
    """The struct that this template is an alias of."""

    @property
    def name(self) -> str:
        return self.definition.name.text

    @property
    def formals(self) -> tuple[nodes.Formal, ...]:
        return self.definition.formals


@dataclass(eq=False)
class StructBody:
    """A struct, or a specialisation of one, as it is written.

    ``members`` are its definitions before its parameters are known.
    """

    definition: nodes.Struct
    members: Definitions


@dataclass(frozen=True, eq=False)
class StructBinding:
    """A user's struct or class: the template itself first, then its specialisations."""

    definitions: Definitions
    position: int
    bodies: list[StructBody]

    @property
    def name(self) -> str:
        return self.bodies[0].definition.name.text

    @property
    def formals(self) -> tuple[nodes.Formal, ...]:
        return self.bodies[0].definition.formals or ()


@dataclass(eq=False)
class Deferred:
    """A constant that is evaluated where it is used: it may depend on what is not known before."""

    node: nodes.Expression
    kind: Any
    definitions: Definitions
    position: int
    value: Any = None
    running: bool = False


class Unread(NamedTuple):
    """A definition of a C++ source that is outside the language."""

    name: nodes.Name


class Formal(NamedTuple):
    """A parameter of a struct that has no value yet; ``place`` counts those of the struct."""

    place: int
    formal: nodes.Formal


class FunctionBinding(NamedTuple):
    """A function of numbers of a C++ program, and the scope that its body is read in."""

    definition: nodes.Function
    definitions: Definitions
    position: int


class Selector(NamedTuple):
    """``std::conditional_t``: one of two types, by a condition."""

    member: str | None


_SELECTORS = {"conditional_t": Selector(None), "conditional": Selector("type")}


class Subnet(NamedTuple):
    """The meaning of a template's subnet parameter inside its body."""

    name: str


Value = Any
"""A number, a block, a closure, a tag, pixels or a type: what an argument evaluates to."""


@dataclass(eq=False)
class Definitions:
    """The definitions of a scope, its parents' behind them; a name sees earlier ones only.

    The outermost scope is a text and its includes. Namespaces and blocks count positions as the
    scope around them does; a struct's members have positions of their own and see what stands
    before the struct (``outer``). ``generic`` are the members of which those of an instance are
    made when first asked for, ``struct`` what it is an instance of.
    """

    parent: Definitions | None = None
    name: str = ""
    outer: int | None = None
    generic: Definitions | None = None
    struct: nodes.Struct | None = None
    known: bool = True
    """True if its definitions depend on no parameters of a struct."""
    root: Definitions = field(init=False)
    spaces: dict[str, Definitions] = field(default_factory=dict)
    used: list[Definitions] = field(default_factory=list)
    bases: list[Definitions] = field(default_factory=list)
    """The members of the structs that a struct is derived from, as far as it has no template."""
    missing: list[str] = field(default_factory=list)
    """Files whose includes were passed over."""
    resolve: Callable[[nodes.Name, Environment], Task[Any]] | None = None
    """The function that evaluates names with a scope, set on the outermost definitions."""
    opaque: Mapping[str, Any] = field(default_factory=dict)
    """The layers, as closures, that layer classes of the program count as; on the outermost."""
    calls: int = 0
    """Number of calls of the program's own functions so far, on the outermost definitions."""
    _bindings: dict[str, list[tuple[int, Any]]] = field(default_factory=dict)
    _made: dict[int, Any] = field(default_factory=dict)
    _loose: dict[str, list[tuple[int, Any]]] = field(default_factory=dict)
    _order: list[tuple[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        parent = self.parent
        self.root = self if parent is None else parent.root
        if parent is not None and self.outer is None:
            self._order = parent._order
            self.known = parent.known

    @property
    def position(self) -> int:
        """The position of the next definition: everything so far is visible from there."""
        return len(self._order)

    def add(self, name: str, binding: Any) -> None:
        """Append a definition; it shadows an earlier one of its name, for later ones."""
        entry = (self.position, binding)
        self._bindings.setdefault(name, []).append(entry)
        if self.name and self._order is self.root._order:
            self.root._loose.setdefault(name, []).append(entry)
        self._order.append((name, binding))

    def bind(self, name: str, value: Any) -> None:
        """Give a parameter its value, which every member sees."""
        self._bindings[name] = [(-1, value)]

    def space(self, path: tuple[str, ...]) -> Definitions:
        """The namespace of a path, made where there is none yet."""
        scope = self
        for part in path:
            if part not in scope.spaces:
                scope.spaces[part] = Definitions(scope, part)
            scope = scope.spaces[part]
        return scope

    def own(self, name: str, position: int) -> Any:
        """The meaning of a name in this scope alone, ``None`` where it has none."""
        bindings = self._bindings.get(name)
        if bindings is not None:
            index = bisect_left(bindings, position, key=lambda pair: pair[0])
            if index:
                return bindings[index - 1][1]
        if self.generic is not None:
            found = self.generic.own(name, position)
            if found is not None and not isinstance(found, Formal):
                key = id(found)
                if key not in self._made:
                    self._made[key] = _rebased(found, self)
                return self._made[key]
        for space in self.used:
            found = space.own(name, position)
            if found is not None:
                return found
        for base in self.bases:
            found = base.own(name, base.position)
            if found is not None:
                return found
        return None

    def get(self, name: str, position: int) -> Any:
        """The meaning of a name at a position, ``None`` where it has none."""
        scope = self
        if name in self.root.opaque:
            return self.root.opaque[name].callee
        while True:
            if name in scope._bindings or scope.generic or scope.used or scope.bases:
                found = scope.own(name, position)
                if found is not None:
                    return found
            if scope.parent is None:
                break
            if scope.outer is not None:
                position = scope.outer
            scope = scope.parent
        found = lookup(name)
        if found is None and scope._loose:
            bindings = scope._loose.get(name, [])
            index = bisect_left(bindings, position, key=lambda pair: pair[0])
            if index:
                return bindings[index - 1][1]
        return found if found is not None else _SELECTORS.get(name)

    def inner(self, part: str, position: int) -> tuple[Definitions, int] | None:
        """The namespace that a name means from a position, and that position in it."""
        scope: Definitions | None = self
        while scope is not None:
            for place in (scope, *scope.used):
                if part in place.spaces:
                    return place.spaces[part], position
            if scope.outer is not None:
                position = scope.outer
            scope = scope.parent
        return None

    def path(self) -> tuple[str, ...]:
        """The names of the scopes from the outermost to this one."""
        names: list[str] = []
        scope: Definitions | None = self
        while scope is not None:
            names.append(scope.name)
            scope = scope.parent
        return tuple(reversed([name for name in names if name]))

    def templates(self) -> Iterator[TemplateBinding]:
        """The user's templates in the order of their definition."""
        return (b for _, b in self._order if isinstance(b, TemplateBinding))

    def unknown(
        self, name: nodes.Name, position: int, local: Mapping[str, Any], *, number: bool = False
    ) -> ArchError:
        """The error for a name without a meaning."""
        scope: Definitions | None = self
        while scope is not None and name.text not in scope._bindings:
            scope = scope.parent
        if scope is not None:
            later = scope._bindings[name.text][0][1]
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
            makers = written_as(name.text) or ("residual", "parallel", "add_prev")
            return fail(
                f"'{name.text}' has several inputs and is not written by itself",
                name.span,
                help=f"{names_in_words(makers)} makes it",
                code="E104",
            )
        bindings = self._known()
        if number:
            return self._unknown_number(name, position, [*local, *bindings])
        known = [*local, *bindings, *(n for n, d in builtin().items() if d.writable)]
        cpp = name.span.source.is_cpp
        help = spelling(name.text, known, cpp=cpp) or "archdsl layers lists what is built in"
        own_class = (
            [
                "a layer class of the program has to be written with layers of the catalogue",
                f"--opaque {name.text}=LAYER says which layer one of another file counts as",
            ]
            if cpp
            else []
        )
        own = listing(reversed(bindings)) if bindings else "none"
        return fail(
            f"unknown layer or template '{name.text}'",
            name.span,
            f"defined in this file: {own}",
            *self._passed_over(),
            *own_class,
            help=help,
            code="E101",
        )

    def _unknown_number(self, name: nodes.Name, position: int, known: list[str]) -> ArchError:
        numbers = [n for n in known if isinstance(self.get(n, position), (int, float))]
        defines: str | None = None
        if not name.span.source.is_cpp:
            defines = f"const int {name.text} = 3; defines one, param one that -D can set"
        elif name.text.isidentifier():  # not the element that an array lacks
            defines = f"-D {name.text}=3 gives it a value, as a compiler's -D does"
        return fail(
            f"there is no number '{name.text}'",
            name.span,
            f"numbers that are defined here: {listing(numbers) or 'none'}",
            *self._passed_over(),
            help=nearest(name.text, known) or defines,
            code="E101",
        )

    def _known(self) -> list[str]:
        """The names that the scopes from the outermost to this one define."""
        scopes: list[Definitions] = []
        scope: Definitions | None = self
        while scope is not None:
            scopes.append(scope)
            scope = scope.parent
        names = (n for s in reversed(scopes) for n in (s.generic or s)._bindings)
        return list(dict.fromkeys(names))

    def _passed_over(self) -> list[str]:
        missing = self.root.missing
        return [f"included files that are not there: {listing(missing)}"] if missing else []


def _rebased(member: Any, scope: Definitions) -> Any:
    """A member of a struct as that of an instance, whose parameters have values."""
    if isinstance(member, Deferred):
        return Deferred(member.node, member.kind, scope, member.position)
    if isinstance(member, (TemplateBinding, StructBinding)):
        return replace(member, definitions=scope)
    return member


def _contains(outer: Span, inner: Span) -> bool:
    return outer.source is inner.source and outer.start <= inner.start and inner.end <= outer.end


class Environment(NamedTuple):
    """The names an expression may use: definitions before its position, and template arguments."""

    definitions: Definitions
    position: int
    local: Mapping[str, Value]

    def get(self, name: str) -> Any:
        """The meaning of a name without a scope, ``None`` where it has none."""
        if name in self.local:
            return self.local[name]
        return self.definitions.get(name, self.position)

    def require(self, name: nodes.Name, *, number: bool = False) -> Any:
        """The meaning of a name; raises ArchError where it has none."""
        found = self.get(name.text)
        if found is None:
            raise self.definitions.unknown(name, self.position, self.local, number=number)
        return found
